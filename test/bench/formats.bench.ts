/** Readers of every format over the golden cases again and again, and detection over files that are no traces. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { detectFormat, sniff } from '../../server/src/formats/detect.ts';
import { FORMATS } from '../../server/src/formats/registry.ts';
import { report } from './report.ts';

const BYTES = 24e6;
const UNRELATED = 20_000;
const LARGEST = 2e6;

const golden = ['formats', 'agentRuns', 'spans', 'responses'].map((name) => join('test/golden', name)).filter(existsSync)
  .flatMap((folder) => readdirSync(folder).map((name) => join(folder, name))).filter((path) => !/\.expected\.json$/.test(path));

function readers(): Parameters<typeof report>[1] {
  return FORMATS.flatMap((format) => {
    const texts = golden.map((path) => ({ path, text: readFileSync(path, 'utf8') })).filter(({ path, text }) => detectFormat(sniff(path, text))?.format === format.id);
    if (texts.length === 0) return [];
    let bytes = 0;
    let steps = 0;
    const round = (): void => {
      for (const one of texts) {
        bytes += Buffer.byteLength(one.text);
        steps += format.parse(one).traces.reduce((n, t) => n + t.steps.length, 0);
      }
    };
    for (let warm = 0; warm < 20; warm++) round();
    bytes = steps = 0;
    const began = performance.now();
    while (bytes < BYTES && performance.now() - began < 4_000) round();
    const seconds = (performance.now() - began) / 1000;
    return [{ what: `${format.title}, small files (${texts.length} golden cases)`, value: bytes / 1e6 / seconds, unit: 'MB/s', baseline: `${Math.round(steps / seconds)} steps/s` }];
  });
}

/** JSON of the installed packages: manifests, maps, settings, data; the same again until there are enough. */
function detection(): Parameters<typeof report>[1][number] {
  const files: { readonly path: string; readonly text: string }[] = [];
  for (const name of readdirSync('node_modules', { recursive: true, encoding: 'utf8' })) {
    const path = join('node_modules', name);
    if (!/\.(?:json|map|ipynb|jsonl)$/.test(name) || !statSync(path).isFile() || statSync(path).size > LARGEST) continue;
    files.push({ path, text: readFileSync(path, 'utf8').slice(0, 65_536) });
    if (files.length >= UNRELATED) break;
  }
  let hits = 0;
  let looked = 0;
  const began = performance.now();
  while (looked < UNRELATED) {
    for (const { path, text } of files) {
      if (looked++ >= UNRELATED) break;
      if ((detectFormat(sniff(path, text, { isWhole: text.length < 65_536 }))?.confidence ?? 0) >= 0.5) hits++;
    }
  }
  return { what: `detection over ${UNRELATED} JSON files that are no traces (${files.length} different), taken for traces: ${hits}`, value: (performance.now() - began) / 1000, unit: 's', baseline: `${files.length} files of the installed packages` };
}

report('Formats', [...readers(), detection()]);
