/** What documents show of trace files, kept until something changes. */
import type { WireRange } from '../contract/protocol.ts';
import { pageCount } from '../features/readable.ts';
import { readableView, sourceView } from '../features/traceFile.ts';
import type { ReadableView, TraceFile, TraceView, ViewContext } from '../features/traceFile.ts';
import { readablePageOf, readablePageUri } from './readableUris.ts';
import type { OtherPages } from './requests/nextBadStep.ts';
import { toRange } from './toLsp.ts';

export interface ShownViews {
  /** What the file itself shows. */
  of(file: TraceFile): TraceView;
  /** What a readable document of the file shows. */
  readable(file: TraceFile, uri: string): ReadableView;
  /** What a document shows: the file itself, or a readable rendering of it. */
  at(file: TraceFile, uri: string): TraceView;
  /** The links of a readable document to its other pages. */
  pageLinks(file: TraceFile, uri: string): readonly { readonly range: WireRange; readonly target: string }[];
  /** The pages beside a readable document; undefined where it is the only one. */
  otherPages(file: TraceFile, uri: string): OtherPages | undefined;
  /** Something about the file has changed. */
  forget(sourceUri: string): void;
}

/** `isCurrent`: whether the file's state is the one the server goes by; views of others are not kept. */
export function createShownViews(context: ViewContext, isCurrent: (file: TraceFile) => boolean): ShownViews {
  const views = new Map<string, TraceView>();
  /** By source uri, then by the uri of a page. */
  const readables = new Map<string, Map<string, ReadableView>>();
  const shown: ShownViews = {
    of(file) {
      if (!isCurrent(file)) return sourceView(file, context);
      let known = views.get(file.uri);
      if (known === undefined) views.set(file.uri, known = sourceView(file, context));
      return known;
    },
    readable(file, uri) {
      const pages = readables.get(file.uri) ?? new Map<string, ReadableView>();
      readables.set(file.uri, pages);
      const known = pages.get(uri);
      if (known !== undefined && known.view.source === file) return known;
      const fresh = readableView(shown.of(file), { uri, page: readablePageOf(uri) }, context);
      pages.set(uri, fresh);
      return fresh;
    },
    at: (file, uri) => (uri === file.uri ? shown.of(file) : shown.readable(file, uri).view),
    pageLinks(file, uri) {
      const { view, links } = shown.readable(file, uri);
      return links.map(({ range, page }) => ({ range: toRange(range, view.lines), target: readablePageUri(uri, page) }));
    },
    otherPages(file, uri) {
      if (pageCount(file.parsed.traces) === 1) return undefined;
      return { page: readablePageOf(uri), whole: shown.of(file), view: (page) => shown.readable(file, readablePageUri(uri, page)).view };
    },
    forget(sourceUri) {
      views.delete(sourceUri);
      readables.delete(sourceUri);
    },
  };
  return shown;
}
