/**
 * Damages trace files at random and reads them: no reader may throw, hang or point outside its text.
 *     node scripts/fuzz-formats.ts [minutes] [folder…]     without folders, the golden cases of this project
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { detectFormat, sniff } from '../server/src/formats/detect.ts';
import { findFormat } from '../server/src/formats/registry.ts';

const LARGEST = 200_000;
const SLOW_MS = 2_000;
const minutes = Number(process.argv[2] ?? 1);
const folders = process.argv.slice(3);
const roots = folders.length > 0 ? folders : [join(import.meta.dirname, '../test/golden')];
const files = roots.flatMap((root) => readdirSync(root, { recursive: true, encoding: 'utf8' }).map((name) => join(root, name)))
  .filter((path) => statSync(path).isFile() && !/\.expected\.json$|\.eval$|\.test\.ts$/.test(path) && statSync(path).size < LARGEST);
const texts = files.map((path) => readFileSync(path, 'utf8'));

let seed = 20261123;
const random = (below: number): number => {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
  return Math.floor((seed / 2 ** 32) * below);
};

/** One to four damages, one after the other. */
function damaged(text: string): string {
  let out = text;
  for (let n = 1 + random(4); n > 0; n--) {
    const at = random(out.length + 1);
    const lines = out.split('\n');
    switch (random(9)) {
      case 0: out = out.slice(0, Math.floor((out.length * random(50)) / 50)); break;
      case 1: out = out.slice(0, at) + String.fromCharCode(random(0x300)) + out.slice(at + 1); break;
      case 2: out = out.slice(0, at) + out.slice(at + random(200)); break;
      case 3: lines.splice(random(lines.length), 0, lines[random(lines.length)] ?? ''); out = lines.join('\n'); break;
      case 4: [lines[0], lines[lines.length - 1]] = [lines.at(-1) ?? '', lines[0] ?? '']; out = lines.join('\n'); break;
      case 5: out = out.replace(/\d+/, '1' + '0'.repeat(random(400))); break;
      case 6: out = out.slice(0, at) + '[{"a":'.repeat(random(3000)) + out.slice(at); break;
      case 7: out = out.slice(0, at) + ['null', '{}', '[]', '"', '\\u', '\ud800', '-', 'NaN', '\0'][random(9)] + out.slice(at); break;
      default: out = out.slice(0, at) + (texts[random(texts.length)] ?? '').slice(0, random(2000)) + out.slice(at);
    }
  }
  return out;
}

const ends = performance.now() + minutes * 60_000;
const counts = new Map<string, number>();
let runs = 0;
let slowest = 0;
let failures = 0;
while (performance.now() < ends && failures < 10) {
  const at = random(texts.length);
  const original = texts[at] ?? '';
  const path = files[at] ?? '';
  const before = detectFormat(sniff(path, original))?.format;
  const from = seed;
  const text = damaged(original);
  const began = performance.now();
  try {
    // Also by the format it was, where the damage hides it.
    for (const id of new Set([before, detectFormat(sniff(path, text))?.format])) {
      if (id === undefined) continue;
      const { traces } = findFormat(id)?.parse({ path, text }) ?? { traces: [] };
      for (const step of traces.flatMap((t) => t.steps)) {
        if (step.range !== null && !(step.range.start >= 0 && step.range.end <= text.length && step.range.start <= step.range.end)) throw new Error(`${id}: a range outside the text`);
      }
      counts.set(id, (counts.get(id) ?? 0) + 1);
    }
  } catch (error) {
    failures++;
    console.error(`seed ${from}, ${path}: ${error instanceof Error ? error.stack ?? error.message : String(error)}`);
  }
  const took = performance.now() - began;
  if (took > SLOW_MS) console.error(`seed ${from}, ${path}: ${took.toFixed(0)} ms for ${text.length} characters`);
  slowest = Math.max(slowest, took);
  runs++;
}
console.log(`${runs} damaged files in ${minutes} minutes, ${failures} failures, slowest ${slowest.toFixed(0)} ms`);
console.log([...counts].sort().map(([id, n]) => `${id} ${n}`).join(', '));
process.exitCode = failures === 0 ? 0 : 1;
