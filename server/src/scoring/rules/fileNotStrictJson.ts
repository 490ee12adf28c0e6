/** file-not-strict-json: what the reader had to forgive inside one trace. */
import type { TraceWarning } from '../../core/planTrace.ts';
import type { Finding } from '../../core/problems.ts';
import type { Rule } from './rule.ts';

/** Warnings about the file as a whole stand on the parsed file and are shown once, not once a trace. */
export const fileNotStrictJson: Rule = {
  code: 'file-not-strict-json',
  check(trace) {
    return trace.warnings.filter((warning) => warning.code !== 'unknown-records').map(findingOf);
  },
};

function findingOf(warning: TraceWarning): Finding {
  return { code: 'file-not-strict-json', range: warning.range, message: warning.message, evidence: [], weight: 0.1, data: { warning: warning.code } };
}
