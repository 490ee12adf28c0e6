/** Prints what a bench measured beside its budget, and keeps it in RESULTS.md. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';

export interface Row {
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  /** Undefined: reported only. */
  readonly budget?: { readonly atMost?: number; readonly atLeast?: number };
  /** What it was compared with in the same run. */
  readonly baseline?: string;
}

const FILE = join(process.cwd(), 'test/bench/RESULTS.md');

/** Writes one section; sets the exit status when a budget was missed. */
export function report(section: string, rows: readonly Row[]): void {
  const lines = rows.map((row) => {
    const { atMost, atLeast } = row.budget ?? {};
    const isMet = (atMost === undefined || row.value <= atMost) && (atLeast === undefined || row.value >= atLeast);
    if (!isMet) process.exitCode = 1;
    const budget = atMost !== undefined ? `<= ${atMost}` : atLeast !== undefined ? `>= ${atLeast}` : '';
    return `| ${row.what} | ${round(row.value)} ${row.unit} | ${budget}${budget === '' ? '' : isMet ? ' met' : ' **missed**'} | ${row.baseline ?? ''} |`;
  });
  const table = ['| what | measured | budget | baseline, same run |', '|---|---|---|---|', ...lines].join('\n');
  console.log(table);
  const old = existsSync(FILE) ? readFileSync(FILE, 'utf8') : '';
  const sections = new Map([...old.matchAll(/^## (.+)\n([^]*?)(?=^## |$(?![^]))/gm)].map((m) => [m[1] ?? '', (m[2] ?? '').trim()] as const));
  sections.set(section, table);
  const machine = `${cpus()[0]?.model.trim() ?? 'unknown processor'}, ${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.versions.node}, ${process.platform}-${process.arch}, ${new Date().toISOString().slice(0, 10)}`;
  const body = [...sections].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, text]) => `## ${name}\n\n${text}\n`).join('\n');
  writeFileSync(FILE, `# Bench results\n\nWritten by \`npm run bench\`. Machine: ${machine}.\n\n${body}`);
}

/** Median of a few numbers. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

function round(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toFixed(value >= 10 ? 1 : 2);
}
