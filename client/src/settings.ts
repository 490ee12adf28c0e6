/** The one reader of workspace configuration: from `stepscope.*` to the engine's own shape. */
import * as vscode from 'vscode';
import type { WireSettings } from '../../server/src/contract/protocol.ts';
import { defaultSettings } from '../../server/src/core/effectiveSettings.ts';
import type { ProblemSettings } from '../../server/src/core/effectiveSettings.ts';

export const SECTION = 'stepscope';

export type InlineScores = WireSettings['inlineScores'];

/** Settings a running server cannot take up: it is started again when one of them changes. */
const SETTINGS_OF_THE_PROCESS = ['server.nodePath', 'executionProvider', 'storage.path', 'include'] as const;

/** Every setting the server reads, as this window has them. Values of the wrong kind are replaced by the default. */
export function readSettings(): WireSettings {
  const config = vscode.workspace.getConfiguration(SECTION);
  const defaults = defaultSettings();
  const strings = (key: string, fallback: readonly string[]): readonly string[] => {
    const value: unknown = config.get(key);
    return Array.isArray(value) ? value.filter((v) => typeof v === 'string') : fallback;
  };
  const number = (key: string, fallback: number): number => {
    const value: unknown = config.get(key);
    return typeof value === 'number' && Number.isFinite(value) ? value : fallback;
  };
  const oneOf = <T extends string>(key: string, allowed: readonly T[], fallback: T): T => {
    const value: unknown = config.get(key);
    return allowed.find((a) => a === value) ?? fallback;
  };
  return {
    scorers: strings('scorers', defaults.scorers),
    dimensions: strings('dimensions', defaults.dimensions),
    include: strings('include', defaults.include),
    exclude: strings('exclude', defaults.exclude),
    problems: readProblems(config.get('problems')),
    falseAlarmRate: number('falseAlarmRate', defaults.falseAlarmRate),
    inlineScores: oneOf('inlineScores', ['on', 'onlyBad', 'off'], defaults.inlineScores),
    storagePath: String(config.get('storage.path') ?? ''),
    limits: {
      maxFileSizeMB: number('limits.maxFileSizeMB', defaults.limits.maxFileSizeMB),
      maxStepCharacters: number('limits.maxStepCharacters', defaults.limits.maxStepCharacters),
      maxProblemsPerFile: number('limits.maxProblemsPerFile', defaults.limits.maxProblemsPerFile),
    },
    scoring: { inBackground: config.get('scoring.inBackground') !== false },
    live: { notifyBadStep: config.get('live.notifyBadStep') === true },
    receiver: { enabled: config.get('receiver.enabled') === true, port: number('receiver.port', defaults.receiver.port) },
    executionProvider: oneOf('executionProvider', ['cpu', 'cuda', 'dml', 'coreml', 'wasm'], defaults.executionProvider),
    importedScales: readScales(config.get('importedScales')),
  };
}

/** Node that runs the server; '' for the one inside VS Code. */
export function readNodePath(): string {
  return String(vscode.workspace.getConfiguration(SECTION).get('server.nodePath') ?? '').trim();
}

/** Whether a change needs a fresh server process. */
export function needsRestart(change: vscode.ConfigurationChangeEvent): boolean {
  return SETTINGS_OF_THE_PROCESS.some((key) => change.affectsConfiguration(`${SECTION}.${key}`));
}

/** Writes a setting where it already stands in the workspace, else where `fallback` says. */
export async function writeSetting(key: string, value: unknown, fallback: 'workspace' | 'user'): Promise<void> {
  const config = vscode.workspace.getConfiguration(SECTION);
  const isInWorkspace = config.inspect(key)?.workspaceValue !== undefined;
  const wantsWorkspace = isInWorkspace || fallback === 'workspace';
  await config.update(key, value, wantsWorkspace && hasWorkspace() ? vscode.ConfigurationTarget.Workspace : vscode.ConfigurationTarget.Global);
}

/** Sets the severity of one problem code in the workspace (in the user's settings where no folder is open). Answers how to take it back. */
export async function writeSeverity(code: string, severity: string): Promise<() => Promise<void>> {
  const config = vscode.workspace.getConfiguration(SECTION);
  const target = hasWorkspace() ? vscode.ConfigurationTarget.Workspace : vscode.ConfigurationTarget.Global;
  const inspected = config.inspect<Record<string, ProblemSettings>>('problems');
  const before = hasWorkspace() ? inspected?.workspaceValue : inspected?.globalValue;
  await config.update('problems', { ...before, [code]: { ...before?.[code], severity } }, target);
  return async () => vscode.workspace.getConfiguration(SECTION).update('problems', before, target);
}

function hasWorkspace(): boolean {
  return vscode.workspace.workspaceFile !== undefined || (vscode.workspace.workspaceFolders?.length ?? 0) > 0;
}

function readProblems(value: unknown): WireSettings['problems'] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return {};
  const entries = Object.entries(value).filter((entry): entry is [string, ProblemSettings] => typeof entry[1] === 'object' && entry[1] !== null);
  // Configuration values are proxies; a plain copy crosses the process boundary.
  return JSON.parse(JSON.stringify(Object.fromEntries(entries))) as WireSettings['problems'];
}

function readScales(value: unknown): WireSettings['importedScales'] {
  if (typeof value !== 'object' || value === null) return {};
  const scales: Record<string, readonly [number, number]> = {};
  for (const [source, scale] of Object.entries(value)) {
    if (!Array.isArray(scale)) continue;
    const [low, high] = scale as readonly unknown[];
    if (typeof low === 'number' && typeof high === 'number' && low < high) scales[source] = [low, high];
  }
  return scales;
}
