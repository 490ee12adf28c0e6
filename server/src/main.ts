/** The server's composition root: `--selfcheck`, `--stdio` or IPC. */
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createConnection, ProposedFeatures } from 'vscode-languageserver/node';
import { shippedLayout } from './host/layout.ts';
import { serverPorts } from './host/ports.ts';
import { printSelfCheck } from './inference/selfCheck.ts';
import { startSession } from './lsp/session.ts';
import { sqliteVersion } from './storage/database.ts';

const OLDEST_NODE = [22, 15] as const;

function isNodeTooOld(): boolean {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  return major < OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor < OLDEST_NODE[1]);
}

if (isNodeTooOld()) {
  process.stderr.write(`StepScope's server needs Node ${OLDEST_NODE.join('.')} or newer and was started with ${process.versions.node}. Set stepscope.server.nodePath to a newer one.\n`);
  process.exit(1);
} else if (process.argv.includes('--selfcheck')) {
  void printSelfCheck({ openSqlite: sqliteVersion, write: (line) => process.stdout.write(line) });
} else {
  const layout = shippedLayout(dirname(fileURLToPath(import.meta.url)));
  const connection = createConnection(ProposedFeatures.all);
  const stop = startSession(connection, serverPorts(layout));
  // A run in flight must come to rest before the process may end, or the runtime aborts.
  process.once('SIGTERM', () => void stop().then(() => process.exit(0)));
}
