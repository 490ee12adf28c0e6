/** The many ways instrumentations record what a model was given and said. */
import { describe, expect, it } from 'vitest';
import { onlyTrace, otlpText, outline, type SpanInput } from '../support/otelSpans.ts';

function check(spans: readonly SpanInput[], expected: readonly string[], goal?: string): void {
  const text = otlpText(spans);
  const trace = onlyTrace(text);
  expect(outline(trace)).toEqual(expected);
  if (goal !== undefined) expect(trace.goalText).toBe(goal);
  for (const step of trace.steps) {
    const words = step.output ?? step.reasoning;
    if (words === undefined || words === '') continue;
    const place = text.slice(step.textRange?.start, step.textRange?.end);
    // Whatever the escapes, the words stand where the step says.
    expect(place.replace(/[^\p{L}]/gu, '')).toContain(words.split('\n')[0]?.replace(/[^\p{L}]/gu, ''));
  }
}

const llm = (attributes: Readonly<Record<string, unknown>>, more: Partial<SpanInput> = {}): SpanInput => ({ id: 'c', name: 'openai.chat', attributes, ...more });
const J = JSON.stringify;

describe('messages of the current conventions', () => {
  const output = (...parts: readonly object[]): SpanInput => llm({ 'gen_ai.operation.name': 'chat', 'gen_ai.output.messages': J([{ role: 'assistant', parts, finish_reason: 'stop' }]) });

  it('hold texts, thoughts, calls, results and files', () => {
    check([output({ type: 'reasoning', content: 'hm' }, { type: 'text', content: 'Hello' }, { type: 'text', content: 'there' })], [': (hm) Hello\nthere']);
    check([output({ type: 'text', content: 'See' }, { type: 'blob', modality: 'image', content: 'AAAA' }, { type: 'uri', modality: 'video', uri: 'x' }, { type: 'new_kind' })], [': See\n[image]\n[video]\n[new_kind]']);
    check([output({ type: 'server_tool_call', id: 's', name: 'web_search', server_tool_call: { type: 'web_search', query: 'q' } }, { type: 'server_tool_call_response', id: 's', server_tool_call_response: { hits: 2 } }, { type: 'text', content: 'Found' })], [': Found web_search(null)={"hits":2}']);
  });

  it('are structured on events, and strings on spans', () => {
    const messages = [{ role: 'assistant', parts: [{ type: 'text', content: 'plain' }] }];
    check([llm({ 'gen_ai.output.messages': messages })], [': plain']);
    check([llm({ 'gen_ai.output.messages': J(messages) })], [': plain']);
    check([llm({ 'gen_ai.operation.name': 'chat' }, { events: [{ name: 'gen_ai.client.inference.operation.details', attributes: { 'gen_ai.output.messages': messages, 'gen_ai.input.messages': [{ role: 'user', parts: [{ type: 'text', content: 'go' }] }] } }] })], [': plain'], 'go');
  });

  it('give several choices of which the first counts', () => {
    check([llm({ 'gen_ai.output.messages': J([{ role: 'assistant', parts: [{ type: 'text', content: 'first' }], finish_reason: 'stop' }, { role: 'assistant', parts: [{ type: 'text', content: 'second' }], finish_reason: 'stop' }]) })], [': first']);
    check([llm({ 'gen_ai.output.messages': J([{ role: 'assistant', parts: [{ type: 'text', content: 'words' }] }, { role: 'assistant', parts: [{ type: 'tool_call', id: '1', name: 'f', arguments: '{}' }] }]) })], [': words f({})']);
  });

  it('may be cut by a length limit', () => {
    const whole = J([{ role: 'assistant', parts: [{ type: 'text', content: `Long ${'x'.repeat(50)}` }] }]);
    check([llm({ 'gen_ai.output.messages': `${whole.slice(0, 70)}...[truncated, original 900 chars]` })], [`: Long ${'x'.repeat(19)}...[truncated, original 900 chars]`.replace('x'.repeat(19), 'x'.repeat(70 - J([{ role: 'assistant', parts: [{ type: 'text', content: 'Long ' }] }]).length + 5))]);
  });

  it('keep results under their older names', () => {
    const call = llm({ 'gen_ai.operation.name': 'chat', 'gen_ai.output.messages': J([{ role: 'assistant', parts: [{ type: 'tool_call', id: '1', name: 'f', arguments: { a: 1 } }] }]) }, { id: 'a' });
    for (const key of ['response', 'result', 'content']) {
      const next = llm({ 'gen_ai.operation.name': 'chat', 'gen_ai.input.messages': J([{ role: 'tool', parts: [{ type: 'tool_call_response', id: '1', [key]: 'R' }] }]), 'gen_ai.output.messages': '[]' }, { id: 'b', at: [2, 3] });
      check([call, next], [': f({"a":1})=R', ':']);
    }
  });
});

