/** Files that hold a trace packed, which editors cannot show as text, and the editor that VS Code offers for them. */

/** File name patterns; package.json and the menus repeat them. */
export const PACKED_FILES = ['*.eval', '*.zst', '*.json.gz', '*.jsonl.gz', '*.ndjson.gz'] as const;

/** Never the default: "Open With…" and "Reopen Editor With…" offer it. */
export const READABLE_EDITOR = { viewType: 'stepscope.readableView', displayName: 'StepScope: Readable View' } as const;

/** For when clauses: whether the resource is one of them. */
export const IS_PACKED = `resourceFilename =~ /\\.(${PACKED_FILES.map((pattern) => pattern.slice(2).replaceAll('.', '\\.')).join('|')})$/`;
