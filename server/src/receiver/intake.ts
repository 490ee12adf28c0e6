/** What has been received and not yet written: bounded, written in the order it came, files flushed once for all that waits. */
import { decode, type Body } from './exportRequest.ts';
import type { TraceFiles } from './traceFiles.ts';
import { linesOf, type RequestLines, type TraceLines } from './traceLines.ts';

export type Outcome =
  | { readonly kind: 'written'; readonly accepted: number; readonly rejected: number; readonly reason: string }
  | { readonly kind: 'unreadable' | 'too-large' | 'failed'; readonly message: string };

export interface Intake {
  /** Room for one request; undefined when too many are under way. */
  enter(): Room | undefined;
  /** Decodes and writes; resolves when the lines are on disk or cannot be. */
  take(body: Body): Promise<Outcome>;
  /** Resolves when nothing waits any more. */
  whenIdle(): Promise<void>;
}

export interface Room {
  /** Whether there is room for so many bytes more. */
  grow(bytes: number): boolean;
  /** Gives all of it back; the request is over. */
  leave(): void;
}

/** Bytes of bodies under way at one time, as they were sent. */
const MOST_BYTES = 67_108_864;
const MOST_REQUESTS = 256;
/** Characters of lines written and flushed together; one request may have more. */
const MOST_TOGETHER = 8_388_608;

interface Waiting {
  readonly body: Body;
  readonly resolve: (outcome: Outcome) => void;
}

export function createIntake(files: TraceFiles, onWritten: (file: string) => void): Intake {
  const waiting: Waiting[] = [];
  let writing: Promise<void> | undefined;
  let bytesInside = 0;
  let requestsInside = 0;

  async function writeAll(): Promise<void> {
    while (waiting.length > 0) {
      const together: Read[] = [];
      let characters = 0;
      for (let job = waiting.shift(); job !== undefined; job = characters < MOST_TOGETHER ? waiting.shift() : undefined) {
        const read = await linesOfBody(job.body);
        if (read.kind !== 'lines') {
          job.resolve(read);
          continue;
        }
        together.push({ resolve: job.resolve, lines: read.lines });
        characters += read.lines.characters;
      }
      const failures = await append(merged(together.flatMap(({ lines }) => lines.traces)));
      for (const { resolve, lines } of together) resolve(outcomeOf(lines, failures));
    }
    writing = undefined;
  }

  /** Why the lines of a trace could not be written, by trace id. */
  async function append(traces: readonly TraceLines[]): Promise<ReadonlyMap<string, string>> {
    const failures = new Map<string, string>();
    for (const trace of traces) {
      try {
        onWritten(await files.append(trace));
      } catch (error) {
        failures.set(trace.traceId, error instanceof Error ? error.message : String(error));
      }
    }
    return failures;
  }

  return {
    enter() {
      if (requestsInside >= MOST_REQUESTS) return undefined;
      requestsInside++;
      let own = 0;
      return {
        grow(bytes) {
          if (bytesInside + bytes > MOST_BYTES) return false;
          bytesInside += bytes;
          own += bytes;
          return true;
        },
        leave() {
          bytesInside -= own;
          requestsInside--;
        },
      };
    },
    take(body) {
      return new Promise((resolve) => {
        waiting.push({ body, resolve });
        writing ??= writeAll();
      });
    },
    async whenIdle() {
      await writing;
    },
  };
}

interface Read {
  readonly lines: RequestLines;
  readonly resolve: (outcome: Outcome) => void;
}

function outcomeOf({ traces, accepted, rejected, reason }: RequestLines, failures: ReadonlyMap<string, string>): Outcome {
  const message = traces.map(({ traceId }) => failures.get(traceId)).find((why) => why !== undefined);
  return message === undefined ? { kind: 'written', accepted, rejected, reason } : { kind: 'failed', message };
}

async function linesOfBody(body: Body): Promise<{ readonly kind: 'lines'; readonly lines: RequestLines } | Extract<Outcome, { kind: 'unreadable' | 'too-large' | 'failed' }>> {
  const decoded = await decode(body);
  if (decoded.kind !== 'request') return decoded;
  try {
    const lines = linesOf(decoded.request, body.signal);
    return lines === undefined ? { kind: 'too-large', message: 'The request is too large written out: send fewer spans at once.' } : { kind: 'lines', lines };
  } catch (error) {
    return { kind: 'unreadable', message: `The body nests too deep (${error instanceof Error ? error.message : String(error)}).` };
  }
}

function merged(traces: readonly TraceLines[]): readonly TraceLines[] {
  const byId = new Map<string, TraceLines>();
  for (const trace of traces) {
    const before = byId.get(trace.traceId);
    if (before === undefined) byId.set(trace.traceId, { ...trace, lines: [...trace.lines] });
    else {
      for (const line of trace.lines) before.lines.push(line);
      before.isAgent ||= trace.isAgent;
    }
  }
  return [...byId.values()];
}
