/**
 * Claude Code sessions: JSONL, or the web export `{loglines}`. One record is one content block, so assistant records are
 * merged by `message.id`; the file is a tree (rewinds), of which the branch that ends in the last leaf is the trace.
 */
import type { OffsetRange, PlanTrace, ToolCall, TraceMeta, Usage } from '../core/planTrace.ts';
import { isJsonLines, readLines, readWarnings, type FileRecord, type Line } from './documents.ts';
import type { ParsedFile, ParseInput, Sniff, TraceFormat } from './format.ts';
import { asArray, asId, asNumber, asRecord, asString, asText, asTimeMs, membersExcept, settled, type JsonRecord } from './jsonFields.ts';
import { insideQuotes, Irregularities, JsonCursor } from './jsonSpans.ts';
import { parseSlice } from './lenientJson.ts';
import { contentText, toolArguments } from './messageContent.ts';
import { assembleTrace, UniqueIds, type StepDraft } from './traceAssembly.ts';

const ID = 'claude-code';
const UNKNOWN_VERSION = 'unknown';

export const claudeCodeFormat: TraceFormat = {
  id: ID,
  title: 'Claude Code session',
  detect(sniff: Sniff): number {
    const first = asRecord(sniff.values[0]);
    if (sniff.layout === 'json' && Array.isArray(first?.['loglines'])) return asArray(first['loglines']).some((entry) => isTurn(asRecord(entry))) ? 0.95 : 0;
    let known = 0;
    let records = 0;
    for (const value of sniff.values) {
      const record = asRecord(value);
      if (record === undefined) continue;
      records++;
      const type = asText(record['type']);
      if (type !== undefined && (isTurn(record) || (KNOWN_TYPES.has(type) && BOOKKEEPING_FIELDS.some((field) => field in record)))) known++;
    }
    return known > 0 && known * 2 >= records ? 1 : 0;
  },
  parse: parseSession,
};

function isTurn(record: JsonRecord | undefined): boolean {
  const type = record?.['type'];
  if (record === undefined || (type !== 'user' && type !== 'assistant')) return false;
  return 'message' in record && ('sessionId' in record || 'uuid' in record || 'timestamp' in record);
}

const BOOKKEEPING_FIELDS = ['sessionId', 'uuid', 'parentUuid', 'messageId', 'leafUuid'];

/** Types of record that are neither a turn nor unknown. */
const KNOWN_TYPES: ReadonlySet<string> = new Set([
  'user', 'assistant', 'system', 'summary', 'progress', 'file-history-snapshot', 'queue-operation', 'attachment', 'mode', 'permission-mode', 'last-prompt',
  'ai-title', 'custom-title', 'worktree-state', 'pr-link', 'agent-name', 'agent-color', 'agent-setting', 'tag', 'content-replacement', 'marble-origami-commit', 'marble-origami-snapshot',
]);

function parseSession(input: ParseInput): ParsedFile {
  const { text } = input;
  const irregularities = new Irregularities();
  const read = isJsonLines(text) ? readLines(text, irregularities) : readDocument(text, irregularities);
  const sessions = new Map<string, Turn[]>();
  const unknownRecordCounts: Record<string, number> = {};
  let version = UNKNOWN_VERSION;
  for (const record of read.records) {
    const fields = asRecord(record.value);
    const type = fields === undefined ? 'not an object' : (asText(fields['type']) ?? 'no type');
    if (fields === undefined || !KNOWN_TYPES.has(type)) {
      unknownRecordCounts[type] = (unknownRecordCounts[type] ?? 0) + 1;
      continue;
    }
    if (version === UNKNOWN_VERSION) version = asText(fields['version']) ?? version;
    const session = asText(fields['sessionId']) ?? '';
    if (session === '' && type !== 'user' && type !== 'assistant') continue;
    const turns = sessions.get(session) ?? [];
    if (turns.length === 0) sessions.set(session, turns);
    turns.push({ type, fields, record });
  }
  const traceIds = new UniqueIds();
  const reader: Reader = { text, traceIds, version, isGrowing: read.hasOpenTail || irregularities.cutAt !== undefined };
  const traces: PlanTrace[] = [];
  for (const [session, turns] of sessions) {
    const trace = sessionTrace(reader, session, turns);
    if (trace.steps.length > 0 || trace.goalText !== '') traces.push(trace);
  }
  const first = traces[0];
  if (first !== undefined) traces[0] = { ...first, unknownRecordCounts };
  return { format: ID, formatVersion: version, traces, warnings: readWarnings(text, irregularities, read.brokenLines) };
}

