/** A user opens a trace: Problems, chips and the outline come by themselves. */
import * as assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { journey, sample, untilDiagnostics } from './journey.ts';

journey('opening a trace puts its repeated action into Problems', async () => {
  const uri = await sample('loop.trajectory.json');
  await vscode.window.showTextDocument(uri);
  const codes = (await untilDiagnostics(uri, (found) => found.map(code).includes('repeated-action'))).map(code);
  assert.ok(codes.includes('repeated-action'), codes.join(', '));
});

journey('the outline of a trace names its steps', async () => {
  const uri = await sample('loop.trajectory.json');
  const outline = await vscode.commands.executeCommand<readonly vscode.DocumentSymbol[]>('vscode.executeDocumentSymbolProvider', uri);
  const names = outline.flatMap((symbol) => [symbol.name, ...symbol.children.map((child) => child.name)]);
  assert.ok(names.length >= 10, names.join(', '));
});

function code(diagnostic: vscode.Diagnostic): string {
  return String(typeof diagnostic.code === 'object' ? diagnostic.code.value : diagnostic.code);
}
