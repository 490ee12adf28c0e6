/** A large file of every format: a golden case whose records are repeated, with new ids in each round, so that nothing in it is a copy of a record before. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Irregularities } from '../../server/src/formats/jsonSpans.ts';
import { parseSlice } from '../../server/src/formats/lenientJson.ts';

export interface Recipe {
  readonly format: string;
  /** Under test/golden. */
  readonly golden: string;
  /** Members that lead to the array whose elements are repeated, [] for the root; absent: the lines of the file are. */
  readonly at?: readonly string[];
  /** The whole text is repeated: it has no ids. */
  readonly isText?: boolean;
  /** The records that are repeated, the others of the case stand once; absent: all. */
  readonly take?: readonly [number, number];
  /** Members whose ids stay, because all records share them. */
  readonly shared?: readonly string[];
  /** In a chain: the id before a round, which from the second round on is the second one of the round before. */
  readonly chain?: readonly [string, string];
}

export const RECIPES: readonly Recipe[] = [
  { format: 'plan-trace-log', golden: 'formats/recorded.trace.jsonl' },
  { format: 'plan-trace', golden: 'formats/planObject.trace.json', at: ['execution_steps'] },
  { format: 'atif', golden: 'formats/atif.trajectory.json', at: ['steps'], take: [3, 7] },
  { format: 'inspect', golden: 'formats/harbour.inspect.json', at: ['samples'] },
  { format: 'codex', golden: 'agentRuns/codex.rollout.jsonl', take: [3, 29] },
  { format: 'gemini-cli', golden: 'agentRuns/gemini.session.json', at: ['messages'] },
  { format: 'swe-agent', golden: 'agentRuns/swe.traj', at: ['trajectory'] },
  { format: 'mini-swe-agent', golden: 'agentRuns/mini.traj.json', at: ['messages'], take: [2, 8] },
  { format: 'openhands', golden: 'agentRuns/openhandsV1.jsonl', take: [3, 14] },
  { format: 'langfuse', golden: 'formats/bread.langfuse.json', at: ['observations'], take: [0, 7], shared: ['traceId', 'projectId'] },
  { format: 'claude-code', golden: 'formats/claude.session.jsonl', take: [4, 14], shared: ['sessionId'], chain: ['u1', 'r2'] },
  { format: 'mlflow', golden: 'formats/sorting.mlflow.json', at: ['data', 'spans'], take: [1, 4], shared: ['trace_id', 'mlflow.traceRequestId'] },
  { format: 'langsmith', golden: 'formats/grove.langsmith.jsonl' },
  { format: 'openai-agents', golden: 'formats/lighthouse.agents.jsonl' },
  { format: 'tau-bench', golden: 'agentRuns/tau1.json', at: [] },
  { format: 'otlp', golden: 'spans/tripPlanner.otlp.jsonl' },
  { format: 'phoenix', golden: 'spans/handbook.phoenix.json', at: [] },
  { format: 'copilot-spans', golden: 'spans/rename.copilot.jsonl', take: [1, 9] },
  { format: 'dspy', golden: 'agentRuns/dspyHistory.json', at: [] },
  { format: 'lats', golden: 'agentRuns/lats.jsonl' },
  { format: 'react-text', golden: 'agentRuns/react.log', isText: true },
  { format: 'openai-responses', golden: 'responses/batch.responses.jsonl' },
  { format: 'openai-messages', golden: 'formats/chat.messages.json', at: ['messages'], take: [2, 10] },
];

export interface LargeFile {
  readonly path: string;
  readonly text: string;
  /** How often the records stand in it. */
  readonly rounds: number;
}

/** At least `bytes` long (ASCII counted). */
export function largeFile(recipe: Recipe, bytes: number): LargeFile {
  const path = join('test/golden', recipe.golden);
  const golden = readFileSync(path, 'utf8');
  if (recipe.isText === true) {
    const rounds = Math.ceil(bytes / golden.length);
    return { path, text: golden.repeat(rounds), rounds };
  }
  const whole: unknown = recipe.at === undefined ? golden.split('\n').filter(isJson).map((line): unknown => JSON.parse(line)) : parseSlice(golden, 0, golden.length, new Irregularities());
  const records = (recipe.at ?? []).reduce<unknown>((value, key) => (value as Readonly<Record<string, unknown>>)[key], whole) as readonly unknown[];
  const [from, to] = recipe.take ?? [0, records.length];
  const separator = recipe.at === undefined ? '\n' : ',\n';
  const round = roundsOf(records.slice(from, to), separator, recipe);
  const repeated: string[] = [];
  for (let size = 0; size < bytes;) {
    const text = round(repeated.length);
    repeated.push(text);
    size += text.length + separator.length;
  }
  const all = [...records.slice(0, from).map((r) => JSON.stringify(r)), ...repeated, ...records.slice(to).map((r) => JSON.stringify(r))].join(separator);
  const text = recipe.at === undefined ? `${all}\n` : JSON.stringify(replaced(whole, recipe.at, HOLE)).replace(JSON.stringify(HOLE), () => `[\n${all}\n]`);
  return { path, text, rounds: repeated.length };
}

