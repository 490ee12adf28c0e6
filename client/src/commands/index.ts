/** Maps every command id to its function. */
import * as vscode from 'vscode';
import type { CommandContext, CommandFunction } from './commandContext.ts';
import { compareSteps } from './compareSteps.ts';
import { copyExplanation } from './copyExplanation.ts';
import { exportTrace } from './exportTrace.ts';
import { goToStep } from './goToStep.ts';
import { labelStep } from './labelStep.ts';
import { muteCode } from './muteCode.ts';
import { nextBadStep, previousBadStep } from './nextBadStep.ts';
import { openAsTrace } from './openAsTrace.ts';
import { openReadable } from './openReadable.ts';
import { openSamples } from './openSamples.ts';
import { pickScorers } from './pickScorers.ts';
import type { CommandId } from './registry.ts';
import { corpusStatistics, reviewQueue, scoreHistory, showConflicts, showPatterns } from './reports.ts';
import { rescoreStep } from './rescoreStep.ts';
import { rescoreTrace } from './rescoreTrace.ts';
import { rescoreWorkspace } from './rescoreWorkspace.ts';
import { scoreTrace } from './scoreTrace.ts';
import { restartServer, showOutput } from './serverCommands.ts';
import { showMenu } from './showMenu.ts';
import { showModelCard } from './showModelCard.ts';
import { toggleBackground } from './toggleBackground.ts';
import { toggleInlineScores } from './toggleInlineScores.ts';
import { undoLabel } from './undoLabel.ts';
import { writeScores } from './writeScores.ts';

const FUNCTIONS: Readonly<Record<CommandId, CommandFunction>> = {
  'stepscope.scoreTrace': scoreTrace,
  'stepscope.nextBadStep': nextBadStep,
  'stepscope.previousBadStep': previousBadStep,
  'stepscope.goToStep': goToStep,
  'stepscope.labelStep': labelStep,
  'stepscope.undoLabel': undoLabel,
  'stepscope.rescoreStep': rescoreStep,
  'stepscope.rescoreTrace': rescoreTrace,
  'stepscope.rescoreWorkspace': rescoreWorkspace,
  'stepscope.pickScorers': pickScorers,
  'stepscope.copyExplanation': copyExplanation,
  'stepscope.compareSteps': compareSteps,
  'stepscope.openReadable': openReadable,
  'stepscope.openAsTrace': openAsTrace,
  'stepscope.toggleInlineScores': toggleInlineScores,
  'stepscope.toggleBackground': toggleBackground,
  'stepscope.writeScores': writeScores,
  'stepscope.exportTrace': exportTrace,
  'stepscope.muteCode': muteCode,
  'stepscope.showModelCard': showModelCard,
  'stepscope.corpusStatistics': corpusStatistics,
  'stepscope.scoreHistory': scoreHistory,
  'stepscope.showConflicts': showConflicts,
  'stepscope.showPatterns': showPatterns,
  'stepscope.reviewQueue': reviewQueue,
  'stepscope.openSamples': openSamples,
  'stepscope.showMenu': showMenu,
  'stepscope.showOutput': showOutput,
  'stepscope.restartServer': restartServer,
};

/** Registers every command. A failure becomes one message and a line in the log. */
export function registerCommands(context: CommandContext): vscode.Disposable {
  return vscode.Disposable.from(...Object.entries(FUNCTIONS).map(([id, run]) => vscode.commands.registerCommand(id, async (...args: unknown[]) => {
    try {
      await run(context, ...args);
    } catch (error) {
      if (error instanceof vscode.CancellationError) return;
      const message = error instanceof Error ? error.message : String(error);
      context.output.error(`${id}: ${message}`);
      const choice = await vscode.window.showErrorMessage(`StepScope: ${message}`, 'Show Output');
      if (choice !== undefined) context.output.show();
    }
  })));
}
