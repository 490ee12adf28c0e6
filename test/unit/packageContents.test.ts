/** What makes a packed extension unfit; the real one is judged by the same rule whenever it is packed. */
import { expect, it } from 'vitest';
import { packageFaults } from '../../scripts/packageContents.ts';

const LINUX = { os: 'linux', cpu: 'x64' } as const;
const SOUND = [
  'dist/client/extension.js',
  'models/artifacts/manifest.json',
  'dist/node_modules/better-sqlite3/prebuilds/linux-x64.node',
  'dist/node_modules/onnxruntime-node/bin/napi-v6/linux/x64/onnxruntime_binding.node',
  'dist/node_modules/onnxruntime-node/bin/napi-v6/linux/x64/libonnxruntime.so.1',
];

it('finds nothing wrong with a sound package', () => {
  expect(packageFaults(SOUND, LINUX)).toEqual([]);
});

it.each(SOUND)('misses %s', (lost) => {
  expect(packageFaults(SOUND.filter((name) => name !== lost), LINUX)).toHaveLength(1);
});

it.each(['test/unit/x.test.ts', 'server/src/main.ts', 'models/train.py', 'dist/server/main.js.map', 'dist/test/main/suite.js'])('has no place for %s', (stray) => {
  expect(packageFaults([...SOUND, stray], LINUX)).toEqual([`${stray} does not belong in it`]);
});

it('has no place for another platform', () => {
  expect(packageFaults([...SOUND, 'dist/node_modules/better-sqlite3/prebuilds/darwin-arm64.node'], LINUX)).toEqual([
    'dist/node_modules/better-sqlite3/prebuilds/darwin-arm64.node is for another platform',
  ]);
});
