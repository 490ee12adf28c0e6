/** The settings of a file: the editor's, under the `.stepscope.json` of its workspace folder. */
import { applyProjectFile } from '../core/effectiveSettings.ts';
import type { EffectiveSettings } from '../core/effectiveSettings.ts';
import type { ServerPorts } from './ports.ts';

export interface FolderSettings {
  /** The editor's settings alone. */
  readonly base: () => EffectiveSettings;
  readonly folders: () => readonly string[];
  /** Takes new settings and reads the project files again. */
  setBase(settings: EffectiveSettings): void;
  setFolders(folders: readonly string[]): void;
  /** The innermost workspace folder that holds a path; undefined outside all of them. */
  folderOf(path: string): string | undefined;
  settingsFor(path: string): Promise<EffectiveSettings>;
  isIncluded(path: string, settings: EffectiveSettings): boolean;
}

const MAX_FILE_BYTES = 1_048_576;

export function createFolderSettings(options: {
  readonly ports: ServerPorts;
  readonly base: EffectiveSettings;
  readonly folders: readonly string[];
  /** One sentence about an entry that is wrong. */
  readonly onComplaint: (message: string) => void;
}): FolderSettings {
  const { ports } = options;
  let { base, folders } = options;
  const textByFolder = new Map<string, string>();

  const folderOf = (path: string): string | undefined =>
    folders.filter((f) => path === f || path.startsWith(withSeparator(f))).sort((a, b) => b.length - a.length)[0];

  return {
    base: () => base,
    folders: () => folders,
    setBase(settings) {
      base = settings;
      textByFolder.clear();
    },
    setFolders(next) {
      folders = next;
    },
    folderOf,
    async settingsFor(path) {
      const folder = folderOf(path);
      if (folder === undefined) return base;
      let text = textByFolder.get(folder);
      if (text === undefined) {
        const read = await ports.readText(`${withSeparator(folder)}.stepscope.json`, MAX_FILE_BYTES);
        text = read.kind === 'text' ? read.text : '';
        textByFolder.set(folder, text);
      }
      if (text === '') return base;
      const { settings, problems } = applyProjectFile(base, text);
      problems.forEach(options.onComplaint);
      return settings;
    },
    isIncluded: (path, settings) => ports.matchesGlob(path, settings.include) && !ports.matchesGlob(path, settings.exclude),
  };
}

function withSeparator(folder: string): string {
  if (folder.endsWith('/') || folder.endsWith('\\')) return folder;
  return `${folder}${folder.includes('\\') && !folder.includes('/') ? '\\' : '/'}`;
}
