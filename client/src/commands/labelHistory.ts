/** Labels given in this window, newest last, each with what stood before it. */
import type { LabelValue } from '../../../server/src/contract/protocol.ts';

export interface GivenLabel {
  readonly uri: string;
  readonly traceId: string;
  readonly stepId: string;
  readonly previous: LabelValue | null;
}

export interface LabelHistory {
  push(label: GivenLabel): void;
  /** The newest label, taken off the history; undefined when none is left. */
  pop(): GivenLabel | undefined;
}

export function createLabelHistory(): LabelHistory {
  const given: GivenLabel[] = [];
  return { push: (label) => { given.push(label); }, pop: () => given.pop() };
}
