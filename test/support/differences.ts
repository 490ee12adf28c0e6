/** Where a value strays from what is expected of it. */

/** One line a difference; numbers may differ by `tolerance`. At the top the value may have members that nothing is expected of; below, members and items must be the same. */
export function differences(actual: unknown, expected: unknown, tolerance: number, options: { readonly at?: string; readonly mayHaveMore?: boolean } = {}): readonly string[] {
  const { at = '', mayHaveMore = false } = options;
  if (typeof expected === 'number' && typeof actual === 'number') return Math.abs(actual - expected) <= tolerance ? [] : [`${at}: ${actual}, expected ${expected}`];
  if (typeof expected !== 'object' || expected === null || typeof actual !== 'object' || actual === null) return actual === expected ? [] : [`${at}: ${JSON.stringify(actual)}, expected ${JSON.stringify(expected)}`];
  const [found, wanted] = [actual as Readonly<Record<string, unknown>>, expected as Readonly<Record<string, unknown>>];
  const unexpected = mayHaveMore ? [] : Object.keys(found).filter((key) => !(key in wanted)).map((key) => `${at}.${key}: ${JSON.stringify(found[key])}, expected nothing`);
  return [...Object.keys(wanted).flatMap((key) => differences(found[key], wanted[key], tolerance, { at: `${at}.${key}` })), ...unexpected];
}
