/** `stepscope write-back`: scores into the PlanTrace files themselves, a line a file. */
import { writeBackRefusal, writeTraceScores } from '../features/writeBack.ts';
import type { TraceWriteBack } from '../features/writeBack.ts';
import { editFile } from '../host/editFile.ts';
import { MEMORY_OPTION, needPaths } from './command.ts';
import type { CliCommand, CommandTools } from './command.ts';
import { readInputs } from './inputs.ts';
import type { Input } from './inputs.ts';
import { scoredView } from './scoredView.ts';

export const writeBackCommand: CliCommand = {
  name: 'write-back',
  usage: ['write-back <path>…    write the scores into PlanTrace files (step_scores, pipeline_score, mars_analysis); nothing else in them changes'],
  options: { '--dry-run': { value: '', help: 'say what would be written, and write nothing' }, ...MEMORY_OPTION },
  run: async (input, tools) => {
    const paths = needPaths(input, 'write-back');
    const memoryFile = input.option('--memory');
    const isDryRun = input.option('--dry-run') !== undefined;
    const named = new Set(paths);
    let isClean = true;
    for await (const found of readInputs(paths, tools.settings)) {
      if (tools.signal.aborted || tools.output.isClosed()) break;
      const { record, text } = await writeBack(found, { ...tools, isDryRun, isNamed: named.has(found.file), memoryFile });
      // Stopped while it was scored: nothing was written, nothing is said.
      if (record === undefined) break;
      if (record.kind === 'error') isClean = false;
      await tools.output.write({ ...record }, text);
    }
    return isClean;
  },
};

type FileRecord =
  | { readonly kind: 'error'; readonly file: string; readonly message: string }
  | {
    readonly kind: 'write-back';
    readonly file: string;
    readonly status: 'written' | 'would-write' | 'unchanged' | 'skipped';
    /** Traces that hold their scores now, and their scored steps. */
    readonly traces: number;
    readonly steps: number;
    readonly sizeBytes: number;
    /** Sentences about what was left as it is. */
    readonly notes: readonly string[];
  };

interface WriteBackTools extends CommandTools {
  readonly isDryRun: boolean;
  /** Named on the command line, not found in a folder. */
  readonly isNamed: boolean;
  readonly memoryFile: string | undefined;
}

async function writeBack(input: Input, tools: WriteBackTools): Promise<{ readonly record: FileRecord | undefined; readonly text: string | undefined }> {
  if (input.kind === 'error') return failure(input.file, input.message);
  const { file, text } = input;
  const sizeBytes = Buffer.byteLength(text);
  const refusal = writeBackRefusal(input.parsed.format) ?? (file === '-' ? 'Standard input is no file that scores could be written into; "stepscope score -" prints them.' : undefined)
    ?? (input.isVirtual ? 'The file is packed: unpack it and write the scores into what comes out.' : undefined);
  if (refusal !== undefined) {
    if (tools.isNamed) return failure(file, refusal);
    return { record: { kind: 'write-back', file, status: 'skipped', traces: 0, steps: 0, sizeBytes, notes: [refusal] }, text: `${file}: skipped. ${refusal}` };
  }
  const engine = await tools.engine(tools.memoryFile === undefined ? {} : { memoryFile: tools.memoryFile });
  const view = await scoredView(input, { ...tools, engine });
  const results: TraceWriteBack[] = [];
  for (const scored of view.traces) {
    if (tools.signal.aborted) return { record: undefined, text: undefined };
    results.push(writeTraceScores(text, input.parsed, scored));
  }
  const written = results.flatMap((r) => (r.kind === 'edits' ? [r] : []));
  const notes = results.flatMap((r) => (r.kind === 'left' ? [r.reason] : []));
  if (written.length === 0) return failure(file, notes.join(' '));
  const edits = written.flatMap((r) => r.edits).sort((a, b) => a.start - b.start);
  const counts = { traces: written.length, steps: written.reduce((sum, r) => sum + r.scoredSteps, 0), notes };
  const said = `${counts.steps} step${counts.steps === 1 ? '' : 's'} of ${counts.traces} trace${counts.traces === 1 ? '' : 's'}`;
  const line = (done: string): string => [`${file}: ${done}`, ...notes.map((n) => `  ${n}`)].join('\n');
  if (edits.length === 0) return { record: { kind: 'write-back', file, status: 'unchanged', ...counts, sizeBytes }, text: line(`unchanged, it holds the scores of ${said}`) };
  const edited = await editFile(file, text, edits, { isDryRun: tools.isDryRun });
  if (edited.kind === 'failed') return failure(file, edited.message);
  const status = edited.kind === 'written' ? 'written' : 'would-write';
  return { record: { kind: 'write-back', file, status, ...counts, sizeBytes: edited.sizeBytes }, text: line(`${status === 'written' ? 'written' : 'would be written'}: the scores of ${said}`) };
}

function failure(file: string, message: string): { readonly record: FileRecord; readonly text: string } {
  return { record: { kind: 'error', file, message }, text: `${file}: ${message}` };
}
