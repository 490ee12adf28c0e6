/**
 * Surface features for training: `node models/surface.ts < in.ndjson > out.f32`, `--names` prints the names.
 * In: a line each `{"goal", "steps", "wanted": [indices]}`. Out: for each wanted index in order K float32, little-endian.
 */
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { advanceSurface, emptySurface, SURFACE_FEATURES, surfaceFeatures } from '../server/src/scoring/surfaceFeatures.ts';
import type { SurfaceState } from '../server/src/scoring/surfaceFeatures.ts';

interface Context {
  readonly goal: string;
  readonly steps: readonly string[];
  readonly wanted: readonly number[];
}

if (process.argv.includes('--names')) process.stdout.write(`${JSON.stringify(SURFACE_FEATURES)}\n`);
else await writeFeatures();

async function writeFeatures(): Promise<void> {
  let rows = 0;
  // Neighbouring lines share goal and first steps: states[i] is the state before step i of the line before.
  let before: Context = { goal: '', steps: [], wanted: [] };
  let states: SurfaceState[] = [emptySurface('')];
  for await (const line of createInterface({ input: process.stdin, crlfDelay: Number.POSITIVE_INFINITY })) {
    if (line.trim() === '') continue;
    const context = JSON.parse(line) as Context;
    states = context.goal === before.goal ? states.slice(0, sharedSteps(context, before) + 1) : [emptySurface(context.goal)];
    before = context;
    const out = new DataView(new ArrayBuffer(4 * SURFACE_FEATURES.length * context.wanted.length));
    context.wanted.forEach((index, row) => {
      const step = context.steps[index];
      if (step === undefined) throw new RangeError(`wanted ${index}, but there are ${context.steps.length} steps`);
      surfaceFeatures(stateBefore(states, context.steps, index), step).forEach((value, column) => out.setFloat32(4 * (row * SURFACE_FEATURES.length + column), value, true));
    });
    rows += context.wanted.length;
    if (!process.stdout.write(new Uint8Array(out.buffer))) await once(process.stdout, 'drain');
  }
  process.stderr.write(`${rows} rows of ${SURFACE_FEATURES.length}\n`);
}

/** The state before a step; those on the way are kept. */
function stateBefore(states: SurfaceState[], steps: readonly string[], index: number): SurfaceState {
  let state = states[Math.min(index, states.length - 1)] ?? emptySurface('');
  while (state.steps < index) {
    state = advanceSurface(state, steps[state.steps] ?? '');
    states.push(state);
  }
  return state;
}

function sharedSteps(a: Context, b: Context): number {
  let count = 0;
  while (count < a.steps.length && count < b.steps.length && a.steps[count] === b.steps[count]) count++;
  return count;
}
