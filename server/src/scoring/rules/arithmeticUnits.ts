/** Units of measure that are converted exactly; any other word after a number is only compared by name. */

export interface Unit {
  /** Units of one kind convert into each other. */
  readonly kind: string;
  /** How many of the smallest unit of its kind. */
  readonly factor: number;
}

/** No conversion between metric and other units: in prose it is rounded as one likes. */
const FACTORS_BY_KIND: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  time: { ms: 1, millisecond: 1, s: 1000, sec: 1000, second: 1000, min: 60_000, minute: 60_000, h: 3_600_000, hr: 3_600_000, hour: 3_600_000, day: 86_400_000, week: 604_800_000 },
  length: { mm: 1, millimeter: 1, millimetre: 1, cm: 10, centimeter: 10, centimetre: 10, dm: 100, decimeter: 100, decimetre: 100, m: 1000, meter: 1000, metre: 1000, km: 1_000_000, kilometer: 1_000_000, kilometre: 1_000_000 },
  mass: { mg: 1, milligram: 1, g: 1000, gram: 1000, kg: 1_000_000, kilogram: 1_000_000 },
  volume: { ml: 1, milliliter: 1, millilitre: 1, cl: 10, dl: 100, l: 1000, liter: 1000, litre: 1000 },
  imperialLength: { inch: 1, inche: 1, ft: 12, foot: 12, feet: 12, yd: 36, yard: 36, mile: 63_360 },
  imperialMass: { oz: 1, ounce: 1, lb: 16, pound: 16 },
  imperialVolume: { cup: 1, pint: 2, quart: 4, gallon: 16 },
  money: { cent: 1, dollar: 100 },
};

const UNIT_BY_NAME: ReadonlyMap<string, Unit> = new Map(
  Object.entries(FACTORS_BY_KIND).flatMap(([kind, factors]) => Object.entries(factors).map(([name, factor]) => [name, { kind, factor }] as const)),
);

/** The unit a word names; undefined for all other words. */
export function unitOf(word: string): Unit | undefined {
  return UNIT_BY_NAME.get(singular(word));
}

/** A word of a number as its one form: "apples" is "apple". */
export function singular(word: string): string {
  const lower = word.toLowerCase();
  if (lower.length < 3 || lower.endsWith('ss')) return lower;
  if (lower.endsWith('ies')) return `${lower.slice(0, -3)}y`;
  if (/(?:s|x|z|ch|sh)es$/.test(lower)) return lower.slice(0, -2);
  return lower.endsWith('s') ? lower.slice(0, -1) : lower;
}

/** Letters that stand for a unit where another unit of the line says that units are meant. */
export const SHORT_UNITS: ReadonlySet<string> = new Set(['m', 'g', 's', 'h', 'l', 'L']);

/** Whether a line writes units in letters, so that "3 m" is no algebra. */
export function writesUnits(line: string): boolean {
  return /\d\s?(?:mm|cm|dm|km|mg|kg|ms|min|mins|hr|hrs|sec|ml|cl|dl)\b/.test(line);
}

/** Units that may touch their number; other letters that do are variables ("2pq"). */
export const TOUCHING_UNITS: ReadonlySet<string> = new Set([
  'mm', 'cm', 'dm', 'km', 'ft', 'in', 'yd', 'mi', 'kg', 'mg', 'lb', 'lbs', 'oz', 'ml', 'cl', 'dl', 'mph', 'kmh', 'min', 'mins', 'hr', 'hrs', 'sec', 'secs', 'ms', 'hz', 'khz', 'mhz', 'kb', 'mb', 'gb', 'tb',
  'usd', 'eur', 'cents', 'pm', 'kw', 'kwh', 'mol', 'kj', 'kcal', 'pa', 'kpa', 'ev',
]);
