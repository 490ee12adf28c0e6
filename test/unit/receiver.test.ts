/** The OTLP receiver with the real OpenTelemetry SDK at the other end, and with senders that mean harm. */
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { request } from 'node:http';
import { gzipSync } from 'node:zlib';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { parseTraces } from '../../server/src/formats/readTraces.ts';
import type { PlanTrace } from '../../server/src/core/planTrace.ts';
import type { Ending } from '../../server/src/receiver/exchange.ts';
import { StatusSchema } from '../../server/src/receiver/generated/google/rpc/status_pb.ts';
import { ExportTraceServiceRequestSchema, ExportTraceServiceResponseSchema } from '../../server/src/receiver/generated/opentelemetry/proto/collector/trace/v1/trace_service_pb.ts';
import { startReceiver } from '../../server/src/receiver/receiver.ts';
import { runAgent } from '../support/genAiAgent.ts';
import { testWorkspace, type TestWorkspace } from '../support/workspace.ts';

const RUN = { goal: 'Find out when the shop opens.', tool: { name: 'look_up', args: '{"what":"opening hours"}', result: 'From nine to five.' }, answer: 'It opens at nine.' };
const JSON_TYPE = 'application/json';
const PROTOBUF_TYPE = 'application/x-protobuf';
const TRACE_ID = 'a'.repeat(32);

interface Running extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly endings: readonly Ending[];
}

async function start(workspace: TestWorkspace, options: { readonly port?: number; readonly mostFileBytes?: number } = {}): Promise<Running> {
  const endings: Ending[] = [];
  const receiver = await startReceiver({ folder: workspace.path('otlp'), port: options.port ?? 0, mostFileBytes: options.mostFileBytes ?? 1e8, onWritten: () => undefined, onEnding: (ending) => endings.push(ending) });
  return { url: `http://127.0.0.1:${receiver.port}`, port: receiver.port, endings, [Symbol.asyncDispose]: () => receiver.close() };
}

const filesIn = (workspace: TestWorkspace): readonly string[] => (existsSync(workspace.path('otlp')) ? readdirSync(workspace.path('otlp')).filter((name) => name !== '.gitignore').sort() : []);
const textOf = (workspace: TestWorkspace, name: string): string => readFileSync(workspace.path(`otlp/${name}`), 'utf8');
const span = (spanId: string, attributes: Readonly<Record<string, string>> = { 'gen_ai.operation.name': 'chat' }, traceId = TRACE_ID) => ({
  traceId, spanId, name: 'chat', kind: 3, startTimeUnixNano: '1700000000000000001', endTimeUnixNano: '1700000001000000001',
  attributes: Object.entries(attributes).map(([key, stringValue]) => ({ key, value: { stringValue } })),
});
const requestOf = (...spans: readonly unknown[]) => ({ resourceSpans: [{ resource: { attributes: [{ key: 'service.name', value: { stringValue: 'agent' } }] }, scopeSpans: [{ scope: { name: 'test' }, spans }] }] });
const post = (url: string, body: string | Uint8Array<ArrayBuffer>, headers: Readonly<Record<string, string>> = {}): Promise<Response> =>
  fetch(url, { method: 'POST', body, headers: { 'content-type': JSON_TYPE, ...headers } });

function traceIn(workspace: TestWorkspace, name: string): PlanTrace {
  const parsed = parseTraces({ path: name, text: textOf(workspace, name) }, () => true);
  const trace = parsed?.traces[0];
  if (trace === undefined) throw new Error(`${name} holds no trace`);
  expect(parsed?.warnings).toEqual([]);
  return trace;
}