/** `{loglines: […]}`, an array of records, or a single record. */
function readDocument(text: string, irregularities: Irregularities): { readonly records: readonly FileRecord[]; readonly brokenLines: readonly Line[]; readonly hasOpenTail: boolean } {
  const records: FileRecord[] = [];
  const cursor = new JsonCursor(text, 0, text.length, irregularities);
  while (cursor.nextDocument()) {
    const start = cursor.pos;
    if (cursor.isArray()) {
      readRecords(cursor, records);
    } else if (cursor.isObject()) {
      const known = records.length;
      cursor.enter();
      let hasList = false;
      for (let key = cursor.nextMember(); key !== undefined; key = cursor.nextMember()) {
        if (key === 'loglines' && cursor.isArray()) {
          readRecords(cursor, records);
          hasList = true;
        } else {
          cursor.skip();
        }
      }
      if (!hasList) records.splice(known, 0, { value: parseSlice(text, start, cursor.pos, irregularities), start, end: cursor.pos, index: known });
    } else if (cursor.skip() === start) {
      cursor.pos++;
    }
  }
  return { records, brokenLines: [], hasOpenTail: false };
}

function readRecords(cursor: JsonCursor, records: FileRecord[]): void {
  cursor.enter();
  while (cursor.nextElement()) {
    const start = cursor.pos;
    const end = cursor.skip();
    if (end === start) {
      cursor.pos++;
      continue;
    }
    records.push({ value: parseSlice(cursor.text, start, end, cursor.irregularities), start, end, index: records.length });
  }
}

interface Turn {
  readonly type: string;
  readonly fields: JsonRecord;
  readonly record: FileRecord;
}

interface Reader {
  readonly text: string;
  readonly traceIds: UniqueIds;
  readonly version: string;
  readonly isGrowing: boolean;
}

function sessionTrace(reader: Reader, session: string, turns: readonly Turn[]): PlanTrace {
  const isAllSidechain = turns.every((turn) => !isSpoken(turn) || turn.fields['isSidechain'] === true);
  const live = liveTurns(turns);
  const groups = groupByMessage(turns, live);
  const results = toolResults(turns);
  const owners = new Map<FileRecord, Group | undefined>();
  for (const turn of turns) if (isSpoken(turn)) owners.set(turn.record, undefined);
  for (const group of groups) {
    for (const turn of group.turns) owners.set(turn.record, group);
    for (const id of group.callIds) {
      const result = results.get(id);
      if (result !== undefined && (owners.get(result.turn.record) ?? undefined) === undefined) owners.set(result.turn.record, group);
    }
  }
  const ranges = stepRanges(turns, owners);
  const goal = findGoal(reader.text, turns, { live, isSidechain: isAllSidechain });
  const steps = groups.map((group, i) => sessionStep(reader, group, { results, range: ranges.get(group), isLast: i === groups.length - 1 }));
  const models = groups.map((group) => asText(group.message['model'])).filter((model) => model !== undefined && model !== '<synthetic>');
  const firstSpoken = turns.find(isSpoken)?.fields ?? {};
  const first = turns[0];
  const last = turns.at(-1);
  const agentId = isAllSidechain ? asText(firstSpoken['agentId']) : undefined;
  const sessionName = session === '' ? undefined : session;
  return assembleTrace(
    {
      format: ID,
      formatVersion: reader.version,
      traceId: sessionName === undefined ? undefined : agentId === undefined ? sessionName : `${sessionName}/${agentId}`,
      goalText: goal?.text,
      goalRange: goal?.range,
      planSignature: ID,
      steps,
      createdAt: asText(firstSpoken['timestamp']),
      meta: settled<TraceMeta>({ model: models[0], agent: ID, session: sessionName, cwd: asText(firstSpoken['cwd']), costUsd: undefined, outcome: undefined }),
      range: first === undefined || last === undefined ? null : { start: first.record.start, end: last.record.end },
    },
    reader.traceIds,
  );
}

