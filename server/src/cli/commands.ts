/** Every sub-command, in the order of the help text. */
import type { CliCommand } from './command.ts';
import { compareCommand } from './compare.ts';
import { corpusCommand } from './corpus.ts';
import { deltasCommand } from './deltas.ts';
import { evalCommand } from './eval.ts';
import { exportCommand } from './export.ts';
import { inspectCommand } from './inspect.ts';
import { marsCommand } from './mars.ts';
import { memoryCommand } from './memory.ts';
import { modelsCommand } from './models.ts';
import { patternsCommand } from './patterns.ts';
import { receiveCommand } from './receive.ts';
import { reviewCommand } from './review.ts';
import { scoreCommand } from './score.ts';
import { variantsCommand } from './variants.ts';
import { writeBackCommand } from './writeBack.ts';

export const COMMANDS: readonly CliCommand[] = [
  scoreCommand, inspectCommand, compareCommand, marsCommand, corpusCommand, patternsCommand, variantsCommand, deltasCommand, reviewCommand, memoryCommand, writeBackCommand, exportCommand, modelsCommand, evalCommand, receiveCommand,
];
