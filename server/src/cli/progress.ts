/** How far a long command is, on standard error: one line that renews itself on a terminal, a line now and then elsewhere. */
import type { Writable } from 'node:stream';

export interface Progress {
  /** More of the total is done. */
  advance(count: number): void;
  /** Clears the line of a terminal. */
  end(): void;
}

const TERMINAL_PAUSE_MS = 250;
const LOG_PAUSE_MS = 10_000;
/** The rate is that of the last minute: the start is slow, and files change as they go on. */
const RATE_WINDOW_MS = 60_000;

export function createProgress(options: { readonly title: string; readonly total: number; readonly unit: string; readonly stream: Writable; readonly isTerminal: boolean; readonly nowMs: () => number }): Progress {
  const { title, total, unit, stream, isTerminal, nowMs } = options;
  const pauseMs = isTerminal ? TERMINAL_PAUSE_MS : LOG_PAUSE_MS;
  let done = 0;
  let saidMs = nowMs();
  const marks: { readonly atMs: number; readonly done: number }[] = [];
  return {
    advance(count) {
      done += count;
      const now = nowMs();
      // The models have loaded by the first report.
      if (marks.length === 0) marks.push({ atMs: now, done });
      if (now - saidMs < pauseMs) return;
      saidMs = now;
      while (marks.length > 1 && now - (marks[1]?.atMs ?? now) >= RATE_WINDOW_MS) marks.shift();
      const since = marks[0] ?? { atMs: now, done };
      const text = `${title}: ${done} of ${total} ${unit}${pace({ done: done - since.done, left: total - done, unit, elapsedMs: now - since.atMs })}`;
      marks.push({ atMs: now, done });
      stream.write(isTerminal ? `\r\u001b[K${text}` : `${text}\n`);
    },
    end() {
      if (isTerminal) stream.write('\r\u001b[K');
    },
  };
}

/** Before this the rate means little. */
const LEAST_MS = 2_000;

/** " · 41 steps/s · 1 min 20 s left", of `done` steps in the time given. */
export function pace(at: { readonly done: number; readonly left: number; readonly unit: string; readonly elapsedMs: number }): string {
  if (at.done === 0 || at.elapsedMs < LEAST_MS) return '';
  const perSecond = (at.done * 1000) / at.elapsedMs;
  return ` · ${perSecond < 10 ? perSecond.toFixed(1) : Math.round(perSecond)} ${at.unit}/s · ${duration(at.left / perSecond)} left`;
}

function duration(seconds: number): string {
  const whole = Math.max(0, Math.ceil(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}
