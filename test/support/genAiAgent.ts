/** An agent instrumented with the real OpenTelemetry SDK, speaking the GenAI conventions. */
import { context, trace } from '@opentelemetry/api';
import { CompressionAlgorithm } from '@opentelemetry/otlp-exporter-base';
import { OTLPTraceExporter as JsonExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { OTLPTraceExporter as ProtobufExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';

export interface AgentRun {
  readonly goal: string;
  /** The tool called and what it answered, then what the agent says in the end. */
  readonly tool: { readonly name: string; readonly args: string; readonly result: string };
  readonly answer: string;
}

export interface SendOptions {
  readonly url: string;
  readonly encoding: 'json' | 'protobuf';
  readonly isGzip: boolean;
}

/** Runs the agent: an invoke_agent span over two calls of a model and one tool. Resolves with the trace id once everything was acknowledged. */
export async function runAgent({ goal, tool, answer }: AgentRun, { url, encoding, isGzip }: SendOptions): Promise<string> {
  const Exporter = encoding === 'json' ? JsonExporter : ProtobufExporter;
  const exporter = new Exporter({ url: `${url}/v1/traces`, compression: isGzip ? CompressionAlgorithm.GZIP : CompressionAlgorithm.NONE });
  const provider = new TracerProvider({ spanProcessors: [new BatchSpanProcessor({ exporter })] });
  const tracer = provider.getTracer('a-test-agent');
  const root = tracer.startSpan('invoke_agent', { attributes: { 'gen_ai.operation.name': 'invoke_agent', 'gen_ai.agent.name': 'clerk', 'gen_ai.conversation.id': 'c-1' } });
  const within = trace.setSpan(context.active(), root);
  const asked = [{ role: 'user', parts: [{ type: 'text', content: goal }] }];
  const called = [{ role: 'assistant', parts: [{ type: 'tool_call', id: 'call-1', name: tool.name, arguments: tool.args }], finish_reason: 'tool_call' }];
  const chat = (heard: unknown, said: unknown, tokens: readonly [number, number]): void => tracer.startSpan('chat small', { attributes: {
    'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'small', 'gen_ai.usage.input_tokens': tokens[0], 'gen_ai.usage.output_tokens': tokens[1],
    'gen_ai.input.messages': JSON.stringify(heard), 'gen_ai.output.messages': JSON.stringify(said),
  } }, within).end();
  chat(asked, called, [11, 7]);
  tracer.startSpan(`execute_tool ${tool.name}`, { attributes: {
    'gen_ai.operation.name': 'execute_tool', 'gen_ai.tool.name': tool.name, 'gen_ai.tool.call.id': 'call-1', 'gen_ai.tool.call.arguments': tool.args, 'gen_ai.tool.call.result': tool.result,
  } }, within).end();
  chat([...asked, ...called, { role: 'tool', parts: [{ type: 'tool_call_response', id: 'call-1', response: tool.result }] }], [{ role: 'assistant', parts: [{ type: 'text', content: answer }], finish_reason: 'stop' }], [29, 5]);
  root.end();
  await provider.forceFlush();
  await provider.shutdown();
  return root.spanContext().traceId;
}