describe('the SDK as sender', () => {
  it.each([
    { encoding: 'json', isGzip: false }, { encoding: 'json', isGzip: true }, { encoding: 'protobuf', isGzip: false }, { encoding: 'protobuf', isGzip: true },
  ] as const)('$encoding, gzip $isGzip: the file holds goal, steps, tool call and usage', async (how) => {
    using workspace = testWorkspace();
    await using receiver = await start(workspace);
    const traceId = await runAgent(RUN, { url: receiver.url, ...how });
    expect(filesIn(workspace)).toEqual([`${traceId}.otlp.jsonl`]);
    const trace = traceIn(workspace, `${traceId}.otlp.jsonl`);
    expect({ goal: trace.goalText, agent: trace.meta.agent, session: trace.meta.session, model: trace.meta.model }).toEqual({ goal: RUN.goal, agent: 'clerk', session: 'c-1', model: 'small' });
    expect(trace.steps.map((step) => [step.tools[0]?.name, step.tools[0]?.result, step.usage?.inputTokens, step.usage?.outputTokens])).toEqual([['look_up', RUN.tool.result, 11, 7], [undefined, undefined, 29, 5]]);
    expect(trace.steps[0]?.tools[0]?.args).toEqual(JSON.parse(RUN.tool.args));
    expect(trace.steps[1]?.output).toBe(RUN.answer);
    // One span a line: invoke_agent, two calls of the model, one of the tool.
    expect(textOf(workspace, `${traceId}.otlp.jsonl`).split('\n')).toHaveLength(5);
  });

  it('writes the same from either encoding, but for ids and times', async () => {
    using workspace = testWorkspace();
    await using receiver = await start(workspace);
    const shapes = await Promise.all((['json', 'protobuf'] as const).map(async (encoding) => {
      const { steps } = traceIn(workspace, `${await runAgent(RUN, { url: receiver.url, encoding, isGzip: false })}.otlp.jsonl`);
      return steps.map(({ stepType, description, input, output, tools, usage, attributes }) => ({ stepType, description, input, output, tools: tools.map(({ name, args, result }) => ({ name, args, result })), usage, attributes: Object.keys(attributes).sort() }));
    }));
    expect(shapes[0]).toEqual(shapes[1]);
  });
});

