/** Every sub-command, in the order of the help text. */
import type { CliCommand } from './command.ts';
import { compareCommand } from './compare.ts';
import { evalCommand } from './eval.ts';
import { inspectCommand } from './inspect.ts';
import { modelsCommand } from './models.ts';
import { scoreCommand } from './score.ts';

export const COMMANDS: readonly CliCommand[] = [scoreCommand, inspectCommand, compareCommand, modelsCommand, evalCommand];
