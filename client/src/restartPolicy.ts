/** When a server that went down comes back: 1 s, 2 s, 4 s…, at most five times in three minutes. */

const WINDOW_MS = 3 * 60_000;
const MAX_RESTARTS = 5;
const FIRST_DELAY_MS = 1_000;

export type RestartDecision = { readonly kind: 'restart'; readonly delayMs: number } | { readonly kind: 'give-up'; readonly crashes: number };

export interface RestartPolicy {
  /** Counts a crash at `nowMs` and says what to do about it. */
  crashed(nowMs: number): RestartDecision;
  /** Forgets the crashes: the user asked for a fresh start. */
  reset(): void;
}

export function createRestartPolicy(): RestartPolicy {
  let crashes: number[] = [];
  return {
    crashed(nowMs) {
      crashes = [...crashes.filter((at) => nowMs - at < WINDOW_MS), nowMs];
      if (crashes.length > MAX_RESTARTS) return { kind: 'give-up', crashes: crashes.length };
      return { kind: 'restart', delayMs: FIRST_DELAY_MS * 2 ** (crashes.length - 1) };
    },
    reset() {
      crashes = [];
    },
  };
}
