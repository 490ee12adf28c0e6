/** The log of a LATS search: every `NEW NODE: Node(depth=…, thought=…, action=…, observation=…)` is a decision that was tried. */
import type { OffsetRange, PlanTrace, TraceMeta } from '../core/planTrace.ts';
import { asNumber, settled } from './jsonFields.ts';
import { looksLikeFailure } from './messageContent.ts';
import { OpenSteps } from './openSteps.ts';
import { assembleTrace, type UniqueIds } from './traceAssembly.ts';

interface Search {
  readonly goal: { readonly text: string; readonly range: OffsetRange } | undefined;
  readonly steps: OpenSteps;
  readonly start: number;
  end: number;
  /** Depth of the node before, while no other log line came between. */
  depth: number | undefined;
}

const NODE = /NEW NODE: Node\(depth=(\d+), value=([^,\n]{1,40}), visits=([^,\n]{1,40}), thought=/g;
/** The next line that a logger began. */
const LOGGED = /\n\d{4}-\d\d-\d\d[ T]\d\d:\d\d/g;

/** One trace a question. Linear in the length of the log. */
export function latsSearches(text: string, traceIds: UniqueIds): readonly PlanTrace[] {
  const searches: Search[] = [];
  let readTo = 0;
  for (const found of text.matchAll(NODE)) {
    const from = found.index + found[0].length;
    LOGGED.lastIndex = from;
    const end = LOGGED.exec(text)?.index ?? text.length;
    const goal = questionIn(text, readTo, found.index);
    let search = searches.at(-1);
    if (search === undefined || (goal !== undefined && goal.text !== search.goal?.text)) {
      search = { goal, steps: new OpenSteps(), start: found.index, end, depth: undefined };
      searches.push(search);
    }
    // Between the nodes of one expansion stand only short lines of the logger.
    if (goal !== undefined) search.depth = undefined;
    addNode(text, search, { start: found.index, from, end, depth: Number(found[1]), value: asNumber(found[2]), visits: asNumber(found[3]) });
    readTo = end;
  }
  return searches.filter((search) => search.steps.steps.length > 0).map((search) => traceOf(search, traceIds));
}

/** The last question asked in a stretch of the log; those before it are examples. */
function questionIn(text: string, from: number, to: number): { readonly text: string; readonly range: OffsetRange } | undefined {
  const stretch = text.slice(from, to);
  const at = stretch.lastIndexOf('Question:');
  if (at < 0) return undefined;
  const line = stretch.slice(at + 'Question:'.length).split(/\n|Thought \d+:/, 1)[0] ?? '';
  const question = line.trim();
  const start = from + at + 'Question:'.length + (line.length - line.trimStart().length);
  return question === '' ? undefined : { text: question, range: { start, end: start + question.length } };
}

interface Node {
  readonly start: number;
  readonly from: number;
  readonly end: number;
  readonly depth: number;
  readonly value: number | undefined;
  readonly visits: number | undefined;
}

function addNode(text: string, search: Search, node: Node): void {
  const body = text.slice(node.from, node.end).replace(/\)\s*$/, '');
  const action = body.indexOf(', action=');
  const observation = body.indexOf(', observation=', Math.max(0, action));
  const thought = body.slice(0, action < 0 ? undefined : action).trim();
  const made = action < 0 ? '' : body.slice(action + ', action='.length, observation < 0 ? undefined : observation).trim();
  const seen = observation < 0 ? undefined : body.slice(observation + ', observation='.length).trim();
  const step = search.steps.begin(node, `/${search.steps.steps.length}`);
  step.output = thought === '' ? undefined : thought;
  step.depth = node.depth;
  // Nodes of the same depth one after another are alternatives, not a sequence.
  step.isSidechain = search.depth === node.depth;
  step.attributes = { ...(node.value === undefined ? {} : { value: node.value }), ...(node.visits === undefined ? {} : { visits: node.visits }) };
  const lead = text.slice(node.from, node.end).length - text.slice(node.from, node.end).trimStart().length;
  step.textRange = { start: node.from + lead, end: Math.max(node.from + lead + 1, node.from + (action < 0 ? body.length : action)) };
  const written = /^(\w{1,60})\[([^]*)\]$/.exec(made);
  if (made !== '') search.steps.addCall(step, { name: written?.[1] ?? made.slice(0, 60), args: written?.[2] ?? null, result: seen, isError: seen !== undefined && looksLikeFailure(seen) });
  search.depth = node.depth;
  search.end = node.end;
}

function traceOf(search: Search, traceIds: UniqueIds): PlanTrace {
  return assembleTrace(
    {
      format: 'lats',
      formatVersion: 'log',
      goalText: search.goal?.text,
      goalRange: search.goal?.range,
      planSignature: 'lats',
      steps: search.steps.drafts(false),
      meta: settled<TraceMeta>({ model: undefined, agent: 'lats', session: undefined, cwd: undefined, costUsd: undefined, outcome: undefined }),
      range: { start: search.start, end: search.end },
    },
    traceIds,
  );
}
