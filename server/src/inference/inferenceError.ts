/** What can go wrong with the models, each with a sentence that says what to do. */

export type InferenceFailureKind = 'missing-file' | 'bad-hash' | 'bad-manifest' | 'native-failed' | 'bad-output';

export interface InferenceFailure {
  readonly kind: InferenceFailureKind;
  /** One sentence for the user: what is wrong, and the remedy. */
  readonly message: string;
}

/** A failure on its way through a promise. */
export class InferenceError extends Error {
  readonly kind: InferenceFailureKind;

  constructor(failure: InferenceFailure) {
    super(failure.message);
    this.name = 'InferenceError';
    this.kind = failure.kind;
  }
}

/** The failure behind anything thrown; what is not one of ours came out of the native module. */
export function failureOf(error: unknown): InferenceFailure {
  if (error instanceof InferenceError) return { kind: error.kind, message: error.message };
  return { kind: 'native-failed', message: `The model runtime failed (${messageOf(error)}); set "stepscope.executionProvider" to "wasm", or point "stepscope.server.nodePath" at another Node.` };
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
