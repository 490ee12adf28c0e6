/** Makes traces of tau-bench runs: goals from tasks, rewards and reviews as scores of the file. */
import type { ImportedScore, OffsetRange, PlanTrace, TraceMeta } from '../core/planTrace.ts';
import type { FileRecord } from './documents.ts';
import type { ObjectRead } from './fileRecords.ts';
import { asId, asNumber, asRecord, asText, recordsOf, settled, type JsonRecord } from './jsonFields.ts';
import type { TauMessages } from './tauBenchSteps.ts';
import { assembleTrace, type UniqueIds } from './traceAssembly.ts';
import { countUnknown } from './unknownRecords.ts';
import { findWords } from './wordRanges.ts';

export interface TauGoal {
  readonly text: string;
  readonly range: OffsetRange | null;
}

/** A run, or results that hold runs. */
export interface TauRun {
  readonly text: string;
  readonly object: ObjectRead;
  readonly messages: TauMessages;
  /** The member its messages stood in; undefined when it held none. */
  readonly list: string | undefined;
  readonly isCut: boolean;
  /** By the id of the task. */
  readonly tasks: ReadonlyMap<string, TauGoal>;
  readonly simulations: readonly TauRun[];
}

/** Rewards, checks and verdicts of the benchmark lie between 0 and 1. */
const SCALE: readonly [number, number] = [0, 1];
const REVIEWER = 'tau2-review';

/** What a task of the second version asks the simulated user to get done; undefined when it says nothing. */
export function taskGoal(text: string, record: FileRecord): TauGoal | undefined {
  const task = asRecord(record.value) ?? {};
  const instructions = asRecord(task['user_scenario'])?.['instructions'];
  const fields = asRecord(instructions);
  const words = fields === undefined ? [asText(instructions) ?? asText(task['ticket'])] : [asText(fields['reason_for_call']), asText(fields['task_instructions'])];
  const goal = words.flatMap((part) => part ?? []).join('\n\n');
  const inner = ['user_scenario', 'instructions'];
  return goal === '' ? undefined : { text: goal, range: findWords(text, record, [inner.concat('reason_for_call'), inner.concat('task_instructions'), inner, ['ticket']]) ?? null };
}

/** The trace of a run and those of the simulations it holds. */
export function tracesOf(run: TauRun, traceIds: UniqueIds): readonly PlanTrace[] {
  const traces: PlanTrace[] = [];
  if (run.list === 'traj') traces.push(firstVersion(run, traceIds));
  else if (run.list !== undefined) traces.push(secondVersion(run, run, traceIds));
  for (const simulation of run.simulations) traces.push(secondVersion(simulation, run, traceIds));
  return traces;
}

function firstVersion(run: TauRun, traceIds: UniqueIds): PlanTrace {
  const { object, messages, text } = run;
  const { fields } = object;
  const info = object.ranges.get('info');
  const instruction = asText(asRecord(asRecord(fields['info'])?.['task'])?.['instruction']);
  const reward = asNumber(fields['reward']);
  const ids = [asId(fields['task_id']), asId(fields['trial'])].flatMap((id) => id ?? []);
  return assembleTrace(
    {
      format: 'tau-bench',
      formatVersion: '1',
      traceId: ids.length === 0 ? undefined : ids.join('/'),
      goalText: instruction ?? messages.opening?.text,
      goalRange: (instruction === undefined || info === undefined ? undefined : findWords(text, info, [['task', 'instruction']])) ?? messages.opening?.range,
      planSignature: 'tau-bench',
      steps: messages.steps.drafts(run.isCut),
      importedScores: rewards(reward, undefined),
      meta: settled<TraceMeta>({ model: undefined, agent: 'tau-bench', session: undefined, cwd: undefined, costUsd: undefined, outcome: reward }),
      unknownRecordCounts: messages.unknown,
      range: { start: object.start, end: object.end },
    },
    traceIds,
  );
}

/** `results` is where the tasks and the agent are described: the run itself when it stands alone. */
function secondVersion(run: TauRun, results: TauRun, traceIds: UniqueIds): PlanTrace {
  const { object, messages } = run;
  const { fields } = object;
  const agent = asRecord(asRecord(results.object.fields['info'])?.['agent_info']);
  const rewardInfo = asRecord(fields['reward_info']);
  const reward = asNumber(rewardInfo?.['reward']);
  const goal = results.tasks.get(asId(fields['task_id']) ?? '') ?? messages.opening;
  const ended = asText(fields['termination_reason']);
  const { last } = messages.steps;
  if (last !== undefined && ended !== undefined) last.finishReason ??= ended;
  const review = asRecord(fields['review']);
  if (review !== undefined) addReview(messages, review);
  return assembleTrace(
    {
      format: 'tau-bench',
      formatVersion: '2',
      traceId: asId(fields['id']),
      goalText: goal?.text,
      goalRange: goal?.range,
      planSignature: 'tau-bench',
      steps: messages.steps.drafts(run.isCut),
      importedScores: [...rewards(reward, asRecord(rewardInfo?.['reward_breakdown'])), ...verdict(review)],
      createdAt: asText(fields['start_time']) ?? asText(fields['timestamp']),
      meta: settled<TraceMeta>({
        model: asText(agent?.['llm']),
        agent: asText(agent?.['implementation']) ?? 'tau-bench',
        session: undefined,
        cwd: undefined,
        costUsd: asNumber(fields['agent_cost']),
        outcome: reward,
      }),
      unknownRecordCounts: messages.unknown,
      range: { start: object.start, end: object.end },
    },
    traceIds,
  );
}

function rewards(reward: number | undefined, parts: JsonRecord | undefined): readonly ImportedScore[] {
  const scores: ImportedScore[] = reward === undefined ? [] : [{ source: 'tau-bench', dimension: 'reward', value: reward, scale: SCALE, attributes: {} }];
  for (const name of Object.keys(parts ?? {})) {
    const value = asNumber(parts?.[name]);
    if (value !== undefined) scores.push({ source: 'tau-bench', dimension: `reward_${name.toLowerCase()}`, value, scale: SCALE, attributes: {} });
  }
  return scores;
}

/** A review marks the turns that were wrong: 0 stands for wrong. Turns of the simulated user are not the agent's steps. */
function addReview(messages: TauMessages, review: JsonRecord): void {
  for (const error of recordsOf(review['errors'])) {
    if (error['source'] === 'user') continue;
    const turn = asNumber(error['turn_idx']);
    const step = turn === undefined ? undefined : messages.stepsByTurn.get(turn);
    if (step === undefined) {
      countUnknown(messages.unknown, 'review error without its turn');
      continue;
    }
    step.importedScores.push({ source: REVIEWER, dimension: 'correctness', value: 0, scale: SCALE, rationale: rationaleOf(error), attributes: {} });
  }
}

function rationaleOf(error: JsonRecord): string {
  const kind = [asText(error['severity']), asText(error['error_type'])].flatMap((part) => part ?? []).join(' ');
  const instead = asText(error['correct_behavior']);
  return [kind === '' ? undefined : `${kind}:`, asText(error['reasoning']), instead === undefined ? undefined : `Instead: ${instead}`].flatMap((part) => part ?? []).join(' ');
}

function verdict(review: JsonRecord | undefined): readonly ImportedScore[] {
  const isWrong = review?.['agent_error'];
  if (typeof isWrong !== 'boolean') return [];
  const score: ImportedScore = { source: REVIEWER, dimension: 'correctness', value: isWrong ? 0 : 1, scale: SCALE, attributes: {} };
  const summary = asText(review?.['summary']);
  return [summary === undefined ? score : { ...score, rationale: summary }];
}
