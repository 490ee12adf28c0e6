/** Every setting once: package.json's configuration and the schema of `.stepscope.json` are generated from this table. */

export interface Setting {
  /** Key under `stepscope.`; the same key in `.stepscope.json` where `inFile`. */
  readonly key: string;
  readonly schema: Readonly<Record<string, unknown>>;
  readonly default: unknown;
  readonly description: string;
  readonly scope: 'resource' | 'window' | 'machine';
  /** Whether `.stepscope.json` may set it. */
  readonly inFile: boolean;
  /** Ignored in an untrusted workspace. */
  readonly restricted: boolean;
}

const strings = { type: 'array', items: { type: 'string' } } as const;

export const SETTINGS: readonly Setting[] = [
  { key: 'scorers', schema: strings, default: [], description: 'Scorers to run. Empty: those that proved themselves (`stepscope models` lists them).', scope: 'resource', inFile: true, restricted: false },
  { key: 'dimensions', schema: strings, default: [], description: 'Dimensions to judge. Empty: all that proved themselves on labels of their own (`stepscope models` lists them).', scope: 'resource', inFile: true, restricted: false },
  { key: 'include', schema: strings, default: ['**/*.trace.json', '**/*.trace.jsonl', '**/trace_*.json', '**/*.trajectory.json', '**/trajectory.json', '**/.claude/projects/**/*.jsonl', '**/*.session.jsonl', '**/*.messages.json', '**/*.messages.jsonl', '**/*.eval', '**/rollout-*.jsonl', '**/rollout-*.jsonl.zst', '**/.gemini/**/chats/**/*.json', '**/*.traj', '**/*.traj.json', '**/*.otlp.json', '**/*.otlp.jsonl', '**/*.langfuse.json', '**/*.langsmith.json', '**/*.langsmith.jsonl', '**/*.phoenix.json', '**/*.responses.json', '**/*.responses.jsonl', '**/mlruns/**/traces.json', '**/*.react.log'], description: 'Files that are looked at as traces, opened or not. A file that is no trace is passed over.', scope: 'resource', inFile: true, restricted: false },
  { key: 'exclude', schema: strings, default: ['**/node_modules/**', '**/.git/**'], description: 'Files that are never looked at.', scope: 'resource', inFile: true, restricted: false },
  {
    key: 'problems', default: {}, scope: 'resource', inFile: true, restricted: false,
    description: 'Per problem code: severity, threshold (0–100), the scorers it listens to, and files it leaves alone.',
    schema: { type: 'object' },
  },
  { key: 'falseAlarmRate', schema: { type: 'number', minimum: 1, maximum: 20 }, default: 5, description: 'Percent of clean traces that may show a low-score warning. Lower is quieter.', scope: 'resource', inFile: true, restricted: false },
  { key: 'inlineScores', schema: { type: 'string', enum: ['on', 'onlyBad', 'off'] }, default: 'on', description: 'Score chips in the text: at every step, at bad steps only, or none.', scope: 'window', inFile: false, restricted: false },
  { key: 'storage.path', schema: { type: 'string' }, default: '', description: 'File that keeps scores between sessions. Empty: a file of the workspace in the user data folder.', scope: 'machine', inFile: false, restricted: true },
  { key: 'limits.maxFileSizeMB', schema: { type: 'number', minimum: 1, maximum: 16000 }, default: 1000, description: 'Larger files are not read. The Problems view says so.', scope: 'resource', inFile: true, restricted: false },
  { key: 'limits.maxStepCharacters', schema: { type: 'number', minimum: 1000, maximum: 10000000 }, default: 100000, description: 'Longer steps are scored on their beginning and their end.', scope: 'resource', inFile: true, restricted: false },
  { key: 'limits.maxProblemsPerFile', schema: { type: 'number', minimum: 1, maximum: 999 }, default: 999, description: 'Problems shown for one file, worst first.', scope: 'resource', inFile: true, restricted: false },
  { key: 'scoring.inBackground', schema: { type: 'boolean' }, default: true, description: 'Score traces that nobody has open. Off pauses it; what is scored already stays, and it goes on from there.', scope: 'window', inFile: false, restricted: false },
  { key: 'live.notifyBadStep', schema: { type: 'boolean' }, default: false, description: 'Show a message when a step of a running agent, whose trace is being written, turns out bad.', scope: 'window', inFile: false, restricted: false },
  { key: 'importedScales', schema: { type: 'object', additionalProperties: { type: 'array', items: { type: 'number' }, minItems: 2, maxItems: 2 } }, default: {}, description: 'Scale of scores found in files, by source: lowest and highest value. Scores without a scale are shown but not compared.', scope: 'resource', inFile: true, restricted: false },
  { key: 'receiver.enabled', schema: { type: 'boolean' }, default: false, description: 'Receive OpenTelemetry traces (OTLP over HTTP) from agents on this machine and write them to `.stepscope/otlp` in the first workspace folder.', scope: 'window', inFile: false, restricted: true },
  { key: 'receiver.port', schema: { type: 'integer', minimum: 1, maximum: 65535 }, default: 4318, description: 'Port of 127.0.0.1 and [::1] at which traces are received. A second window needs another one.', scope: 'window', inFile: false, restricted: true },
  { key: 'server.nodePath', schema: { type: 'string' }, default: '', description: 'Node 22.15 or newer that runs the server. Empty: the one inside VS Code.', scope: 'machine', inFile: false, restricted: true },
  { key: 'executionProvider', schema: { type: 'string', enum: ['cpu', 'cuda', 'dml', 'coreml', 'wasm'] }, default: 'cpu', description: 'Where the models run.', scope: 'machine', inFile: false, restricted: true },
];
