/**
 * OpenAI's Responses API: `{object: "response"}`, records of a request with its answer (`{input, output}`, a batch's
 * `response.body`, the last event of a stream), lists and lines of these, and bare lists of items. What continues a
 * conversation of the same file joins its trace.
 */
import type { OffsetRange } from '../core/planTrace.ts';
import { readWarnings } from './documents.ts';
import { eachDocument, eachElement, takeRecord } from './fileRecords.ts';
import type { ParsedFile, ParseInput, Sniff, TraceFormat } from './format.ts';
import { asArray, asRecord, asText, type JsonRecord } from './jsonFields.ts';
import { insideQuotes, Irregularities, JsonCursor } from './jsonSpans.ts';
import { parseSlice } from './lenientJson.ts';
import { ResponseRuns, type Exchange, type Item } from './responseRuns.ts';
import { UniqueIds } from './traceAssembly.ts';

const ID = 'openai-responses';

export const openaiResponsesFormat: TraceFormat = {
  id: ID,
  title: 'OpenAI Responses',
  detect(sniff: Sniff): number {
    const [first] = sniff.values;
    const listed = sniff.layout === 'jsonl' ? sniff.values : Array.isArray(first) ? (first as unknown[]) : asRecord(first)?.['object'] === 'list' ? asArray(asRecord(first)?.['data']) : [first];
    const values = listed.slice(0, 20);
    const sure = Math.max(0, ...values.map(confidence));
    return sure > 0 ? sure : isItemList(listed) ? SURE_ITEMS : 0;
  },
  parse: parseResponses,
};

const SURE_ITEMS = 0.6;

function confidence(value: unknown): number {
  const record = asRecord(value);
  if (record === undefined) return isItemList(asArray(value)) ? SURE_ITEMS : 0;
  if (isResponse(record)) return 0.95;
  const response = asRecord(record['response']);
  if (isResponse(response) || isResponse(asRecord(response?.['body'])) || isResponse(asRecord(record['output']))) return 0.9;
  return isItemList(asArray(record['output'])) && ('input' in record || 'model' in record) ? SURE_ITEMS : 0;
}

function isResponse(record: JsonRecord | undefined): boolean {
  return record?.['object'] === 'response' && ('output' in record || 'status' in record);
}

/** Whether a list holds items that only this API has: calls with a `call_id`, thoughts with a summary, words the model put out. */
function isItemList(list: readonly unknown[]): boolean {
  let items = 0;
  let own = 0;
  const looked = list.slice(0, 100).map(asRecord);
  for (const item of looked) {
    const type = asText(item?.['type']);
    if (item === undefined || (type === undefined ? asText(item['role']) === undefined : !ITEM_TYPE.test(type))) continue;
    items++;
    if (asText(item['call_id']) !== undefined || (type === 'reasoning' && Array.isArray(item['summary'])) || asArray(item['content']).some((part) => asRecord(part)?.['type'] === 'output_text')) own++;
  }
  return own > 0 && items * 2 > looked.length;
}

const ITEM_TYPE = /^(?:message|reasoning|item_reference|compaction|[a-z_]+_call(?:_output)?|mcp_[a-z_]+)$/;

function parseResponses(input: ParseInput): ParsedFile {
  const { text } = input;
  const irregularities = new Irregularities();
  const runs = new ResponseRuns(text);
  const loose: Item[] = [];
  const { brokenLines } = eachDocument(text, irregularities, (cursor, pointer) => {
    if (cursor.isArray()) readList(runs, cursor, pointer);
    else readElement(runs, cursor, pointer, loose);
  });
  runs.addItems(loose);
  const traces = runs.traces({ format: ID, formatVersion: 'v1', isCut: irregularities.cutAt !== undefined }, new UniqueIds());
  return { format: ID, formatVersion: 'v1', traces, warnings: readWarnings(text, irregularities, brokenLines) };
}

/** A list of exchanges, of bare items (one conversation), or of lists of items (one each). */
function readList(runs: ResponseRuns, cursor: JsonCursor, pointer: string): void {
  const loose: Item[] = [];
  eachElement(cursor, (index) => {
    if (cursor.isObject()) readElement(runs, cursor, `${pointer}/${index}`, loose);
    else if (cursor.isArray()) runs.addItems(itemsAt(cursor, `${pointer}/${index}`));
  });
  runs.addItems(loose);
}

