/** Judgements in OpenInference spans: numbered `annotations` and `evaluations`, of the span, its trace or a span it links to. */
import { numberedRecords } from './genAiMessages.ts';
import { asNumber, asRecord, asText, type JsonRecord } from './jsonFields.ts';
import type { SpanScore } from './spanReading.ts';
import type { TraceSpan } from './spanTree.ts';

/** Judgements a span carries. One that judges on behalf of others links to what it judged. */
export function openInferenceScores(span: TraceSpan): readonly SpanScore[] {
  const { attributes } = span;
  let marks = false;
  for (const key in attributes) {
    if (!MARK.test(key)) continue;
    marks = true;
    break;
  }
  if (!marks) return NONE;
  const judged = span.links?.find((link) => link.spanId !== '')?.spanId;
  return PREFIXES.flatMap(({ prefix, member, isOfTrace }) =>
    numberedRecords(attributes, prefix).flatMap((record) => {
      const score = annotationScore(asRecord(record[member]) ?? record);
      return score === undefined ? [] : [{ ...score, ...(isOfTrace ? { isOfTrace } : judged === undefined ? {} : { spanId: judged }) }];
    }),
  );
}

const NONE: readonly SpanScore[] = [];
const MARK = /^(?:(?:trace|session)\.)?(?:annotations|evaluations)\.\d/;
const PREFIXES = [
  { prefix: 'annotations.', member: 'annotation', isOfTrace: false },
  { prefix: 'evaluations.', member: 'evaluation', isOfTrace: false },
  { prefix: 'trace.annotations.', member: 'annotation', isOfTrace: true },
  { prefix: 'trace.evaluations.', member: 'evaluation', isOfTrace: true },
  { prefix: 'session.annotations.', member: 'annotation', isOfTrace: true },
  { prefix: 'session.evaluations.', member: 'evaluation', isOfTrace: true },
];

/** One annotation, its result beside or within it. Undefined for one that says nothing; neither range nor direction is assumed. */
export function annotationScore(annotation: JsonRecord): SpanScore | undefined {
  const result = asRecord(annotation['result']) ?? annotation;
  const value = asNumber(result['score']);
  const label = asText(result['label']);
  const explanation = asText(result['explanation']);
  if (value === undefined && label === undefined && explanation === undefined) return undefined;
  return {
    source: asText(annotation['identifier']) ?? asText(annotation['annotator_kind']) ?? 'annotation',
    dimension: asText(annotation['name']) ?? 'score',
    value,
    label,
    explanation,
  };
}
