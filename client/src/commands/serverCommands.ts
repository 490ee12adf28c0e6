/** Show Output and Restart Server. */
import type { CommandFunction } from './commandContext.ts';
import { confirm } from './target.ts';

export const showOutput: CommandFunction = async ({ output }) => {
  output.show();
};

export const restartServer: CommandFunction = async ({ server }) => {
  await server.restart('asked to');
  confirm('The server was restarted.');
};
