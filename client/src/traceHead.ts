/** A cheap guess from the beginning of a text: is it worth starting the server, which decides? */

export const HEAD_CHARACTERS = 64 * 1024;

/** Words that at least one trace format cannot do without. A wrong yes costs a process, a wrong no costs a click. */
const MARKERS: readonly RegExp[] = [
  /"execution_steps"/,
  /"ATIF-v?\d/,
  /"sessionId"\s*:.*"(?:uuid|parentUuid)"|"(?:uuid|parentUuid)"\s*:[^]*"sessionId"/,
  /"role"\s*:\s*"(?:user|assistant|system|developer|tool)"/,
];

/** Whether the first 64 KB of a JSON or JSONL text may be those of a trace. */
export function mayBeTrace(head: string): boolean {
  const start = head.trimStart()[0];
  if (start !== '{' && start !== '[') return false;
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
