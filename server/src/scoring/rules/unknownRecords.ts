/** unknown-records: records of the file that its reader does not know, counted by type. */
import type { Rule } from './rule.ts';

export const unknownRecords: Rule = {
  code: 'unknown-records',
  check(trace) {
    const counts = Object.entries(trace.unknownRecordCounts).filter(([, count]) => count > 0);
    if (counts.length === 0) return [];
    const total = counts.reduce((sum, [, count]) => sum + count, 0);
    const kinds = counts
      .sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))
      .slice(0, 5)
      .map(([kind, count]) => `${kind.length > 40 ? `${kind.slice(0, 40)}…` : kind} ${count}`)
      .join(', ');
    const first = trace.steps.find((step) => step.range !== null)?.range ?? trace.range;
    return [
      {
        code: 'unknown-records',
        // The whole trace would be a very long squiggle.
        range: first === null ? null : { start: first.start, end: first.start + 1 },
        message: `${total} ${total === 1 ? 'record was' : 'records were'} not understood and left out (${kinds}).`,
        evidence: [],
        weight: 0.1,
        data: { total },
      },
    ];
  },
};
