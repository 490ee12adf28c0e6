/** Where the memory of a workspace lies: one place for the editor and the command line. */
import { createHash } from 'node:crypto';
import { realpathSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import type { EffectiveSettings } from '../core/effectiveSettings.ts';

const READABLE_CHARACTERS = 40;
const HASH_DIGITS = 12;

/** What decides where user data belongs. */
export interface DataPlace {
  readonly platform: NodeJS.Platform;
  readonly home: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * The setting, else `workspaces/<name>-<hash of the real path>/memory.sqlite` in the user's data folder.
 * `workspaceRoot` '' is a window without a folder. STEPSCOPE_DATA names another data folder.
 */
export function memoryFileOf(settings: EffectiveSettings, workspaceRoot: string, place: DataPlace = { platform: process.platform, home: homedir(), env: process.env }): string {
  if (settings.storagePath !== '') return settings.storagePath.replace(/^~(?=\/|\\)/, () => place.home);
  return join(dataFolderOf(place), 'workspaces', workspaceRoot === '' ? 'no-folder' : workspaceFolderName(workspaceRoot), 'memory.sqlite');
}

/** Where programs of this system keep a user's data. */
export function dataFolderOf({ platform, home, env }: DataPlace): string {
  const own = env['STEPSCOPE_DATA'];
  if (own) return own;
  if (platform === 'win32') return join(env['LOCALAPPDATA'] || join(home, 'AppData', 'Local'), 'stepscope');
  if (platform === 'darwin') return join(home, 'Library', 'Application Support', 'stepscope');
  return join(env['XDG_DATA_HOME'] || join(home, '.local', 'share'), 'stepscope');
}

function workspaceFolderName(root: string): string {
  const real = realPathOf(root);
  const readable = basename(real).replace(/[^A-Za-z0-9._-]+/g, '-').slice(0, READABLE_CHARACTERS) || 'root';
  return `${readable}-${createHash('sha256').update(real).digest('hex').slice(0, HASH_DIGITS)}`;
}

/** The same for every way to write a path; as it is written where there is no such folder. */
function realPathOf(path: string): string {
  try {
    return realpathSync.native(path);
  } catch {
    return resolve(path);
  }
}
