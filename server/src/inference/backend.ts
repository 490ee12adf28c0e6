/** The one door to ONNX: the native runtime, or WebAssembly where that does not load. */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { InferenceSession, Tensor } from 'onnxruntime-node';
import { InferenceError, messageOf } from './inferenceError.ts';

export type ExecutionProvider = 'cpu' | 'cuda' | 'dml' | 'coreml' | 'wasm';

export interface BackendOptions {
  /** 'wasm' runs WebAssembly; all others the native runtime, which falls back to the CPU where the device is missing. */
  readonly provider: ExecutionProvider;
  readonly threads: number;
  /** Folder that holds ort-wasm-simd-threaded.wasm and .mjs; undefined: inside the onnxruntime-web package. */
  readonly wasmFolder?: string;
}

export interface Feed {
  readonly data: BigInt64Array | Float32Array;
  readonly dims: readonly number[];
}

export interface Session {
  readonly inputNames: readonly string[];
  /** Float outputs by name; throws what the runtime says. */
  run(feeds: Readonly<Record<string, Feed>>): Promise<Readonly<Record<string, Float32Array>>>;
  release(): Promise<void>;
}

export interface Backend {
  readonly kind: 'native' | 'wasm';
  /** `isSmall`: one thread, because waking a second costs more than it brings. */
  open(model: Uint8Array, options: { readonly isSmall: boolean }): Promise<Session>;
}

interface Runtime {
  readonly InferenceSession: typeof InferenceSession;
  readonly Tensor: typeof Tensor;
}

/** Loads the runtime. Throws an InferenceError 'native-failed' when it does not load. */
export async function openBackend(options: BackendOptions): Promise<Backend> {
  const isWasm = options.provider === 'wasm';
  let runtime: Runtime;
  try {
    runtime = isWasm ? await loadWasm(options) : defaultOf(await import('onnxruntime-node'));
  } catch (error) {
    const remedy = isWasm ? 'install the extension again' : 'set "stepscope.executionProvider" to "wasm", or point "stepscope.server.nodePath" at another Node';
    throw new InferenceError({ kind: 'native-failed', message: `The model runtime does not load here (${messageOf(error)}); ${remedy}.` });
  }
  const providers = isWasm ? ['wasm'] : options.provider === 'cpu' ? ['cpu'] : [options.provider, 'cpu'];
  return { kind: isWasm ? 'wasm' : 'native', open: (model, { isSmall }) => openSession(runtime, model, { providers, threads: isSmall ? 1 : options.threads }) };
}

async function openSession(runtime: Runtime, model: Uint8Array, options: { readonly providers: readonly string[]; readonly threads: number }): Promise<Session> {
  const session = await runtime.InferenceSession.create(model, {
    executionProviders: [...options.providers], graphOptimizationLevel: 'all', intraOpNumThreads: options.threads, interOpNumThreads: 1, logSeverityLevel: 3,
    // Threads that wait in a loop burn a core between runs, and slow everything when another program wants it.
    extra: { session: { intra_op: { allow_spinning: '0' } } },
  });
  return {
    inputNames: session.inputNames,
    async run(feeds) {
      const tensors = Object.fromEntries(Object.entries(feeds).map(([name, { data, dims }]) => [
        name, data instanceof BigInt64Array ? new runtime.Tensor('int64', data, dims) : new runtime.Tensor('float32', data, dims),
      ]));
      const outputs = await session.run(tensors);
      return Object.fromEntries(Object.entries(outputs).map(([name, tensor]) => [name, floats(name, tensor.data)]));
    },
    release: () => session.release(),
  };
}

function floats(name: string, data: Tensor['data']): Float32Array {
  if (data instanceof Float32Array) return data;
  throw new InferenceError({ kind: 'bad-output', message: `The model output "${name}" is not float32; install the extension again.` });
}

async function loadWasm(options: BackendOptions): Promise<Runtime> {
  const web = await import('onnxruntime-web/wasm');
  const ort = 'InferenceSession' in web ? web : defaultOf(web as Runtime);
  // One thread: the runtime would start workers of its own, which cannot be waited for.
  web.env.wasm.numThreads = 1;
  if (options.wasmFolder !== undefined) web.env.wasm.wasmPaths = pathToFileURL(join(options.wasmFolder, '/')).href;
  return ort as unknown as Runtime;
}

/** A CommonJS package imported as a module keeps its exports under `default` in some Nodes. */
function defaultOf(module: Runtime): Runtime {
  return 'default' in module ? (module.default as Runtime) : module;
}
