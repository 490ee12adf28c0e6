/** Real files of every format, where they are at hand, exported to each target: what matters comes back or is said to be lost. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { EXPORT_TARGETS, exportTraces } from '../../server/src/features/exportTrace.ts';
import type { ExportTarget } from '../../server/src/features/exportTrace.ts';
import { hasSteps, readTraces } from '../../server/src/formats/readTraces.ts';
import { differences, READERS } from '../support/exportedTraces.ts';

const folder = join(import.meta.dirname, '../../../shared/samples');
const isHere = existsSync(folder);
const MOST_CHARACTERS = 3_000_000;

if (!isHere) console.log(`Skipped: no sample files at ${folder}. They are the traces of other projects and not part of this one.`);

describe.skipIf(!isHere)('real traces of every format', () => {
  const folders = isHere ? readdirSync(folder).filter((name) => statSync(join(folder, name)).isDirectory()) : [];
  const chosen = folders.flatMap((name) => {
    const files = readdirSync(join(folder, name)).flatMap((file) => {
      const text = readFileSync(join(folder, name, file), 'utf8');
      const parsed = text.length > MOST_CHARACTERS ? undefined : readTraces({ path: file, text });
      return parsed === undefined || !hasSteps(parsed) ? [] : [{ name: `${name}/${file}`, traces: parsed.traces }];
    });
    return files.slice(0, 2);
  });

  describe.each(Object.keys(EXPORT_TARGETS) as readonly ExportTarget[])('as %s', (target) => {
    it.each(chosen)('$name', ({ traces }) => {
      const { text, lost } = exportTraces(traces, target);
      const read = READERS[target].parse({ path: '', text }).traces;
      // OTLP has no traces without spans.
      const kept = target === 'otlp' ? traces.filter((trace) => trace.steps.length > 0) : traces;
      expect(read.length).toBe(kept.length);
      const isReordered = lost.some((words) => words.startsWith('the order of the steps'));
      const found = isReordered ? [] : kept.flatMap((trace, i) => differences(trace, read[i] ?? trace));
      for (const { word, at } of found) expect(lost.join('\n'), `${at} differs in: ${word}`).toContain(word);
      // The other way round: what is said to be lost does differ.
      for (const word of ['goal', 'as a whole', 'outputs', 'reasoning', 'inputs', 'tool calls', 'tool arguments', 'tool results', 'failure marks of tools', 'input tokens', 'output tokens', 'cached tokens', 'errors']) {
        if (!isReordered && lost.some((words) => words.startsWith(`${word} of`) || words.startsWith(`the ${word} of`))) expect(found.map((d) => d.word), `"${word}" is listed although nothing differs`).toContain(word);
      }
      expect(kept.reduce((sum, trace) => sum + trace.steps.length, 0)).toBe(read.reduce((sum, trace) => sum + trace.steps.length, 0));
      if (process.env['SHOW_LOST'] !== undefined) console.log(target, lost);
    });
  });
});
