/**
 * From a tree of spans to the agent's decisions: each call of a model with the tools that follow it. A tool belongs to the decision
 * that asked for it by id, else to the last one before it under the same parent, else to the last one of the same agent.
 */
import type { StepError, Usage } from '../core/planTrace.ts';
import { looksLikeFailure } from './messageContent.ts';
import { latestUserText, turnOf } from './spanMessages.ts';
import type { SpanMessage, SpanReading } from './spanReading.ts';
import type { SpanNode, SpanTree } from './spanTree.ts';

/** A decision and what came of it. */
export interface SpanStep {
  /** The model's span; a tool's where no decision came before it. */
  readonly node: SpanNode;
  readonly reading: SpanReading;
  /** What the model said; undefined when it was not recorded. */
  readonly turn: SpanMessage | undefined;
  readonly calls: StepCall[];
  /** The step whose tool runs the agent this one belongs to. */
  readonly parent: SpanStep | undefined;
  readonly depth: number;
  readonly isSidechain: boolean;
  readonly agentName: string | undefined;
  /** What the user said since the decision before; '' for nothing. */
  readonly input: string;
  endMs: number | undefined;
  usage: Usage | undefined;
}

export interface StepCall {
  readonly id: string | undefined;
  readonly name: string;
  args: unknown;
  result: string | undefined;
  isError: boolean;
  error: StepError | undefined;
  /** The span that ran the call; undefined where only the conversation tells of it. */
  node: SpanNode | undefined;
}

export interface SpanSteps {
  /** In order: an agent's steps together, each before those of the agents it calls. */
  readonly steps: readonly SpanStep[];
  /** The step each model's and each tool's span went into. */
  readonly owners: ReadonlyMap<SpanNode, SpanStep>;
}

/** The decisions of one tree, given what each of its spans means. */
export function spanSteps(tree: SpanTree, readings: ReadonlyMap<SpanNode, SpanReading>): SpanSteps {
  const roles = decidingRoles(tree, readings);
  const speaking = speakingAgents(tree, readings, roles);
  const builder = new StepBuilder();
  for (const node of tree.nodes) {
    const reading = readings.get(node);
    if (reading !== undefined) builder.visit(node, reading, speaking.has(node) ? 'speaking' : (roles.get(node) ?? 'other'));
  }
  if (builder.steps.length === 0) addSpeakingLeaves(builder, tree, readings);
  return { steps: builder.steps, owners: builder.owners };
}

/** borrowed: an inner record of a call. speaking: an agent of which only the whole run was recorded. */
type DecidingRole = SpanReading['role'] | 'borrowed' | 'speaking';

/**
 * Instrumentations of a framework and of the client below it both record one call of a model: the inner span is the decision,
 * unless only the outer one has the words.
 */
function decidingRoles(tree: SpanTree, readings: ReadonlyMap<SpanNode, SpanReading>): ReadonlyMap<SpanNode, DecidingRole> {
  const below = new Map<SpanNode, 'words' | 'bare'>();
  const roles = new Map<SpanNode, DecidingRole>();
  for (let i = tree.nodes.length - 1; i >= 0; i--) {
    const node = tree.nodes[i];
    const reading = node === undefined ? undefined : readings.get(node);
    if (node === undefined || reading === undefined) continue;
    let role: DecidingRole = reading.role;
    const inner = below.get(node);
    let shown = role === 'model' || role === 'other' ? inner : undefined;
    if (role === 'model') {
      const isRecorded = reading.said !== undefined || reading.outputText !== undefined;
      if (inner === 'words' || (inner === 'bare' && !isRecorded)) role = 'other';
      else shown = isRecorded ? 'words' : 'bare';
    }
    roles.set(node, role);
    if (shown !== undefined && node.parent !== undefined && below.get(node.parent) !== 'words') below.set(node.parent, shown);
  }
  // Below a decision nothing else decides, unless an agent or tool runs in between.
  const isWithin = new Set<SpanNode>();
  for (const node of tree.nodes) {
    const role = roles.get(node);
    const isInside = node.parent !== undefined && isWithin.has(node.parent);
    if (isInside && role === 'model') roles.set(node, 'borrowed');
    if (role === 'model' || (isInside && role === 'other')) isWithin.add(node);
  }
  return roles;
}

/** Agents of which only the whole run was recorded: what they said is their decision. */
function speakingAgents(tree: SpanTree, readings: ReadonlyMap<SpanNode, SpanReading>, roles: ReadonlyMap<SpanNode, DecidingRole>): ReadonlySet<SpanNode> {
  const hasDecision = new Set<SpanNode>();
  const agents = new Set<SpanNode>();
  for (let i = tree.nodes.length - 1; i >= 0; i--) {
    const node = tree.nodes[i];
    if (node === undefined) continue;
    const role = roles.get(node);
    const isOne = role === 'agent' && !hasDecision.has(node) && hasWords(readings.get(node));
    if (isOne) agents.add(node);
    if (node.parent !== undefined && (isOne || role === 'model' || hasDecision.has(node))) hasDecision.add(node.parent);
  }
  return agents;
}

