/** What a user does with a scored trace, through VS Code's own commands. */
import * as assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFile, rm, writeFile } from 'node:fs/promises';
import * as vscode from 'vscode';
import { journey, sample, until, untilDiagnostics } from './journey.ts';

const changes = [vscode.languages.onDidChangeDiagnostics, vscode.workspace.onDidChangeTextDocument, vscode.window.onDidChangeVisibleTextEditors];

async function chips(uri: vscode.Uri): Promise<readonly string[]> {
  const document = await vscode.workspace.openTextDocument(uri);
  const whole = new vscode.Range(0, 0, document.lineCount, 0);
  const hints = await vscode.commands.executeCommand<readonly vscode.InlayHint[]>('vscode.executeInlayHintProvider', uri, whole);
  return hints.map((hint) => (typeof hint.label === 'string' ? hint.label : hint.label.map((part) => part.value).join('')));
}

/** Looks again at every event and, because scores can arrive without one, on a steady beat. */
const beat: vscode.Event<unknown> = (listener) => {
  const timer = setInterval(() => listener(undefined), 100);
  return new vscode.Disposable(() => clearInterval(timer));
};

const untilChips = async (uri: vscode.Uri, isEnough: (labels: readonly string[]) => boolean): Promise<readonly string[]> =>
  await until(`chips of ${uri.path}`, [...changes, beat], async () => {
    const labels = await chips(uri);
    return isEnough(labels) ? labels : undefined;
  }, 60_000);

const scored = (count: number) => (labels: readonly string[]): boolean => labels.length === count && labels.every((l) => /^\d/.test(l));

/** Of loop.trajectory.json. */
const STEPS_OF_LOOP = 10;

const codesOf = (found: readonly vscode.Diagnostic[]): readonly string[] => found.map((d) => String(typeof d.code === 'object' ? d.code.value : d.code));

journey('chip, hover and outline of every step show the same number', async () => {
  const uri = await sample('wrong-step.trace.json');
  await vscode.window.showTextDocument(uri);
  const steps = (JSON.parse(await readFile(uri.fsPath, 'utf8')) as { execution_steps: readonly unknown[] }).execution_steps.length;
  const labels = await untilChips(uri, scored(steps));
  const outline = await until('the outline with scores', [...changes, beat], async () => {
    const symbols = await vscode.commands.executeCommand<readonly vscode.DocumentSymbol[]>('vscode.executeDocumentSymbolProvider', uri);
    const ours = symbols.find((s) => s.detail.includes('worst'));
    return ours !== undefined && ours.children.length === steps ? ours : undefined;
  });
  for (const [i, label] of labels.entries()) {
    const score = /^\d+/.exec(label)?.[0] ?? '';
    assert.ok(outline.children[i]?.detail.startsWith(score), `${outline.children[i]?.detail} does not begin with ${score}`);
    const position = outline.children[i]?.range.start ?? new vscode.Position(0, 0);
    const hovers = await vscode.commands.executeCommand<readonly vscode.Hover[]>('vscode.executeHoverProvider', uri, position);
    const text = hovers.flatMap((h) => h.contents.map((c) => (typeof c === 'string' ? c : c.value))).join('\n');
    assert.ok(text.includes(`**${score}**`), `the hover of step ${i + 1} lacks ${score}:\n${text}`);
  }
});

journey('Problems holds the wrong equation, and files nobody opened', async () => {
  const wrong = await sample('wrong-step.trace.json');
  await untilDiagnostics(wrong, (found) => codesOf(found).includes('arithmetic-error'));
  const unopened = await sample('ignored-error.session.jsonl');
  assert.ok(!vscode.workspace.textDocuments.some((d) => d.uri.path === unopened.path));
  await untilDiagnostics(unopened, (found) => codesOf(found).includes('step-error-ignored'));
});

journey('mending the equation takes its problem away', async () => {
  const uri = await sample('wrong-step.trace.json');
  const editor = await vscode.window.showTextDocument(uri);
  const found = await untilDiagnostics(uri, (all) => codesOf(all).includes('arithmetic-error'));
  const problem = found.find((d) => codesOf([d]).includes('arithmetic-error'));
  const line = editor.document.lineAt(problem?.range.start.line ?? 0);
  const wrong = /= \$?(\d+(?:\.\d+)?)/.exec(line.text);
  const right = /^\d+(?:\.\d+)?/.exec(problem?.message ?? '')?.[0] ?? '';
  assert.ok(wrong !== null && right !== '', `${line.text} | ${problem?.message}`);
  const start = (wrong.index ?? 0) + wrong[0].length - (wrong[1] ?? '').length;
  await editor.edit((edit) => edit.replace(new vscode.Range(line.lineNumber, start, line.lineNumber, start + (wrong[1] ?? '').length), right));
  await untilDiagnostics(uri, (all) => !codesOf(all).includes('arithmetic-error'));
  await vscode.commands.executeCommand('workbench.action.files.revert');
  await untilDiagnostics(uri, (all) => codesOf(all).includes('arithmetic-error'));
});

