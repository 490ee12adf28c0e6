/** Opens the score database: migrations, waiting for others, reading where writing is not allowed, a fresh file where the old one cannot be read. */
import { accessSync, constants, existsSync, mkdirSync, readFileSync, renameSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import type BetterSqlite3 from 'better-sqlite3';
import { migration0001 } from './migrations/0001-cache.ts';
import { migration0002 } from './migrations/0002-memory.ts';

const MIGRATIONS = [migration0001, migration0002];
const NEWEST = migration0002.version;
const OPEN_TIMEOUT_MS = 4000;
/** A write of another process may take longer than an opening should. */
const BUSY_TIMEOUT_MS = 15_000;
const RETRY_MS = 25;
/** Bytes of the header that say how the file is written and read (SQLite, Database File Format, 1.3.3). */
const FORMAT_VERSIONS = [18, 20] as const;
const NO_WRITE_AHEAD_LOG = 1;

export interface OpenedDatabase {
  readonly db: BetterSqlite3.Database;
  readonly isReadOnly: boolean;
  /** What the user should know: the old file was set aside, for one. */
  readonly notice?: string;
  /** Where a damaged file was set aside. */
  readonly damaged?: string;
}

/** Opens or creates the file. Throws when neither it nor a fresh one beside it can be opened. */
export function openDatabase(path: string): OpenedDatabase {
  mkdirSync(dirname(path), { recursive: true });
  if (existsSync(path) && !(isWritable(path) && isWritable(dirname(path)))) {
    return { db: openForReading(path), isReadOnly: true, notice: `The score memory ${path} is read-only. What it holds is shown, and nothing is added to it; make it writable or name another one.` };
  }
  try {
    return { db: openAndMigrate(path), isReadOnly: false };
  } catch (error) {
    if (!isCorruption(error) || !existsSync(path)) throw error;
    if (!mayBeMemory(path)) throw new Error('it is a file of another kind');
    return startAfresh(path);
  }
}

/** Sets a damaged file aside and begins a new one. */
export function startAfresh(path: string): OpenedDatabase {
  const damaged = `${path}.corrupt-${Date.now()}`;
  renameSync(path, damaged);
  for (const suffix of ['-wal', '-shm']) if (existsSync(path + suffix)) renameSync(path + suffix, damaged + suffix);
  return { db: openAndMigrate(path), isReadOnly: false, damaged, notice: `The score memory ${path} was damaged. It was set aside as ${damaged} and a new one was started; scores are computed again, and histories begin anew where they could not be read.` };
}

/** Opens a memory of this schema without changing it. Throws with a phrase for what is wrong with it. */
export function openForReading(path: string): BetterSqlite3.Database {
  const check = (db: BetterSqlite3.Database): BetterSqlite3.Database => {
    try {
      const version = versionOf(db);
      refuseNewer(version);
      if (version === 0) throw new Error('it is no score memory');
      if (version < NEWEST) throw new Error(`it has the older schema ${version} and cannot be brought up to date here`);
      db.prepare('SELECT 1 FROM scorables');
      return db;
    } catch (error) {
      db.close();
      throw error;
    }
  };
  const options = { readonly: true, timeout: OPEN_TIMEOUT_MS };
  try {
    return check(new (driver())(path, options));
  } catch (error) {
    const hasUnmerged = existsSync(`${path}-wal`) && statSync(`${path}-wal`).size > 0;
    if (hasUnmerged || !/^SQLITE_(CANTOPEN|READONLY)/.test(codeOf(error))) throw error;
    // SQLite shares files through a small one beside them; where none can be made, nobody is writing either, and a copy says the same.
    return check(openCopy(readFileSync(path)));
  }
}

/** Opens the bytes of a database file for reading, and marks in them that there is no write-ahead log. What stands only in the one beside the file is missing. */
export function openCopy(bytes: Buffer): BetterSqlite3.Database {
  bytes.fill(NO_WRITE_AHEAD_LOG, ...FORMAT_VERSIONS);
  return new (driver())(bytes, { readonly: true });
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

/** Whether SQLite says that the file is damaged or no database. */
export function isCorruption(error: unknown): boolean {
  return codeOf(error).startsWith('SQLITE_CORRUPT') || codeOf(error) === 'SQLITE_NOTADB';
}

/** SQLite's name of a failure, '' where it is another's. */
export function codeOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
}

/** Names the file that is open: another one may come to stand at its path. */
export function fileIdentity(path: string): string {
  const { dev, ino } = statSync(path, { bigint: true });
  return `${dev}:${ino}`;
}

/** Whether a file that is no database was meant to be one: anything else belongs to the user and stays where it is. */
function mayBeMemory(path: string): boolean {
  return /\.(sqlite3?|db)$/i.test(path);
}

/** Node 20 crashes on loading this module, so it is required only after the version check in main. */
function driver(): typeof BetterSqlite3 {
  return createRequire(import.meta.url)('better-sqlite3') as typeof BetterSqlite3;
}

function openAndMigrate(path: string): BetterSqlite3.Database {
  const db = new (driver())(path, { timeout: OPEN_TIMEOUT_MS });
  try {
    // Counts only before the first table is made.
    db.pragma('auto_vacuum = INCREMENTAL');
    shareWithOthers(db);
    // A write that was answered outlives a power cut.
    db.pragma('synchronous = FULL');
    db.pragma('foreign_keys = ON');
    migrate(db);
    db.pragma(`busy_timeout = ${BUSY_TIMEOUT_MS}`);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** The one thing for which SQLite does not wait by itself: two processes that open a new file together. */
function shareWithOthers(db: BetterSqlite3.Database): void {
  const giveUpAt = Date.now() + OPEN_TIMEOUT_MS;
  for (;;) {
    try {
      db.pragma('journal_mode = WAL');
      return;
    } catch (error) {
      if (!codeOf(error).startsWith('SQLITE_BUSY') || Date.now() > giveUpAt) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY_MS);
    }
  }
}

function migrate(db: BetterSqlite3.Database): void {
  refuseNewer(versionOf(db));
  if (versionOf(db) === NEWEST) return;
  db.transaction(() => {
    for (const migration of MIGRATIONS) {
      if (migration.version <= versionOf(db)) continue;
      db.exec(migration.sql);
      db.pragma(`user_version = ${migration.version}`);
    }
  }).immediate();
}

function versionOf(db: BetterSqlite3.Database): number {
  return Number(db.pragma('user_version', { simple: true }));
}

function refuseNewer(version: number): void {
  if (version > NEWEST) throw new Error(`it was written by a newer StepScope (schema ${version}, this one knows ${NEWEST})`);
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
