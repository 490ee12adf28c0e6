/** What ships: an allow-list from the project's files to the package's, for one platform. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { listModels } from '../server/src/core/modelCards.ts';
import type { ModelManifest } from '../server/src/scoring/manifest.ts';
import { ENTRIES, MONITOR } from './build.mjs';

export interface Target { readonly os: 'linux' | 'darwin' | 'win32'; readonly cpu: 'x64' | 'arm64' }

/** One file, by its path in the project and its path in the package, with `/` on every system. */
export interface ShippedFile { readonly from: string; readonly to: string }

/** Name of a platform as VS Code's marketplace has it. */
export function targetName(target: Target): string {
  return `${target.os}-${target.cpu}`;
}

/**
 * Every file of the package but its package.json and the generated licence notices.
 * Packages that are `require`d at run time go to dist/node_modules, where the bundles find them:
 * vsce leaves out a node_modules at the top. Throws a sentence when something that must ship is not there.
 */
export function shippedFiles(root: string, target: Target): readonly ShippedFile[] {
  const one = (path: string): ShippedFile => {
    if (!existsSync(join(root, path))) throw new Error(`${path} must ship and does not exist: make it, or take it out of scripts/packageContents.ts.`);
    return { from: path, to: path };
  };
  const tree = (folder: string, wanted: RegExp = /./): readonly ShippedFile[] => filesUnder(root, folder).filter((path) => wanted.test(path)).map(one);
  const dependency = (paths: readonly string[]): readonly ShippedFile[] => paths.map((path) => ({ from: one(path).from, to: `dist/${path}` }));
  const dependencyTree = (folder: string, wanted: RegExp): readonly ShippedFile[] => dependency(tree(folder, wanted).map((file) => file.from));

  const onnx = 'node_modules/onnxruntime-node';
  const onnxBinaries = `${onnx}/bin/napi-v6/${target.os}/${target.cpu}`;
  const sqlite = 'node_modules/better-sqlite3';
  const web = 'node_modules/onnxruntime-web';
  const files = [
    ...['README.md', 'LICENSE'].map(one),
    ...['CHANGELOG.md', 'NOTICE', 'NOTICE.md'].filter((path) => existsSync(join(root, path))).map(one),
    ...ENTRIES.map((entry) => one(entry.output)),
    ...[MONITOR.output, MONITOR.types].map(one),
    ...tree('dist/webviews', /\.(js|css)$/),
    ...['manifest.json', ...modelFiles(root)].map((file) => one(`models/artifacts/${file}`)),
    ...modelCards(root).map(one),
    ...tree('models', /^models\/(README|NOTICE|LOG)\.md$/),
    ...contributedFiles(root).map(one),
    ...tree('client/media'),
    ...tree('client/walkthrough'),
    ...tree('client/samples'),
    ...tree('server/docs', /\.md$/),
    ...dependency([`${onnx}/package.json`]),
    ...dependencyTree(`${onnx}/dist`, /\.js$/),
    // The CPU runtime only: CUDA and TensorRT are providers of hundreds of megabytes each.
    ...dependencyTree(onnxBinaries, /onnxruntime_binding\.node$|libonnxruntime\.so\.\d+$|libonnxruntime\.\d+\.\d+\.\d+\.dylib$|onnxruntime\.dll$|DirectML\.dll$/),
    ...dependency(['node_modules/onnxruntime-common/package.json']),
    ...dependencyTree('node_modules/onnxruntime-common/dist', /\.js$|package\.json$/),
    ...dependency([`${sqlite}/package.json`, `${sqlite}/LICENSE`, `${sqlite}/prebuilds/${target.os}-${target.cpu}.node`]),
    ...dependencyTree(`${sqlite}/lib`, /\/(?!(darwin|linux|linuxmusl|win32)-)[^/]+\.js$/),
    ...(existsSync(join(root, web))
      ? dependency(['package.json', 'dist/ort.node.min.js', 'dist/ort.node.min.mjs', 'dist/ort-wasm-simd-threaded.mjs', 'dist/ort-wasm-simd-threaded.wasm'].map((path) => `${web}/${path}`))
      : []),
  ];
  return [...new Map(files.map((file) => [file.to, file])).values()];
}

