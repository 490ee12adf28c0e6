/** A cheap guess from the beginning of a text: is it worth starting the server, which decides? */

export const HEAD_CHARACTERS = 64 * 1024;

/** Words that at least one trace format cannot do without. A wrong yes costs a process, a wrong no costs a click. */
const MARKERS: readonly RegExp[] = [
  /"execution_steps"/,
  /"ATIF-v?\d/,
  /"sessionId"\s*:.*"(?:uuid|parentUuid)"|"(?:uuid|parentUuid)"\s*:[^]*"sessionId"/,
  /"type"\s*:\s*"(?:session_meta|response_item|event_msg|thread\.started|item\.completed)"/,
  /"projectHash"/,
  /"trajectory(?:_format)?"\s*:/,
  /"source"\s*:\s*"(?:agent|user|environment)"/,
  /"simulations"\s*:|"user_info"\s*:/,
  /"thought_0"/,
  /"eval"\s*:\s*\{[^{}]{0,400}"(?:task|run_id|eval_id)"\s*:/,
  /"observations"\s*:\s*\[|"parentObservationId"\s*:/,
  /"run_type"\s*:\s*"(?:llm|chain|tool|retriever|prompt|parser|embedding)"/,
  /"mlflow\.(?:span\w+|trace\w*)/,
  /"object"\s*:\s*"(?:trace(?:\.span)?|response|chat\.completion)"/,
  /"(?:resource|scope)(?:Spans|Logs|_spans|_logs)"/,
  /"openinference\.span\.kind"|"span_kind"\s*:/,
  /"gen_ai\.(?:operation|request|output|completion|prompt|system|provider|usage)/,
  /"copilot_chat\./,
  /"role"\s*:\s*"(?:user|assistant|system|developer|tool)"/,
];

/** Logs of agents that think aloud. */
const TEXT_MARKERS: readonly RegExp[] = [/^(?:\x1b\[[\d;]*m)*Thought(?: \d+)?:[^]*^(?:\x1b\[[\d;]*m)*(?:Action|Observation)(?: \d+)?:/m];

/** Whether the first 64 KB of a text may be those of a trace. */
export function mayBeTrace(head: string): boolean {
  const start = head.trimStart()[0];
  if (start !== '{' && start !== '[') return TEXT_MARKERS.some((marker) => marker.test(head));
  return MARKERS.some((marker) => marker.test(head));
}

/** Search patterns with as few searches as their braces allow: one for those without, one each for those with. */
export function searchPatterns(globs: readonly string[]): readonly string[] {
  const plain = globs.filter((glob) => !/[{},]/.test(glob));
  const braced = globs.filter((glob) => /[{},]/.test(glob));
  const [only] = plain;
  if (only === undefined) return braced;
  return [plain.length === 1 ? only : `{${plain.join(',')}}`, ...braced];
}
