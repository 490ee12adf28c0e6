/** The position scanner and the lenient parser, on strict and on broken text. */
import { describe, expect, it } from 'vitest';
import { Irregularities, JsonCursor } from '../../server/src/formats/jsonSpans.ts';
import { parseSlice } from '../../server/src/formats/lenientJson.ts';

function checkLenient(text: string, value: unknown, what: string | undefined, isCut = false): void {
  const irregularities = new Irregularities();
  expect(parseSlice(text, 0, text.length, irregularities)).toEqual(value);
  expect(irregularities.first?.what).toBe(what);
  expect(irregularities.cutAt !== undefined).toBe(isCut);
}

describe('parseSlice', () => {
  it('is JSON.parse on strict text', () => checkLenient('{"a":[1,-2.5e3,"x\\n\\u00e9",null,true]}', { a: [1, -2500, 'x\né', null, true] }, undefined));

  it.each([
    ['{"a":1,}', { a: 1 }, 'a trailing comma'],
    ['[1,2,]', [1, 2], 'a trailing comma'],
    ['[1,,2]', [1, 2], 'an extra comma'],
    ['[1 // one\n,2]', [1, 2], 'a comment'],
    ['{"a":1 /* b */}', { a: 1 }, 'a comment'],
    ['[1,\n...\n2]', [1, 2], 'an ellipsis ("...")'],
    ['{a:1}', { a: 1 }, 'a key without quotes'],
    ['{"a" 1}', { a: 1 }, 'a missing colon'],
    ['[NaN,-Infinity,None,True]', [null, null, null, true], 'NaN'],
    ['["a\nb"]', ['a\nb'], 'a string with characters that need escaping'],
    ['["a\\qb"]', ['a\\qb'], 'a string with characters that need escaping'],
    ['{"a":\u00001}', { a: 1 }, 'a NUL character'],
    ['{"a":}', { a: null }, 'a missing value'],
    ['{"a":[1,2}', { a: [1, 2] }, 'a missing "]"'],
  ])('forgives %j', (text, value, what) => checkLenient(text, value, what));

  it.each([
    ['{"a":[1,{"b":"c', { a: [1, { b: 'c' }] }],
    ['{"a":1', { a: 1 }],
    ['["x\\', ['x']],
    ['["x\\u00', ['x00']],
    ['[', []],
  ])('closes what is cut off: %j', (text, value) => checkLenient(text, value, undefined, true));

  it('keeps "__proto__" as a member', () => {
    const value = parseSlice('{"__proto__":{"x":1},}', 0, 22, new Irregularities()) as object;
    expect(Object.keys(value)).toEqual(['__proto__']);
    expect(({} as { x?: number }).x).toBeUndefined();
  });

  it('reads a million nested brackets without a stack', () => {
    const depth = 1_000_000;
    const text = '['.repeat(depth);
    let value = parseSlice(text, 0, text.length, new Irregularities());
    let levels = 0;
    while (Array.isArray(value)) {
      levels++;
      value = (value as unknown[])[0];
    }
    expect(levels).toBe(depth);
  });
});

describe('JsonCursor', () => {
  it('says where members stand', () => {
    //            0123456789012345678901234
    const text = '{ "a" : [1, {"b":"}"}] , "c\\n": "\\\\" }';
    const cursor = new JsonCursor(text);
    expect(cursor.nextDocument()).toBe(true);
    cursor.enter();
    const found: [string, string][] = [];
    for (let key = cursor.nextMember(); key !== undefined; key = cursor.nextMember()) {
      const start = cursor.pos;
      found.push([key, text.slice(start, cursor.skip())]);
    }
    expect(found).toEqual([['a', '[1, {"b":"}"}]'], ['c\n', '"\\\\"']]);
    expect(cursor.pos).toBe(text.length);
  });

  it('skips a million nested brackets and says that the end is missing', () => {
    const cursor = new JsonCursor('['.repeat(1_000_000));
    expect(cursor.skip()).toBe(1_000_000);
    expect(cursor.irregularities.cutAt).toBe(0);
  });
});