/** An exchange goes to the runs, an item to `loose`. */
function readElement(runs: ResponseRuns, cursor: JsonCursor, pointer: string, loose: Item[]): void {
  const exchange = readExchange(cursor, pointer, 0);
  if (exchange.fields['object'] === 'list') return readListed(runs, cursor, exchange.list);
  const type = asText(exchange.fields['type']);
  // Of a stream only its last event holds the whole answer.
  if (type?.startsWith('response.') === true && !/^response\.(?:completed|failed|incomplete)$/.test(type)) return;
  if (exchange.hasAnswer) return runs.addExchange(exchange);
  const { start, end } = exchange;
  if (type === undefined && asText(exchange.fields['role']) === undefined) return;
  const value = asRecord(parseSlice(cursor.text, start, end, cursor.irregularities));
  if (value !== undefined) loose.push({ value, start, end, pointer });
}

/** What the API lists: responses, or the items of a conversation. */
function readListed(runs: ResponseRuns, { text, irregularities }: JsonCursor, list: readonly Item[]): void {
  const isOfResponses = list.some(({ value }) => isResponse(value));
  if (!isOfResponses) return runs.addItems(list);
  for (const { start, end, pointer } of list) {
    const exchange = readExchange(new JsonCursor(text, start, end, irregularities), pointer, 0);
    if (exchange.hasAnswer) runs.addExchange(exchange);
  }
}

/** Members that lead to the answer, or to the request, from the record that holds them. */
const WRAPPERS: ReadonlySet<string> = new Set(['response', 'body', 'output', 'request']);
const FIELDS: ReadonlySet<string> = new Set([
  'id', 'custom_id', 'object', 'type', 'role', 'model', 'status', 'error', 'incomplete_details', 'usage', 'created_at', 'completed_at', 'previous_response_id', 'conversation', 'call_id',
]);
const MOST_WRAPPERS = 3;

/** Reads an object as far as it may be an exchange, and passes over it. What an inner record says counts over what the outer one does, but for `custom_id`. */
function readExchange(cursor: JsonCursor, pointer: string, depth: number): Exchange {
  const { text, irregularities } = cursor;
  const start = cursor.pos;
  const outer: Record<string, unknown> = {};
  let inner: Record<string, unknown> = {};
  let input: readonly Item[] = [];
  let output: readonly Item[] = [];
  let list: readonly Item[] = [];
  let hasAnswer = false;
  let answer: OffsetRange | undefined;
  let answerPointer = pointer;
  cursor.enter();
  for (let key = cursor.nextMember(); key !== undefined; key = cursor.nextMember()) {
    const valueStart = cursor.pos;
    const at = `${pointer}/${key}`;
    if (cursor.isObject() && WRAPPERS.has(key) && depth < MOST_WRAPPERS) {
      const nested = readExchange(cursor, at, depth + 1);
      if (nested.input.length > 0) input = nested.input;
      if (!nested.hasAnswer) continue;
      ({ output } = nested);
      inner = { ...inner, ...nested.fields };
      hasAnswer = true;
      answer = { start: nested.start, end: nested.end };
      answerPointer = nested.pointer;
    } else if (cursor.isArray() && (key === 'output' || key === 'input' || key === 'data')) {
      const items = itemsAt(cursor, at);
      if (key === 'input') input = items;
      else if (key === 'data') list = items;
      else {
        output = items;
        hasAnswer = true;
      }
    } else {
      const isString = cursor.isString();
      const end = cursor.skip();
      const words = isString && (key === 'input' || key === 'output') ? insideQuotes(text, valueStart, end) : undefined;
      const role = key === 'input' ? 'user' : 'assistant';
      if (words !== undefined) {
        const said: Item = { value: { type: 'message', role, content: parseSlice(text, valueStart, end, irregularities) }, start: valueStart, end, pointer: at, words };
        if (key === 'input') input = [said];
        else output = [said];
      } else if (FIELDS.has(key)) outer[key] = parseSlice(text, valueStart, end, irregularities);
    }
  }
  const fields = { ...outer, ...inner, ...(outer['custom_id'] === undefined ? {} : { custom_id: outer['custom_id'] }), ...(depth === 0 && outer['type'] !== undefined ? { type: outer['type'] } : {}) };
  const isAnswer = hasAnswer || outer['object'] === 'response' || (input.length > 0 && output.length > 0);
  // The output of a call that stands alone is an item, not an exchange.
  const isItem = outer['call_id'] !== undefined || asText(outer['type'])?.endsWith('_call') === true;
  return { fields, input, output, list, hasAnswer: isAnswer && !isItem, start: answer?.start ?? start, end: answer?.end ?? cursor.pos, pointer: answerPointer };
}

function itemsAt(cursor: JsonCursor, pointer: string): readonly Item[] {
  const items: Item[] = [];
  eachElement(cursor, (index) => {
    if (!cursor.isObject()) return;
    const { value, start, end } = takeRecord(cursor, index);
    const record = asRecord(value);
    if (record !== undefined) items.push({ value: record, start, end, pointer: `${pointer}/${index}` });
  });
  return items;
}
