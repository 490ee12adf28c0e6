/** Addresses as the server knows them, and the addresses of readable documents. */
import { pathToFileURL } from 'node:url';
import * as vscode from 'vscode';
import { READABLE_SCHEME } from '../../server/src/contract/protocol.ts';

/** An address in the server's spelling: it makes them from paths, and Node escapes fewer characters than VS Code does. */
export function wireUri(uri: vscode.Uri): string {
  return uri.scheme === 'file' ? pathToFileURL(uri.fsPath).href : uri.toString();
}

/** Whether an address from the server means this document. */
export function isSameDocument(uri: vscode.Uri, wire: string): boolean {
  return wireUri(uri) === wire || uri.toString() === vscode.Uri.parse(wire).toString();
}

/** The readable document of a trace file. */
export function readableUri(source: vscode.Uri): vscode.Uri {
  const name = source.path.slice(source.path.lastIndexOf('/') + 1) || 'trace';
  return vscode.Uri.from({ scheme: READABLE_SCHEME, path: `/${name}.readable.txt`, query: wireUri(source) });
}

/** The trace file behind a document: itself, or the source of a readable document. */
export function sourceOf(uri: vscode.Uri): vscode.Uri {
  return uri.scheme === READABLE_SCHEME ? vscode.Uri.parse(uri.query) : uri;
}
