/** Prints JSON in the style of the text it goes into, so that what is written by us looks as if its author had. */

/** JSON text that is taken over as it stands, number spelling included. */
export class RawJson {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** What can be printed; numbers that JSON has no word for become null. */
export type PrintableJson = null | boolean | number | string | RawJson | readonly PrintableJson[] | { readonly [key: string]: PrintableJson };

export interface JsonStyle {
  /** Line break between members; '' keeps everything on one line. */
  readonly newline: '' | '\n' | '\r\n' | '\r';
  /** One level of indentation. */
  readonly unit: string;
  /** Between members on one line: ',' with the blanks after it. */
  readonly comma: string;
  /** Between key and value: ':' with the blanks around it. */
  readonly colon: string;
}

/** `indent` is that of the line on which the value begins. */
export function printJson(value: PrintableJson, style: JsonStyle, indent: string): string {
  if (value instanceof RawJson) return value.text;
  if (typeof value === 'string') return printString(value);
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  const inner = style.newline === '' ? '' : indent + style.unit;
  if (isList(value)) return enclose('[', value.map((item) => printJson(item, style, inner)), ']', { style, indent });
  return enclose('{', Object.entries(value).map(([key, member]) => `${printString(key)}${style.colon}${printJson(member, style, inner)}`), '}', { style, indent });
}

/** Array.isArray does not narrow readonly arrays. */
export function isList(value: PrintableJson): value is readonly PrintableJson[] {
  return Array.isArray(value);
}

function enclose(open: string, parts: readonly string[], close: string, { style, indent }: { readonly style: JsonStyle; readonly indent: string }): string {
  if (parts.length === 0) return open + close;
  if (style.newline === '') return open + parts.join(style.comma) + close;
  const start = style.newline + indent;
  return open + start + style.unit + parts.join(`,${start}${style.unit}`) + start + close;
}

/** Line separators of Unicode are escaped: editors take them for line breaks. */
function printString(value: string): string {
  return JSON.stringify(value).replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029');
}
