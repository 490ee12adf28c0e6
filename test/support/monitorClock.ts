/** A clock that tests move by hand. */
import type { MonitorClock } from '../../server/src/monitor/monitorOptions.ts';

export interface TestClock extends MonitorClock {
  /** Both clocks go on. */
  pass(ms: number): void;
  /** Somebody sets the wall clock. */
  jump(ms: number): void;
}

export function testClock(): TestClock {
  let wall = Date.UTC(2026, 0, 2, 3, 4, 5);
  let monotonic = 1_000;
  return {
    wallMs: () => wall,
    monotonicMs: () => monotonic,
    pass(ms) {
      wall += ms;
      monotonic += ms;
    },
    jump(ms) {
      wall += ms;
    },
  };
}