journey('Re-score Trace answers and leaves the same numbers', async () => {
  const uri = await sample('loop.trajectory.json');
  await vscode.window.showTextDocument(uri);
  const before = await untilChips(uri, scored(STEPS_OF_LOOP));
  await vscode.commands.executeCommand('stepscope.rescoreTrace');
  assert.deepEqual(await chips(uri), before);
});

journey('Next Bad Step goes to the wrong step', async () => {
  const uri = await sample('wrong-step.trace.json');
  const editor = await vscode.window.showTextDocument(uri);
  const found = await untilDiagnostics(uri, (all) => codesOf(all).includes('arithmetic-error'));
  editor.selection = new vscode.Selection(0, 0, 0, 0);
  await vscode.commands.executeCommand('stepscope.nextBadStep');
  const lines = found.filter((d) => d.severity <= vscode.DiagnosticSeverity.Warning).map((d) => d.range.start.line);
  assert.ok(lines.includes(vscode.window.activeTextEditor?.selection.start.line ?? -1), `at ${vscode.window.activeTextEditor?.selection.start.line}, bad are ${lines.join(', ')}`);
});

journey('a label is a line beside the trace, counts at once and can be undone', async () => {
  const uri = await sample('wrong-step.trace.json');
  await vscode.window.showTextDocument(uri);
  const trace = JSON.parse(await readFile(uri.fsPath, 'utf8')) as { trace_id: string; execution_steps: readonly { step_id: string }[] };
  const stepId = String(trace.execution_steps[0]?.step_id);
  await vscode.commands.executeCommand('stepscope.labelStep', uri.toString(), trace.trace_id, stepId, 'bad');
  await untilChips(uri, (labels) => labels[0]?.includes('✗') === true);
  const labelFile = vscode.Uri.joinPath(uri, '..', 'stepscope-labels.jsonl').fsPath;
  assert.match(await readFile(labelFile, 'utf8'), /"label":"bad"/);
  await vscode.commands.executeCommand('stepscope.undoLabel');
  await untilChips(uri, (labels) => labels[0] !== undefined && !labels[0].includes('✗'));
  await rm(labelFile);
});

journey('a file of one line has one chip and opens as readable text with all of them', async () => {
  const pretty = await sample('wrong-step.trace.json');
  const uri = vscode.Uri.joinPath(pretty, '..', 'single.trace.json');
  await writeFile(uri.fsPath, JSON.stringify(JSON.parse(await readFile(pretty.fsPath, 'utf8'))));
  await vscode.window.showTextDocument(uri);
  await untilChips(uri, (labels) => labels.length === 1 && /worst/.test(labels[0] ?? ''));
  await vscode.commands.executeCommand('stepscope.openReadable');
  const readable = await until('the readable text', [...changes, beat], () => vscode.workspace.textDocuments.find((d) => d.uri.scheme === 'stepscope-readable' && d.getText().startsWith('Goal:')));
  await untilChips(readable.uri, (labels) => labels.length > 4 && labels.every((l) => /^\d/.test(l)));
  await untilDiagnostics(readable.uri, (found) => codesOf(found).includes('arithmetic-error'));
  // The readable text follows the file.
  const source = await vscode.workspace.openTextDocument(uri);
  const edit = new vscode.WorkspaceEdit();
  edit.insert(uri, source.positionAt(source.getText().indexOf('We need the profit')), 'First of all: ');
  await vscode.workspace.applyEdit(edit);
  await until('the readable text with the edit', [...changes, beat], () => readable.getText().includes('First of all: We need the profit'));
  await source.save();
});

journey('a broken file says so in Problems, and package.json says nothing', async () => {
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri;
  assert.ok(folder);
  const broken = vscode.Uri.joinPath(folder, 'broken.trace.json');
  const ordinary = vscode.Uri.joinPath(folder, 'package.json');
  await writeFile(broken.fsPath, '{"trace_id": "half');
  await writeFile(ordinary.fsPath, '{"name":"x","version":"1.0.0"}');
  await vscode.window.showTextDocument(ordinary);
  await untilDiagnostics(broken, (found) => codesOf(found).includes('file-not-strict-json'));
  assert.deepEqual(vscode.languages.getDiagnostics(ordinary).filter((d) => d.source === 'StepScope'), []);
  await rm(broken.fsPath);
  await untilDiagnostics(broken, (found) => found.length === 0);
  await rm(ordinary.fsPath);
});

journey('the server killed comes back by itself and shows the scores again', async () => {
  const uri = await sample('loop.trajectory.json');
  await vscode.window.showTextDocument(uri);
  const before = await untilChips(uri, scored(STEPS_OF_LOOP));
  const children = execFileSync('ps', ['-eo', 'pid=,ppid=,args='], { encoding: 'utf8' }).split('\n').map((l) => l.trim().split(/\s+/));
  const server = children.find(([, parent, ...args]) => parent === String(process.pid) && args.join(' ').includes('dist/server/main.js'));
  assert.ok(server?.[0], 'the server runs as a child of the extension host');
  process.kill(Number(server[0]), 'SIGKILL');
  await until('the server is gone', [beat], () => !isAlive(Number(server[0])));
  assert.deepEqual(await untilChips(uri, (labels) => labels.length === before.length && labels.every((l) => /^\d/.test(l))), before);
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
