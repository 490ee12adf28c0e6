/** Makes a trace of one sample of an Inspect log. */
import type { OffsetRange, PlanTrace, TraceMeta } from '../core/planTrace.ts';
import { readEvents } from './inspectEvents.ts';
import { messageText, type Resolve } from './inspectMessages.ts';
import { elementsOf, expanded, resolver, type Message, type Part } from './inspectParts.ts';
import { inspectScores, outcomeOf } from './inspectScores.ts';
import { callStep, closeSteps, draftsOf, inOrder, messageSteps, WORDS, type PlacedStep } from './inspectSteps.ts';
import { asId, asNumber, asRecord, asText, settled, type JsonRecord } from './jsonFields.ts';
import type { Irregularities } from './jsonSpans.ts';
import { parseSlice } from './lenientJson.ts';
import { assembleTrace, type UniqueIds } from './traceAssembly.ts';
import { findWords } from './wordRanges.ts';

/** What the head of a log says of all its samples. */
export interface LogHeader {
  readonly version: string;
  readonly task: string | undefined;
  readonly model: string | undefined;
  readonly agent: string | undefined;
  readonly run: string | undefined;
  readonly created: string | undefined;
}

/** A sample with its lists still unread. In a chunked sample each list has several parts. */
export interface SampleParts {
  readonly fields: JsonRecord;
  readonly ranges: ReadonlyMap<string, OffsetRange>;
  readonly range: OffsetRange;
  readonly pointer: string;
  /** The final conversation. */
  readonly messages: readonly Part[];
  readonly events: readonly Part[];
  /** Messages that `input_refs`, and in a chunked sample `message_refs`, point into. */
  readonly pool: readonly Part[];
  /** Texts kept apart: objects by hash, or lists by position. */
  readonly attachments: readonly OffsetRange[];
}

export interface SampleReader {
  readonly text: string;
  readonly irregularities: Irregularities;
  readonly traceIds: UniqueIds;
}

export function sampleTrace(reader: SampleReader, sample: SampleParts, header: LogHeader): PlanTrace {
  const { text, irregularities } = reader;
  const { fields } = sample;
  const resolve = resolver(text, irregularities, sample.attachments);
  const events = readEvents({ text, irregularities, resolve }, sample.events);
  const pool = elementsOf(text, irregularities, sample.pool);
  const refs = fields['message_refs'];
  const places = refs === undefined ? elementsOf(text, irregularities, sample.messages) : expanded(refs, pool);
  const messages = places.flatMap((place): Message[] => {
    const record = asRecord(parseSlice(text, place.range.start, place.range.end, irregularities));
    return record === undefined ? [] : [{ ...place, record }];
  });
  const spoken = messageSteps({ text, resolve, events, messages });
  const others = events.calls.filter((call) => !spoken.used.has(call)).map((call): PlacedStep => ({ step: callStep({ text, irregularities, resolve, pool, events }, call), call }));
  const placed = inOrder(spoken.steps, others);
  closeSteps(placed, { events, output: asRecord(fields['output']), error: asRecord(fields['error']), limit: asRecord(fields['limit']) });
  const drafts = draftsOf(placed, irregularities.cutAt !== undefined);
  const scores = inspectScores(asRecord(fields['scores']) ?? (asRecord(fields['score']) === undefined ? {} : { score: fields['score'] }));
  const goal = goalOf(sample, { text, irregularities, resolve, messages });
  const id = asId(fields['id']) ?? '?';
  return assembleTrace(
    {
      format: 'inspect',
      formatVersion: header.version,
      traceId: `${id}_epoch_${asId(fields['epoch']) ?? '1'}`,
      goalText: goal.text,
      goalRange: goal.range,
      planSignature: header.task ?? 'inspect',
      steps: drafts,
      importedScores: scores,
      createdAt: asText(fields['started_at']) ?? header.created,
      meta: settled<TraceMeta>({ model: header.model ?? asText(asRecord(fields['output'])?.['model']), agent: header.agent, session: header.run, cwd: undefined, costUsd: costOf(asRecord(fields['model_usage'])), outcome: outcomeOf(scores) }),
      unknownRecordCounts: events.unknownRecordCounts,
      range: sample.range,
    },
    reader.traceIds,
  );
}

interface GoalContext {
  readonly text: string;
  readonly irregularities: Irregularities;
  readonly resolve: Resolve;
  readonly messages: readonly Message[];
}

/** The sample's input: the text, or the last message of the user in a list of them. */
function goalOf(sample: SampleParts, { text, irregularities, resolve, messages }: GoalContext): { readonly text: string; readonly range: OffsetRange | null } {
  const range = sample.ranges.get('input');
  if (range !== undefined) {
    const input = asText(sample.fields['input']);
    if (input !== undefined) return { text: resolve(input), range: findWords(text, range, [[]]) ?? null };
    const asked = elementsOf(text, irregularities, [{ range, pointer: '' }]).findLast((place) => asText(asRecord(parseSlice(text, place.range.start, place.range.end, irregularities))?.['role']) === 'user');
    const record = asked === undefined ? undefined : asRecord(parseSlice(text, asked.range.start, asked.range.end, irregularities));
    if (asked !== undefined && record !== undefined) return { text: messageText(record, resolve) ?? '', range: findWords(text, asked.range, WORDS) ?? null };
  }
  const first = messages.find(({ record }) => record['role'] === 'user');
  return { text: first === undefined ? '' : (messageText(first.record, resolve) ?? ''), range: first === undefined ? null : (findWords(text, first.range, WORDS) ?? null) };
}

/** What all models together cost; undefined where the log does not say. */
function costOf(usageByModel: JsonRecord | undefined): number | undefined {
  const costs = Object.values(usageByModel ?? {}).flatMap((usage) => asNumber(asRecord(usage)?.['total_cost']) ?? []);
  return costs.length === 0 ? undefined : costs.reduce((sum, cost) => sum + cost, 0);
}