function isSpoken(turn: Turn): boolean {
  return turn.type === 'user' || turn.type === 'assistant';
}

/** The turns on the branch that ends in the last leaf, and on each sidechain's; all turns when the file holds no tree. */
function liveTurns(turns: readonly Turn[]): ReadonlySet<Turn> {
  const byUuid = new Map<string, Turn>();
  for (const turn of turns) {
    const uuid = asText(turn.fields['uuid']);
    if (uuid !== undefined) byUuid.set(uuid, turn);
  }
  const spoken = turns.filter(isSpoken);
  const linked = spoken.filter((turn) => byUuid.has(parentOf(turn) ?? '')).length;
  if (linked * 2 < spoken.length - 1) return new Set(turns);
  const position = new Map(turns.map((turn, i) => [turn, i]));
  const live = new Set<Turn>();
  const follow = (leaf: Turn, isSidechain: boolean): void => {
    for (let at: Turn | undefined = leaf; at !== undefined && !live.has(at); ) {
      live.add(at);
      const parent = parentOf(at);
      if (parent === undefined) return;
      const known = byUuid.get(parent);
      // A parent that is not in the file (its head was cut): go on with what stands before.
      at = known ?? before(turns, position.get(at) ?? 0, isSidechain);
    }
  };
  const main = spoken.findLast((turn) => turn.fields['isSidechain'] !== true);
  if (main !== undefined) follow(main, false);
  // Sidechains are trees of their own. From the end backwards the first turn met of a tree is its last leaf.
  const root = rootFinder(byUuid);
  const seen = new Set<Turn>();
  for (let i = spoken.length - 1; i >= 0; i--) {
    const turn = spoken[i];
    if (turn === undefined || turn.fields['isSidechain'] !== true || live.has(turn)) continue;
    const tree = root(turn);
    if (seen.has(tree)) continue;
    seen.add(tree);
    follow(turn, true);
  }
  return live;
}

/** Finds the root of a turn's tree, remembering what was found on the way. */
function rootFinder(byUuid: ReadonlyMap<string, Turn>): (turn: Turn) => Turn {
  const roots = new Map<Turn, Turn>();
  return (turn) => {
    const path: Turn[] = [];
    const onPath = new Set<Turn>();
    let at = turn;
    while (!roots.has(at) && !onPath.has(at)) {
      path.push(at);
      onPath.add(at);
      const parent = byUuid.get(parentOf(at) ?? '');
      if (parent === undefined) break;
      at = parent;
    }
    const root = roots.get(at) ?? at;
    for (const passed of path) roots.set(passed, root);
    return root;
  };
}

function parentOf(turn: Turn): string | undefined {
  return asText(turn.fields['parentUuid']) ?? asText(turn.fields['logicalParentUuid']);
}

function before(turns: readonly Turn[], index: number, isSidechain: boolean): Turn | undefined {
  for (let i = index - 1; i >= 0; i--) {
    const turn = turns[i];
    if (turn !== undefined && isSpoken(turn) && (turn.fields['isSidechain'] === true) === isSidechain) return turn;
  }
  return undefined;
}

/** The records of one message of the assistant. */
interface Group {
  readonly id: string | undefined;
  readonly message: JsonRecord;
  readonly turns: Turn[];
  readonly callIds: string[];
  /** What the user said since the message before. */
  readonly input: string;
}

