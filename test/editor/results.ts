/** What one editor test came to; `failure` is absent when it passed. */
export interface EditorResult { readonly name: string; readonly durationMs: number; readonly failure?: string }

/** The file a suite leaves beside its bundle. */
export interface SuiteReport { readonly isComplete: boolean; readonly results: readonly EditorResult[] }
