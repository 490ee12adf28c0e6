/** What the recorder makes of values: everything is shown, nothing throws, no credential gets through. */
import { describe, expect, it } from 'vitest';
import { isSecretKey, redactText } from '../../server/src/monitor/redact.ts';
import { plainOf, textOf } from '../../server/src/monitor/serialise.ts';
import { secretInTrace } from '../../server/src/scoring/rules/secretInTrace.ts';
import { planTraceFormat } from '../../server/src/formats/planTrace.ts';

const check = (value: unknown, expected: unknown): void => expect(plainOf(value, 20_000)).toEqual(expected);

describe('values', () => {
  it('of JSON stay as they are', () => check({ a: [1, 'x', null, true, { b: -1.5e-9 }], '': '' }, { a: [1, 'x', null, true, { b: -1.5e-9 }], '': '' }));
  it('that JSON has no words for', () => check([10n, Symbol('s'), undefined, Number.NaN, Number.POSITIVE_INFINITY, -0, /a+/g, new URL('http://a.b/c')], ['10n', 'Symbol(s)', null, 'NaN', 'Infinity', 0, '/a+/g', 'http://a.b/c']));
  it('undefined in a record is left out', () => check({ a: undefined, b: 1 }, { b: 1 }));
  it('functions and classes', () => check([function plus() { return 1; }, () => 1, class Box {}], ['[function plus]', '[function ]', '[function Box]']));
  it('maps and sets', () => check([new Map<unknown, unknown>([['k', 1], [{ o: 1 }, new Set([2n])]]), new Set()], [
    { '[class]': 'Map', entries: [['k', 1], [{ o: 1 }, { '[class]': 'Set', values: ['2n'] }]] }, { '[class]': 'Set', values: [] },
  ]));
  it('dates', () => check([new Date(0), new Date(Number.NaN)], ['1970-01-01T00:00:00.000Z', 'Invalid Date']));
  it('instances of a class', () => {
    class Point { x = 1; #hidden = 2; sum(): number { return this.x + this.#hidden; } }
    check(new Point(), { '[class]': 'Point', x: 1 });
  });
  it('what knows its own JSON', () => check({ toJSON: () => ({ value: 1n }) }, { value: '1n' }));
  it('errors with causes', () => {
    const value = plainOf(new TypeError('outer', { cause: new AggregateError([new Error('one')], 'inner') }), 20_000);
    expect(value).toMatchObject({ type: 'TypeError', message: 'outer', cause: { type: 'AggregateError', message: 'inner', errors: [{ message: 'one' }] } });
    expect((value as { traceback: string }).traceback).toContain('TypeError: outer');
  });
  it('typed arrays and buffers', () => {
    check(new Float32Array([1, 0.5]), { '[class]': 'Float32Array', values: [1, 0.5] });
    check(new BigInt64Array([1n]), { '[class]': 'BigInt64Array', values: ['1n'] });
    expect(plainOf(Buffer.alloc(1_000), 20_000)).toMatchObject({ '[class]': 'Buffer', '[cut]': '64 of 1000 values' });
    check(new ArrayBuffer(8), { '[class]': 'ArrayBuffer', byteLength: 8 });
  });
  it('cycles, and what stands twice without being one', () => {
    const one = { n: 1 };
    const loop: Record<string, unknown> = { a: one, b: one };
    loop['self'] = { back: loop };
    check(loop, { a: { n: 1 }, b: { n: 1 }, self: { back: '[the value at $ again]' } });
  });
  it('getters and proxies that throw', () => {
    check({ get x(): never { throw new Error('no'); }, y: 1 }, { x: '[getter threw: no]', y: 1 });
    check([new Proxy({}, { ownKeys: () => { throw new Error('shut'); } })], ['[unreadable: shut]']);
    check([new Proxy({}, { getPrototypeOf: () => { throw new Error('shut'); } })], ['[unreadable: shut]']);
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    expect(JSON.stringify(plainOf([proxy], 500))).toContain('[unreadable');
  });
  it('a member of the name __proto__', () => expect(JSON.stringify(plainOf(JSON.parse('{"__proto__":{"a":1}}'), 100))).toBe('{"__proto__":{"a":1}}'));
  it('nested without end', () => {
    const endless = (): object => new Proxy({}, { ownKeys: () => ['in'], getOwnPropertyDescriptor: () => ({ enumerable: true, configurable: true }), get: (_, key) => (key === 'in' ? endless() : undefined) });
    expect(textOf(endless(), 5_000).text).toContain('nested deeper than 20');
  });
  it('characters that take six in JSON count as six', () => expect(JSON.stringify(plainOf(['\u0001'.repeat(5_000)], 1_000)).length).toBeLessThan(1_100));
  it('pairs of surrogates are not cut apart', () => expect(textOf('ab😀', 3).text).toBe('ab…[cut: 3 of 4 characters]'));
});

describe('secrets', () => {
  it.each(['password', 'DB_PASSWORD', 'apiKey', 'api-key', 'openaiApiKey', 'x-auth-token', 'Authorization', 'access_token', 'clientSecret', 'AWS_SECRET_ACCESS_KEY', 'cookie', 'privateKey', 'credentials'])('%s is one', (key) => expect(isSecretKey(key)).toBe(true));
  it.each(['max_tokens', 'tokens', 'token_count', 'eos_token', 'nextPageToken', 'key', 'keyboard', 'secretary', 'author', 'monkey', 'passed', 'public_key'])('%s is none', (key) => expect(isSecretKey(key)).toBe(false));

  it('go by their name, whatever the value', () => check({ user: 'u', password: 'hunter2', nested: { apiKey: { a: 1 } }, token: null, headers: new Map([['Authorization', 'x']]) }, {
    user: 'u', password: '[REDACTED]', nested: { apiKey: '[REDACTED]' }, token: null, headers: { '[class]': 'Map', entries: [['Authorization', '[REDACTED]']] },
  }));

  // Put together here, so that no scanner takes this file for a leak.
  const letters = (n: number): string => Array.from({ length: n }, (_, i) => 'aQ7xZ2kM9pR4tV6wY8bC3dF5gH1jL0nS'[(i * 7) % 32]).join('');
  const SHAPES: readonly string[] = [
    `AKIA${'Q7XZ2KM3PR4TV6WY'}`, `ghp_${letters(36)}`, `github_pat_${letters(22)}_${letters(59)}`, `sk-ant-api03-${letters(95)}`, `sk-proj-${letters(48)}`, `sk-${letters(48)}`,
    `xoxb-${'129384756102'}-${letters(24)}`, `AIza${letters(35)}`, `hf_${letters(34)}`, `glpat-${letters(20)}`, `npm_${letters(36)}`, `sk_live_${letters(24)}`,
    `eyJ${letters(20)}.eyJ${letters(40)}.${letters(43)}`, `-----BEGIN RSA PRIVATE KEY-----\n${letters(64)}\n${letters(64)}\n-----END RSA PRIVATE KEY-----`,
  ];
  it.each(SHAPES)('go by their shape: %s', (secret) => {
    expect(redactText(`before ${secret} after`)).toBe('before [REDACTED] after');
    expect(redactText(`{"a":"${secret}"}`)).toBe('{"a":"[REDACTED]"}');
  });
  it('go where they are assigned, sent or part of an address', () => {
    expect(redactText('API_KEY=q8w7e6r5t4')).toBe('API_KEY=[REDACTED]');
    expect(redactText('{"password": "h4nter22"}')).toBe('{"password": "[REDACTED]"}');
    expect(redactText('Authorization: Bearer abcDEF123456789012345')).toBe('Authorization: Bearer [REDACTED]');
    expect(redactText('postgres://me:pw1@host/db')).toBe('postgres://me:[REDACTED]@host/db');
  });
  it.each(['password: required', 'the token is missing', 'sk-learn-pipeline-with-many-parts', 'a key = value pair', 'https://host:8080/path@2x', 'Basic training of models'])('leave %s alone', (text) => expect(redactText(text)).toBe(text));
  it('stay hidden across a cut', () => {
    const text = textOf(`${'x'.repeat(95)} ${SHAPES[1]} ${'y'.repeat(10_000)}`, 100).text;
    expect(text).not.toContain('ghp_');
  });
  it('that StepScope would warn of are not recorded', () => {
    const output = textOf(SHAPES.join('\n'), 20_000).text;
    const [trace] = planTraceFormat.parse({ path: '', text: JSON.stringify({ trace_id: 't', goal_text: 'g', execution_steps: [{ step_id: 1, output_text: output }] }) }).traces;
    expect(trace === undefined ? undefined : secretInTrace.check(trace)).toEqual([]);
    const [open] = planTraceFormat.parse({ path: '', text: JSON.stringify({ trace_id: 't', goal_text: 'g', execution_steps: [{ step_id: 1, output_text: SHAPES.join('\n') }] }) }).traces;
    expect(open === undefined ? [] : secretInTrace.check(open)).toHaveLength(1);
  });
  it('are looked for in a time that grows with the text only', () => {
    const began = performance.now();
    for (const unit of ['eyJa', 'sk-a', 'key=', 'a://b:', 'Bearer ', '-----BEGIN PRIVATE KEY-----', 'token: ', 'AKIA', 'x-']) redactText(unit.repeat(30_000 / unit.length));
    expect(performance.now() - began).toBeLessThan(1_500);
  });
});
