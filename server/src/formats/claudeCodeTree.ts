/** The branches of a Claude Code session. Going back leaves a branch behind; what was said last stands at the end of the one that counts. */
import type { Turn } from './claudeCodeTurns.ts';
import { asText } from './jsonFields.ts';

/** Marks the turns on the branch that ends in the last leaf, and on each subagent's; all turns where the records are no tree. */
export function markLive(turns: readonly Turn[], spoken: readonly Turn[]): void {
  const byUuid = new Map<string, Turn>();
  for (const turn of turns) {
    const uuid = asText(turn.fields['uuid']);
    if (uuid === undefined) continue;
    const twin = byUuid.get(uuid);
    if (twin !== undefined) twin.hasTwin = turn.hasTwin = true;
    byUuid.set(uuid, turn);
  }
  let linked = 0;
  for (const turn of spoken) {
    const parent = parentOf(turn);
    if (parent !== undefined && byUuid.has(parent)) linked++;
  }
  if (linked * 2 < spoken.length - 1) {
    for (const turn of turns) turn.isLive = true;
    return;
  }
  const follow = (leaf: Turn): void => {
    const isMain = leaf.lane === '';
    for (let at: Turn | undefined = leaf; at !== undefined && !at.isLive; ) {
      at.isLive = true;
      const parent = parentOf(at);
      if (parent === undefined) return;
      // A parent that is not in the file (its head was cut): go on with what stands before.
      at = byUuid.get(parent) ?? spokenBefore(turns, at.position, isMain);
    }
  };
  const main = spoken.findLast((turn) => turn.lane === '');
  if (main !== undefined) follow(main);
  // Subagents are trees of their own. From the end backwards the first turn met of a tree is its last leaf.
  const root = rootFinder(byUuid);
  const seen = new Set<Turn>();
  for (let i = spoken.length - 1; i >= 0; i--) {
    const turn = spoken[i];
    if (turn === undefined || turn.lane === '' || turn.isLive) continue;
    const tree = root(turn);
    if (seen.has(tree)) continue;
    seen.add(tree);
    follow(turn);
  }
}

/** Finds the root of a turn's tree, remembering what was found on the way. */
function rootFinder(byUuid: ReadonlyMap<string, Turn>): (turn: Turn) => Turn {
  const roots = new Map<Turn, Turn>();
  return (turn) => {
    const path: Turn[] = [];
    const onPath = new Set<Turn>();
    let at = turn;
    while (!roots.has(at) && !onPath.has(at)) {
      path.push(at);
      onPath.add(at);
      const parent = byUuid.get(parentOf(at) ?? '');
      if (parent === undefined) break;
      at = parent;
    }
    const root = roots.get(at) ?? at;
    for (const passed of path) roots.set(passed, root);
    return root;
  };
}

function parentOf({ fields }: Turn): string | undefined {
  return asText(fields['parentUuid']) ?? asText(fields['logicalParentUuid']);
}

function spokenBefore(turns: readonly Turn[], position: number, isMain: boolean): Turn | undefined {
  for (let i = position - 1; i >= 0; i--) {
    const turn = turns[i];
    if (turn?.isSpoken === true && (turn.lane === '') === isMain) return turn;
  }
  return undefined;
}