describe('what is written', () => {
  it('keeps nanoseconds given as numbers, and ids in protobuf as hexadecimal', async () => {
    using workspace = testWorkspace();
    await using receiver = await start(workspace);
    await post(`${receiver.url}/v1/traces`, JSON.stringify(requestOf(span('b'.repeat(16)))).replace('"1700000000000000001"', '1700000000000000001'));
    const message = create(ExportTraceServiceRequestSchema, { resourceSpans: [{ scopeSpans: [{ spans: [{ traceId: Buffer.from(TRACE_ID, 'hex'), spanId: Buffer.from('c'.repeat(16), 'hex'), parentSpanId: Buffer.from('b'.repeat(16), 'hex'), startTimeUnixNano: 1_700_000_000_000_000_001n, kind: 3, links: [{ traceId: Buffer.from('d'.repeat(32), 'hex'), spanId: Buffer.from('e'.repeat(16), 'hex') }] }] }] }] });
    expect((await post(`${receiver.url}/v1/traces`, toBinary(ExportTraceServiceRequestSchema, message), { 'content-type': PROTOBUF_TYPE })).status).toBe(200);
    const lines = textOf(workspace, `${TRACE_ID}.otlp.jsonl`);
    expect([...lines.matchAll(/"startTimeUnixNano":("1700000000000000001")/g)]).toHaveLength(2);
    expect(lines).toContain(`"spanId":"${'c'.repeat(16)}","parentSpanId":"${'b'.repeat(16)}"`);
    expect(lines).toContain(`"links":[{"traceId":"${'d'.repeat(32)}","spanId":"${'e'.repeat(16)}"}]`);
    expect(lines).toContain('"kind":3');
  });

  it('tells in a partial success which spans it left out', async () => {
    using workspace = testWorkspace();
    await using receiver = await start(workspace);
    const spans = [span('b'.repeat(16)), span('0'.repeat(16)), span('c'.repeat(16), {}, 'no id'), span('d'.repeat(15))];
    const answer = await post(`${receiver.url}/v1/traces`, JSON.stringify(requestOf(...spans)));
    expect([answer.status, await answer.json()]).toEqual([200, { partialSuccess: { rejectedSpans: '3', errorMessage: expect.stringContaining('trace id') as string } }]);
    const message = create(ExportTraceServiceRequestSchema, { resourceSpans: [{ scopeSpans: [{ spans: [{ name: 'without ids' }] }] }] });
    const binary = await post(`${receiver.url}/v1/traces`, toBinary(ExportTraceServiceRequestSchema, message), { 'content-type': PROTOBUF_TYPE });
    expect(fromBinary(ExportTraceServiceResponseSchema, new Uint8Array(await binary.arrayBuffer())).partialSuccess?.rejectedSpans).toBe(1n);
    expect(receiver.endings.map((e) => e.kind === 'written' && [e.accepted, e.rejected])).toEqual([[1, 3], [0, 1]]);
  });

  it('takes GenAI events into the file of their trace and says what it leaves out', async () => {
    using workspace = testWorkspace();
    await using receiver = await start(workspace);
    const records = [{ timeUnixNano: '1', eventName: 'gen_ai.evaluation.result', traceId: TRACE_ID, spanId: 'b'.repeat(16), body: {} }, { timeUnixNano: '2', traceId: TRACE_ID, body: { stringValue: 'a log line' } }];
    const answer = await post(`${receiver.url}/v1/logs`, JSON.stringify({ resourceLogs: [{ scopeLogs: [{ logRecords: records }] }] }));
    expect(await answer.json()).toEqual({ partialSuccess: { rejectedLogRecords: '1', errorMessage: expect.stringContaining('gen_ai') as string } });
    expect(filesIn(workspace)).toEqual([`${TRACE_ID}.otlp.jsonl`]);
  });

  it('keeps traces without an agent apart, until an agent shows', async () => {
    using workspace = testWorkspace();
    await using receiver = await start(workspace);
    const send = (...spans: readonly unknown[]): Promise<Response> => post(`${receiver.url}/v1/traces`, JSON.stringify(requestOf(...spans)));
    await send(span('1'.repeat(16), { 'http.request.method': 'GET' }));
    expect(filesIn(workspace)).toEqual(['other-spans.jsonl']);
    await send(span('2'.repeat(16)));
    await send(span('3'.repeat(16), { 'http.request.method': 'GET' }));
    expect(textOf(workspace, `${TRACE_ID}.otlp.jsonl`).match(/"spanId":"./g)).toEqual(['"spanId":"2', '"spanId":"3']);
  });

  it('goes on in a next file where one is full, also after a new start', async () => {
    using workspace = testWorkspace();
    for (const id of ['1', '2', '3']) {
      await using receiver = await start(workspace, { mostFileBytes: 10 });
      await post(`${receiver.url}/v1/traces`, JSON.stringify(requestOf(span(id.repeat(16)))));
    }
    expect(filesIn(workspace)).toEqual([`${TRACE_ID}.2.otlp.jsonl`, `${TRACE_ID}.3.otlp.jsonl`, `${TRACE_ID}.otlp.jsonl`]);
  });

  it('cuts a line that a crash left half', async () => {
    using workspace = testWorkspace();
    const file = workspace.path(`otlp/${TRACE_ID}.otlp.jsonl`);
    mkdirSync(workspace.path('otlp'));
    writeFileSync(file, '{"resourceSpans":[]}\n');
    appendFileSync(file, '{"resourceSpans":[{"sco');
    await using receiver = await start(workspace);
    await post(`${receiver.url}/v1/traces`, JSON.stringify(requestOf(span('1'.repeat(16)))));
    expect(readFileSync(file, 'utf8').split('\n').filter((line) => line !== '').map((line) => JSON.parse(line) as unknown)).toHaveLength(2);
  });

  it('asks to send again what could not be written, and takes it when it can', async () => {
    using workspace = testWorkspace();
    // A file stands where the folder must be.
    writeFileSync(workspace.path('otlp'), '');
    await using receiver = await start(workspace);
    const body = JSON.stringify(requestOf(span('1'.repeat(16))));
    const refused = await post(`${receiver.url}/v1/traces`, body);
    expect([refused.status, refused.headers.get('retry-after'), receiver.endings[0]?.kind]).toEqual([503, '1', 'failed']);
    rmSync(workspace.path('otlp'));
    expect((await post(`${receiver.url}/v1/traces`, body)).status).toBe(200);
    expect(filesIn(workspace)).toEqual([`${TRACE_ID}.otlp.jsonl`]);
  });
});

describe('what is turned away', () => {
  const body = JSON.stringify(requestOf(span('1'.repeat(16))));
  /** Sends what `fetch` would not: any Host. */
  const raw = (port: number, headers: Readonly<Record<string, string>>): Promise<number | undefined> => new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port, path: '/v1/traces', method: 'POST', headers: { 'content-type': JSON_TYPE, ...headers } }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode));
    }).on('error', reject).end(body);
  });

  it.each([
    ['another host', { host: 'evil.example' }], ['another host with a port', { host: 'evil.example:4318' }], ['a web page', { origin: 'https://evil.example' }], ['a page of this machine', { origin: 'http://localhost:3000' }],
    ['a page without an origin', { 'sec-fetch-site': 'cross-site' }], ['a sandboxed page', { origin: 'null' }],
  ])('%s', async (_name, headers) => {
    using workspace = testWorkspace();
    await using receiver = await start(workspace);
    expect(await raw(receiver.port, headers)).toBe(403);
    expect(await raw(receiver.port, { host: `localhost:${receiver.port}` })).toBe(200);
    expect(receiver.endings.map(({ kind }) => kind)).toEqual(['turned-away', 'written']);
  });

  it.each<[string, string, string | Uint8Array<ArrayBuffer>, Readonly<Record<string, string>>, number]>([
    ['another content type', '/v1/traces', body, { 'content-type': 'text/plain' }, 415],
    ['another packing', '/v1/traces', body, { 'content-encoding': 'br' }, 415],
    ['another path', '/v1/metrics', body, {}, 404],
    ['no JSON', '/v1/traces', '{"resourceSpans":[', {}, 400],
    ['JSON that is no request', '/v1/traces', '[1,2]', {}, 400],
    ['logs at the place of spans', '/v1/traces', '{"resourceLogs":[]}', {}, 400],
    ['JSON nested a million deep', '/v1/traces', `{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"${TRACE_ID}","spanId":"${'1'.repeat(16)}","attributes":${'['.repeat(1e6)}${']'.repeat(1e6)}}]}]}]}`, {}, 400],
    ['broken protobuf', '/v1/traces', Buffer.from([0x0a, 0xff, 0xff, 0xff, 0x07, 1]), { 'content-type': PROTOBUF_TYPE }, 400],
    ['protobuf nested without end', '/v1/traces', nestedMessage(20_000), { 'content-type': PROTOBUF_TYPE }, 400],
    ['no gzip', '/v1/traces', body, { 'content-encoding': 'gzip' }, 400],
    ['half a gzip', '/v1/traces', gzipSync(body).subarray(0, 60), { 'content-encoding': 'gzip' }, 400],
    ['a bomb', '/v1/traces', gzipSync(Buffer.alloc(40_000_000, 32)), { 'content-encoding': 'gzip' }, 413],
    ['too large a body', '/v1/traces', Buffer.alloc(21_000_000, 32), {}, 413],
    ['a resource repeated for many spans', '/v1/traces', manySpansOfALargeProcess(), {}, 413],
  ])('%s', async (_name, path, what, headers, status) => {
    using workspace = testWorkspace();
    await using receiver = await start(workspace);
    const answer = await post(`${receiver.url}${path}`, what, headers);
    const isProtobuf = headers['content-type'] === PROTOBUF_TYPE;
    expect([answer.status, answer.headers.get('content-type')]).toEqual([status, isProtobuf ? PROTOBUF_TYPE : JSON_TYPE]);
    const bytes = new Uint8Array(await answer.arrayBuffer());
    const { message } = isProtobuf ? fromBinary(StatusSchema, bytes) : JSON.parse(Buffer.from(bytes).toString()) as { readonly message: string };
    expect(message).toMatch(/\.$/);
    expect({ files: filesIn(workspace), endings: receiver.endings.map(({ kind }) => kind) }).toEqual({ files: [], endings: ['turned-away'] });
    // It goes on as before.
    expect((await post(`${receiver.url}/v1/traces`, body)).status).toBe(200);
  });

  it('a method other than POST', async () => {
    using workspace = testWorkspace();
    await using receiver = await start(workspace);
    const answer = await fetch(`${receiver.url}/v1/traces`);
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'POST']);
  });

  it('too large a body in pieces of no announced number', async () => {
    using workspace = testWorkspace();
    await using receiver = await start(workspace);
    const pieces = new ReadableStream({ pull: (() => { let left = 22; return (c: ReadableStreamDefaultController): void => (left-- > 0 ? c.enqueue(new Uint8Array(1e6)) : c.close()); })() });
    const answer = await fetch(`${receiver.url}/v1/traces`, { method: 'POST', body: pieces, duplex: 'half', headers: { 'content-type': JSON_TYPE } } as RequestInit);
    expect(answer.status).toBe(413);
  });

  it('half a request, whose sender hangs up, leaves nothing behind', async () => {
    using workspace = testWorkspace();
    await using receiver = await start(workspace);
    const socket = connect(receiver.port, '127.0.0.1');
    socket.write(`POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nContent-Type: ${JSON_TYPE}\r\nContent-Length: ${body.length}\r\n\r\n${body.slice(0, 50)}`);
    await new Promise((resolve) => socket.on('connect', resolve));
    socket.destroy();
    expect((await post(`${receiver.url}/v1/traces`, body)).status).toBe(200);
    expect(textOf(workspace, `${TRACE_ID}.otlp.jsonl`).trimEnd().split('\n')).toHaveLength(1);
  });

  it('more than can wait, with a time to come again', async () => {
    using workspace = testWorkspace();
    await using receiver = await start(workspace);
    const large = JSON.stringify(requestOf(span('1'.repeat(16), { 'gen_ai.input.messages': 'x'.repeat(15_000_000) })));
    const answers = await Promise.all(Array.from({ length: 8 }, () => post(`${receiver.url}/v1/traces`, large)));
    const statuses = answers.map(({ status }) => status);
    // 64 MB hold four such bodies at once; how many are through before the last arrives is the machine's affair.
    expect(statuses.filter((s) => s === 200).length).toBeGreaterThanOrEqual(4);
    expect(statuses.every((s) => s === 200 || s === 503)).toBe(true);
    expect(answers.filter(({ status }) => status === 503).every(({ headers }) => headers.get('retry-after') === '1')).toBe(true);
    const lines = textOf(workspace, `${TRACE_ID}.otlp.jsonl`).trimEnd().split('\n');
    expect(lines).toHaveLength(statuses.filter((s) => s === 200).length);
    expect((await post(`${receiver.url}/v1/traces`, body)).status).toBe(200);
  });
});

