/** Loading and activating the extension with a stand-in for the editor: its own share of the start, in a workspace without traces. */
import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { median, report } from './report.ts';

const ROUNDS = 9;
/** Every part of `vscode` answers with something that can be called, constructed and disposed. */
const SCRIPT = `
  const Module = require('node:module');
  const anything = new Proxy(function () {}, {
    get: (_, key) => (key === Symbol.toPrimitive ? () => '' : key === Symbol.iterator ? [][Symbol.iterator].bind([]) : key === 'then' ? () => anything : anything),
    apply: () => anything, construct: () => anything,
  });
  // The bundle copies the parts of the module by name.
  const names = new Set(require('node:fs').readFileSync(process.argv[1], 'utf8').match(/(?<=\\bvscode\\d*\\.)\\w+/g));
  const editor = Object.fromEntries([...names].map((name) => [name, anything]));
  const load = Module._load;
  Module._load = (name, ...rest) => (name === 'vscode' ? editor : load(name, ...rest));
  const began = performance.now();
  const extension = require(process.argv[1]);
  extension.activate({ subscriptions: [], extensionPath: '', asAbsolutePath: (p) => p, globalState: { get() {}, update() {} }, workspaceState: { get() {}, update() {} } });
  console.log(performance.now() - began);
  process.exit(0);
`;

const times = Array.from({ length: ROUNDS }, () => {
  const { stdout, stderr } = spawnSync(process.execPath, ['-e', SCRIPT, resolve('dist/client/extension.js')], { encoding: 'utf8' });
  const ms = Number.parseFloat(stdout);
  if (Number.isNaN(ms)) throw new Error(`The extension did not activate: ${stderr}`);
  return ms;
});
report('Extension', [{ what: 'load and activate, no traces (stand-in for the editor), server not started', value: median(times), unit: 'ms', budget: { atMost: 20 }, baseline: `slowest of ${ROUNDS}: ${Math.max(...times).toFixed(1)} ms` }]);
