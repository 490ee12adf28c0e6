/** Where received traces lie in a workspace. */
import { join } from 'node:path';

export function receivedFolderOf(workspaceFolder: string): string {
  return join(workspaceFolder, '.stepscope', 'otlp');
}
