/** Records what a batch does to each file, stage by stage, as a run of its own (`--record FILE`). */
import { resolve } from 'node:path';
import { PlanTraceMonitor } from '../monitor/planTraceMonitor.ts';
import type { StageRun } from '../monitor/planTraceDocument.ts';
import type { CliCommand } from './command.ts';

export const RECORD_OPTION: CliCommand['options'] = { '--record': { value: 'FILE', help: 'append what is done to each file, with its times, to this trace (.trace.jsonl)' } };

/** The stages of the work on a file. */
export interface FileStages {
  /** Does the work and says of its result what is worth recording. */
  run<T>(at: { readonly file: string; readonly name: 'load' | 'read' | 'score' | 'report' }, work: () => T | Promise<T>, said: (result: T) => unknown): Promise<T>;
  /** Whether the file is the record itself, which would read its own work. */
  isRecord(file: string): boolean;
  /** Nothing more is done to the file; `error` where it could not be read. */
  end(file: string, error?: string): void;
}

export const UNRECORDED: FileStages = { run: async (_at, work) => await work(), isRecord: () => false, end: () => undefined };

/** Runs `work` on its stages; without a file to record in, that is all. */
export async function recorded<T>(about: { readonly record: string | undefined; readonly goal: string; readonly config: unknown; readonly log: (message: string) => void }, work: (stages: FileStages) => Promise<T>): Promise<T> {
  const { record, goal, config, log } = about;
  if (record === undefined) return await work(UNRECORDED);
  const monitor = new PlanTraceMonitor({ file: resolve(record), onNotice: log });
  const run = monitor.startPipeline({ goalText: goal, stages: ['load', 'read', 'score', 'report'], agentName: 'stepscope', config });
  const stageByFile = new Map<string, StageRun>();
  let files = 0;
  const stages: FileStages = {
    async run({ file, name }, inner, said) {
      let outer = stageByFile.get(file);
      if (outer === undefined) stageByFile.set(file, outer = monitor.startStage(run, 'file', { input: file }));
      const stage = monitor.startStage(outer, name, { input: file });
      try {
        const result = await inner();
        monitor.completeStage(stage, { output: said(result) });
        return result;
      } catch (error) {
        monitor.handleStageError(stage, error);
        throw error;
      }
    },
    isRecord: (file) => resolve(file) === run.file,
    end(file, error) {
      files++;
      const stage = stageByFile.get(file);
      stageByFile.delete(file);
      if (stage === undefined) return;
      if (error === undefined) monitor.completeStage(stage, { output: 'done' });
      else monitor.handleStageError(stage, error);
    },
  };
  try {
    const result = await work(stages);
    monitor.completePipeline(run, { finalOutput: `${files} file${files === 1 ? '' : 's'}` });
    return result;
  } catch (error) {
    monitor.handlePipelineError(run, error);
    throw error;
  }
}
