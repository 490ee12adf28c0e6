/** One VS Code server for a whole test run: fresh folders, quiet settings, the packed extension installed. */
import { cpSync, existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { installVsix, QUIET_SETTINGS, type RunningServer, startServer } from '../../scripts/codeServer.ts';

export const projectRoot = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

export interface CodeServerOptions {
  /** A packed extension to install; windows opened without `development` use it. */
  readonly vsix?: string;
  /** On top of the quiet ones. */
  readonly settings?: Readonly<Record<string, unknown>>;
}

export interface CodeServer {
  readonly origin: string;
  readonly log: () => string;
  /** A new folder to open, holding a copy of `source` when it exists; gone when the server stops. */
  workspace(name: string, source?: string): string;
  stop(): Promise<void>;
}

/** Settings of every test window: what StepScope shows, undisturbed by what the editor guesses or fetches. */
const TEST_SETTINGS = { ...QUIET_SETTINGS, 'git.enabled': false, 'workbench.reduceMotion': 'on', 'editor.cursorBlinking': 'solid', 'files.autoSave': 'off' };

export async function startCodeServer(options: CodeServerOptions = {}): Promise<CodeServer> {
  const home = realpathSync(mkdtempSync(join(tmpdir(), 'stepscope-editor-')));
  const serverOptions = {
    root: projectRoot,
    userDataDir: join(home, 'user-data'),
    extensionsDir: join(home, 'extensions'),
    settings: { ...TEST_SETTINGS, ...options.settings },
  };
  const clean = (): void => rmSync(home, { recursive: true, force: true, maxRetries: 5 });
  try {
    if (options.vsix) await installVsix(serverOptions, options.vsix);
    const server: RunningServer = await startServer(serverOptions);
    return {
      origin: server.origin,
      log: server.log,
      workspace: (name, source) => copyWorkspace(join(home, 'workspaces', name), source),
      stop: async () => { await server.stop(); clean(); },
    };
  } catch (error) {
    clean();
    throw error;
  }
}

function copyWorkspace(folder: string, source: string | undefined): string {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  if (source && existsSync(source)) cpSync(source, folder, { recursive: true });
  return folder;
}
