/** One run of the backbone over one window, reduced to what is kept of it. */
import type { WindowInput } from '../scoring/modelRunner.ts';
import { STATE_WIDTH } from '../scoring/stepEncoding.ts';
import type { UnitEncoding, WindowEncoding } from '../scoring/stepEncoding.ts';
import type { Session } from './backend.ts';
import { InferenceError } from './inferenceError.ts';

/** A packed window: the goal's state and sentence readout, then its units. */
const HEAD_FLOATS = 2 * STATE_WIDTH;
/** A packed unit: marker, mean, sentence, before, then quality, hazard and token count. */
const UNIT_FLOATS = 4 * STATE_WIDTH + 3;

/** A segment no token looks at. */
const PADDING = 1_000_000;

/** Runs the window, filled up to `paddedTo` tokens where it is shorter; the packed answer is read by `unpackWindow`. */
export async function runWindow(session: Session, { ids, ends, carried }: WindowInput, paddedTo = 0): Promise<Float32Array> {
  const tokens = Math.max(ids.length, paddedTo);
  const wide = new BigInt64Array(tokens);
  const segments = new BigInt64Array(tokens);
  // Low halves of the 64-bit numbers; none is negative.
  const low = new Int32Array(wide.buffer);
  const segmentLow = new Int32Array(segments.buffer);
  for (let i = 0, segment = 0; i < tokens; i++) {
    if (i >= (ends[segment] ?? tokens)) segment++;
    low[2 * i] = ids[i] ?? 0;
    segmentLow[2 * i] = i < ids.length ? segment : PADDING;
  }
  const dims = [1, tokens];
  const { states, sentence, readouts } = await session.run({ input_ids: { data: wide, dims }, segment: { data: segments, dims } });
  if (states?.length !== tokens * STATE_WIDTH || sentence?.length !== tokens * STATE_WIDTH || readouts?.length !== tokens * 2) {
    throw new InferenceError({ kind: 'bad-output', message: 'The backbone answers in another shape than StepScope reads; install the extension again.' });
  }
  return pack({ states, sentence, readouts }, ends, carried);
}

/** Views into the packed answer. */
export function unpackWindow(packed: Float32Array): WindowEncoding {
  const vector = (at: number): Float32Array => packed.subarray(at, at + STATE_WIDTH);
  const units: UnitEncoding[] = [];
  for (let at = HEAD_FLOATS; at < packed.length; at += UNIT_FLOATS) {
    const scalars = at + 4 * STATE_WIDTH;
    units.push({
      marker: vector(at), mean: vector(at + STATE_WIDTH), sentence: vector(at + 2 * STATE_WIDTH), before: vector(at + 3 * STATE_WIDTH),
      quality: packed[scalars] ?? 0, hazard: packed[scalars + 1] ?? 0, tokens: packed[scalars + 2] ?? 0,
    });
  }
  return { goal: vector(0), goalSentence: vector(STATE_WIDTH), units };
}

interface TokenOutputs {
  /** (T, 384) */
  readonly states: Float32Array;
  /** (T, 384) */
  readonly sentence: Float32Array;
  /** (T, 2): quality and hazard logit. */
  readonly readouts: Float32Array;
}

function pack(of: TokenOutputs, ends: Int32Array, carried: number): Float32Array {
  const head = ends[0] ?? 2;
  const packed = new Float32Array(HEAD_FLOATS + (ends.length - 1 - carried) * UNIT_FLOATS);
  packed.set(row(of.states, head - 1), 0);
  packed.set(meanOf(of.sentence, 1, Math.max(head - 1, 2)), STATE_WIDTH);
  for (let unit = carried + 1, at = HEAD_FLOATS; unit < ends.length; unit++, at += UNIT_FLOATS) {
    const start = ends[unit - 1] ?? head;
    const marker = (ends[unit] ?? start + 1) - 1;
    const end = Math.max(marker, start + 1);
    packed.set(row(of.states, marker), at);
    packed.set(meanOf(of.states, start, end), at + STATE_WIDTH);
    packed.set(meanOf(of.sentence, start, end), at + 2 * STATE_WIDTH);
    if (unit > 1) packed.set(row(of.states, start - 1), at + 3 * STATE_WIDTH);
    let hazard = 0;
    for (let i = start; i < marker; i++) hazard += softplus(of.readouts[2 * i + 1] ?? 0);
    packed.set([of.readouts[2 * marker] ?? 0, hazard, marker - start], at + 4 * STATE_WIDTH);
  }
  return packed;
}

function row(states: Float32Array, token: number): Float32Array {
  return states.subarray(token * STATE_WIDTH, (token + 1) * STATE_WIDTH);
}

/** Mean over tokens [start, end), summed in reading order in double precision. */
function meanOf(states: Float32Array, start: number, end: number): Float64Array {
  const sum = new Float64Array(STATE_WIDTH);
  for (let token = start; token < end; token++) {
    const at = token * STATE_WIDTH;
    for (let i = 0; i < STATE_WIDTH; i++) sum[i] = (sum[i] ?? 0) + (states[at + i] ?? 0);
  }
  return sum.map((v) => v / (end - start));
}

function softplus(x: number): number {
  return Math.log1p(Math.exp(-Math.abs(x))) + Math.max(0, x);
}