describe('earlier conventions', () => {
  it('whole prompt and completion', () => {
    check([llm({ 'gen_ai.prompt': J([{ role: 'user', parts: [{ type: 'text', content: 'ask' }] }]), 'gen_ai.completion': J({ text: 'answer', finish_reason: 'stop' }) })], [': answer'], 'ask');
    check([llm({ 'gen_ai.prompt': 'ask', 'gen_ai.completion': 'answer' })], [': answer'], 'ask');
    check([llm({ 'gen_ai.completion': '{"total": 5}' })], [': {"total": 5}']);
    check([llm({ 'gen_ai.completion': '[see] the "notes"' })], [': [see] the "notes"']);
    check([llm({ 'gen_ai.system': 'x' }, { events: [{ name: 'gen_ai.content.prompt', attributes: { 'gen_ai.prompt': J([{ role: 'user', content: 'ask' }]) } }, { name: 'gen_ai.content.completion', attributes: { 'gen_ai.completion': J([{ role: 'assistant', content: 'answer' }]) } }] })], [': answer'], 'ask');
  });

  it('one event a message', () => {
    const events = [
      { name: 'gen_ai.system.message', attributes: { content: 'be brief' } },
      { name: 'gen_ai.user.message', attributes: { content: 'ask' } },
      { name: 'gen_ai.assistant.message', attributes: { tool_calls: J([{ id: '0', type: 'function', function: { name: 'f', arguments: '{}' } }]) } },
      { name: 'gen_ai.tool.message', attributes: { id: '0', content: 'R' } },
      { name: 'gen_ai.choice', attributes: { index: 0, finish_reason: 'tool_calls', message: J({ role: 'assistant', content: 'next', tool_calls: [{ id: '1', type: 'function', function: { name: 'g', arguments: '{"a":1}' } }] }) } },
    ];
    check([llm({ 'gen_ai.system': 'openai' }, { events })], [': next g({"a":1})'], 'ask');
  });

  it('Strands: content blocks in events, tools with theirs', () => {
    check(
      [
        llm({ 'gen_ai.operation.name': 'chat' }, { events: [{ name: 'gen_ai.user.message', attributes: { content: J([{ text: 'ask' }]) } }, { name: 'gen_ai.choice', attributes: { finish_reason: 'tool_use', message: J([{ text: 'I use it' }, { toolUse: { toolUseId: 't1', name: 'calc', input: { x: 2 } } }]) } }] }),
        { id: 't', name: 'execute_tool calc', at: [1, 2], attributes: { 'gen_ai.operation.name': 'execute_tool', 'gen_ai.tool.name': 'calc', 'gen_ai.tool.call.id': 't1' }, events: [{ name: 'gen_ai.tool.message', attributes: { role: 'tool', content: '{"x":2}', id: 't1' } }, { name: 'gen_ai.choice', attributes: { message: J([{ text: '4' }]), id: 't1' } }] },
      ],
      [': I use it calc({"x":2})=4'],
      'ask',
    );
  });

  it('OpenLLMetry: numbered attributes, tasks, tools and workflows', () => {
    check(
      [
        { id: 'w', name: 'joke.workflow', at: [0, 9], attributes: { 'traceloop.span.kind': 'WORKFLOW', 'traceloop.entity.name': 'joke', 'traceloop.entity.input': '{"inputs":{"topic":"rain"}}' } },
        { id: 'k', parent: 'w', name: 'step.task', at: [0, 5], attributes: { 'traceloop.span.kind': 'task' } },
        llm({ 'llm.request.type': 'chat', 'gen_ai.prompt.0.role': 'user', 'gen_ai.prompt.0.content': 'ask', 'gen_ai.prompt.10.content': 'and more', 'gen_ai.prompt.10.role': 'user', 'gen_ai.prompt.2.role': 'assistant', 'gen_ai.prompt.2.content': 'ok', 'gen_ai.completion.0.role': 'assistant', 'gen_ai.completion.0.content': 'answer', 'gen_ai.completion.0.tool_calls.0.name': 'f', 'gen_ai.completion.0.tool_calls.0.arguments': '{"a":1}' }, { parent: 'k', at: [1, 2] }),
        { id: 't', parent: 'w', name: 'f.tool', at: [2, 3], attributes: { 'traceloop.span.kind': 'tool', 'traceloop.entity.name': 'f', 'traceloop.entity.output': '"done"' } },
        llm({ 'llm.request.type': 'embedding', 'gen_ai.request.model': 'e' }, { id: 'e', at: [3, 4], parent: 'w' }),
      ],
      ['joke: answer f({"a":1})=done'],
      'ask',
    );
    expect(onlyTrace(otlpText([llm({ 'gen_ai.prompt.0.role': 'user', 'gen_ai.prompt.0.content': 'a', 'gen_ai.prompt.1.role': 'assistant', 'gen_ai.prompt.1.content': 'b', 'gen_ai.prompt.10.role': 'user', 'gen_ai.prompt.10.content': 'last', 'gen_ai.completion.0.content': 'x' })])).steps[0]?.input).toBe('last');
    check([llm({ 'llm.request.type': 'completion', 'llm.prompts.0.content': 'ask', 'llm.prompts.0.role': 'user', 'llm.completions.0.content': 'old', 'llm.usage.prompt_tokens': 3 })], [': old'], 'ask');
  });
});

