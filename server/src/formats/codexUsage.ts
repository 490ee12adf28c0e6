/** Gives each response of a Codex rollout its token count, once, however often and in whichever order the log states it. */
import type { Usage } from '../core/planTrace.ts';
import { asNumber, asRecord, settled, type JsonRecord } from './jsonFields.ts';
import { jsonText } from './messageContent.ts';
import type { OpenStep } from './openSteps.ts';

export interface TokenCounts {
  /** Tells that an item of the agent came, for this step. */
  sawAgent(step: OpenStep): void;
  /** Tells that a tool's output came. */
  sawOutput(): void;
  /** Takes a `token_count`; false for one that only repeats the last. */
  read(info: JsonRecord | undefined): boolean;
}

/**
 * The count of a call comes after its items and before the outputs; early versions logged it before the items. So a count
 * right after an item of the agent belongs to that step, any other to the step that comes next unless that gets its own.
 */
export function tokenCounts(): TokenCounts {
  let lastTotal: string | undefined;
  let step: OpenStep | undefined;
  let isAfterAgent = false;
  let pending: Usage | undefined;
  return {
    sawAgent(next) {
      if (pending !== undefined && next.usage === undefined) next.usage = pending;
      pending = undefined;
      step = next;
      isAfterAgent = true;
    },
    sawOutput() {
      isAfterAgent = false;
    },
    read(info) {
      const last = asRecord(info?.['last_token_usage']);
      if (info === undefined || last === undefined) return false;
      const total = jsonText(info['total_token_usage'] ?? last);
      if (total === lastTotal) return false;
      lastTotal = total;
      const usage = usageOf(last);
      if (isAfterAgent && step !== undefined) step.usage = usage;
      else pending = usage;
      return true;
    },
  };
}

/** A token count as Codex states it: the input includes the cached part, the output the reasoning. */
export function usageOf(record: JsonRecord | undefined): Usage | undefined {
  const usage = settled<Usage>({
    inputTokens: asNumber(record?.['input_tokens']),
    outputTokens: asNumber(record?.['output_tokens']),
    cachedTokens: asNumber(record?.['cached_input_tokens']),
  });
  return Object.keys(usage).length === 0 ? undefined : usage;
}
