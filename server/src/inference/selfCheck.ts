/** Loads the native modules in a child process, so that a crash there is an answer and not the end of the server. */

export interface SelfCheck {
  readonly node: string;
  /** Version of the module interface: what a native build must match. */
  readonly modules: string;
  readonly platform: string;
  readonly onnxruntime: ModuleCheck;
  readonly sqlite: ModuleCheck;
}

export type ModuleCheck = { readonly isLoaded: true; readonly version: string } | { readonly isLoaded: false; readonly message: string };

/**
 * Runs in the child: loads both modules, uses each once, answers what happened. Never throws.
 * `openSqlite` comes from storage/, the only importer of better-sqlite3, and answers SQLite's version.
 */
export async function selfCheck(options: { readonly openSqlite: () => string | Promise<string> }): Promise<SelfCheck> {
  return {
    node: process.version,
    modules: process.versions.modules,
    platform: `${process.platform}-${process.arch}`,
    onnxruntime: await check(async () => {
      process.env['ORT_DISABLE_TELEMETRY'] = '1';
      const ort = defaultOf(await import('onnxruntime-node'));
      new ort.Tensor('float32', new Float32Array(1), [1]);
      if (ort.listSupportedBackends().length === 0) throw new Error('it knows no backend');
      return ort.env.versions.node ?? ort.env.versions.common;
    }),
    sqlite: await check(options.openSqlite),
  };
}

/** What the child of `--selfcheck` does: one line of JSON on standard output. */
export async function printSelfCheck(options: { readonly openSqlite: () => string | Promise<string>; readonly write: (line: string) => void }): Promise<void> {
  options.write(`${JSON.stringify(await selfCheck(options))}\n`);
}

/** The child's answer from its output; undefined when it died before it could speak. */
export function parseSelfCheck(output: string): SelfCheck | undefined {
  const line = output.split('\n').find((l) => l.startsWith('{'));
  if (line === undefined) return undefined;
  try {
    const value = JSON.parse(line) as Partial<SelfCheck>;
    return value.onnxruntime === undefined || value.sqlite === undefined ? undefined : (value as SelfCheck);
  } catch {
    return undefined;
  }
}

async function check(load: () => string | Promise<string>): Promise<ModuleCheck> {
  try {
    return { isLoaded: true, version: await load() };
  } catch (error) {
    return { isLoaded: false, message: error instanceof Error ? error.message : String(error) };
  }
}

/** A CommonJS package imported as a module keeps its exports under `default` in some Nodes. */
function defaultOf<T extends object>(module: T): T {
  return 'default' in module ? (module.default as T) : module;
}
