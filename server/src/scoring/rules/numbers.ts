/** Numbers as people write them: digits with thousands separators and a decimal point; signs are left to the reader. */

export interface WrittenNumber {
  readonly value: number;
  /** Decimals shown. */
  readonly decimals: number;
}

/** Matches one number; global, so for `matchAll` and `match` only. */
export const NUMBER = /\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?/g;

/** The number a match of NUMBER stands for. */
export function readNumber(digits: string): WrittenNumber {
  const point = digits.indexOf('.');
  return { value: Number(digits.includes(',') ? digits.replaceAll(',', '') : digits), decimals: point < 0 ? 0 : digits.length - point - 1 };
}

/** Values of all numbers in order. */
export function numbersIn(text: string): number[] {
  return (text.match(NUMBER) ?? []).map((digits) => readNumber(digits).value);
}
