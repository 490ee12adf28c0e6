/** The warnings about a file that is read in parts: of each kind the first, as a reader of the whole file would give it. */
import type { TraceWarning } from '../../core/planTrace.ts';
import type { Composite } from './composite.ts';

export interface PartWarnings {
  /** Takes what a part gave, with its places moved to where they are in the file. */
  note(warnings: readonly TraceWarning[], composite: Composite): void;
  /** What held of the last part only is left out once a further part was read. */
  all(): readonly TraceWarning[];
}

export function createPartWarnings(): PartWarnings {
  const lasting = new Map<TraceWarning['code'], TraceWarning>();
  let ofLast: readonly TraceWarning[] = [];
  return {
    note(warnings, composite) {
      const placed = warnings.map((warning) => (warning.range === null ? warning : { ...warning, range: composite.rangeInFile(warning.range) }));
      // That the text ends inside a value is true of the last part alone.
      ofLast = placed.filter((warning) => warning.code === 'truncated-file');
      for (const warning of placed) if (warning.code !== 'truncated-file' && !lasting.has(warning.code)) lasting.set(warning.code, warning);
    },
    all: () => [...ORDER.flatMap((code) => [...lasting.values(), ...ofLast].filter((warning) => warning.code === code)), ...[...lasting.values()].filter((warning) => !ORDER.includes(warning.code))],
  };
}

const ORDER: readonly TraceWarning['code'][] = ['file-not-strict-json', 'truncated-file', 'broken-record', 'bad-encoding'];
