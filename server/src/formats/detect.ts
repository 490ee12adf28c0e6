/** Says what a file is from the first 64 KB of it. */
import { isJsonLines, jsonLines } from './documents.ts';
import type { Sniff } from './format.ts';
import { Irregularities, JsonCursor } from './jsonSpans.ts';
import { parseLeniently, parseSlice } from './lenientJson.ts';
import { FORMATS } from './registry.ts';

export interface Detection {
  readonly format: string;
  /** 0–1; below 0.5 only a matching glob or a click makes a file a trace. */
  readonly confidence: number;
}

const HEAD_CHARACTERS = 64 * 1024;
const SNIFFED_LINES = 40;

/** What detection looks at. `text` may be the whole file or its beginning; give `isWhole: false` for a beginning. */
export function sniff(path: string, text: string, options: { readonly isWhole?: boolean } = {}): Sniff {
  const head = text.length > HEAD_CHARACTERS ? text.slice(0, HEAD_CHARACTERS) : text;
  const isWhole = head.length === text.length && options.isWhole !== false;
  if (!isJsonLines(head)) return { path, head, isWhole, values: firstValue(head, isWhole), layout: 'json' };
  const values: unknown[] = [];
  for (const line of jsonLines(head)) {
    if (values.length >= SNIFFED_LINES) break;
    values.push(parseSlice(head, line.start, line.end, new Irregularities()));
  }
  return { path, head, isWhole, values, layout: 'jsonl' };
}

/** The format that is surest of the file, or undefined when none takes it. */
export function detectFormat(from: Sniff): Detection | undefined {
  let best: Detection | undefined;
  for (const format of FORMATS) {
    const confidence = format.detect(from);
    if (confidence > (best?.confidence ?? 0)) best = { format: format.id, confidence };
  }
  return best;
}

function firstValue(head: string, isWhole: boolean): readonly unknown[] {
  const cursor = new JsonCursor(head);
  if (!cursor.nextDocument() || !(cursor.isObject() || cursor.isArray())) return [];
  if (isWhole) {
    try {
      return [JSON.parse(head)];
    } catch {
      // Read leniently below.
    }
  }
  return [parseLeniently(cursor)];
}
