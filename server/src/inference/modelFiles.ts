/** The files behind the models: read, compared with the manifest, opened. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Backend, Session } from './backend.ts';
import { InferenceError, messageOf } from './inferenceError.ts';
import { createTokenizer } from './tokenizer.ts';
import type { Tokenizer, TokenizerFile } from './tokenizer.ts';

interface ModelFile {
  readonly file: string;
  readonly sha256: string;
}

export async function openTokenizer(folder: string, entry: ModelFile): Promise<Tokenizer> {
  const bytes = await readChecked(folder, entry);
  try {
    return createTokenizer(JSON.parse(new TextDecoder().decode(bytes)) as TokenizerFile);
  } catch (error) {
    throw new InferenceError({ kind: 'bad-manifest', message: `${entry.file} is no tokenizer StepScope can read (${messageOf(error)}); install the extension again.` });
  }
}

export async function openModel(options: { readonly backend: Backend; readonly folder: string; readonly entry: ModelFile; readonly isSmall: boolean }): Promise<Session> {
  const { backend, folder, entry, isSmall } = options;
  const bytes = await readChecked(folder, entry);
  try {
    return await backend.open(bytes, { isSmall });
  } catch (error) {
    throw new InferenceError({ kind: 'native-failed', message: `The model ${entry.file} does not load here (${messageOf(error)}); set "stepscope.executionProvider" to "wasm", or install the extension again.` });
  }
}

/** The file's bytes, which are what the manifest says they are. */
async function readChecked(folder: string, entry: ModelFile): Promise<Uint8Array> {
  const path = join(folder, entry.file);
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (error) {
    throw new InferenceError({ kind: 'missing-file', message: `The model file ${path} cannot be read (${messageOf(error)}); install the extension again.` });
  }
  if (createHash('sha256').update(bytes).digest('hex') !== entry.sha256) {
    throw new InferenceError({ kind: 'bad-hash', message: `The model file ${path} is not the one that was shipped: it is damaged or was changed; install the extension again.` });
  }
  return bytes;
}
