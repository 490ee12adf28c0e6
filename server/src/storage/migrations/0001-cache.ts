/** First schema: raw head outputs by chain key and models, sentence vectors of steps by chain key. */
export const migration0001 = {
  version: 1,
  sql: `
    CREATE TABLE raw_scores (key BLOB PRIMARY KEY, value BLOB NOT NULL, used_at INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE vectors (key BLOB PRIMARY KEY, value BLOB NOT NULL, used_at INTEGER NOT NULL) WITHOUT ROWID;
    CREATE INDEX vectors_by_use ON vectors (used_at);
    CREATE INDEX raw_scores_by_use ON raw_scores (used_at);
  `,
} as const;
