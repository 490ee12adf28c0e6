/**
 * Second schema: evaluations, scores and their attributes, and what was found in them.
 *
 * Names that repeat on every row (dimension, scorer, version; attribute keys) stand once, in score_kinds and
 * attribute_keys: new ones need no migration. The views spell them out again. `packed` is a copy of an
 * evaluation's scores in the form they are read in; NULL where the rows were changed since.
 */
export const migration0002 = {
  version: 2,
  sql: `
    CREATE TABLE goals (id INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE, text TEXT NOT NULL);

    CREATE TABLE scorables (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      scorable_id TEXT NOT NULL UNIQUE,
      goal_id INTEGER NOT NULL REFERENCES goals (id),
      newest_evaluation_id INTEGER,
      facts TEXT NOT NULL,
      file TEXT GENERATED ALWAYS AS (json_extract(facts, '$.file')) VIRTUAL,
      trace_id TEXT GENERATED ALWAYS AS (json_extract(facts, '$.traceId')) VIRTUAL,
      step_type TEXT GENERATED ALWAYS AS (json_extract(facts, '$.stepType')) VIRTUAL,
      agent TEXT GENERATED ALWAYS AS (json_extract(facts, '$.agent')) VIRTUAL,
      model TEXT GENERATED ALWAYS AS (json_extract(facts, '$.model')) VIRTUAL,
      is_error INTEGER GENERATED ALWAYS AS (json_extract(facts, '$.isError')) VIRTUAL,
      outcome REAL GENERATED ALWAYS AS (json_extract(facts, '$.outcome')) VIRTUAL,
      time_ms REAL GENERATED ALWAYS AS (json_extract(facts, '$.timeMs')) VIRTUAL
    );
    CREATE INDEX scorables_by_file ON scorables (file);

    CREATE TABLE evaluations (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      uid BLOB NOT NULL UNIQUE,
      scorable_row INTEGER NOT NULL REFERENCES scorables (id) ON DELETE CASCADE,
      goal_id INTEGER NOT NULL REFERENCES goals (id),
      text_hash TEXT NOT NULL,
      context_hash TEXT NOT NULL,
      model_hash TEXT NOT NULL,
      calibration_hash TEXT NOT NULL,
      source TEXT NOT NULL,
      time_ms REAL NOT NULL,
      packed BLOB
    );
    CREATE INDEX evaluations_by_scorable ON evaluations (scorable_row, time_ms, id);

    CREATE TABLE score_kinds (
      id INTEGER PRIMARY KEY,
      dimension TEXT NOT NULL,
      scorer TEXT NOT NULL,
      scorer_version TEXT NOT NULL,
      UNIQUE (dimension, scorer, scorer_version)
    );
    CREATE TABLE scores (
      id INTEGER PRIMARY KEY,
      evaluation_id INTEGER NOT NULL REFERENCES evaluations (id) ON DELETE CASCADE,
      kind_id INTEGER NOT NULL REFERENCES score_kinds (id),
      score REAL,
      weight REAL NOT NULL,
      rationale TEXT NOT NULL
    );
    CREATE INDEX scores_by_evaluation ON scores (evaluation_id);

    CREATE TABLE attribute_keys (id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE);
    CREATE TABLE score_attributes (
      score_id INTEGER NOT NULL REFERENCES scores (id) ON DELETE CASCADE,
      key_id INTEGER NOT NULL REFERENCES attribute_keys (id),
      num_value REAL,
      value TEXT,
      -- 0 float, 1 bool, 2 string, 3 json
      data_type INTEGER NOT NULL,
      PRIMARY KEY (score_id, key_id)
    ) WITHOUT ROWID;
    CREATE INDEX score_attributes_by_key ON score_attributes (key_id);

    CREATE TABLE score_deltas (
      id INTEGER PRIMARY KEY,
      scorable_row INTEGER NOT NULL REFERENCES scorables (id) ON DELETE CASCADE,
      evaluation_id INTEGER NOT NULL REFERENCES evaluations (id) ON DELETE CASCADE,
      previous_evaluation_uid BLOB NOT NULL,
      kind_id INTEGER NOT NULL REFERENCES score_kinds (id),
      previous_score REAL NOT NULL,
      score REAL NOT NULL,
      delta REAL NOT NULL,
      cause TEXT NOT NULL,
      changed TEXT NOT NULL,
      is_significant INTEGER NOT NULL,
      noise REAL,
      moved_most TEXT,
      time_ms REAL NOT NULL
    );
    CREATE INDEX score_deltas_by_scorable ON score_deltas (scorable_row);
    CREATE INDEX score_deltas_by_evaluation ON score_deltas (evaluation_id);
    CREATE INDEX score_deltas_by_time ON score_deltas (time_ms);

    CREATE TABLE mars_results (
      id TEXT PRIMARY KEY, content TEXT NOT NULL, first_seen_ms REAL NOT NULL, last_seen_ms REAL NOT NULL,
      agreement_score REAL GENERATED ALWAYS AS (json_extract(content, '$.agreement_score')) VIRTUAL
    ) WITHOUT ROWID;
    CREATE TABLE patterns (id TEXT PRIMARY KEY, content TEXT NOT NULL, first_seen_ms REAL NOT NULL, last_seen_ms REAL NOT NULL) WITHOUT ROWID;
    CREATE TABLE recommendations (id TEXT PRIMARY KEY, content TEXT NOT NULL, first_seen_ms REAL NOT NULL, last_seen_ms REAL NOT NULL) WITHOUT ROWID;

    -- What a trace file was like when all of it was recorded.
    CREATE TABLE recorded_files (file TEXT PRIMARY KEY, state TEXT NOT NULL) WITHOUT ROWID;

    CREATE VIEW scores_view AS
      SELECT s.id, s.evaluation_id, o.scorable_id, e.time_ms, k.dimension, k.scorer, k.scorer_version, s.score, s.weight, s.rationale
      FROM scores s JOIN score_kinds k ON k.id = s.kind_id JOIN evaluations e ON e.id = s.evaluation_id JOIN scorables o ON o.id = e.scorable_row;
    CREATE VIEW score_attributes_view AS
      SELECT a.score_id, k.key,
        CASE a.data_type WHEN 0 THEN CAST(a.num_value AS TEXT) WHEN 1 THEN iif(a.num_value = 1, 'true', 'false') ELSE a.value END AS value,
        a.num_value,
        CASE a.data_type WHEN 0 THEN 'float' WHEN 1 THEN 'bool' WHEN 2 THEN 'string' ELSE 'json' END AS data_type
      FROM score_attributes a JOIN attribute_keys k ON k.id = a.key_id;
  `,
} as const;