describe('the port', () => {
  it('says who has it', async () => {
    using workspace = testWorkspace();
    await using receiver = await start(workspace);
    await expect(start(workspace, { port: receiver.port })).rejects.toThrow(`Port ${receiver.port} is taken by StepScope in another window or terminal (process ${process.pid}), which writes to ${workspace.path('otlp')}`);
    expect((await fetch(`${receiver.url}/stepscope`, { headers: { origin: 'https://evil.example' } })).status).toBe(403);
  });

  it('is free again after closing', async () => {
    using workspace = testWorkspace();
    const first = await start(workspace);
    await first[Symbol.asyncDispose]();
    await using second = await start(workspace, { port: first.port });
    expect(second.port).toBe(first.port);
  });

  it('listens on the loopback addresses only', async () => {
    using workspace = testWorkspace();
    await using receiver = await start(workspace);
    // 127.0.0.2 is this machine, too, but not an address it listens at.
    await expect(fetch(`http://127.0.0.2:${receiver.port}/stepscope`)).rejects.toThrow();
  });
});

/** An attribute value of lists within lists, as bytes: field 1 of ArrayValue in field 5 of AnyValue, and so on. */
function nestedMessage(depth: number): Uint8Array<ArrayBuffer> {
  const lengthOf = (n: number): number[] => (n < 128 ? [n] : [(n & 127) | 128, ...lengthOf(Math.floor(n / 128))]);
  const pieces: number[][] = [];
  let length = 0;
  const wrap = (field: number): void => {
    const head = [(field << 3) | 2, ...lengthOf(length)];
    pieces.push(head);
    length += head.length;
  };
  for (let i = 0; i < depth; i++) {
    wrap(5);
    wrap(1);
  }
  for (const field of [2, 9, 2, 2, 1]) wrap(field);
  return Uint8Array.from(pieces.reverse().flat());
}

/** 2 MB that would be 20 GB, one span a line. */
function manySpansOfALargeProcess(): string {
  const spans = Array.from({ length: 20_000 }, (_, i) => ({ traceId: TRACE_ID, spanId: (i + 1).toString(16).padStart(16, '0') }));
  return JSON.stringify({ resourceSpans: [{ resource: { attributes: [{ key: 'k', value: { stringValue: 'x'.repeat(1e6) } }] }, scopeSpans: [{ spans }] }] });
}
