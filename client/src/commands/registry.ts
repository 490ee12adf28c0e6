/** Every command once: package.json's commands, keys and menus and docs/commands.md are generated from this table. */
import { IS_PACKED } from '../packedFiles.ts';

export interface CommandKey { readonly key: string; readonly when: string }

export interface Command {
  readonly id: `stepscope.${string}`;
  readonly title: string;
  /** For the documentation: what it does, one sentence. */
  readonly description: string;
  /** Codicon, for menus that show one. */
  readonly icon?: string;
  readonly enablement?: string;
  readonly key?: CommandKey;
  /** Menus beside the command palette. */
  readonly menus?: readonly { readonly menu: 'editor/title' | 'editor/context' | 'explorer/context' | typeof TRACE_MENU.id; readonly when?: string; readonly group: string }[];
}

/** What can be done with the step under the cursor and with its trace: one line in the context menu of a trace. */
export const TRACE_MENU = { id: 'stepscope.trace', label: 'StepScope', in: { menu: 'editor/context', when: 'stepscope.isTrace', group: 'z_stepscope@1' } } as const;

const IN_TRACE = 'editorTextFocus && stepscope.isTrace';
/** Documents a user may ask to have scored although nobody recognised them. */
const JSON_LIKE = 'editorLangId =~ /^(json|jsonc|jsonl)$/ || resourceExtname =~ /^\\.(json|jsonl|ndjson)$/';

