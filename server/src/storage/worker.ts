/** The storage worker: owns the SQLite handle, so that no query blocks an editor request. */
import { parentPort, workerData } from 'node:worker_threads';
import type BetterSqlite3 from 'better-sqlite3';
import { isCorruption, openDatabase, startAfresh } from './database.ts';
import type { StorageReply, StorageRequest, StorageTable } from './messages.ts';

const MAX_ROWS: Readonly<Record<StorageTable, number>> = { vectors: 200_000, raw_scores: 2_000_000 };
const PRUNE_EVERY_WRITES = 500;

const port = parentPort;
if (port === null) throw new Error('storage/worker.ts runs only as a worker thread');

const send = (reply: StorageReply): void => port.postMessage(reply);
const { path } = workerData as { readonly path: string };

let db: BetterSqlite3.Database | undefined;
let writes = 0;
try {
  const opened = openDatabase(path);
  db = opened.db;
  send({ kind: 'opened', ...(opened.notice === undefined ? {} : { notice: opened.notice }) });
} catch (error) {
  send({ kind: 'unavailable', message: error instanceof Error ? error.message : String(error) });
}

port.on('message', (request: StorageRequest) => {
  try {
    send({ kind: 'answer', id: request.id, values: answerOrRepair(request) });
  } catch (error) {
    send({ kind: 'failed', id: request.id, message: error instanceof Error ? error.message : String(error) });
  }
  if (request.kind === 'close') port.close();
});

/** Damage can lie deep in the file and show only now: the file is set aside and the request tried on a fresh one. */
function answerOrRepair(request: StorageRequest): (Float32Array | undefined)[] {
  try {
    return answer(request);
  } catch (error) {
    if (!isCorruption(error) || db === undefined) throw error;
    db.close();
    db = undefined;
    const repaired = startAfresh(path);
    db = repaired.db;
    if (repaired.notice !== undefined) send({ kind: 'notice', message: repaired.notice });
    return answer(request);
  }
}

function answer(request: StorageRequest): (Float32Array | undefined)[] {
  if (db === undefined) return request.kind === 'get' ? request.keys.map(() => undefined) : [];
  switch (request.kind) {
    case 'get': {
      const select = db.prepare<[Buffer], { value: Buffer }>(`SELECT value FROM ${request.table} WHERE key = ?`);
      return request.keys.map((key) => {
        const row = select.get(Buffer.from(key, 'hex'));
        // Copied: SQLite's buffer need not be aligned to four bytes.
        return row === undefined ? undefined : new Float32Array(new Uint8Array(row.value).buffer);
      });
    }
    case 'put': {
      const open = db;
      const insert = open.prepare(`INSERT INTO ${request.table} (key, value, used_at) VALUES (?, ?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value, used_at = excluded.used_at`);
      const now = Date.now();
      open.transaction(() => {
        for (const [key, values] of request.rows) insert.run(Buffer.from(key, 'hex'), Buffer.from(values.buffer, values.byteOffset, values.byteLength), now);
      }).immediate();
      if (++writes % PRUNE_EVERY_WRITES === 0) prune(open);
      return [];
    }
    case 'close':
      db.close();
      db = undefined;
      return [];
  }
}

function prune(open: BetterSqlite3.Database): void {
  for (const [table, limit] of Object.entries(MAX_ROWS)) {
    const row = open.prepare<[], { n: number }>(`SELECT count(*) AS n FROM ${table}`).get();
    const excess = (row?.n ?? 0) - limit;
    if (excess > 0) open.prepare(`DELETE FROM ${table} WHERE key IN (SELECT key FROM ${table} ORDER BY used_at LIMIT ?)`).run(excess);
  }
}