function hasWords(reading: SpanReading | undefined): boolean {
  return reading !== undefined && (reading.outputText !== undefined || (reading.said?.length ?? 0) > 0);
}

/** A run of an agent or a tool: what happens inside is told apart from what happens beside it. */
interface Scope {
  readonly top: SpanNode | undefined;
  readonly parentStep: SpanStep | undefined;
  readonly depth: number;
  readonly isSidechain: boolean;
  readonly agentName: string | undefined;
  /** The last decision under each span, and under each parent that is not in the file. */
  readonly latestAt: Map<SpanNode | string, SpanStep>;
  latest: SpanStep | undefined;
}

/** How far a decision is known upwards; deeper trees pair by id or by agent. */
const MOST_LEVELS = 64;

class StepBuilder {
  readonly steps: SpanStep[] = [];
  readonly owners = new Map<SpanNode, SpanStep>();
  private readonly scopes = new Map<SpanNode, Scope>();
  private readonly judged = new Set<SpanNode>();
  private readonly callsById = new Map<string, { readonly step: SpanStep; readonly call: StepCall }>();
  private readonly outermost = openScope(undefined, {});

  visit(node: SpanNode, reading: SpanReading, role: DecidingRole): void {
    if (role === 'judge' || (node.parent !== undefined && this.judged.has(node.parent))) {
      this.judged.add(node);
      return;
    }
    const scope = (node.parent === undefined ? undefined : this.scopes.get(node.parent)) ?? this.outermost;
    this.scopes.set(node, scope);
    if (role === 'model') this.decide(node, reading, scope);
    else if (role === 'borrowed') this.lend(node, reading);
    else if (role === 'tool') this.act(node, reading, scope);
    else if (role === 'agent' || role === 'speaking') this.delegate(node, reading, scope);
    if (role === 'speaking') this.speak(node, reading);
  }

  /** A step of a span that speaks without being a call of a model; an evaluation's words are none. */
  speak(node: SpanNode, reading: SpanReading): void {
    if (!this.judged.has(node)) this.decide(node, reading, this.scopes.get(node) ?? this.outermost);
  }

  private decide(node: SpanNode, reading: SpanReading, scope: Scope): void {
    const latest = reading.latest ?? reading.heard;
    if (latest !== undefined) this.hear(latest, scope);
    // What an agent heard between decisions nobody recorded stands further back.
    if (reading.latest !== undefined && scope.latest?.calls.some((call) => call.result === undefined) === true) this.hear(reading.heard ?? [], scope);
    const turn = reading.said === undefined ? (reading.outputText === undefined ? undefined : turnOf([{ role: 'assistant', text: reading.outputText, calls: [], results: [] }])) : turnOf(reading.said);
    const step = this.open(node, reading, scope, { turn, input: latest === undefined ? (reading.inputText ?? '') : latestUserText(latest) });
    for (const { id, name, args } of turn?.calls ?? []) {
      const call: StepCall = { id, name, args, result: undefined, isError: false, error: undefined, node: undefined };
      step.calls.push(call);
      if (id !== undefined) this.callsById.set(id, { step, call });
    }
    // A model that runs tools on its own side tells of their results in the same breath.
    for (const message of reading.said ?? []) this.answer(message, step);
    scope.latest = step;
    scope.latestAt.set(node, step);
    scope.latestAt.set(parentKey(node), step);
    let above = node.parent;
    for (let i = 0; above !== undefined && above !== scope.top && i < MOST_LEVELS; i++) {
      above = above.parent;
      if (above !== undefined) scope.latestAt.set(above, step);
    }
  }

  private open(node: SpanNode, reading: SpanReading, scope: Scope, said: { readonly turn: SpanMessage | undefined; readonly input: string }): SpanStep {
    const { parentStep, depth, isSidechain } = scope;
    const step: SpanStep = { node, reading, ...said, calls: [], parent: parentStep, depth, isSidechain, agentName: reading.agentName ?? scope.agentName, endMs: node.span.endMs, usage: reading.usage };
    this.steps.push(step);
    this.owners.set(node, step);
    return step;
  }

  /** Results the conversation tells of answer the calls made before; the last comes first, since some agents use their ids again. */
  private hear(heard: readonly SpanMessage[], scope: Scope): void {
    for (let i = heard.length - 1; i >= 0; i--) {
      const message = heard[i];
      if (message !== undefined && message.results.length > 0) this.answer(message, scope.latest);
    }
  }

  private answer(message: SpanMessage, before: SpanStep | undefined): void {
    for (const { id, text, isError } of message.results) {
      const call = id === undefined ? before?.calls.find((other) => other.id === undefined && other.result === undefined) : this.callsById.get(id)?.call;
      if (call === undefined || call.result !== undefined) continue;
      call.result = text;
      call.isError ||= isError ?? looksLikeFailure(text);
    }
  }

