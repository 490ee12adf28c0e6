/**
 * Scores written into a PlanTrace: `step_scores`, `pipeline_score` and `mars_analysis` of its object, nothing else.
 * Places come from the cursor that the reader uses, so that no tree of a large file is built.
 */
import type { OffsetRange } from '../core/planTrace.ts';
import { valueEdits } from './jsonEdits.ts';
import type { TextEdit } from './jsonEdits.ts';
import { asRecord } from './jsonFields.ts';
import { RawJson, printJson } from './jsonPrinter.ts';
import type { JsonStyle, PrintableJson } from './jsonPrinter.ts';
import { Irregularities } from './jsonSpans.ts';
import { parseSlice } from './lenientJson.ts';
import { membersOf, styleOf } from './planTraceMembers.ts';
import type { ObjectMembers } from './planTraceMembers.ts';

/** `_meta.producer` of a `pipeline_score` that we wrote: its scores are no finding of the file's own. */
export const WRITE_BACK_PRODUCER = 'stepscope';

const FIELDS = ['step_scores', 'pipeline_score', 'mars_analysis'] as const;

/** Scores on 0–100, as the format has them. */
export interface WrittenScores {
  readonly steps: readonly PrintableJson[];
  /** By dimension. */
  readonly pipeline: Readonly<Record<string, PrintableJson>>;
  /** What the pipeline scores rest on, for `_meta`. */
  readonly meta: Readonly<Record<string, PrintableJson>>;
  readonly mars: PrintableJson;
}

/**
 * Edits, in order, that write the scores into the trace object at `range`; none where they stand there already.
 * What another program had written into the three fields is kept, to the byte, under `_meta.replaced`.
 * Undefined where the object is cut off or so broken that its end, or what would be replaced, cannot be told.
 */
export function planTraceEdits(text: string, range: OffsetRange, scores: WrittenScores): readonly TextEdit[] | undefined {
  const members = membersOf(text, range);
  if (members === undefined) return undefined;
  const style = styleOf(text, range, members);
  const replaced = replacedFields(text, members);
  if (replaced === 'unreadable') return undefined;
  const values: Readonly<Record<(typeof FIELDS)[number], PrintableJson>> = {
    step_scores: scores.steps,
    pipeline_score: { ...scores.pipeline, _meta: { producer: WRITE_BACK_PRODUCER, ...scores.meta, ...(replaced === undefined ? {} : { replaced }) } },
    mars_analysis: scores.mars,
  };
  const present = FIELDS.flatMap((field) => {
    const at = members.valueByKey.get(field);
    return at === undefined ? [] : valueEdits(text, at, values[field], style);
  });
  const added = FIELDS.filter((field) => !members.valueByKey.has(field)).map((field) => `${JSON.stringify(field)}${style.colon}${printJson(values[field], style, style.indent)}`);
  return [...present, ...insertions(text, members, added, style)].sort((a, b) => a.start - b.start || a.end - b.end);
}

/** The scores a file came with, also where ours stand in their place: what `pipeline_score` holds, or what we kept of it. */
export function foreignPipelineScore(value: unknown): unknown {
  const meta = asRecord(asRecord(value)?.['_meta']);
  return meta?.['producer'] === WRITE_BACK_PRODUCER ? asRecord(meta['replaced'])?.['pipeline_score'] : value;
}

/** The id of a step as its file spells it, so that other programs find it again; ours where the file's is missing or not unique. */
export function nativeStepId(text: string, step: { readonly stepId: string; readonly range: OffsetRange | null }): string | number {
  const at = step.range === null ? undefined : membersOf(text, step.range)?.valueByKey.get('step_id');
  const native = at === undefined ? undefined : parseSlice(text, at.start, at.end, new Irregularities());
  return typeof native === 'number' && String(native) === step.stepId ? native : step.stepId;
}

/** What another program had written into our fields, or what an earlier writing kept of it; 'unreadable' where it cannot be moved without changing. */
function replacedFields(text: string, members: ObjectMembers): PrintableJson | 'unreadable' | undefined {
  const slice = (at: OffsetRange | undefined): string => (at === undefined ? '' : text.slice(at.start, at.end));
  const pipeline = members.valueByKey.get('pipeline_score');
  const meta = pipeline === undefined ? undefined : membersOf(text, pipeline)?.valueByKey.get('_meta');
  const known = meta === undefined ? undefined : membersOf(text, meta)?.valueByKey;
  if (slice(known?.get('producer')) === JSON.stringify(WRITE_BACK_PRODUCER)) {
    const kept = slice(known?.get('replaced'));
    return kept === '' ? undefined : canMove(kept) ? new RawJson(kept) : 'unreadable';
  }
  // Ours are known by their shape where somebody took our `pipeline_score` away.
  const isOurs = slice(members.valueByKey.get('step_scores')).includes('"by_scorer"');
  const foreign = (isOurs ? ['pipeline_score'] : FIELDS).map((field) => [field, slice(members.valueByKey.get(field))] as const).filter(([, value]) => value !== '' && value !== 'null');
  if (!foreign.every(([, value]) => canMove(value))) return 'unreadable';
  return foreign.length === 0 ? undefined : Object.fromEntries(foreign.map(([field, value]) => [field, new RawJson(value)]));
}

/** Whether a value reads the same wherever it stands: a bracket of the wrong kind would end what is around it. */
function canMove(slice: string): boolean {
  const irregularities = new Irregularities();
  const alone = JSON.stringify(parseSlice(slice, 0, slice.length, irregularities));
  const around = `[${slice},0]`;
  return JSON.stringify(parseSlice(around, 0, around.length, irregularities)) === `[${alone},0]` && irregularities.cutAt === undefined;
}

/** New members after the last one. Comments behind that one stay with it. */
function insertions(text: string, members: ObjectMembers, added: readonly string[], style: JsonStyle & { readonly indent: string }): readonly TextEdit[] {
  if (added.length === 0) return [];
  const { last, closeAt } = members;
  const isOnOneLine = style.newline === '';
  const start = style.newline + style.indent;
  const between = isOnOneLine ? style.comma : `,${start}`;
  const tail = text.slice(last.value.end, closeAt);
  if (!tail.includes('/')) return [{ start: last.value.end, end: last.value.end, newText: between + added.join(between) }];
  const isSeparated = tail.replace(/\/\/[^\n]*|\/\*[\s\S]*?\*\//g, '').includes(',');
  // A line comment swallows what stands behind it, so on one line the members go right before the brace.
  const at = isOnOneLine ? closeAt : last.value.end + tail.trimEnd().length;
  const comma = isSeparated ? [] : [{ start: last.value.end, end: last.value.end, newText: ',' }];
  return [...comma, { start: at, end: at, newText: start + added.join(between) }];
}