describe('other producers', () => {
  it('the AI SDK', () => {
    const trace = onlyTrace(
      otlpText([
        { id: 'o', name: 'ai.generateText', at: [0, 9], attributes: { 'ai.operationId': 'ai.generateText', 'ai.prompt': J({ system: 's', messages: [{ role: 'user', content: 'ask' }] }), 'ai.response.text': 'It is 5', 'ai.usage.promptTokens': 30, 'ai.telemetry.functionId': 'calc-bot' } },
        llm({ 'ai.operationId': 'ai.generateText.doGenerate', 'ai.prompt.messages': J([{ role: 'user', content: [{ type: 'text', text: 'ask' }] }]), 'ai.response.toolCalls': J([{ toolCallType: 'function', toolCallId: 'x', toolName: 'add', args: '{"a":2}' }]), 'ai.usage.promptTokens': 10, 'gen_ai.usage.input_tokens': 10 }, { id: 'g1', parent: 'o', at: [1, 2] }),
        { id: 't', parent: 'o', name: 'ai.toolCall', at: [2, 3], attributes: { 'ai.operationId': 'ai.toolCall', 'ai.toolCall.name': 'add', 'ai.toolCall.id': 'x', 'ai.toolCall.args': '{"a":2}', 'ai.toolCall.result': '5' } },
        llm({ 'ai.operationId': 'ai.generateText.doGenerate', 'ai.prompt.messages': J([{ role: 'user', content: 'ask' }]), 'ai.response.text': 'It is 5', 'ai.usage.promptTokens': 20 }, { id: 'g2', parent: 'o', at: [3, 4] }),
      ]),
    );
    expect([outline(trace), trace.goalText, trace.steps.map((step) => step.usage?.inputTokens)]).toEqual([['calc-bot: add({"a":2})=5', 'calc-bot: It is 5'], 'ask', [10, 20]]);
  });

  it('Pydantic AI and Logfire', () => {
    check(
      [
        { id: 'r', name: 'agent run', at: [0, 9], attributes: { agent_name: 'bank', final_result: 'Your balance is 5', 'gen_ai.usage.input_tokens': 9 } },
        llm({ 'gen_ai.operation.name': 'chat', events: J([{ content: 'ask', role: 'user', 'event.name': 'gen_ai.user.message' }, { index: 0, message: { role: 'assistant', tool_calls: [{ id: 'b', type: 'function', function: { name: 'balance', arguments: '{}' } }] }, 'event.name': 'gen_ai.choice' }]) }, { parent: 'r', at: [1, 2] }),
        { id: 't', parent: 'r', name: 'running tool: balance', at: [2, 3], attributes: { 'gen_ai.tool.name': 'balance', 'gen_ai.tool.call.id': 'b', tool_arguments: '{}', tool_response: '5' } },
        llm({ 'gen_ai.request.model': 'm', request_data: J({ messages: [{ role: 'user', content: 'ask' }] }), response_data: J({ message: { role: 'assistant', content: 'Your balance is 5' } }) }, { id: 'd', parent: 'r', at: [4, 5] }),
      ],
      ['bank: balance({})=5', 'bank: Your balance is 5'],
      'ask',
    );
  });

  it("Google's ADK", () => {
    check(
      [
        { id: 'i', name: 'invocation', at: [0, 9], attributes: { 'gen_ai.operation.name': 'invoke_agent', 'gen_ai.agent.name': 'root' } },
        llm({ 'gen_ai.system': 'gcp.vertex.agent', 'gcp.vertex.agent.llm_request': J({ model: 'g', contents: [{ role: 'user', parts: [{ text: 'ask' }] }] }), 'gcp.vertex.agent.llm_response': J({ content: { role: 'model', parts: [{ text: 'thinking', thought: true }, { functionCall: { id: 'q', name: 'find', args: { a: 1 } } }] } }) }, { parent: 'i', at: [1, 4], name: 'call_llm' }),
        { id: 't', parent: 'c', name: 'execute_tool find', at: [2, 3], attributes: { 'gen_ai.operation.name': 'execute_tool', 'gen_ai.tool.name': 'find', 'gen_ai.tool.call.id': 'q', 'gcp.vertex.agent.tool_call_args': '{"a":1}', 'gcp.vertex.agent.tool_response': '{"hits":1}' } },
      ],
      ['root: (thinking) find({"a":1})={"hits":1}'],
      'ask',
    );
  });

  it('messages as OpenAI, Anthropic and LangChain clients write them', () => {
    const given = (message: object): SpanInput => llm({ 'gen_ai.output.messages': J([message]) });
    check([given({ role: 'assistant', content: 'text', tool_calls: [{ id: '1', type: 'function', function: { name: 'f', arguments: '{"a":1}' } }] })], [': text f({"a":1})']);
    check([given({ role: 'assistant', content: [{ type: 'thinking', thinking: 'hm' }, { type: 'text', text: 'text' }, { type: 'tool_use', id: '1', name: 'f', input: { a: 1 } }] })], [': (hm) text f({"a":1})']);
    check([given({ type: 'ai', data: { content: 'text', tool_calls: [{ id: '1', name: 'f', args: { a: 1 } }] } })], [': text f({"a":1})']);
    check([given({ lc: 1, type: 'constructor', id: ['langchain', 'schema', 'messages', 'AIMessage'], kwargs: { content: 'text', tool_calls: [] } })], [': text']);
    check([llm({ 'gen_ai.output.messages': J({ choices: [{ index: 0, message: { role: 'assistant', content: 'text' }, finish_reason: 'stop' }] }) })], [': text']);
  });

  it('tools without the conventions for tools', () => {
    check([llm({ 'gen_ai.operation.name': 'chat', 'gen_ai.completion': 'go' }), { id: 'm', name: 'tools/call get', at: [1, 2], attributes: { 'mcp.method.name': 'tools/call', 'gen_ai.tool.name': 'get', 'gen_ai.tool.call.result': 'R' } }], [': go get(null)=R']);
    check([llm({ 'gen_ai.operation.name': 'chat', 'gen_ai.completion': 'go' }), { id: 'm', name: 'retrieval docs', at: [1, 2], attributes: { 'gen_ai.operation.name': 'retrieval', 'gen_ai.data_source.id': 'docs', 'gen_ai.retrieval.query.text': 'q' } }], [': go docs("q")']);
  });
});
