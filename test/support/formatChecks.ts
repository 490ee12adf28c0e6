/** What every trace format promises, whatever the file: in order, within the text, unique ids, words where they are said to stand. */
import type { ExecutionStep } from '../../server/src/core/planTrace.ts';
import type { ParsedFile, TraceFormat } from '../../server/src/formats/format.ts';
import { checkSound } from './soundTraces.ts';

/** Reads a text and checks what holds for any result. */
export function readSoundly(format: TraceFormat, text: string, path = 'x.json'): ParsedFile {
  const parsed = format.parse({ path, text });
  checkSound(parsed, text);
  return parsed;
}

/** Whether the text at the step's range holds the beginning of the step's own words, through up to four layers of JSON escapes. */
export function holdsOwnWords(text: string, step: ExecutionStep): boolean {
  const own = [step.output, step.reasoning, step.tools[0]?.name].find((words) => words !== undefined && words.trim() !== '');
  if (own === undefined || step.range === null) return true;
  let slice = text.slice(step.range.start, step.range.end);
  const start = own.trim().split('\n')[0]?.slice(0, 24) ?? '';
  for (let layers = 0; layers <= 4; layers++) {
    if (slice.includes(start)) return true;
    slice = slice.replace(/\\(?:u([0-9a-fA-F]{4})|([\s\S]))/g, (_, hex: string | undefined, letter: string | undefined) => (hex === undefined ? (ESCAPES[letter ?? ''] ?? letter ?? '') : String.fromCharCode(Number.parseInt(hex, 16))));
  }
  return false;
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', b: '\b', f: '\f' };

/** Broken copies of a text: cut at every fiftieth of it, bits flipped, lines doubled and swapped, numbers blown up, nested deep. */
export function* brokenCopies(text: string): Generator<string> {
  for (let i = 0; i < 50; i++) yield text.slice(0, Math.floor((text.length * i) / 50));
  for (let i = 0; i < 25; i++) {
    const at = Math.floor((text.length * (i + 0.37)) / 25);
    yield text.slice(0, at) + String.fromCharCode(text.charCodeAt(at) ^ (1 << (i % 7))) + text.slice(at + 1);
  }
  const lines = text.split('\n');
  for (const at of [0, Math.floor(lines.length / 2), lines.length - 2]) {
    const line = lines[at] ?? '';
    yield [...lines.slice(0, at), line, line, ...lines.slice(at + 1)].join('\n');
    yield [...lines.slice(0, at), lines[at + 1] ?? '', line, ...lines.slice(at + 2)].join('\n');
  }
  yield lines.reverse().join('\n');
  yield text.replace(/: ?\d+(\.\d+)?/g, ': 123456789012345678901234567890');
  yield text.replace(/: ?\d+(\.\d+)?/g, ': -1e999');
  yield text.replace(/: ?"[^"\\]{1,12}"/g, ': null');
  yield text.replace(/\[/g, '{').replace(/\]/g, '}');
  yield text.replace(/"(\w+)": ?\[/g, `"$1": ${'['.repeat(2000)}`);
  yield text.replace(/"(\w+)": ?\{/g, (whole, key: string) => `"${key}": ${'{"a":'.repeat(300)}${whole.slice(whole.indexOf(':') + 1)}`);
}
