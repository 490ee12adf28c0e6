/** Whether two sides of an equation are equal: units, rounding, and when to say nothing. */
import type { Side } from './arithmeticValue.ts';

export interface Pair {
  readonly left: readonly number[];
  readonly right: readonly number[];
}

/** Values that can be compared: of one unit, or converted to the unit of the right side; undefined for two plain numbers and for unlike units. */
export function comparable(left: Side, right: Side): Pair | undefined {
  // "100 / 5 = 20 times 2 people have come".
  if (right.hasWordSign) return undefined;
  const units = new Set([...left.units, ...right.units]);
  if (units.size > 1 && left.quantity !== undefined && right.quantity?.kind === left.quantity.kind) {
    const { factor } = right.quantity;
    // "1 inch = 3 miles" is a scale, "90 minutes = 1 hour 30" goes on.
    if (left.operators === 0 && right.operators === 0) return undefined;
    return { left: [left.quantity.value / factor], right: [right.quantity.value / factor] };
  }
  // "1.5 hours = 24 * 1.5": the number on the left has its unit from the words before.
  if (left.operators === 0 && left.units.size > 0) return undefined;
  if ((left.operators === 0 && right.operators === 0) || left.mixesUnits || right.mixesUnits || units.size > 1) return undefined;
  return { left: left.values, right: right.values };
}

/** Whether the sides agree in one of their readings, as exactly as they are written. */
export function holds(pair: Pair, sides: { readonly left: Side; readonly right: Side }): boolean {
  for (const a of pair.left) for (const b of pair.right) if (agree(a, b, sides)) return true;
  return false;
}

function agree(a: number, b: number, sides: { readonly left: Side; readonly right: Side }): boolean {
  if (!Number.isFinite(a) || !Number.isFinite(b)) return true;
  const size = Math.max(Math.abs(a), Math.abs(b));
  if (size > 2 ** 52) return Math.abs(a - b) <= 1e-6 * size;
  const gap = Math.abs(a - b);
  if (gap <= 1e-9 * Math.max(1, size)) return true;
  // Off by exactly 100 or 1000 is a change of unit (dollars and cents, thousands) more often than a slip.
  if (SCALES.some((scale) => Math.abs(Math.min(Math.abs(a), Math.abs(b)) * scale - size) <= 1e-9 * size)) return true;
  const { left, right } = sides;
  const isRounded = left.hasDecimals || right.hasDecimals || left.hasDivision || right.hasDivision || left.hasRoot || right.hasRoot;
  if (!isRounded) return false;
  // Rounded or cut off to the digits written.
  if (right.operators === 0 && !fits(a, right.decimals) && gap < 10 ** -right.decimals) return true;
  if (left.operators === 0 && !fits(b, left.decimals) && gap < 10 ** -left.decimals) return true;
  const isInexact = left.hasDecimals || right.hasDecimals || left.hasRoot || right.hasRoot || !fits(a, 0) || !fits(b, 0);
  return isInexact && gap <= 0.01 * size;
}

const SCALES = [100, 1000, 1_000_000];

/** Whether a value can be written exactly with so many decimals. */
function fits(value: number, decimals: number): boolean {
  const scaled = value * 10 ** decimals;
  return Math.abs(scaled - Math.round(scaled)) < 1e-7 * Math.max(1, Math.abs(scaled));
}
