/** A 128-bit non-cryptographic hash of text (cyrb128 over UTF-16 code units), for ids; caches use SHA-256. */

/** 32 hex digits; the same text always gives the same digits. */
export function hashText(text: string): string {
  let h1 = 0x9747b28c;
  let h2 = 0x1b873593;
  let h3 = 0xcc9e2d51;
  let h4 = 0x85ebca6b;
  for (let i = 0; i < text.length; i++) {
    const k = text.charCodeAt(i);
    h1 = h2 ^ Math.imul(h1 ^ k, 597399067);
    h2 = h3 ^ Math.imul(h2 ^ k, 2869860233);
    h3 = h4 ^ Math.imul(h3 ^ k, 951274213);
    h4 = h1 ^ Math.imul(h4 ^ k, 2716044179);
  }
  h1 = Math.imul(h3 ^ (h1 >>> 18), 597399067);
  h2 = Math.imul(h4 ^ (h2 >>> 22), 2869860233);
  h3 = Math.imul(h1 ^ (h3 >>> 17), 951274213);
  h4 = Math.imul(h2 ^ (h4 >>> 19), 2716044179);
  return [h1, h2, h3, h4].map((h) => (h >>> 0).toString(16).padStart(8, '0')).join('');
}
