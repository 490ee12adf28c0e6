/** Any value as JSON text: total, bounded, without secrets. Getters and proxies that throw become a remark, never an exception. */
import { isSecretKey, REDACTED, redactText } from './redact.ts';

/** A text within the limit; what was cut off it is said at its end. */
export interface BoundedText {
  readonly text: string;
  /** Characters before the cut; undefined where counting them would mean printing all of a large value. */
  readonly fullChars: number | undefined;
}

/** The words of a value: a string as it is, nothing for undefined, JSON for everything else; at most `maxChars` and the mark of the cut. */
export function textOf(value: unknown, maxChars: number): BoundedText {
  if (value === undefined) return { text: '', fullChars: 0 };
  if (typeof value === 'string') return { text: boundedString(value, maxChars), fullChars: value.length };
  const printer = new Printer(maxChars);
  const text = printer.print(value);
  return { text, fullChars: printer.isCut ? undefined : text.length };
}

/** The value as plain data that JSON carries, bounded like its text. */
export function plainOf(value: unknown, maxChars: number): unknown {
  return JSON.parse(new Printer(maxChars).print(value)) as unknown;
}

/** The string without secrets, cut to `maxChars` with a mark that says how much there was. */
export function boundedString(value: string, maxChars: number): string {
  // A token across the cut would lose the end by which it is known.
  const clean = redactText(value.length > maxChars + LONGEST_TOKEN ? value.slice(0, maxChars + LONGEST_TOKEN) : value);
  if (clean.length <= maxChars && value.length <= maxChars + LONGEST_TOKEN) return clean;
  return `${cleanCut(clean, maxChars)}…[cut: ${Math.min(maxChars, clean.length)} of ${value.length} characters]`;
}

const LONGEST_TOKEN = 8_192;
const MAX_DEPTH = 20;
const MAX_KEY_CHARS = 200;
const MAX_NUMBERS = 64;
/** Members that say what JSON has no words for: the class of an object, and what was left out of it. */
const CLASS = '[class]';
const CUT = '[cut]';

/** Without half of a surrogate pair at its end. */
function cleanCut(text: string, length: number): string {
  const last = text.charCodeAt(length - 1);
  return text.slice(0, last >= 0xd800 && last <= 0xdbff ? length - 1 : length);
}

class Printer {
  #room: number;
  /** Objects around the value being printed, with their path. */
  readonly #around = new Map<object, string>();
  isCut = false;

  constructor(maxChars: number) {
    this.#room = maxChars;
  }

  print(value: unknown, path = '$'): string {
    try {
      return this.#print(value, path);
    } catch (error) {
      return this.#remark(`[unreadable: ${messageOf(error)}]`);
    }
  }

