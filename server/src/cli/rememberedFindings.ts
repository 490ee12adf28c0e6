/** What a command found in the memory is kept in it, and stands beside what was found before. */
import type { ScoreMemory } from '../corpus/scoreMemory.ts';
import type { CommandInput, CommandTools } from './command.ts';
import { FILTER_OPTIONS } from './corpusInput.ts';
import { withExistingMemory } from './existingMemory.ts';

/**
 * Undefined where the scores were not all those of a memory: what holds of a part tells nothing of its course. A memory
 * that cannot be written keeps what it has; what is wrong with it was told when the scores were read.
 */
export async function withFindings<T>(input: CommandInput, tools: CommandTools, use: (memory: ScoreMemory) => Promise<T>): Promise<T | undefined> {
  const isWhole = input.words.length === 0 && Object.keys(FILTER_OPTIONS).every((option) => input.option(option) === undefined);
  return isWhole ? await withExistingMemory({ ...tools, log: () => undefined }, { file: input.option('--memory'), remedy: '' }, use) : undefined;
}
