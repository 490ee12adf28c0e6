/** Takes credentials out of what is recorded: members known by their name, and tokens known by their shape. */

/** What stands in place of a secret; readers of traces know it for one. */
export const REDACTED = '[REDACTED]';

/** Whether a member of that name holds a secret: `password`, `apiKey`, `X-Auth-Token`; not `max_tokens` or `eos_token`. */
export function isSecretKey(key: string): boolean {
  if (key.length > LONGEST_KEY) return false;
  const words = key.replace(/([a-z\d])([A-Z])/g, '$1_$2').replace(/[^A-Za-z\d]+/g, '_').toLowerCase();
  return SECRET_KEY.test(words) && !HARMLESS_KEY.test(words);
}

const LONGEST_KEY = 100;
const SECRET_KEY = /(?:^|_)(?:password|passwd|passphrase|passcode|pwd|secrets?|token|api_?key|apikey|access_?key(?:_id)?|secret_?key|private_?key|signing_?key|encryption_?key|auth|authorization|cookie|credentials?|jwt|connection_string|dsn)$/;
const HARMLESS_KEY = /(?:^|_)(?:eos|bos|pad|unk|sep|cls|mask|stop|start|end|special|image|next|page|continuation|per)_token$/;

/** The text without the credentials in it. Its cost grows with its length only. */
export function redactText(text: string): string {
  let clean = text;
  for (const { marks, pattern, replacement } of SHAPES) {
    if (marks.some((mark) => clean.includes(mark))) clean = clean.replace(pattern, replacement);
  }
  return ASSIGNMENT_MARK.test(clean) ? clean.replace(ASSIGNMENT, `$1${REDACTED}`) : clean;
}

interface Shape {
  /** One of these is in every token of the shape; looked for first because that is fast. */
  readonly marks: readonly string[];
  readonly pattern: RegExp;
  readonly replacement: string;
}

const shape = (marks: readonly string[], pattern: RegExp, replacement = REDACTED): Shape => ({ marks, pattern, replacement });

const SHAPES: readonly Shape[] = [
  // To the end of its block, or of the text where that was cut.
  shape(['PRIVATE KEY-----'], /-----BEGIN (?:[A-Z]+ ){0,2}PRIVATE KEY-----[^]*?(?:-----END (?:[A-Z]+ ){0,2}PRIVATE KEY-----|$)/g),
  shape(['AKIA', 'ASIA'], /(?<![A-Za-z0-9/+])(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Za-z0-9/+=])/g),
  shape(['ghp_', 'gho_', 'ghu_', 'ghs_', 'ghr_', 'github_pat_'], /\b(?:gh[pousr]_[A-Za-z0-9]{20,255}|github_pat_[A-Za-z0-9_]{20,255})/g),
  shape(['sk-'], /(?<![A-Za-z0-9_-])sk-(?=[A-Za-z_-]{0,200}\d)[A-Za-z0-9_-]{20,255}/g),
  shape(['k_live_', 'k_test_'], /\b[rsp]k_(?:live|test)_[A-Za-z0-9]{16,255}/g),
  shape(['xox'], /\bxox[abeprs]-[A-Za-z0-9-]{10,255}/g),
  shape(['hooks.slack.com/services/'], /hooks\.slack\.com\/services\/[A-Za-z0-9/]{20,200}/g),
  shape(['AIza'], /\bAIza[A-Za-z0-9_-]{35}/g),
  shape(['ya29.'], /\bya29\.[A-Za-z0-9_-]{20,500}/g),
  shape(['hf_', 'npm_'], /\b(?:hf_[A-Za-z0-9]{30,100}|npm_[A-Za-z0-9]{36})\b/g),
  shape(['glpat-', 'pypi-'], /\b(?:glpat-[A-Za-z0-9_-]{20,100}|pypi-[A-Za-z0-9_-]{50,300})/g),
  shape(['SG.'], /\bSG\.[A-Za-z0-9_-]{16,50}\.[A-Za-z0-9_-]{16,100}/g),
  shape(['eyJ'], /\beyJ[A-Za-z0-9_-]{8,4000}\.eyJ[A-Za-z0-9_-]{8,8000}(?:\.[A-Za-z0-9_-]{0,2000})?/g),
  shape(['earer ', 'asic '], /\b((?:[Bb]earer|[Bb]asic) )[A-Za-z0-9._~+/=-]{16,4000}/g, `$1${REDACTED}`),
  shape(['://'], /\b([a-z][a-z0-9+.-]{1,20}:\/\/[^\s:@/"']{0,200}:)[^\s@/"']{1,200}@/gi, `$1${REDACTED}@`),
];

const ASSIGNMENT_MARK = /secret|passw|pwd|token|key/i;
/** `API_KEY=…`, `"password": "…"`: what looks like one, with a digit in it, so that "password: required" stays. */
const ASSIGNMENT = /((?:secret|password|passwd|pwd|token|api[_-]?key|access[_-]?key|private[_-]?key)\\?["']?\s{0,3}[:=]\s{0,3}\\?["']?)(?!\[REDACTED\])(?=[^\s"',;&\\]{0,60}\d)[^\s"',;&\\]{8,255}/gi;
