/** The current scores of a memory as columns: a few large buffers to hand from thread to thread. */
import type { JsonValue } from '../core/planTrace.ts';
import type { ScorableFacts } from '../core/scoreRecord.ts';
import type { ScorableFilter } from '../corpus/scoreMemory.ts';
import type { ScoreColumns, ScoreKind } from '../corpus/scoreColumns.ts';
import type { PackedRest } from './packedScores.ts';
import { conditionOf } from './scorableFilter.ts';
import { scoresOf } from './scoreRows.ts';
import type { Store } from './store.ts';

/** Texts travel as JSON in pieces of about this many characters: one parse of a large text beats a million small copies. */
const PIECE_CHARACTERS = 4_000_000;

type WireScorable = Omit<ScorableFacts, 'goal'> & { goal?: string };
/** What is no number of one scorable: first score, first attribute, their rest. */
type WireRest = readonly [score: number, attribute: number, rest: PackedRest];

/** ScoreColumns on their way: texts as JSON arrays, goals by number. */
export interface WireColumns extends Pick<ScoreColumns, 'kinds' | 'attributeNames' | 'scorableOf' | 'kindOf' | 'scores' | 'weights' | 'attributeStarts' | 'attributeOf' | 'attributeValues'> {
  readonly scorables: readonly string[];
  readonly goals: readonly string[];
  readonly goalOf: Uint32Array;
  readonly rests: readonly string[];
}

/** The newest evaluation of every scorable that the filter lets through, in the order they were first seen. */
export function readColumns(store: Store, filter: ScorableFilter): WireColumns {
  const { sql, values } = conditionOf(filter);
  const rows = store.db.prepare<(string | number)[], [facts: string, goalId: number, id: number | null, packed: Uint8Array | null]>(
    `SELECT o.facts, o.goal_id, e.id, e.packed FROM scorables o LEFT JOIN evaluations e ON e.id = o.newest_evaluation_id WHERE ${sql} ORDER BY o.id`).raw();
  const [scorables, rests] = [jsonPieces(), jsonPieces()];
  const [goalOf, scorableOf, kindOf, starts, attributeOf] = [growing(Uint32Array), growing(Uint32Array), growing(Uint32Array), growing(Uint32Array), growing(Uint32Array)];
  const [scores, weights, attributeValues] = [growing(Float64Array), growing(Float64Array), growing(Float64Array)];
  const [kinds, keys, goals] = [numbering<ScoreKind>((id) => store.names.kind(id)), numbering<string>((id) => store.names.key(id)), numbering<string>((id) => goalOfId(store, id))];
  for (const [facts, goalId, id, bytes] of rows.iterate(...values)) {
    const scorable = goalOf.length();
    scorables.add(facts);
    goalOf.push(goals.place(goalId));
    if (id === null) continue;
    const packed = scoresOf(store, { id, packed: bytes });
    if (packed.rest !== '') rests.add(`[${scores.length()},${attributeOf.length()},${packed.rest}]`);
    for (let i = 0, attribute = attributeOf.length(); i < packed.kinds.length; i++) {
      scorableOf.push(scorable);
      kindOf.push(kinds.place(packed.kinds[i] ?? 0));
      starts.push(attribute);
      attribute += packed.attributeCounts[i] ?? 0;
    }
    for (const key of packed.keys) attributeOf.push(keys.place(key));
    scores.append(packed.scores);
    weights.append(packed.weights);
    attributeValues.append(packed.values);
  }
  starts.push(attributeOf.length());
  return {
    scorables: scorables.all(), goals: goals.all(), goalOf: goalOf.all(), rests: rests.all(), kinds: kinds.all(), attributeNames: keys.all(),
    scorableOf: scorableOf.all(), kindOf: kindOf.all(), scores: scores.all(), weights: weights.all(),
    attributeStarts: starts.all(), attributeOf: attributeOf.all(), attributeValues: attributeValues.all(),
  };
}

/** Buffers that may be handed over instead of copied. */
export function buffersOf(columns: WireColumns): ArrayBuffer[] {
  return [columns.goalOf, columns.scorableOf, columns.kindOf, columns.scores, columns.weights, columns.attributeStarts, columns.attributeOf, columns.attributeValues].map((array) => array.buffer as ArrayBuffer);
}

/** Columns that have arrived. */
export function arrivedColumns({ scorables, goals, goalOf, rests, ...columns }: WireColumns): ScoreColumns {
  const facts = scorables.flatMap((piece) => JSON.parse(piece) as WireScorable[]);
  facts.forEach((scorable, i) => {
    scorable.goal = goals[goalOf[i] ?? -1] ?? '';
  });
  const rationales = new Map<number, string>();
  const otherAttributes = new Map<number, JsonValue>();
  for (const [score, attribute, rest] of rests.flatMap((piece) => JSON.parse(piece) as WireRest[])) {
    rest.rationales?.forEach((text, i) => {
      if (text !== '') rationales.set(score + i, text);
    });
    for (const [i, value] of Object.entries(rest.others ?? {})) otherAttributes.set(attribute + Number(i), value);
  }
  return { ...columns, scorables: facts as ScorableFacts[], rationales, otherAttributes };
}

function goalOfId(store: Store, id: number): string {
  return store.db.prepare<[number], { text: string }>('SELECT text FROM goals WHERE id = ?').get(id)?.text ?? '';
}

/** Texts of JSON values, gathered into JSON arrays. */
function jsonPieces(): { add(json: string): void; all(): readonly string[] } {
  const pieces: string[] = [];
  let values: string[] = [];
  let length = 0;
  const close = (): void => {
    if (values.length > 0) pieces.push(`[${values.join(',')}]`);
    values = [];
    length = 0;
  };
  return {
    add(json) {
      values.push(json);
      length += json.length;
      if (length > PIECE_CHARACTERS) close();
    },
    all() {
      close();
      return pieces;
    },
  };
}

/** Database numbers onto places from 0, in the order they come. */
function numbering<T>(valueOf: (id: number) => T): { place(id: number): number; all(): readonly T[] } {
  const placeOfId: (number | undefined)[] = [];
  const all: T[] = [];
  return {
    place: (id) => placeOfId[id] ??= all.push(valueOf(id)) - 1,
    all: () => all,
  };
}

interface Growing<A extends Uint32Array | Float64Array> {
  length(): number;
  push(value: number): void;
  append(values: Uint32Array | Float64Array): void;
  /** A copy without the room to grow. */
  all(): A;
}

function growing<A extends Uint32Array | Float64Array>(Kind: new (length: number) => A): Growing<A> {
  let array = new Kind(1024);
  let length = 0;
  const makeRoom = (more: number): void => {
    if (length + more <= array.length) return;
    const larger = new Kind(Math.max(2 * array.length, length + more));
    larger.set(array);
    array = larger;
  };
  return {
    length: () => length,
    push(value) {
      makeRoom(1);
      array[length++] = value;
    },
    append(values) {
      makeRoom(values.length);
      array.set(values, length);
      length += values.length;
    },
    all: () => array.slice(0, length) as A,
  };
}