const HOLE = '\u{E000}hole\u{E000}';
/** In the template of a round: `<E001>index<E001>` for an id that is text, with its quotes `<E002>number<E002>` for one that is a number. */
const MARK = /\u{E001}(\d+)\u{E001}|"\u{E002}(\d+)\u{E002}"/u;

/** Prints the records with the ids of a round: all ids of the template are told from those of other rounds, and stand for each other as before. */
function roundsOf(records: readonly unknown[], separator: string, { shared = [], chain }: Recipe): (round: number) => string {
  const ids = [...new Set(idsIn(records, new Set(shared)))];
  const indexOf = new Map(ids.map((id, i) => [id, i]));
  const before = chain === undefined ? undefined : ids.push(chain[0]) - 1;
  if (chain !== undefined && before !== undefined) indexOf.set(chain[0], before);
  const mark = (key: string, value: unknown): unknown => {
    if (typeof value === 'number' && isIdName(key) && !shared.includes(key)) return `\u{E002}${value}\u{E002}`;
    if (typeof value !== 'string' || shared.includes(key)) return value;
    const index = indexOf.get(value);
    if (index !== undefined) return `\u{E001}${index}\u{E001}`;
    return key === 'dotted_order' ? value.replace(/(?<=Z)[^.]+/g, (id) => (indexOf.has(id) ? `\u{E001}${indexOf.get(id)}\u{E001}` : id)) : value;
  };
  const template = records.map((record) => JSON.stringify(record, mark)).join(separator).split(MARK);
  const named = (index: number, round: number): string => {
    if (index === before) return round === 0 ? chain?.[0] ?? '' : named(indexOf.get(chain?.[1] ?? '') ?? -1, round - 1);
    return renamed(ids[index] ?? '', round * ids.length + index + 1, round);
  };
  return (round) => {
    let text = '';
    for (let i = 0; i < template.length; i += 3) {
      text += template[i] ?? '';
      const [id, number] = [template[i + 1], template[i + 2]];
      if (id !== undefined) text += JSON.stringify(named(Number(id), round)).slice(1, -1);
      else if (number !== undefined) text += String(Number(number) + round * 1000);
    }
    return text;
  };
}

/** An id of the same kind: of as many hexadecimal digits, of eight bytes in base64, else with the round behind it. */
function renamed(id: string, count: number, round: number): string {
  if (/^[\da-f]{16,}$/.test(id)) return count.toString(16).padStart(id.length, id.slice(0, 4).padEnd(id.length, '0'));
  if (/^[A-Za-z\d+/]{11}=$/.test(id)) return Buffer.from(count.toString(16).padStart(16, '0'), 'hex').toString('base64');
  return `${id}~${round}`;
}

function isIdName(key: string): boolean {
  return /(?:^|_|\.)(?:id|uuid)$|(?:Id|ID|Uuid)$/.test(key);
}

function* idsIn(value: unknown, shared: ReadonlySet<string>): Generator<string> {
  if (typeof value !== 'object' || value === null) return;
  for (const [key, inner] of Object.entries(value)) {
    if (typeof inner === 'string' && inner !== '' && isIdName(key) && !shared.has(key)) yield inner;
    else yield* idsIn(inner, shared);
  }
}

function replaced(value: unknown, [key, ...rest]: readonly string[], by: unknown): unknown {
  if (key === undefined) return by;
  const members = value as Readonly<Record<string, unknown>>;
  return { ...members, [key]: replaced(members[key], rest, by) };
}

/** Golden cases hold broken lines too. */
function isJson(line: string): boolean {
  try {
    return typeof JSON.parse(line) === 'object';
  } catch {
    return false;
  }
}
