/** The words that programs put where a text was taken out before the file was written. */

/** Whether a text is nothing but such a placeholder: `[REDACTED]`, `[REDACTED_ARGUMENTS len=46 sha=4cb9a2fc]`, `<redacted>`, `***REDACTED***`, `__REDACTED__`, `[Filtered]`. */
export function isRedacted(text: string): boolean {
  return text.length <= LONGEST && PLACEHOLDER.test(text);
}

const LONGEST = 240;
/** Nothing may stand beside it, and no bracket inside it: a text with a redacted part still says something. */
const PLACEHOLDER =
  /^\s*(?:redacted|[[({<*_]{1,4}redacted(?:[\s_:,=-][^\n[\](){}<>*]*)?[\])}>*_]{1,4}|[[<](?:filtered|masked|scrubbed)(?:[\s_:,=-][^\n[\]<>]*)?[\]>])\s*$/i;
