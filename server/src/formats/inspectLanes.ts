/**
 * Which agent an event of an Inspect log belongs to. Newer logs nest events in spans, older ones in steps that begin and end
 * or inside the events of tools and subtasks; each becomes a lane: the main agent's, or that of an agent a tool started.
 */

/** One agent's part of a run. */
export interface Lane {
  /** Tells lanes apart; '' for the main one. */
  readonly key: string;
  readonly parentKey: string;
  /** 0 for the main agent. */
  readonly depth: number;
  readonly agentName: string | undefined;
  /** Calls of a scorer's model are no steps of the agent. */
  readonly isJudge: boolean;
  /** Just inside a tool call: an agent that begins here is the one the tool started. */
  readonly isToolCall: boolean;
}

export const MAIN_LANE: Lane = { key: '', parentKey: '', depth: 0, agentName: undefined, isJudge: false, isToolCall: false };

/** What begins a span or a step. */
export interface LaneBegin {
  readonly type: string;
  readonly name: string | undefined;
  readonly id: string;
}

/** The lane of what happens inside a span of that type. */
export function laneInside(lane: Lane, { type, name, id }: LaneBegin): Lane {
  switch (type) {
    case 'scorer':
    case 'scorers':
      return { ...lane, isJudge: true };
    case 'tool':
      return { ...lane, key: id, parentKey: lane.key, depth: lane.depth + 1, isToolCall: true };
    case 'subtask':
    case 'fork':
      return { ...lane, key: id, parentKey: lane.key, depth: lane.depth + 1, agentName: name ?? lane.agentName, isToolCall: false };
    case 'agent':
    case 'handoff':
      if (lane.isToolCall || lane.agentName === undefined) return { ...lane, agentName: name ?? lane.agentName, isToolCall: false };
      return { ...lane, key: id, parentKey: lane.key, depth: lane.depth + 1, agentName: name, isToolCall: false };
    default:
      return lane;
  }
}

/** Follows the spans and steps of a run as they begin and end. */
export class Lanes {
  private readonly bySpan = new Map<string, Lane>();
  private readonly steps: Lane[] = [];
  private readonly outer: Lane;

  constructor(outer: Lane) {
    this.outer = outer;
  }

  /** The lane of an event that names its span, else that of the step under way. */
  laneOf(spanId: string | undefined): Lane {
    return (spanId === undefined ? undefined : this.bySpan.get(spanId)) ?? this.steps.at(-1) ?? this.outer;
  }

  beginSpan(begin: LaneBegin, parentId: string | undefined): void {
    this.bySpan.set(begin.id, laneInside(this.laneOf(parentId), begin));
  }

  beginStep(begin: LaneBegin): void {
    this.steps.push(laneInside(this.laneOf(undefined), begin));
  }

  endStep(): void {
    this.steps.pop();
  }
}
