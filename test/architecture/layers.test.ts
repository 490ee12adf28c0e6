/** Who may import whom. The table is the house's; a failing line says which import to move. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = resolve(import.meta.dirname, '..', '..');

interface Layer {
  /** Other layers it may import. */
  readonly layers: readonly string[];
  readonly packages: readonly (string | RegExp)[];
}

const NODE = /^node:/;
const LAYERS: Readonly<Record<string, Layer>> = {
  core: { layers: [], packages: [] },
  contract: { layers: ['core'], packages: [] },
  formats: { layers: ['core'], packages: ['jsonc-parser'] },
  corpus: { layers: ['core'], packages: [] },
  scoring: { layers: ['core'], packages: [/^mathjs(\/number)?$/] },
  features: { layers: ['core', 'corpus', 'scoring', 'formats'], packages: [] },
  inference: { layers: ['core', 'scoring'], packages: [NODE, 'onnxruntime-node', 'onnxruntime-common', /^onnxruntime-web/, '@huggingface/tokenizers'] },
  storage: { layers: ['core', 'corpus', 'scoring'], packages: [NODE, 'better-sqlite3'] },
  monitor: { layers: [], packages: [NODE] },
  lsp: { layers: ['core', 'contract', 'corpus', 'formats', 'scoring', 'features'], packages: [/^vscode-languageserver(-textdocument)?$/] },
  receiver: { layers: ['core', 'formats'], packages: [NODE, /^@bufbuild\/protobuf/] },
  host: { layers: ['core', 'corpus', 'formats', 'scoring', 'lsp', 'storage', 'inference', 'receiver'], packages: [NODE, 'picomatch'] },
  cli: { layers: ['core', 'contract', 'corpus', 'formats', 'scoring', 'features', 'inference', 'storage', 'lsp', 'host', 'receiver', 'monitor'], packages: [NODE, 'picomatch', 'hyparquet-writer'] },
  client: { layers: ['core', 'contract'], packages: [NODE, 'vscode', /^vscode-languageclient/, /^vscode-languageserver-protocol/] },
};

describe('layers', () => {
  it('reads every source file', () => {
    expect(sourceFiles().length).toBeGreaterThan(60);
  });

  for (const file of sourceFiles()) {
    const layer = layerOf(file);
    const rule = layer === undefined ? undefined : LAYERS[layer];
    if (layer === undefined || rule === undefined) continue;
    it(`${relative(ROOT, file)} imports only what ${layer} may`, () => {
      const wrong = importsOf(file).flatMap((specifier) => {
        if (specifier.startsWith('.')) {
          const target = layerOf(resolve(dirname(file), specifier));
          return target === layer || (target !== undefined && rule.layers.includes(target)) ? [] : [`${specifier}: ${layer} may import ${[...rule.layers].join(', ') || 'nothing'}; move the code or pass it in as an argument`];
        }
        return rule.packages.some((p) => (typeof p === 'string' ? p === specifier : p.test(specifier))) ? [] : [`${specifier}: this package may not be used in ${layer}`];
      });
      expect(wrong).toEqual([]);
    });
  }

  it('reads the clock and chance only at the edges', () => {
    const pure = new Set(['core', 'contract', 'corpus', 'formats', 'scoring', 'features']);
    const wrong = sourceFiles().filter((f) => pure.has(layerOf(f) ?? '') && /\bDate\.now\(|\bMath\.random\(|new Date\(\)|\bprocess\./.test(readFileSync(f, 'utf8')));
    expect(wrong.map((f) => relative(ROOT, f)), 'pass time, chance and environment in as arguments').toEqual([]);
  });

  it('uses no any, no non-null assertion and no lint exemption', () => {
    const wrong = sourceFiles().filter((f) => !/[\\/]generated[\\/]/.test(f) && /: any\b|<any>|\bas any\b|@ts-ignore|@ts-expect-error|eslint-disable/.test(codeOf(f)));
    expect(wrong.map((f) => relative(ROOT, f))).toEqual([]);
  });
});

function sourceFiles(): readonly string[] {
  return ['client/src', 'server/src'].flatMap((folder) => readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true }))
    .filter((e) => e.isFile() && e.name.endsWith('.ts')).map((e) => join(e.parentPath, e.name)).sort();
}

/** Source without comment lines. */
function codeOf(file: string): string {
  return readFileSync(file, 'utf8').split('\n').filter((line) => !/^\s*(\/\*\*|\*|\/\/)/.test(line)).join('\n');
}

/** main.ts assembles and may import everything. */
function layerOf(file: string): string | undefined {
  const path = relative(ROOT, file).replaceAll('\\', '/');
  if (path.startsWith('client/src/')) return 'client';
  const match = /^server\/src\/([^/]+)\//.exec(path);
  return match?.[1];
}

function importsOf(file: string): readonly string[] {
  const text = readFileSync(file, 'utf8');
  return [...text.matchAll(/(?:^|\n)\s*(?:import|export)\b[^'"\n]*?(?:\n[^'"]*?)?from\s*'([^']+)'|import\('([^']+)'\)|(?:^|\n)import\s*'([^']+)'/g)].flatMap((m) => m[1] ?? m[2] ?? m[3] ?? []);
}
