/** Every format over a large file: MB/s, and the most memory that a fresh process needs beyond holding the text. Then detection over files that are no traces. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { performance } from 'node:perf_hooks';
import type { PlanTrace } from '../../server/src/core/planTrace.ts';
import { detectFormat, sniff } from '../../server/src/formats/detect.ts';
import { isJsonLines } from '../../server/src/formats/documents.ts';
import { FORMATS } from '../../server/src/formats/registry.ts';
import { largeFile, RECIPES } from './largeFiles.ts';
import { median, report } from './report.ts';
import type { Row } from './report.ts';

const BYTES = 24e6;
const ROUNDS = 3;
const UNRELATED = 20_000;
const LARGEST = 2e6;

interface Measured {
  readonly ms: number;
  /** Absent where the text is no JSON. */
  readonly jsonMs?: number;
  readonly traces: number;
  readonly steps: number;
  /** The most memory the process had when the file had been read once. */
  readonly peakMb?: number;
}

/** In a process of its own: reads the file by the format; by none, for the memory of a bare start. */
function measure(path: string, formatId: string): Measured {
  const text = readFileSync(path, 'utf8');
  const format = FORMATS.find((f) => f.id === formatId);
  if (format === undefined) return { ms: 0, traces: 0, steps: 0, ...memory() };
  let traces: readonly PlanTrace[] = [];
  const read = (): void => { ({ traces } = format.parse({ path, text })); };
  const times = [timed(read)];
  const peak = memory();
  while (times.length < ROUNDS) times.push(timed(read));
  const isJson = RECIPES.find((r) => r.format === formatId)?.isText !== true;
  const documents = isJson && isJsonLines(text) ? text.trimEnd().split('\n') : [text];
  return {
    ms: median(times), ...peak, traces: traces.length, steps: traces.reduce((n, trace) => n + trace.steps.length, 0),
    ...(isJson ? { jsonMs: timed(() => documents.forEach((document) => { JSON.parse(document); })) } : {}),
  };
}

function timed(work: () => void): number {
  globalThis.gc?.();
  const began = performance.now();
  work();
  return performance.now() - began;
}

/** Nothing on systems other than Linux. */
function memory(): { readonly peakMb?: number } {
  if (process.platform !== 'linux') return {};
  return { peakMb: Number(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? Number.NaN) / 1024 };
}

/** Each format's case under test/golden made large. Throws where the file made is not read as what it is. */
function readers(folder: string): readonly Row[] {
  return FORMATS.flatMap((format): readonly Row[] => {
    const recipe = RECIPES.find((r) => r.format === format.id);
    if (recipe === undefined) {
      console.error(`Say in test/bench/largeFiles.ts how a large ${format.title} is made.`);
      process.exitCode = 1;
      return [];
    }
    const file = largeFile(recipe, BYTES);
    const path = join(folder, basename(file.path));
    writeFileSync(path, file.text);
    const found = detectFormat(sniff(path, file.text))?.format;
    const inChild = (id: string): Measured => JSON.parse(spawnSync(process.execPath, ['--expose-gc', process.argv[1] ?? '', path, id], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }).stdout) as Measured;
    const bare = inChild('none').peakMb;
    const { ms, jsonMs, traces, steps, peakMb } = inChild(format.id);
    rmSync(path);
    if (found !== format.id || steps < file.rounds) throw new Error(`The large ${format.title} is read as ${found ?? 'nothing'}, with ${steps} steps in ${file.rounds} rounds.`);
    const megabytes = Buffer.byteLength(file.text) / 1e6;
    const speed = { what: `${format.title}, ${megabytes.toFixed(0)} MB, ${traces} traces, ${steps} steps`, value: megabytes / (ms / 1000), unit: 'MB/s', baseline: jsonMs === undefined ? '' : `JSON.parse alone ${(megabytes / (jsonMs / 1000)).toFixed(0)} MB/s` };
    return bare === undefined || peakMb === undefined ? [speed] : [speed, { what: `${format.title}, peak memory beyond that of holding the text`, value: peakMb - bare, unit: 'MB', baseline: `holding the text ${bare.toFixed(0)} MB` }];
  });
}

/** JSON of the installed packages: manifests, maps, settings, data; the same again until there are enough. */
function detection(): Row {
  const files: { readonly path: string; readonly text: string }[] = [];
  for (const name of readdirSync('node_modules', { recursive: true, encoding: 'utf8' })) {
    const path = join('node_modules', name);
    // Names with a dot at the front are caches, which come and go.
    if (name.startsWith('.') || !/\.(?:json|map|ipynb|jsonl)$/.test(name) || !statSync(path).isFile() || statSync(path).size > LARGEST) continue;
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

function main(): void {
  const [path, formatId] = process.argv.slice(2);
  if (path !== undefined && formatId !== undefined) {
    process.stdout.write(JSON.stringify(measure(path, formatId)));
    return;
  }
  const folder = mkdtempSync(join(tmpdir(), 'stepscope bench '));
  try {
    report('Formats', [...readers(folder), detection()]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

main();
