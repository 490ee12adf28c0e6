/** A file that records are appended to, each written before `append` returns: killing the process loses nothing appended. */
import { closeSync, fstatSync, mkdirSync, openSync, readSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { messageOf } from './serialise.ts';

/** Records that wait in memory for a disk that has room again. */
const MAX_WAITING_CHARS = 8 * 2 ** 20;

/** Never throws. What cannot be written waits in memory, up to 8 MB, and is tried again with `retry`. */
export class AppendLog {
  readonly path: string;
  readonly #onNotice: (sentence: string) => void;
  #file: number | undefined;
  #waiting: string[] = [];
  #waitingChars = 0;
  #lost = 0;
  /** A record was written in part: the next begins on a line of its own. */
  #isLineOpen = false;
  #isBroken = false;
  #isTold = false;

  constructor(path: string, onNotice: (sentence: string) => void) {
    this.path = path;
    this.#onNotice = onNotice;
  }

  append(record: string): void {
    if (this.#isBroken) this.#wait(record);
    else this.#write([record]);
  }

  /** Tries again to write what is waiting. */
  retry(): void {
    if (!this.#isBroken) return;
    this.#isBroken = false;
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#waitingChars = 0;
    this.#write(waiting);
  }

  /** Gives the file back; appending opens it again. */
  close(): void {
    if (this.#file === undefined) return;
    try {
      closeSync(this.#file);
    } catch {
      // It is gone either way.
    }
    this.#file = undefined;
  }

  #write(records: readonly string[]): void {
    for (const [i, record] of records.entries()) {
      try {
        this.#writeLine(record);
      } catch (error) {
        this.#isBroken = true;
        for (const left of records.slice(i)) this.#wait(left);
        if (!this.#isTold) this.#onNotice(`The trace cannot be written to ${this.path} (${messageOf(error)}): recording goes on in memory, and your pipeline is not affected.`);
        this.#isTold = true;
        return;
      }
    }
  }

  #writeLine(record: string): void {
    const file = this.#file ??= this.#open();
    const bytes = Buffer.from(`${this.#isLineOpen ? '\n' : ''}${record}\n`);
    for (let at = 0; at < bytes.length;) {
      at += writeSync(file, bytes, at);
      this.#isLineOpen = at < bytes.length;
    }
  }

  /** A file whose last writer was killed in the middle of a record goes on with a line of its own. */
  #open(): number {
    mkdirSync(dirname(this.path), { recursive: true });
    const file = openSync(this.path, 'a+', 0o600);
    const { size } = fstatSync(file);
    const last = Buffer.alloc(1);
    if (size > 0 && readSync(file, last, 0, 1, size - 1) === 1) this.#isLineOpen = last[0] !== 10;
    return file;
  }

  #wait(record: string): void {
    if (this.#waitingChars + record.length > MAX_WAITING_CHARS) {
      this.#lost++;
      if (this.#lost === 1) this.#onNotice(`More than ${MAX_WAITING_CHARS / 2 ** 20} MB wait to be written to ${this.path}: further records are not kept for the file.`);
      return;
    }
    this.#waiting.push(record);
    this.#waitingChars += record.length;
  }
}
