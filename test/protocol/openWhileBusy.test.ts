/** A file that is opened just as the server looks at it, while a long one keeps the background busy. */
import { expect, it } from 'vitest';
import * as contract from '../../server/src/contract/protocol.ts';
import { defaultSettings } from '../../server/src/core/effectiveSettings.ts';
import { CLAUDE_START, claudeTurn } from '../support/claudeSession.ts';
import { LspClient } from '../support/lspClient.ts';
import { planTrace, pretty } from '../support/traces.ts';
import { testWorkspace } from '../support/workspace.ts';

const CREATED = 1;
const ROUNDS = 12;

it('is scored before the background goes on, whichever came first', async () => {
  using workspace = testWorkspace();
  workspace.write('long.session.jsonl', CLAUDE_START + Array.from({ length: 2500 }, (_, i) => claudeTurn(i)).join(''));
  await using client = await LspClient.start({ workspaceFolders: [workspace.folder], timeoutMs: 20_000, initializationOptions: { protocolVersion: contract.PROTOCOL_VERSION, settings: defaultSettings(), dataFolder: workspace.path('.data'), isTrusted: true } satisfies contract.InitOptions });
  await client.nextNotification<contract.ServerStatus>(contract.STATUS, (s) => s.kind === 'scoring' && s.done > 0);
  for (let round = 0; round < ROUNDS; round++) {
    const text = pretty(planTrace(3)).replaceAll('Step', `Round ${round}, step`);
    const uri = workspace.write(`new-${round}.trace.json`, text);
    await client.notify('workspace/didChangeWatchedFiles', { changes: [{ uri, type: CREATED }] });
    // Some milliseconds later in each round: the server is ever further with its look at the file.
    await new Promise((resolve) => { setTimeout(resolve, round); });
    await client.openDocument(uri, text);
    for (;;) {
      const told = client.nextNotification<contract.BadgeParams>(contract.BADGE, (b) => b.uri === uri);
      told.catch(() => undefined);
      // Null until the document has been read.
      const shown = await client.request<contract.TracesResult | null>(contract.TRACES, { uri });
      const steps = shown?.traces.flatMap((t) => t.steps) ?? [];
      if (steps.length === 3 && steps.every((s) => s.score !== null)) break;
      await told;
    }
  }
  // The long one is far from done: nobody waited for it.
  expect((await client.request<contract.CountersResult>(contract.COUNTERS)).encodedSteps).toBeLessThan(2500);
}, 120_000);
