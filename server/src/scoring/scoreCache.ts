/** The port through which scoring remembers its work between sessions. */

export interface ScoreCache {
  /** Stored raw head outputs, one slot a key; undefined where there is none. */
  getRaw(keys: readonly string[]): Promise<readonly (Float32Array | undefined)[]>;
  putRaw(rows: readonly (readonly [key: string, values: Float32Array])[]): Promise<void>;
  /** Stored text vectors, one slot a key. */
  getVectors(keys: readonly string[]): Promise<readonly (Float32Array | undefined)[]>;
  putVectors(rows: readonly (readonly [key: string, values: Float32Array])[]): Promise<void>;
}

/** Remembers for the life of the process only. */
export function memoryScoreCache(): ScoreCache {
  const raw = new Map<string, Float32Array>();
  const vectors = new Map<string, Float32Array>();
  return {
    getRaw: (keys) => Promise.resolve(keys.map((k) => raw.get(k))),
    putRaw: (rows) => Promise.resolve(rows.forEach(([k, v]) => raw.set(k, v))),
    getVectors: (keys) => Promise.resolve(keys.map((k) => vectors.get(k))),
    putVectors: (rows) => Promise.resolve(rows.forEach(([k, v]) => vectors.set(k, v))),
  };
}