/** Assistant records by `message.id`; with one record of a message live, all of it is (parallel calls branch the tree). */
function groupByMessage(turns: readonly Turn[], live: ReadonlySet<Turn>): Group[] {
  const liveIds = new Set<string>();
  for (const turn of live) {
    const id = messageId(turn);
    if (id !== undefined) liveIds.add(id);
  }
  const groups: Group[] = [];
  const byId = new Map<string, Group>();
  let heard: string[] = [];
  const seen = new Set<string>();
  for (const turn of turns) {
    if (turn.type === 'user') {
      if (!live.has(turn) || turn.fields['isMeta'] === true) continue;
      const words = userWords(turn);
      if (words !== '') heard.push(words);
      continue;
    }
    if (turn.type !== 'assistant') continue;
    const message = asRecord(turn.fields['message']);
    const id = messageId(turn);
    if (message === undefined || !(live.has(turn) || (id !== undefined && liveIds.has(id)))) continue;
    // A resumed session may hold the same record twice.
    const key = `${asText(turn.fields['uuid']) ?? ''}|${id ?? ''}`;
    if (asText(turn.fields['uuid']) !== undefined && seen.has(key)) continue;
    seen.add(key);
    let group = id === undefined ? undefined : byId.get(id);
    if (group === undefined) {
      group = { id, message, turns: [], callIds: [], input: heard.join('\n\n') };
      heard = [];
      groups.push(group);
      if (id !== undefined) byId.set(id, group);
    }
    group.turns.push(turn);
    for (const block of asArray(message['content'])) {
      const record = asRecord(block);
      const callId = record?.['type'] === 'tool_use' ? asId(record['id']) : undefined;
      if (callId !== undefined) group.callIds.push(callId);
    }
  }
  return groups;
}

function messageId(turn: Turn): string | undefined {
  return turn.type === 'assistant' ? asText(asRecord(turn.fields['message'])?.['id']) : undefined;
}

/** What the user typed; '' for tool results, commands and what the program put in the user's mouth. */
function userWords(turn: Turn): string {
  const message = asRecord(turn.fields['message']);
  const content = message === undefined ? turn.fields['message'] : message['content'];
  if (Array.isArray(content) && (content as unknown[]).some((block) => asRecord(block)?.['type'] === 'tool_result')) return '';
  const text = (contentText(content) ?? '').trim();
  return NOT_TYPED.test(text) ? '' : text;
}

