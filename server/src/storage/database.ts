/** Opens the score database: migrations, busy time-out, and a fresh file where the old one cannot be read. */
import { existsSync, mkdirSync, renameSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import type BetterSqlite3 from 'better-sqlite3';
import { migration0001 } from './migrations/0001-cache.ts';

const MIGRATIONS = [migration0001];
const BUSY_TIMEOUT_MS = 4000;

export interface OpenedDatabase {
  readonly db: BetterSqlite3.Database;
  /** What the user should know: the old file was set aside, for one. */
  readonly notice?: string;
}

/** Opens or creates the file. Throws when neither it nor a fresh one beside it can be opened. */
export function openDatabase(path: string): OpenedDatabase {
  mkdirSync(dirname(path), { recursive: true });
  try {
    return { db: openAndMigrate(path) };
  } catch (error) {
    if (!isCorruption(error) || !existsSync(path)) throw error;
    if (!mayBeMemory(path)) throw new Error('it is a file of another kind');
    return startAfresh(path);
  }
}

/** Sets a damaged file aside and begins a new one. */
export function startAfresh(path: string): OpenedDatabase {
  const aside = `${path}.corrupt-${Date.now()}`;
  renameSync(path, aside);
  for (const suffix of ['-wal', '-shm']) if (existsSync(path + suffix)) renameSync(path + suffix, aside + suffix);
  return { db: openAndMigrate(path), notice: `The score memory ${path} was damaged. It was set aside as ${aside} and a new one was started; scores are computed again.` };
}

/** Whether a file that is no database was meant to be one: anything else belongs to the user and stays where it is. */
function mayBeMemory(path: string): boolean {
  return /\.(sqlite3?|db)$/i.test(path);
}

/** SQLite's version, from a database in memory: proves that the native module loads and works. */
export function sqliteVersion(): string {
  const db = new (driver())(':memory:');
  try {
    return String(db.prepare<[], { version: string }>('SELECT sqlite_version() AS version').get()?.version);
  } finally {
    db.close();
  }
}

/** Node 20 crashes on loading this module, so it is required only after the version check in main. */
function driver(): typeof BetterSqlite3 {
  return createRequire(import.meta.url)('better-sqlite3') as typeof BetterSqlite3;
}

function openAndMigrate(path: string): BetterSqlite3.Database {
  const db = new (driver())(path, { timeout: BUSY_TIMEOUT_MS });
  try {
    db.pragma('journal_mode = WAL');
    db.pragma('synchronous = NORMAL');
    migrate(db);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

function migrate(db: BetterSqlite3.Database): void {
  const current = (): number => Number(db.pragma('user_version', { simple: true }));
  const newest = MIGRATIONS.at(-1)?.version ?? 0;
  if (current() > newest) throw new Error(`it was written by a newer StepScope (schema ${current()}, this one knows ${newest})`);
  if (current() === newest) return;
  db.transaction(() => {
    for (const migration of MIGRATIONS) {
      if (migration.version <= current()) continue;
      db.exec(migration.sql);
      db.pragma(`user_version = ${migration.version}`);
    }
  }).immediate();
}

/** Whether SQLite says that the file is damaged or no database. */
export function isCorruption(error: unknown): boolean {
  const code = typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
  return code.startsWith('SQLITE_CORRUPT') || code === 'SQLITE_NOTADB';
}
