/** Addresses of readable documents: `stepscope-readable:/<name>[.page-<n>].readable.txt?<source uri>`. */
import { READABLE_SCHEME } from '../contract/protocol.ts';

export function isReadable(uri: string): boolean {
  return uri.startsWith(`${READABLE_SCHEME}:`);
}

/** The file behind a readable document; any other address is its own. */
export function sourceUriOf(uri: string): string {
  return isReadable(uri) ? decodeURIComponent(uri.slice(uri.indexOf('?') + 1)) : uri;
}

/** Page, from 1, of a readable document. */
export function readablePageOf(uri: string): number {
  return Number(/\.page-(\d+)\.readable\.txt\?/.exec(uri)?.[1] ?? 1);
}

/** The same readable document, turned to another page. */
export function readablePageUri(uri: string, page: number): string {
  return uri.replace(/(?:\.page-\d+)?\.readable\.txt\?/, `${page === 1 ? '' : `.page-${page}`}.readable.txt?`);
}
