/** Ids of steps read in parts: what a part calls a step, and what the whole file calls it. */
import type { ExecutionStep } from '../../core/planTrace.ts';
import { derivedId } from '../../formats/traceAssembly.ts';

/** The id that a step's record gives, or none: then it is made of the words and the id before. */
export type WantedId = { readonly kind: 'own'; readonly id: string } | { readonly kind: 'derived' };

const DERIVED = /^[0-9a-f]{16}(?:#\d+)?$/;

/** What each step asked for before its id was made unique within the part. */
export function wantedIds(steps: readonly ExecutionStep[]): readonly WantedId[] {
  const taken = createTakenIds();
  let previousId = '';
  return steps.map((step) => {
    const { stepId } = step;
    const derived = DERIVED.test(stepId) ? derivedId(step, previousId) : undefined;
    previousId = stepId;
    if (derived !== undefined && taken.peek(derived) === stepId) {
      taken.take(derived);
      return { kind: 'derived' };
    }
    const id = taken.peek(stepId) === stepId ? stepId : stepId.replace(/#\d+$/, '');
    taken.take(id);
    return { kind: 'own', id };
  });
}

/** As `UniqueIds`, with a look ahead. */
export interface TakenIds {
  peek(id: string): string;
  take(id: string): string;
}

/** `under`: ids that are taken already. */
export function createTakenIds(under?: ReadonlyMap<string, number>): TakenIds & { readonly uses: ReadonlyMap<string, number> } {
  const uses = new Map<string, number>();
  const usesOf = (id: string): number | undefined => uses.get(id) ?? under?.get(id);
  const next = (id: string): { readonly unique: string; readonly count: number } => {
    let count = usesOf(id);
    if (count === undefined) return { unique: id, count: 1 };
    let unique: string;
    do unique = `${id}#${++count}`;
    while (usesOf(unique) !== undefined);
    return { unique, count };
  };
  return {
    uses,
    peek: (id) => next(id).unique,
    take(id) {
      const { unique, count } = next(id);
      uses.set(id, count);
      if (unique !== id) uses.set(unique, 1);
      return unique;
    },
  };
}

/** The id in the whole file, given the one of the step before. */
export function idInFile(step: ExecutionStep, wanted: WantedId, previousId: string, taken: TakenIds): string {
  return taken.take(wanted.kind === 'own' ? wanted.id : derivedId(step, previousId));
}