  /** An inner record of the same call adds what the outer one lacks. */
  private lend(node: SpanNode, reading: SpanReading): void {
    let above = node.parent;
    for (let i = 0; above !== undefined && !this.owners.has(above) && i < MOST_LEVELS; i++) above = above.parent;
    const step = above === undefined ? undefined : this.owners.get(above);
    if (step === undefined) return;
    this.owners.set(node, step);
    step.usage ??= reading.usage;
  }

  private act(node: SpanNode, reading: SpanReading, scope: Scope): void {
    const outer = node.parent === undefined ? undefined : this.owners.get(node.parent);
    const outerCall = outer?.calls.find((call) => call.node === node.parent);
    const { tool } = reading;
    if (outer !== undefined && outerCall !== undefined && (tool === undefined || tool.callId === undefined || tool.callId === outerCall.id)) {
      // A tool's span within a tool's span is the same use of it, one layer down.
      outerCall.args ??= tool?.args;
      outerCall.result ??= tool?.result;
      this.owners.set(node, outer);
      return;
    }
    const name = tool?.name ?? node.span.name;
    const asked = tool?.callId === undefined ? undefined : this.callsById.get(tool.callId);
    const step = asked?.step ?? latestBefore(node, scope) ?? this.open(node, reading, scope, { turn: undefined, input: '' });
    let call = asked?.call.node === undefined ? asked?.call : undefined;
    call ??= step.calls.find((other) => other.node === undefined && other.name === name && (other.id === undefined || tool?.callId === undefined));
    if (call === undefined) {
      call = { id: tool?.callId, name, args: undefined, result: undefined, isError: false, error: undefined, node: undefined };
      step.calls.push(call);
      if (call.id !== undefined) this.callsById.set(call.id, { step, call });
    }
    call.node = node;
    call.args ??= tool?.args;
    call.result = tool?.result ?? call.result;
    call.error = reading.error;
    if (call.result === undefined && reading.error !== undefined) call.result = reading.error.message === '' ? reading.error.type : reading.error.message;
    const { status } = node.span;
    call.isError = reading.error !== undefined || status === 'error' || (status === 'unset' && call.result !== undefined && looksLikeFailure(call.result));
    if (node.span.endMs !== undefined) step.endMs = Math.max(step.endMs ?? node.span.endMs, node.span.endMs);
    this.owners.set(node, step);
    this.scopes.set(node, openScope(node, { parentStep: step, depth: step.depth + 1, isSidechain: true, agentName: scope.agentName }));
  }

  private delegate(node: SpanNode, reading: SpanReading, scope: Scope): void {
    const agentName = reading.agentName ?? scope.agentName;
    const before = scope.top === undefined ? undefined : latestBefore(node, scope);
    const outer = before === undefined ? scope : { parentStep: before, depth: before.depth + 1, isSidechain: true };
    this.scopes.set(node, openScope(node, { parentStep: outer.parentStep, depth: outer.depth, isSidechain: outer.isSidechain, agentName }));
  }
}

function openScope(top: SpanNode | undefined, of: { readonly parentStep?: SpanStep | undefined; readonly depth?: number; readonly isSidechain?: boolean; readonly agentName?: string | undefined }): Scope {
  return { top, parentStep: of.parentStep, depth: of.depth ?? 0, isSidechain: of.isSidechain ?? false, agentName: of.agentName, latestAt: new Map(), latest: undefined };
}

/** The place of a span among others under one parent, be the parent in the file or not. */
function parentKey(node: SpanNode): SpanNode | string {
  return node.parent ?? node.span.parentId ?? '';
}

function latestBefore(node: SpanNode, scope: Scope): SpanStep | undefined {
  let step = scope.latestAt.get(parentKey(node));
  let above = node.parent;
  for (let i = 0; step === undefined && above !== undefined && above !== scope.top && i < MOST_LEVELS; i++) {
    above = above.parent;
    if (above !== undefined) step = scope.latestAt.get(above);
  }
  return step ?? scope.latest;
}

/** Where no model and no tool was recorded, the innermost spans that say something are the steps. */
function addSpeakingLeaves(builder: StepBuilder, tree: SpanTree, readings: ReadonlyMap<SpanNode, SpanReading>): void {
  const speaks = (node: SpanNode): boolean => readings.get(node)?.role !== 'judge' && hasWords(readings.get(node));
  const hasSpeaker = new Set<SpanNode>();
  for (let i = tree.nodes.length - 1; i >= 0; i--) {
    const node = tree.nodes[i];
    if (node?.parent !== undefined && (hasSpeaker.has(node) || speaks(node))) hasSpeaker.add(node.parent);
  }
  for (const node of tree.nodes) {
    const reading = readings.get(node);
    if (reading !== undefined && !hasSpeaker.has(node) && speaks(node)) builder.speak(node, reading);
  }
}
