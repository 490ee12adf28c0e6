/** Which Node runs the server, and whether the native modules load in it. */
import { execFile } from 'node:child_process';
import { homedir } from 'node:os';
import { join } from 'node:path';

const OLDEST_NODE: readonly [number, number] = [22, 15];
const VERSION_TIMEOUT_MS = 10_000;
const SELF_CHECK_TIMEOUT_MS = 30_000;

export type NodeChoice =
  | { readonly kind: 'editor' }
  | { readonly kind: 'path'; readonly path: string; readonly version: string }
  /** `message` names the setting and the remedy. */
  | { readonly kind: 'unusable'; readonly message: string };

/** Reads `stepscope.server.nodePath`: empty is the editor's own Node, anything else must be Node 22.15 or newer. */
export async function chooseNode(setting: string): Promise<NodeChoice> {
  if (setting === '') return { kind: 'editor' };
  const path = setting.replace(/^~(?=$|[/\\])/, homedir());
  const remedy = 'Correct the setting, or empty it to use the Node inside VS Code.';
  const answer = await run(path, ['-p', 'process.versions.node'], { env: process.env, timeoutMs: VERSION_TIMEOUT_MS });
  const version = answer.stdout.trim();
  if (answer.failure !== undefined || !/^\d+\.\d+\.\d+/.test(version)) {
    return { kind: 'unusable', message: `stepscope.server.nodePath is "${setting}", which did not run as Node${answer.failure === undefined ? '' : ` (${answer.failure})`}. ${remedy}` };
  }
  if (!isNewEnough(version)) {
    return { kind: 'unusable', message: `stepscope.server.nodePath is "${setting}", which is Node ${version}; the server needs ${OLDEST_NODE.join('.')} or newer. ${remedy}` };
  }
  return { kind: 'path', path, version };
}

/** '22.15.0' and later. */
export function isNewEnough(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1]);
}

/** What a native module said; undefined is fine, text is why not. */
export interface SelfCheckResult {
  readonly onnxFailure: string | undefined;
  readonly sqliteFailure: string | undefined;
}

/** Loads the native modules in a child. Undefined when the child gave no answer: then nothing is known. */
export async function runSelfCheck(serverModule: string, node: NodeChoice): Promise<SelfCheckResult | undefined> {
  const command = node.kind === 'path' ? node.path : process.execPath;
  const answer = await run(command, [serverModule, '--selfcheck'], { env: { ...process.env, ELECTRON_RUN_AS_NODE: '1', ELECTRON_NO_ASAR: '1' }, timeoutMs: SELF_CHECK_TIMEOUT_MS });
  const parsed = readSelfCheck(answer.stdout);
  if (parsed !== undefined) return parsed;
  // A native module that takes the process down leaves a signal and no JSON; a missing file leaves an exit status.
  return answer.isCrash ? { onnxFailure: answer.failure ?? 'the process crashed', sqliteFailure: undefined } : undefined;
}

/** The JSON line of `--selfcheck`; undefined when there is none. */
export function readSelfCheck(output: string): SelfCheckResult | undefined {
  const line = output.split(/\r?\n/).find((l) => l.startsWith('{'));
  if (line === undefined) return undefined;
  try {
    const value = JSON.parse(line) as Readonly<Record<string, unknown>>;
    return { onnxFailure: failureOf(value['onnxruntime'] ?? value['onnx']), sqliteFailure: failureOf(value['sqlite']) };
  } catch {
    return undefined;
  }
}

/** Where the server's bundle stands in the installed extension. */
export function serverModulePath(extensionPath: string): string {
  return join(extensionPath, 'dist', 'server', 'main.js');
}

function failureOf(check: unknown): string | undefined {
  if (check === undefined || check === 'ok') return undefined;
  if (typeof check === 'string') return check;
  if (typeof check !== 'object' || check === null || !('isLoaded' in check) || check.isLoaded === true) return undefined;
  return 'message' in check ? String(check.message) : 'it does not load';
}

interface RunAnswer { readonly stdout: string; readonly failure: string | undefined; readonly isCrash: boolean }

function run(command: string, args: readonly string[], options: { readonly env: NodeJS.ProcessEnv; readonly timeoutMs: number }): Promise<RunAnswer> {
  return new Promise((resolve) => {
    execFile(command, args, { env: options.env, timeout: options.timeoutMs, windowsHide: true }, (error, stdout) => {
      if (error === null) return resolve({ stdout, failure: undefined, isCrash: false });
      const isTimeout = error.killed === true;
      resolve({ stdout, failure: isTimeout ? 'no answer in time' : error.message.split('\n')[0] ?? error.message, isCrash: !isTimeout && error.signal !== null && error.signal !== undefined });
    });
  });
}
