/** The port through which scoring remembers its work between sessions. */

export interface ScoreCache {
  /** Stored raw head outputs, one slot a key; undefined where there is none. */
  getRaw(keys: readonly string[]): Promise<readonly (Float32Array | undefined)[]>;
  putRaw(rows: readonly (readonly [key: string, values: Float32Array])[]): Promise<void>;
  /** Stored sentence vectors of steps in their place, one slot a key. */
  getVectors(keys: readonly string[]): Promise<readonly (Float32Array | undefined)[]>;
  putVectors(rows: readonly (readonly [key: string, values: Float32Array])[]): Promise<void>;
}

/** Steps remembered without a file: some long traces, not all files of a folder. */
const STEPS_IN_MEMORY = 20_000;

/** Remembers the latest steps for the life of the process only. */
export function memoryScoreCache(): ScoreCache {
  const raw = new Map<string, Float32Array>();
  const vectors = new Map<string, Float32Array>();
  const put = (into: Map<string, Float32Array>, rows: readonly (readonly [string, Float32Array])[]): Promise<void> => {
    for (const [key, values] of rows) into.set(key, values);
    for (const oldest of into.keys()) {
      if (into.size <= STEPS_IN_MEMORY) break;
      into.delete(oldest);
    }
    return Promise.resolve();
  };
  return {
    getRaw: (keys) => Promise.resolve(keys.map((k) => raw.get(k))),
    putRaw: (rows) => put(raw, rows),
    getVectors: (keys) => Promise.resolve(keys.map((k) => vectors.get(k))),
    putVectors: (rows) => put(vectors, rows),
  };
}