export const COMMANDS = [
  {
    id: 'stepscope.scoreTrace', title: 'Score This Trace', icon: '$(telescope)',
    description: 'Scores the active document, also when no include pattern names it and detection was unsure.',
    menus: [{ menu: 'editor/context', when: `(${JSON_LIKE}) && !stepscope.isTrace`, group: 'z_stepscope@1' }],
  },
  { id: 'stepscope.nextBadStep', title: 'Go to Next Bad Step', description: 'Jumps to the next bad step of the trace, round the end.', key: { key: 'alt+f8', when: IN_TRACE } },
  { id: 'stepscope.previousBadStep', title: 'Go to Previous Bad Step', description: 'Jumps to the previous bad step of the trace, round the start.', key: { key: 'shift+alt+f8', when: IN_TRACE } },
  { id: 'stepscope.goToStep', title: 'Go to Step…', description: 'Lists the steps of the trace with their scores and jumps to the one picked.' },
  {
    id: 'stepscope.labelStep', title: 'Label Step…',
    description: 'Labels the step under the cursor good, bad or first bad step, or takes its label back. Labels are kept in stepscope-labels.jsonl beside the trace.',
    menus: [{ menu: TRACE_MENU.id, group: '1_step@1' }],
  },
  { id: 'stepscope.undoLabel', title: 'Undo Last Label', description: 'Puts back what stood before the last label given in this window.' },
  {
    id: 'stepscope.rescoreStep', title: 'Re-score Step', description: 'Computes every score of the step under the cursor again, past the cache.',
    menus: [{ menu: TRACE_MENU.id, group: '1_step@2' }],
  },
  { id: 'stepscope.rescoreTrace', title: 'Re-score Trace', description: 'Computes every score of the trace again, past the cache.' },
  { id: 'stepscope.rescoreWorkspace', title: 'Re-score Workspace…', description: 'Computes the scores of every trace of the workspace again, with the scorers picked.' },
  { id: 'stepscope.pickScorers', title: 'Pick Scorers…', description: 'Chooses the scorers that run (the setting stepscope.scorers).' },
  {
    id: 'stepscope.copyExplanation', title: 'Copy Explanation of Step', description: 'Copies what the hover says about the step under the cursor as Markdown.',
    menus: [{ menu: TRACE_MENU.id, group: '1_step@3' }],
  },
  {
    id: 'stepscope.compareSteps', title: 'Compare Two Steps…', description: 'Says which of two steps of a trace is better, who votes how, and how surely: the steps at both ends of the selection, else the one under the cursor and one picked from a list.',
    menus: [{ menu: TRACE_MENU.id, group: '1_step@4' }],
  },
  {
    id: 'stepscope.openReadable', title: 'Open Readable View', icon: '$(book)', description: 'Opens the trace as text for reading, one paragraph a step; also of packed files (.eval, .zst, .json.gz, .jsonl.gz), from the Explorer, where Open With… offers it too.',
    menus: [
      { menu: 'editor/title', when: `stepscope.isSingleLineTrace || ${IS_PACKED}`, group: 'navigation@1' },
      { menu: 'explorer/context', when: IS_PACKED, group: 'navigation@20' },
    ],
  },
  {
    id: 'stepscope.openAsTrace', title: 'Open as Trace…', description: 'Reads the active document as a trace of the format picked, whatever detection says, until the server stops; or detects its format again.',
    menus: [{ menu: TRACE_MENU.id, group: '2_trace@2' }],
  },
  { id: 'stepscope.toggleInlineScores', title: 'Toggle Inline Scores', description: 'Shows or hides the score chips and the tint of bad steps.' },
  { id: 'stepscope.toggleBackground', title: 'Pause or Resume Background Scoring', description: 'Stops scoring the traces that nobody has open, in this workspace and until it is resumed; scores made so far stay, and it goes on from there.' },
  {
    id: 'stepscope.writeScores', title: 'Write Scores into Trace File',
    description: 'Writes the scores of every step, of the whole and the agreement of the scorers into a PlanTrace document (step_scores, pipeline_score, mars_analysis); nothing else in it changes, and undo takes them out.',
  },
  {
    id: 'stepscope.exportTrace', title: 'Export Trace…', description: 'Writes the trace with its scores into a new file: as PlanTrace JSON, as an ATIF trajectory or as OpenTelemetry spans; says what the format cannot hold.',
    menus: [{ menu: TRACE_MENU.id, group: '2_trace@1' }],
  },
  { id: 'stepscope.muteCode', title: 'Mute a Problem Code…', description: 'Switches a problem code off in the workspace settings; the message offers to undo it.' },
  { id: 'stepscope.showModelCard', title: 'Show Model Card…', description: 'Opens the card of the model picked: what it does, what it was trained on, how well it does and where not to trust it.' },
  { id: 'stepscope.openSamples', title: 'Open Sample Traces…', description: 'Copies the sample traces that come with StepScope and opens the one picked.' },
  { id: 'stepscope.corpusStatistics', title: 'Corpus Statistics', description: 'What all scores of the workspace say together: means and spread of each scorer, uncertainty, agreement, and the step types that stand out.' },
  {
    id: 'stepscope.scoreHistory', title: 'Show Score History', description: 'How the scores of the step under the cursor changed, when, and why.',
    menus: [{ menu: TRACE_MENU.id, group: '1_step@5' }],
  },
  { id: 'stepscope.showConflicts', title: 'Show Conflicts', description: 'Which scorers contradict each other over the whole workspace, by how much, and on which steps.' },
  { id: 'stepscope.showPatterns', title: 'Show Patterns and Recommendations', description: 'Which kinds of step go well and which fail, with their evidence, and what to do about it.' },
  { id: 'stepscope.reviewQueue', title: 'Review Queue', description: 'The steps of the workspace whose label would tell most, the most telling first.' },
  { id: 'stepscope.showMenu', title: 'Show Actions', description: 'The menu behind the status bar item.' },
  { id: 'stepscope.showOutput', title: 'Show Output', description: 'Opens the log of the extension and its server.' },
  { id: 'stepscope.restartServer', title: 'Restart Server', description: 'Starts a fresh server process.' },
] as const satisfies readonly Command[];

export type CommandId = (typeof COMMANDS)[number]['id'];

export const COMMAND_CATEGORY = 'StepScope';
