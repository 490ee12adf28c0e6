/** Traces of other tools, as they come from disk. */
import * as assert from 'node:assert/strict';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { zipOf } from '../../support/zipWriter.ts';
import { journey, sample, until } from './journey.ts';

const GOLDEN = join(__dirname, '../../../test/golden');
const changes = [vscode.languages.onDidChangeDiagnostics, vscode.workspace.onDidChangeTextDocument, vscode.window.onDidChangeVisibleTextEditors];
/** Scores can arrive without an event. */
const beat: vscode.Event<unknown> = (listener) => {
  const timer = setInterval(() => listener(undefined), 100);
  return new vscode.Disposable(() => clearInterval(timer));
};

const chips = async (uri: vscode.Uri): Promise<readonly string[]> => {
  const document = await vscode.workspace.openTextDocument(uri);
  const hints = await vscode.commands.executeCommand<readonly vscode.InlayHint[]>('vscode.executeInlayHintProvider', uri, new vscode.Range(0, 0, document.lineCount, 0));
  return hints.map((hint) => (typeof hint.label === 'string' ? hint.label : hint.label.map((part) => part.value).join('')));
};
const untilScored = (uri: vscode.Uri, count = 1): Promise<readonly string[]> => until(`chips of ${uri.path}`, [...changes, beat], async () => {
  const labels = await chips(uri);
  return labels.length >= count && labels.every((l) => /^\d/.test(l)) ? labels : undefined;
}, 60_000);

/** Puts a file into the opened folder for the length of a journey. */
async function withFile(name: string, bytes: string | Buffer, walk: (uri: vscode.Uri) => Promise<void>): Promise<void> {
  const uri = vscode.Uri.joinPath(await sample('wrong-step.trace.json'), '..', name);
  await writeFile(uri.fsPath, bytes);
  try {
    await walk(uri);
  } finally {
    await rm(uri.fsPath);
  }
}

journey('an OpenTelemetry export wears a chip at every model call', async () => {
  await withFile('trip.otlp.jsonl', await readFile(join(GOLDEN, 'spans/tripPlanner.otlp.jsonl')), async (uri) => {
    await vscode.window.showTextDocument(uri);
    // Five model calls; the words of one were not captured, and one holds none: these two wear no chip.
    assert.equal((await untilScored(uri, 3)).length, 3);
  });
});

journey('a Langfuse export shows its own scores beside ours, and who disagrees', async () => {
  await withFile('bread.langfuse.json', await readFile(join(GOLDEN, 'formats/bread.langfuse.json')), async (uri) => {
    // The export does not say on what scale its judges measure: until somebody does they are shown, not compared.
    const settings = vscode.workspace.getConfiguration('stepscope');
    await settings.update('importedScales', { ANNOTATION: [0, 1], API: [0, 1], EVAL: [0, 5] }, vscode.ConfigurationTarget.Global);
    await vscode.window.showTextDocument(uri);
    await untilScored(uri);
    const report = vscode.Uri.from({ scheme: 'stepscope-report', path: '/Conflicts.md', query: JSON.stringify({ kind: 'conflicts' }) });
    const text = (await vscode.workspace.openTextDocument(report)).getText();
    assert.match(text, /file:/, text);
    assert.match(text, /sicql/);
    await settings.update('importedScales', undefined, vscode.ConfigurationTarget.Global);
  });
});

journey('an Inspect archive opens as readable text with chips', async () => {
  const header = { name: 'header.json', text: JSON.stringify({ version: 2, status: 'success', eval: { task: 'rolls', model: 'm' } }) };
  const messages = [{ role: 'user', content: 'How many rolls are on 7 trays of 6?' }, { role: 'assistant', content: 'There are 7 trays with 6 rolls each, so 7 * 6 = 52 rolls.' }];
  const run = { name: 'samples/1_epoch_1.json', text: JSON.stringify({ id: 1, epoch: 1, input: messages[0]?.content, target: '42', messages }) };
  await withFile('rolls.eval', zipOf([header, run]), async (uri) => {
    await vscode.commands.executeCommand('stepscope.openReadable', uri);
    const readable = await until('the readable text', [...changes, beat], () => vscode.workspace.textDocuments.find((d) => d.uri.scheme === 'stepscope-readable' && d.getText().includes('7 * 6 = 52')));
    await untilScored(readable.uri);
  });
});