const NOT_TYPED = /^(?:<command-(?:name|message|args)>|<local-command|<bash-(?:input|stdout|stderr)>|<system-reminder>|<task-notification>|Caveat: The messages below were generated by the user while running local commands|\[Request interrupted by user)/;

function findGoal(
  fileText: string,
  turns: readonly Turn[],
  of: { readonly live: ReadonlySet<Turn>; readonly isSidechain: boolean },
): { readonly text: string; readonly range: OffsetRange | null } | undefined {
  let fallback: { readonly text: string; readonly range: OffsetRange | null } | undefined;
  for (const turn of turns) {
    if (turn.type !== 'user' || turn.fields['isMeta'] === true || !of.live.has(turn)) continue;
    if (turn.fields['isSidechain'] === true && !of.isSidechain) continue;
    const text = userWords(turn);
    if (text === '') continue;
    const words = recordTextRange(fileText, turn.record);
    const goal = { text, range: { start: words?.start ?? turn.record.start, end: words?.end ?? turn.record.end } };
    if (turn.fields['isCompactSummary'] === true) fallback ??= goal;
    else return goal;
  }
  return fallback;
}

interface ToolResult {
  readonly turn: Turn;
  readonly text: string;
  readonly isError: boolean;
}

/** Tool results by the id of their call; also those beside the live branch, where parallel calls leave them. */
function toolResults(turns: readonly Turn[]): ReadonlyMap<string, ToolResult> {
  const results = new Map<string, ToolResult>();
  for (const turn of turns) {
    if (turn.type !== 'user') continue;
    for (const block of asArray(asRecord(turn.fields['message'])?.['content'])) {
      const record = asRecord(block);
      const id = record?.['type'] === 'tool_result' ? asId(record['tool_use_id']) : undefined;
      if (record !== undefined && id !== undefined) results.set(id, { turn, text: contentText(record['content']) ?? '', isError: record['is_error'] === true });
    }
  }
  return results;
}

/** For each step the first run of its records that no other turn interrupts. */
function stepRanges(turns: readonly Turn[], owners: ReadonlyMap<FileRecord, Group | undefined>): ReadonlyMap<Group, OffsetRange> {
  const ranges = new Map<Group, OffsetRange>();
  let open: Group | undefined;
  for (const turn of turns) {
    if (!isSpoken(turn)) continue;
    const owner = owners.get(turn.record);
    const { start, end } = turn.record;
    if (owner !== undefined) {
      const range = ranges.get(owner);
      if (range === undefined) ranges.set(owner, { start, end });
      else if (open === owner) ranges.set(owner, { start: range.start, end });
    }
    open = owner;
  }
  return ranges;
}

interface StepContext {
  readonly results: ReadonlyMap<string, ToolResult>;
  readonly range: OffsetRange | undefined;
  readonly isLast: boolean;
}

function sessionStep(reader: Reader, group: Group, context: StepContext): StepDraft {
  const words: string[] = [];
  const thoughts: string[] = [];
  const tools: ToolCall[] = [];
  let hidesThought = false;
  let textRange: WordsRange | undefined;
  let endTimeMs: number | undefined;
  for (const turn of group.turns) {
    const message = asRecord(turn.fields['message']) ?? {};
    const content = message['content'];
    if (typeof content === 'string') words.push(content);
    for (const entry of asArray(content)) {
      const block = asRecord(entry) ?? {};
      switch (block['type']) {
        case 'text':
          words.push(asString(block['text']) ?? '');
          break;
        case 'thinking': {
          const thought = asString(block['thinking']) ?? '';
          if (thought === '') hidesThought = true;
          else thoughts.push(thought);
          break;
        }
        case 'redacted_thinking':
          hidesThought = true;
          break;
        case 'tool_use':
        case 'server_tool_use':
          tools.push(sessionTool(block, context.results));
          break;
        default:
          break;
      }
    }
    if (textRange?.kind !== 'text') {
      const here = recordTextRange(reader.text, turn.record);
      if (here !== undefined && (textRange === undefined || WORD_RANK[here.kind] < WORD_RANK[textRange.kind])) textRange = here;
    }
  }
  for (const tool of tools) {
    const result = tool.callId === undefined ? undefined : context.results.get(tool.callId);
    const time = asTimeMs(result?.turn.fields['timestamp']);
    if (time !== undefined) endTimeMs = Math.max(endTimeMs ?? time, time);
  }
  const first = group.turns[0];
  const fields = first?.fields ?? {};
  const final = asRecord(group.turns.at(-1)?.fields['message']) ?? group.message;
  const output = words.filter((part) => part.trim() !== '').join('\n\n');
  const reasoning = thoughts.join('\n\n');
  const waits = context.isLast && tools.some((tool) => tool.result === undefined);
  return {
    stepId: group.id ?? asText(fields['uuid']),
    stepType: tools.length > 0 ? 'tool_call' : output !== '' ? 'message' : 'thought',
    agentName: asText(fields['agentName']) ?? asText(fields['agentId']),
    depth: fields['isSidechain'] === true ? 1 : 0,
    parentId: undefined,
    input: group.input === '' ? undefined : group.input,
    output: output === '' ? undefined : output,
    reasoning: reasoning === '' ? undefined : reasoning,
    tools,
    startTimeMs: asTimeMs(fields['timestamp']),
    endTimeMs,
    usage: usageOf(asRecord(final['usage']) ?? asRecord(group.message['usage'])),
    finishReason: asText(final['stop_reason']),
    attributes: membersExcept(fields, RECORD_FIELDS, modelOf(group.message)),
    range: context.range ?? (first === undefined ? null : { start: first.record.start, end: first.record.end }),
    textRange: textRange === undefined ? undefined : { start: textRange.start, end: textRange.end },
    jsonPointer: `/${first?.record.index ?? 0}`,
    isSidechain: fields['isSidechain'] === true,
    isProvisional: context.isLast && (reader.isGrowing || waits),
    contentNotCaptured: hidesThought && output === '' && reasoning === '' && tools.length === 0,
  };
}

const RECORD_FIELDS: ReadonlySet<string> = new Set([
  'type', 'uuid', 'parentUuid', 'logicalParentUuid', 'sessionId', 'timestamp', 'cwd', 'version', 'gitBranch', 'isSidechain', 'isMeta', 'message', 'userType', 'requestId', 'slug', 'agentId', 'agentName',
]);

function modelOf(message: JsonRecord): Record<string, string> {
  const model = asText(message['model']);
  return model === undefined ? {} : { model };
}

function usageOf(record: JsonRecord | undefined): Usage | undefined {
  if (record === undefined) return undefined;
  const usage = settled<Usage>({
    inputTokens: asNumber(record['input_tokens']),
    outputTokens: asNumber(record['output_tokens']),
    cachedTokens: asNumber(record['cache_read_input_tokens']),
  });
  return Object.keys(usage).length === 0 ? undefined : usage;
}

function sessionTool(block: JsonRecord, results: ReadonlyMap<string, ToolResult>): ToolCall {
  const callId = asId(block['id']);
  const result = callId === undefined ? undefined : results.get(callId);
  return settled<ToolCall>({
    name: asText(block['name']) ?? 'unnamed',
    ...toolArguments(block['input']),
    callId,
    result: result?.text,
    isError: result?.isError === true,
  });
}

/** Where the words of a record stand: its first text that says anything, else its thought, else what it calls a tool with. */
function recordTextRange(text: string, record: FileRecord): WordsRange | undefined {
  const cursor = new JsonCursor(text, record.start, record.end);
  if (!cursor.isObject() || !descend(cursor, 'message') || !cursor.isObject() || !descend(cursor, 'content')) return undefined;
  if (cursor.isString()) return wordsHere(cursor, 'text');
  if (!cursor.isArray()) return undefined;
  let best: WordsRange | undefined;
  cursor.enter();
  while (cursor.nextElement()) {
    if (!cursor.isObject()) {
      cursor.passOver();
      continue;
    }
    cursor.enter();
    for (let key = cursor.nextMember(); key !== undefined; key = cursor.nextMember()) {
      const found = isWordKind(key) ? wordsHere(cursor, key) : undefined;
      if (found !== undefined && (best === undefined || WORD_RANK[found.kind] < WORD_RANK[best.kind])) best = found;
      if (found === undefined && !isWordKind(key)) cursor.skip();
    }
  }
  return best;
}

interface WordsRange extends OffsetRange {
  readonly kind: WordKind;
}

type WordKind = 'text' | 'thinking' | 'input';

const WORD_RANK: Readonly<Record<WordKind, number>> = { text: 0, thinking: 1, input: 2 };

function isWordKind(key: string): key is WordKind {
  return key === 'text' || key === 'thinking' || key === 'input';
}

/** Passes over the value at the cursor and says where its words stand; undefined where it has none. */
function wordsHere(cursor: JsonCursor, kind: WordKind): WordsRange | undefined {
  const start = cursor.pos;
  const isString = cursor.isString();
  const end = cursor.skip();
  if (!isString) return kind === 'input' && end - start > 2 ? { start, end, kind } : undefined;
  const range = insideQuotes(cursor.text, start, end);
  return range === undefined || /^(?:\\[nrt]|\s)*$/.test(cursor.text.slice(range.start, Math.min(range.end, range.start + 40))) ? undefined : { ...range, kind };
}

/** Moves from an object to one of its members. */
function descend(cursor: JsonCursor, member: string): boolean {
  cursor.enter();
  for (let key = cursor.nextMember(); key !== undefined; key = cursor.nextMember()) {
    if (key === member) return true;
    cursor.skip();
  }
  return false;
}