/**
 * What is wrong with a packed extension, judged by the names in it (without the leading `extension/`); empty when nothing is.
 * A lost binary is silent until a user's first score, so every packing asks.
 */
export function packageFaults(names: readonly string[], target: Target): readonly string[] {
  const lost = [...requiredNatives(target), /^dist\/client\/extension\.js$/, /^models\/artifacts\/manifest\.json$/]
    .filter((wanted) => !names.some((name) => wanted.test(name)))
    .map((wanted) => `nothing in it matches ${wanted.source}`);
  const strays = names.filter((name) => STRAYS.some((stray) => stray.test(name))).map((name) => `${name} does not belong in it`);
  const foreign = names.filter((name) => /\.(node|so[.\d]*|dylib|dll)$/.test(name) && !name.includes(`${target.os}-${target.cpu}`) && !name.includes(`/${target.os}/${target.cpu}/`))
    .map((name) => `${name} is for another platform`);
  return [...lost, ...strays, ...foreign];
}

/** What a checkout holds and a user has no use for. */
const STRAYS = [/^test\//, /^scripts\//, /^client\/src\//, /^server\/src\//, /\.py$/, /\.pyc$/, /\.map$/, /^dist\/(test|bench)\//, /^\.cache\//, /providers_(cuda|tensorrt)/];

/** The native files without which the package is dead on `target`: one for storage, two or more for the models. */
function requiredNatives(target: Target): readonly RegExp[] {
  return [
    new RegExp(`^dist/node_modules/better-sqlite3/prebuilds/${target.os}-${target.cpu}\\.node$`),
    new RegExp(`^dist/node_modules/onnxruntime-node/bin/napi-v6/${target.os}/${target.cpu}/onnxruntime_binding\\.node$`),
    new RegExp(`^dist/node_modules/onnxruntime-node/bin/napi-v6/${target.os}/${target.cpu}/(libonnxruntime\\.so\\.\\d+|libonnxruntime\\.[\\d.]+dylib|onnxruntime\\.dll)$`),
  ];
}

/** The files that package.json points to: icons, schemas, grammars, walkthrough pages. */
function contributedFiles(root: string): readonly string[] {
  const { icon, contributes } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { icon?: string; contributes?: unknown };
  const found = new Set<string>(icon ? [icon] : []);
  JSON.stringify(contributes ?? {}, (_key, value: unknown) => {
    if (typeof value === 'string' && /^(\.\/)?[\w-]+(\/[\w.-]+)+\.(png|svg|json|md|html|ttf|woff2?)$/.test(value)) found.add(value.replace(/^\.\//, ''));
    return value;
  });
  return [...found].sort();
}

/** The files that the manifest names; whatever else lies beside them is left at home. */
function modelFiles(root: string): readonly string[] {
  const manifest = modelManifest(root);
  return [...new Set([manifest.backbone.file, manifest.tokenizer.file, ...manifest.scorers.map((scorer) => scorer.file)])].sort();
}

/** A card a model, as the command that shows them looks for them. */
export function modelCards(root: string): readonly string[] {
  return listModels(modelManifest(root)).map((model) => model.card);
}

function modelManifest(root: string): ModelManifest {
  const path = join(root, 'models/artifacts/manifest.json');
  if (!existsSync(path)) throw new Error('models/artifacts/manifest.json must ship and does not exist: models/README.md says how it is made.');
  return JSON.parse(readFileSync(path, 'utf8')) as ModelManifest;
}

function filesUnder(root: string, folder: string): readonly string[] {
  if (!existsSync(join(root, folder))) return [];
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !/^\.|\.(pyc|map)$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1).replaceAll('\\', '/'))
    .sort();
}