  #print(value: unknown, path: string): string {
    switch (typeof value) {
      case 'string': return this.#string(value);
      case 'number': return this.#spend(Number.isFinite(value) ? String(value === 0 ? 0 : value) : `"${value}"`);
      case 'boolean': return this.#spend(String(value));
      case 'bigint': return this.#string(`${value}n`);
      case 'symbol': return this.#string(String(value));
      case 'function': return this.#string(`[function ${nameOf(value)}]`);
      case 'object': return value === null ? this.#spend('null') : this.#object(value, path);
      default: return this.#spend('null');
    }
  }

  #object(value: object, path: string): string {
    const seen = this.#around.get(value);
    if (seen !== undefined) return this.#remark(`[the value at ${seen} again]`);
    if (this.#around.size >= MAX_DEPTH) {
      this.isCut = true;
      return this.#remark(`[nested deeper than ${MAX_DEPTH}]`);
    }
    this.#around.set(value, path);
    try {
      return this.#members(value, path);
    } finally {
      this.#around.delete(value);
    }
  }

  #members(value: object, path: string): string {
    if (Array.isArray(value)) return this.#list(value as readonly unknown[], { path, length: value.length });
    if (value instanceof Date) return this.#string(Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString());
    if (value instanceof Error) return this.#error(value, path);
    if (value instanceof Map) return this.#tagged('Map', 'entries', () => this.#list(pairs(value), { path, length: value.size }), () => undefined);
    if (value instanceof Set) return this.#tagged('Set', 'values', () => this.#list(value, { path, length: value.size }), () => undefined);
    if (value instanceof RegExp || value instanceof URL) return this.#string(String(value));
    if (value instanceof ArrayBuffer) return this.#record([['byteLength', value.byteLength]], path, 'ArrayBuffer');
    if (ArrayBuffer.isView(value)) return this.#view(value, path);
    if (value instanceof Promise || value instanceof WeakMap || value instanceof WeakSet) return this.#remark(`[${nameOf(value.constructor)}]`);
    const { toJSON } = value as { readonly toJSON?: unknown };
    if (typeof toJSON === 'function') return this.print(Reflect.apply(toJSON, value, []), path);
    const prototype: unknown = Object.getPrototypeOf(value);
    const isPlain = prototype === Object.prototype || prototype === null;
    return this.#record(readMembers(value), path, isPlain ? undefined : nameOf(value.constructor));
  }

  #error(error: Error, path: string): string {
    const own = [...readMembers(error)].filter(([key]) => key !== 'cause' && key !== 'errors');
    const members: (readonly [string, unknown])[] = [['type', error.name], ['message', error.message], ...own, ['traceback', error.stack]];
    if (error.cause !== undefined) members.push(['cause', error.cause]);
    if (error instanceof AggregateError) members.push(['errors', error.errors]);
    return this.#record(members, path, undefined);
  }

  #view(view: ArrayBufferView, path: string): string {
    const name = nameOf(view.constructor);
    const length = 'length' in view && typeof view.length === 'number' ? view.length : view.byteLength;
    const values = 'subarray' in view ? [...(view as unknown as { subarray(from: number, to: number): Iterable<unknown> }).subarray(0, MAX_NUMBERS)] : [];
    return this.#tagged(name, 'values', () => this.#list(values, { path, length: values.length }), () => (values.length < length ? `${values.length} of ${length} values` : undefined));
  }

  /** `{"[class]": name, [member]: …}`. */
  #tagged(name: string, member: string, print: () => string, cut: () => string | undefined): string {
    const head = this.#spend(`{${JSON.stringify(CLASS)}:${JSON.stringify(name.slice(0, MAX_KEY_CHARS))},"${member}":`);
    const inner = print();
    const left = cut();
    if (left !== undefined) this.isCut = true;
    return `${head}${inner}${left === undefined ? '' : `,"${CUT}":"${left}"`}}`;
  }

  #list(values: Iterable<unknown>, { path, length }: { readonly path: string; readonly length: number }): string {
    const parts: string[] = [];
    for (const value of values) {
      if (this.#room <= 0) {
        this.isCut = true;
        parts.push(`"[cut: ${parts.length} of ${length}]"`);
        break;
      }
      this.#room--;
      parts.push(this.print(value, `${path}[${parts.length}]`));
    }
    return `[${parts.join(',')}]`;
  }

  #record(members: Iterable<readonly [string, unknown]>, path: string, name: string | undefined): string {
    const parts: string[] = name === undefined || name === '' ? [] : [this.#spend(`${JSON.stringify(CLASS)}:${JSON.stringify(name.slice(0, MAX_KEY_CHARS))}`)];
    for (const [key, value] of members) {
      if (value === undefined) continue;
      if (this.#room <= 0) {
        this.isCut = true;
        parts.push(`"${CUT}":"the members after the first ${parts.length}"`);
        break;
      }
      const shortKey = key.length > MAX_KEY_CHARS ? `${cleanCut(key, MAX_KEY_CHARS)}…` : key;
      const head = this.#spend(`${JSON.stringify(shortKey)}:`);
      const isSecret = isSecretKey(key) && value !== null && value !== '' && typeof value !== 'boolean';
      parts.push(`${head}${isSecret ? this.#spend(`"${REDACTED}"`) : this.print(value, `${path}.${shortKey}`)}`);
    }
    return `{${parts.join(',')}}`;
  }

  #string(value: string): string {
    const room = Math.max(0, this.#room);
    let kept = boundedString(value, room);
    if (kept.length > room) this.isCut = true;
    let printed = JSON.stringify(kept);
    // Control characters take six where they were one.
    while (printed.length > room + MARK_ROOM) {
      this.isCut = true;
      kept = boundedString(value, Math.floor((kept.length * room) / printed.length / 1.1));
      printed = JSON.stringify(kept);
    }
    return this.#spend(printed);
  }

  #remark(text: string): string {
    return this.#spend(JSON.stringify(cleanCut(redactText(text), MAX_KEY_CHARS)));
  }

  #spend(printed: string): string {
    this.#room -= printed.length;
    return printed;
  }
}

/** Room for the mark that says what was cut. */
const MARK_ROOM = 80;

function* pairs(map: ReadonlyMap<unknown, unknown>): Generator<unknown> {
  for (const [key, value] of map) yield typeof key === 'string' && isSecretKey(key) ? [key, REDACTED] : [key, value];
}

/** Own enumerable members; one whose getter throws is a remark. */
function* readMembers(value: object): Generator<readonly [string, unknown]> {
  for (const key of Object.keys(value)) {
    let member: unknown;
    try {
      member = (value as Readonly<Record<string, unknown>>)[key];
    } catch (error) {
      member = `[getter threw: ${messageOf(error)}]`;
    }
    yield [key, member];
  }
}

function nameOf(value: unknown): string {
  try {
    const { name } = value as { readonly name?: unknown };
    return typeof name === 'string' ? name : '';
  } catch {
    return '';
  }
}

/** What a thrown value says, whatever it is. */
export function messageOf(error: unknown): string {
  try {
    return error instanceof Error ? String(error.message) : String(error);
  } catch {
    return 'an error that cannot be read';
  }
}
