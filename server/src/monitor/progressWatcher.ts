/** Notices runs that get nowhere: the same stage with the same result again and again, two in turn, or a value that stands still or swings. */

export interface Alarm {
  readonly kind: 'stuck' | 'oscillating';
  /** One sentence with the evidence. */
  readonly reason: string;
  readonly stages: readonly string[];
}

const REPEATS = 5;
const TURNS = 6;
/** Values closer than this stand still; the seeds' cycle watcher has the same. */
const LEAST_CHANGE = 0.01;
const MAX_ALARMS = 20;

interface Seen {
  readonly name: string;
  /** Equal for stages that were asked the same and answered the same. */
  readonly fingerprint: string;
}

/** Watches the stages of one parent in the order they end. Tells a standstill once, and again when it has lasted as long once more. */
export class ProgressWatcher {
  #seen: Seen[] = [];
  readonly #valuesByName = new Map<string, number[]>();
  #alarms = 0;

  /** `progress`: what the stage measured (a loss, a score); undefined where it measured nothing. */
  ended(stage: Seen, progress: number | undefined): Alarm | undefined {
    if (this.#alarms >= MAX_ALARMS) return undefined;
    this.#seen.push(stage);
    if (this.#seen.length > TURNS) this.#seen.shift();
    const alarm = this.#standstill() ?? this.#turns() ?? (progress === undefined || !Number.isFinite(progress) ? undefined : this.#values(stage.name, progress));
    if (alarm !== undefined) this.#alarms++;
    return alarm;
  }

  #standstill(): Alarm | undefined {
    const last = this.#seen.slice(-REPEATS);
    const [first] = last;
    if (first === undefined || last.length < REPEATS || last.some((s) => s.fingerprint !== first.fingerprint)) return undefined;
    this.#seen = [];
    return { kind: 'stuck', reason: `${first.name} gave the same result ${REPEATS} times in a row.`, stages: [first.name] };
  }

  #turns(): Alarm | undefined {
    const [a, b] = this.#seen;
    if (a === undefined || b === undefined || this.#seen.length < TURNS || a.fingerprint === b.fingerprint) return undefined;
    if (this.#seen.some((s, i) => s.fingerprint !== (i % 2 === 0 ? a : b).fingerprint)) return undefined;
    this.#seen = [];
    const stages = [a.name, b.name];
    return { kind: 'oscillating', reason: `${stages.join(' and ')} took turns ${TURNS / 2} times with the same results.`, stages };
  }

  #values(name: string, progress: number): Alarm | undefined {
    const values = this.#valuesByName.get(name) ?? [];
    this.#valuesByName.set(name, values);
    values.push(progress);
    if (values.length > REPEATS) values.shift();
    if (values.length < REPEATS) return undefined;
    const changes = values.slice(1).map((value, i) => value - (values[i] ?? value));
    const isStill = Math.max(...values) - Math.min(...values) < LEAST_CHANGE;
    const swings = changes.slice(1).filter((change, i) => change * (changes[i] ?? 0) < 0).length;
    if (!isStill && swings < REPEATS - 2) return undefined;
    this.#valuesByName.delete(name);
    const shown = values.map((value) => Number(value.toPrecision(4))).join(', ');
    return isStill
      ? { kind: 'stuck', reason: `The progress of ${name} stands still: ${shown}.`, stages: [name] }
      : { kind: 'oscillating', reason: `The progress of ${name} swings: ${shown}.`, stages: [name] };
  }
}
