/** Scores of any system, as `stepscope mars --records` takes them: JSON to the columns MARS reads. */
import { isWitness } from '../core/scoreRecord.ts';
import type { MarsColumn, MarsInput } from '../corpus/marsColumns.ts';
import { configOf, readMarsSettings } from '../corpus/marsConfig.ts';
import type { MarsSettings } from '../corpus/marsConfig.ts';
import { asRecord } from '../formats/jsonFields.ts';
import type { JsonRecord } from '../formats/jsonFields.ts';

export type RecordsReading = { readonly inputs: readonly MarsInput[] } | { readonly problem: string };

type Range = readonly [lo: number, hi: number];

interface Cell {
  readonly row: number;
  readonly score: number;
  readonly attributes: JsonRecord;
}

interface DimensionCells {
  readonly rowIds: string[];
  readonly rowById: Map<string, number>;
  readonly cellsByScorer: Map<string, Cell[]>;
}

/** One input a dimension, or one sentence: what is wrong, where, what to write instead. Of two scores of one scorer for one scorable the later counts. */
export function readRecords(text: string): RecordsReading {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (error) {
    return { problem: `This is no JSON (${(error instanceof Error ? error.message : String(error)).replace(/\s+/g, ' ')}): write {"records": […], "scale": [0, 1]}, what is missing as null.` };
  }
  const whole = asRecord(parsed);
  const given = asRecord(whole?.['input']) ?? whole;
  const records: unknown = Array.isArray(parsed) ? parsed : given?.['records'];
  if (!Array.isArray(records)) return { problem: 'There is no list "records": write {"records": [{"scorable_id": …, "dimension": …, "source": …, "score": …}], "scale": [0, 1]}.' };
  const config = readMarsSettings(given?.['mars_config']);
  if ('problem' in config) return config;
  const ranges = readScale(given?.['scale']);
  if ('problem' in ranges) return ranges;
  const byDimension = new Map<string, DimensionCells>();
  for (const [index, value] of (records as readonly unknown[]).entries()) {
    const problem = take(value, `records[${index}]`, { byDimension, rangeOf: ranges.rangeOf, isDeclared: ranges.isDeclared });
    if (problem !== undefined) return { problem };
  }
  return { inputs: [...byDimension].map(([dimension, cells]) => inputOf(dimension, cells, config.settings, ranges.rangeOf)) };
}

interface Taking {
  readonly byDimension: Map<string, DimensionCells>;
  readonly rangeOf: (scorer: string) => Range | undefined;
  readonly isDeclared: boolean;
}

/** Adds one record, or says what is wrong with it. */
function take(value: unknown, at: string, { byDimension, rangeOf, isDeclared }: Taking): string | undefined {
  const record = asRecord(value);
  if (record === undefined) return `${at} is no object: write {"scorable_id": …, "dimension": …, "source": …, "score": …}.`;
  const { scorable_id: id, dimension, score = null, attributes = {} } = record;
  const source = record['source'] ?? record['scorer'];
  if (typeof id !== 'string' && typeof id !== 'number') return `${at}.scorable_id is ${shown(id)}: it must be a text that names what was scored.`;
  if (typeof dimension !== 'string') return `${at}.dimension is ${shown(dimension)}: it must be a text, as "clarity".`;
  if (typeof source !== 'string') return `${at}.source is ${shown(source)}: it must name the scorer.`;
  if (score !== null && typeof score !== 'number') return `${at}.score is ${shown(score)}: it must be a number, or null where it is missing.`;
  const numbers = attributes === null ? {} : asRecord(attributes);
  if (numbers === undefined) return `${at}.attributes is ${shown(attributes)}: it must be an object of numbers by name.`;
  const range = rangeOf(source);
  if (range === undefined) return `"scale" has no range for ${source} (${at}): add "${source}": [lowest, highest].`;
  if (!isDeclared && score !== null && (score < 0 || score > 1)) return `${at}.score is ${score}, but no scale is declared and 0 to 1 is taken: add "scale": [lowest, highest].`;
  if (!isWitness(source)) return undefined;
  let cells = byDimension.get(dimension);
  if (cells === undefined) byDimension.set(dimension, cells = { rowIds: [], rowById: new Map(), cellsByScorer: new Map() });
  const name = String(id);
  let row = cells.rowById.get(name);
  if (row === undefined) {
    row = cells.rowIds.push(name) - 1;
    cells.rowById.set(name, row);
  }
  const cell = { row, score: score ?? Number.NaN, attributes: numbers };
  const column = cells.cellsByScorer.get(source);
  if (column === undefined) cells.cellsByScorer.set(source, [cell]);
  else column.push(cell);
  return undefined;
}

function inputOf(dimension: string, { rowIds, cellsByScorer }: DimensionCells, settings: MarsSettings, rangeOf: Taking['rangeOf']): MarsInput {
  const rows = rowIds.length;
  const columns = [...cellsByScorer].map(([scorer, cells]): MarsColumn => {
    const scores = new Float64Array(rows).fill(Number.NaN);
    const metrics = new Map<string, Float64Array>();
    for (const { row, score, attributes } of cells) {
      scores[row] = score;
      // A later record replaces the earlier one with all it had.
      for (const values of metrics.values()) values[row] = Number.NaN;
      for (const [name, number] of Object.entries(attributes)) {
        if (typeof number !== 'number') continue;
        let values = metrics.get(name);
        if (values === undefined) metrics.set(name, values = new Float64Array(rows).fill(Number.NaN));
        values[row] = number;
      }
    }
    return { scorer, range: rangeOf(scorer) ?? [0, 1], scores, metrics };
  });
  return { dimension, rowIds, columns, config: configOf(settings, dimension) };
}

/** [lo, hi] for all scorers, or an object with one a scorer. */
function readScale(value: unknown): Omit<Taking, 'byDimension'> | { readonly problem: string } {
  if (value === undefined || value === null) return { rangeOf: () => [0, 1], isDeclared: false };
  const byScorer = asRecord(value);
  if (byScorer === undefined) {
    const range = readRange(value);
    return range === undefined ? { problem: `"scale" is ${shown(value)}: write [lowest, highest], as [0, 100].` } : { rangeOf: () => range, isDeclared: true };
  }
  const ranges = new Map<string, Range>();
  for (const [scorer, given] of Object.entries(byScorer)) {
    const range = readRange(given);
    if (range === undefined) return { problem: `"scale" of ${scorer} is ${shown(given)}: write [lowest, highest], as [0, 100].` };
    ranges.set(scorer, range);
  }
  return { rangeOf: (scorer) => ranges.get(scorer), isDeclared: true };
}

function readRange(value: unknown): Range | undefined {
  if (!Array.isArray(value) || value.length !== 2) return undefined;
  const [lo, hi] = value as readonly unknown[];
  return typeof lo === 'number' && typeof hi === 'number' && hi > lo && Number.isFinite(hi - lo) ? [lo, hi] : undefined;
}

const SHOWN_CHARACTERS = 40;

function shown(value: unknown): string {
  if (value === undefined) return 'missing';
  const text = JSON.stringify(value);
  return text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text;
}
