"""Fine-tunes the backbone on labelled steps. Called by train.py; writes <cache>/encoder.pt.

    python models/finetune.py [--data D] [--cache C] [--resume] [--start ENCODER]

--start goes on from the weights of an earlier encoder.pt instead of the original MiniLM's.

Reads like the training loop it is: items -> windows -> batches -> four losses -> AdamW.
"""

import argparse
import math
import random
import re
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from tokenizers import Tokenizer
from torch import Tensor

from backbone import load_tokenizer, source_folder
from config import DIMENSIONS, FinetuneConfig, TrainConfig, set_seed
from corrupt import corrupt
from data import BAD, GOOD, NEUTRAL, Trace, by_problem, held_agentrx, is_kept, load_traces
from encoder import Encoder, collate, load_pretrained
from evaluate import auroc
from generated import make_traces
from windows import Unit, Window, goal_head, lay_windows, units_of_steps, word_pieces

D = len(DIMENSIONS)
QUALITY, RELEVANCE, NOVELTY, COHERENCE, IMPLEMENTABILITY, TRUTHFULNESS, ALIGNMENT = range(D)
KIND_DIMENSION = {  # what an injected error of PRMBench speaks about
    "circular": NOVELTY, "redundency": NOVELTY, "step_contradiction": COHERENCE, "missing_condition": IMPLEMENTABILITY,
    "domain_inconsistency": IMPLEMENTABILITY, "counterfactual": TRUTHFULNESS, "deception": TRUTHFULNESS,
}
STEP_NUMBER = re.compile(r"^Step \d+:\s*")


@dataclass
class Node:
    """A step in a tree of alternatives. y: (D,) in {0, 1, NaN}."""

    text: str
    parent: int  # index of the step before it, -1: none
    y: np.ndarray
    weight: float = 1.0


@dataclass
class Item:
    """One goal with its tree of steps."""

    goal: str
    nodes: list[Node]
    source: str

    @property
    def texts(self) -> list[str]:
        return [self.goal, *(n.text for n in self.nodes)]


@dataclass
class Packed:
    """A window ready for the network; `steps` are the nodes it is read for."""

    window: Window
    units: list[Unit]
    steps: list[int]
    item: Item


def label_vector(label: float | None, source: str) -> np.ndarray:
    y = np.full(D, np.nan, np.float32)
    if label is None:
        return y
    kind = source.split("/")[-1]
    if kind in KIND_DIMENSION:
        y[KIND_DIMENSION[kind]] = label
    if source.startswith("agentrx"):
        y[QUALITY] = label
        return y
    if label == NEUTRAL:
        y[RELEVANCE] = 0.0
    else:
        y[QUALITY] = label
        if label == GOOD and source.startswith("prm800k"):
            y[RELEVANCE] = 1.0
    return y


def cut_points(length: int, rng: random.Random, share: float) -> list[int]:
    """Where neighbouring steps are joined: starts of the joined steps."""
    if rng.random() >= share:
        return list(range(length))
    keep = rng.choice((0.3, 0.5, 0.7))
    return [0] + [i for i in range(1, length) if rng.random() < keep]


def joined(labels: list[float | None]) -> float | None:
    """A joined step is bad if any part is; unknown if a part is; neutral only as a whole."""
    if BAD in labels:
        return BAD
    if None in labels:
        return None
    return GOOD if GOOD in labels else NEUTRAL


def chain_item(trace: Trace, rng: random.Random, merge: float, weight: float, strip: bool = True) -> Item:
    """A trace whose steps follow one another; mostly without its "Step 3:" prefixes, never so unless `strip`."""
    steps = list(trace.steps)
    if rng.random() < 0.7 and strip:
        steps = [STEP_NUMBER.sub("", s) for s in steps]
    starts = cut_points(len(steps), rng, merge)
    nodes = []
    for a, b in zip(starts, [*starts[1:], len(steps)]):
        y = label_vector(joined(list(trace.labels[a:b])), trace.kind)
        nodes.append(Node("\n".join(steps[a:b]), len(nodes) - 1, y, weight))
    return Item(trace.problem, nodes, trace.source)


def tree_item(traces: list[Trace], rng: random.Random, merge: float, weight: float) -> Item:
    """All contexts of one problem as one tree: shared prefixes once, alternatives as branches."""
    keep = rng.choice((0.3, 0.5, 0.7)) if rng.random() < merge else 1.0
    chance = rng.random()
    is_start = lambda depth: depth == 0 or keep == 1.0 or math.modf(math.sin(depth * 12.9898 + chance * 78.233) * 43758.5453)[0] % 1 < keep  # noqa: E731
    children: dict[tuple[int, str], int] = {}
    nodes: list[Node] = []

    def child(parent: int, text: str) -> int:
        if (parent, text) not in children:
            children[parent, text] = len(nodes)
            nodes.append(Node(text, parent, np.full(D, np.nan, np.float32), weight))
        return children[parent, text]

    for trace in traces:
        at, pending = -1, []
        for depth, step in enumerate(trace.steps):
            if pending and is_start(depth):
                at, pending = child(at, "\n".join(pending)), []
            pending.append(step)
        last = child(at, "\n".join(pending))
        y = label_vector(trace.labels[-1], trace.kind)
        nodes[last].y = np.where(np.isnan(y), nodes[last].y, y)
    return Item(traces[0].problem, depth_first(nodes), traces[0].source)


def depth_first(nodes: list[Node]) -> list[Node]:
    """Parents first, each branch whole, leaves before branches that go on."""
    below: dict[int, list[int]] = {}
    for i, n in enumerate(nodes):
        below.setdefault(n.parent, []).append(i)
    size = [1] * len(nodes)
    for i in range(len(nodes) - 1, -1, -1):
        if nodes[i].parent >= 0:
            size[nodes[i].parent] += size[i]
    order, stack = [], sorted(below.get(-1, []), key=lambda i: -size[i])
    while stack:
        i = stack.pop()
        order.append(i)
        stack.extend(sorted(below.get(i, []), key=lambda j: -size[j]))
    place = {old: new for new, old in enumerate(order)}
    return [Node(nodes[i].text, place.get(nodes[i].parent, -1), nodes[i].y, nodes[i].weight) for i in order]


def twin_item(goal: str, steps: list[str], twins: list[list[str]], source: str, weight: float) -> Item:
    """A right chain with wrong alternatives beside its steps."""
    nodes, at = [], -1
    for step, wrong in zip(steps, twins):
        for text in wrong:
            nodes.append(Node(text, at, label_vector(BAD, source), weight))
        nodes.append(Node(step, at, label_vector(GOOD, source), weight))
        at = len(nodes) - 1
    return Item(goal, nodes, source)


def corrupted_item(trace: Trace, rng: random.Random, merge: float, weight: float) -> Item:
    """A human solution with one or two wrong twins at half of its steps, steps joined now and then."""
    starts = cut_points(len(trace.steps), rng, merge)
    steps = [" ".join(trace.steps[a:b]) for a, b in zip(starts, [*starts[1:], len(trace.steps)])]
    twins, context = [], trace.problem
    for step in steps:
        found = [corrupt(step, context, rng) for _ in range(rng.choice((0, 1, 1, 2)))]
        twins.append(sorted({f[0] for f in found if f}))
        context += " " + step
    return twin_item(trace.problem, steps, twins, trace.source, weight)


def training_items(data: Path, config: TrainConfig, rng: random.Random) -> list[Item]:
    """One epoch's items; merging, corruption and generation are drawn anew each time."""
    tune = config.finetune
    chosen = lambda ts: [t for t in ts if inside(t) and rng.random() < tune.synthetic]  # noqa: E731
    inside = lambda t: not is_kept(t.problem, config.seed, config.kept_share)  # noqa: E731
    items: list[Item] = []
    items += [tree_item(ts, rng, tune.merge_share, 1.0) for ts in by_problem(filter(inside, load_traces(data, "train/prm800k_phase1")))]
    items += [chain_item(t, rng, tune.merge_share, 1.0) for t in filter(inside, load_traces(data, "train/mr_ben"))]
    items += [chain_item(t, rng, tune.merge_share / 2, 0.3) for t in chosen(load_traces(data, "train/prmbench_synthetic"))]
    for t in chosen(load_traces(data, "train/gsm8k_human_solutions")):
        items.append(corrupted_item(t, rng, 0.5, 0.5))
    for t in chosen(load_traces(data, "train/entailmentbank")):
        items.append(corrupted_item(t, rng, 0.1, 0.5))
    for t in load_traces(data, "train/agentrx_tau_retail"):
        if t.trace_id not in held_agentrx(data, config.seed):
            items.append(chain_item(t, rng, 0.0, 0.5))
    for made in make_traces(int(3500 * tune.synthetic), rng.randrange(1 << 30)):
        items.append(twin_item(made.goal, made.steps, made.twins, "generated", 0.4))
    return items


def pack(items: list[Item], tokenizer: Tokenizer, config: TrainConfig, swap: float, rng: random.Random) -> list[Packed]:
    """Items -> windows. A share gets a foreign goal: then only alignment is asked."""
    ids = word_pieces((text for i in items for text in i.texts), tokenizer)
    found = []
    for item in items:
        is_swapped = rng.random() < swap and item.source != "generated"
        goal = rng.choice(items).goal if is_swapped else item.goal
        if is_swapped and goal == item.goal:
            continue
        nodes = item.nodes
        if is_swapped or rng.random() < swap:
            y = np.full(D, np.nan, np.float32)
            nodes = [
                Node(n.text, n.parent, y.copy() if is_swapped else n.y.copy(), n.weight) for n in nodes]
            for n in nodes:
                n.y[ALIGNMENT] = 0.0 if is_swapped else 1.0
        item = Item(goal, nodes, item.source)
        units = units_of_steps([(n.text, n.parent) for n in nodes], ids, config.window)
        for window in lay_windows(goal_head(ids[goal], config.window), units, config.window, config.finetune.packed_tokens):
            steps = sorted({units[p.unit].step for p in window.placed if not p.is_carry})
            steps = [s for s in steps if not np.isnan(nodes[s].y).all()]
            if steps:
                found.append(Packed(window, units, steps, item))
    return found


def batches(packed: list[Packed], tokens: int, rng: random.Random) -> list[list[Packed]]:
    """Windows of like length together, at most `tokens` padded tokens a batch, in random order."""
    order = sorted(packed, key=lambda p: p.window.length + rng.uniform(-25, 25))
    found: list[list[Packed]] = []
    longest = 0
    for p in order:
        longest = max(longest, p.window.length)
        if not found or longest * (len(found[-1]) + 1) > tokens:
            found.append([])
            longest = p.window.length
        found[-1].append(p)
    rng.shuffle(found)
    return found


@dataclass
class Targets:
    """Where a batch's steps stand in the (B * T) tokens, and what is asked of them."""

    markers: list[int] = field(default_factory=list)  # flat positions of unit markers
    step_of_marker: list[int] = field(default_factory=list)
    tokens: list[int] = field(default_factory=list)  # flat positions of chunk tokens
    step_of_token: list[int] = field(default_factory=list)
    y: list[np.ndarray] = field(default_factory=list)
    weight: list[float] = field(default_factory=list)
    better: list[int] = field(default_factory=list)  # pairs of steps of one context
    worse: list[int] = field(default_factory=list)
    pair_dimension: list[int] = field(default_factory=list)


def targets_of(batch: list[Packed], width: int) -> Targets:
    t = Targets()
    for row, p in enumerate(batch):
        number = {s: len(t.y) + i for i, s in enumerate(p.steps)}
        for s in p.steps:
            t.y.append(p.item.nodes[s].y)
            t.weight.append(p.item.nodes[s].weight)
        for place in p.window.placed:
            step = p.units[place.unit].step
            if step not in number:
                continue
            t.markers.append(row * width + place.end - 1)
            t.step_of_marker.append(number[step])
            t.tokens.extend(range(row * width + place.start, row * width + place.end - 1))
            t.step_of_token.extend([number[step]] * (place.end - 1 - place.start))
        by_context: dict[int, list[int]] = {}
        for s in p.steps:
            by_context.setdefault(p.item.nodes[s].parent, []).append(s)
        for group in by_context.values():
            for a in group:
                for b in group:
                    ya, yb = p.item.nodes[a].y, p.item.nodes[b].y
                    for d in (QUALITY, RELEVANCE):
                        if ya[d] == 1 and yb[d] == 0:
                            t.better.append(number[a])
                            t.worse.append(number[b])
                            t.pair_dimension.append(d)
    return t


def step_logits(encoder: Encoder, states: Tensor, t: Targets) -> tuple[Tensor, Tensor]:
    """(S, D) pooled quality logits and (S,) summed hazards. Chunks weigh by the softmax of minus their quality."""
    flat = states.reshape(-1, states.shape[-1])
    steps = len(t.y)
    at = torch.tensor(t.step_of_marker)
    logits = encoder.readout(flat[torch.tensor(t.markers)])[:, :D]
    raw = torch.exp(-logits[:, :1].clamp(-20, 20))
    total = torch.zeros(steps, 1).index_add(0, at, raw)
    pooled = torch.zeros(steps, D).index_add(0, at, logits * raw / total[at])
    hazard = F.softplus(encoder.readout(flat[torch.tensor(t.tokens)])[:, D])
    return pooled, torch.zeros(steps).index_add(0, torch.tensor(t.step_of_token), hazard)


def losses(encoder: Encoder, states: Tensor, t: Targets, balance: Tensor) -> dict[str, Tensor]:
    """balance (D,): weight of a bad step."""
    logits, hazard = step_logits(encoder, states, t)
    y, w = torch.from_numpy(np.stack(t.y)), torch.tensor(t.weight)
    known = ~torch.isnan(y)
    target = torch.nan_to_num(y)
    each = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    each = each * torch.where(target > 0.5, torch.ones(()), balance) * known * w[:, None]
    share = torch.full((D,), 0.3)
    share[QUALITY] = 1.0
    found = {"labels": (each * share).sum() / known[:, QUALITY].sum().clamp(min=1)}
    q = known[:, QUALITY]
    if q.any():
        h = hazard[q].clamp(min=1e-4)
        each = torch.where(target[q, QUALITY] > 0.5, h, -balance[QUALITY] * torch.log(-torch.expm1(-h)))
        found["hazard"] = 0.3 * (each * w[q]).mean()
    if t.better:
        b, c, d = torch.tensor(t.better), torch.tensor(t.worse), torch.tensor(t.pair_dimension)
        gap = logits[b, d] - logits[c, d]
        found["pairs"] = 0.8 * (F.softplus(-gap) * w[b] * torch.where(d == QUALITY, 1.0, 0.3)).mean()
    return found


@torch.inference_mode()
def score_items(encoder: Encoder, items: list[Item], tokenizer: Tokenizer, config: TrainConfig) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(N, D) logits, (N, D) labels, (N,) word counts of all labelled steps."""
    was = encoder.training
    encoder.eval()
    found = []
    packed = pack(items, tokenizer, config, 0.0, random.Random(0))
    for batch in batches(packed, 6000, random.Random(0)):
        ids, positions, visible = collate([p.window for p in batch], [p.units for p in batch])
        with torch.autocast("cpu", torch.bfloat16):
            states = encoder(ids, positions, visible)
        t = targets_of(batch, ids.shape[1])
        logits, hazard = step_logits(encoder, states.float(), t)
        length = np.bincount(t.step_of_token, minlength=len(t.y))
        found.append((torch.cat([logits, hazard[:, None]], 1).numpy(), np.stack(t.y), length))
    encoder.train(was)
    return tuple(np.concatenate(x) for x in zip(*found))


def validation_items(data: Path, config: TrainConfig) -> dict[str, list[Item]]:
    """Problems kept for model choice, and dev. Nothing of test."""
    rng = random.Random(0)
    kept = lambda t: is_kept(t.problem, config.seed, config.kept_share)  # noqa: E731
    sets: dict[str, list[Item]] = {}
    for name, source, chosen in (("kept/prm", "train/prm800k_phase1", kept), ("dev/prm", "dev/prm800k_phase1_test", lambda t: True)):
        sets[name] = [tree_item(ts, rng, 0.0, 1.0) for ts in by_problem(filter(chosen, load_traces(data, source)))]
    mr_ben = [t for t in load_traces(data, "train/mr_ben") if kept(t)]
    sets["kept/mr_ben"] = [chain_item(t, rng, 0.0, 1.0) for t in mr_ben]
    sets["kept/mr_ben joined"] = [chain_item(t, rng, 1.0, 1.0) for t in mr_ben]
    sets["dev/mr_ben"] = [chain_item(t, rng, 0.0, 1.0) for t in load_traces(data, "dev/mr_ben")]
    sets["kept/prmbench"] = [chain_item(t, rng, 0.0, 1.0) for t in load_traces(data, "train/prmbench_synthetic") if kept(t)]
    sets["kept/gsm8k twins"] = [corrupted_item(t, rng, 0.0, 1.0) for t in load_traces(data, "train/gsm8k_human_solutions") if kept(t)]
    held = held_agentrx(data, config.seed)
    sets["held/agentrx"] = [chain_item(t, rng, 0.0, 1.0) for t in load_traces(data, "train/agentrx_tau_retail") if t.trace_id in held]
    return sets


def report(encoder: Encoder, sets: dict[str, list[Item]], tokenizer: Tokenizer, config: TrainConfig) -> str:
    lines = []
    for name, items in sets.items():
        logits, y, length = score_items(encoder, items, tokenizer, config)
        q = ~np.isnan(y[:, QUALITY])
        parts = [f"{name:20} n {q.sum():5d}"]
        if q.any():
            truth = y[q, QUALITY]
            parts.append(f"quality {auroc(logits[q, 0], truth):.3f} hazard {auroc(-logits[q, D], truth):.3f} length {auroc(-length[q], truth):.3f}")
        for d in range(1, D):
            k = ~np.isnan(y[:, d])
            if k.any() and 0 < y[k, d].mean() < 1:
                parts.append(f"{DIMENSIONS[d][:9]} {auroc(logits[k, d], y[k, d]):.3f} ({auroc(logits[k, 0], y[k, d]):.3f})")
        lines.append("  ".join(parts))
    return "\n".join(lines)


def optimiser_of(encoder: Encoder, tune: FinetuneConfig) -> torch.optim.Optimizer:
    """Lower layers learn more slowly; word pieces stay as they are."""
    encoder.words.weight.requires_grad = False
    groups, layers = [], len(encoder.layers)
    for name, p in encoder.named_parameters():
        if not p.requires_grad or name.startswith("sentence"):
            continue
        depth = layers if name.startswith("readout") else int(name.split(".")[1]) if name.startswith("layers") else 0
        rate = tune.learning_rate * tune.layer_decay ** max(layers - 1 - depth, 0) * (5.0 if name.startswith("readout") else 1.0)
        groups.append({"params": [p], "lr": rate, "weight_decay": tune.weight_decay if p.ndim > 1 else 0.0})
    optimiser = torch.optim.AdamW(groups, betas=(0.9, 0.98), fused=True)
    for g in optimiser.param_groups:
        g["peak"] = g["lr"]
    return optimiser


def finetune(data: Path, cache: Path, config: TrainConfig, resume: bool, start: Path | None = None) -> Encoder:
    tune = config.finetune
    set_seed(config.seed, config.threads)
    tokenizer = load_tokenizer(source_folder() / "tokenizer.json")
    encoder = Encoder(config.backbone, tune.dropout)
    load_pretrained(encoder, str(source_folder() / "model.safetensors"))
    if start:
        encoder.load_state_dict(torch.load(start, weights_only=True)["encoder"])
    optimiser = optimiser_of(encoder, tune)
    state = {"tokens": 0, "epoch": 0, "batch": 0, "updates": 0}
    checkpoint = cache / "finetune.pt"
    if resume and checkpoint.exists():
        held = torch.load(checkpoint, weights_only=True)
        encoder.load_state_dict(held["encoder"])
        optimiser.load_state_dict(held["optimiser"])
        state = held["state"]
        print("resumed at", state, flush=True)
    cache.mkdir(parents=True, exist_ok=True)
    sets = validation_items(data, config)
    balance = torch.full((D,), 2.0)
    balance[ALIGNMENT] = 1.0
    started = saved = evaluated = time.time()
    sums: dict[str, list[float]] = {}
    tokens_here = 0
    encoder.train()
    while state["tokens"] < tune.total_tokens:
        # An epoch is a function of its number, so a resumed run draws the same batches.
        rng = random.Random(config.seed + state["epoch"])
        packed = pack(training_items(data, config, rng), tokenizer, config, tune.swap_share, rng)
        epoch = batches(packed, tune.batch_tokens, rng)
        print(f"epoch {state['epoch']}: {len(packed)} windows, {sum(p.window.length for p in packed)} tokens, {len(epoch)} batches", flush=True)
        for batch in epoch[state["batch"] :]:
            ids, positions, visible = collate([p.window for p in batch], [p.units for p in batch])
            t = targets_of(batch, ids.shape[1])
            done = state["tokens"] / tune.total_tokens
            factor = min(1.0, done / tune.warm_up + 0.01) * max(0.0, min(1.0, (1 - done) / (1 - tune.warm_up)))
            for g in optimiser.param_groups:
                g["lr"] = g["peak"] * factor
            with torch.autocast("cpu", torch.bfloat16):
                states = encoder(ids, positions, visible)
            found = losses(encoder, states.float(), t, balance)
            sum(found.values()).backward()
            torch.nn.utils.clip_grad_norm_(encoder.parameters(), 1.0)
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
            state = {**state, "tokens": state["tokens"] + sum(p.window.length for p in batch), "batch": state["batch"] + 1, "updates": state["updates"] + 1}
            tokens_here += sum(p.window.length for p in batch)
            for k, v in found.items():
                sums.setdefault(k, []).append(float(v.detach()))
            now = time.time()
            if state["updates"] % 50 == 0:
                means = " ".join(f"{k} {np.mean(v[-200:]):.3f}" for k, v in sums.items())
                print(f"{state['tokens'] / 1e6:.2f} M tokens, {tokens_here / (now - started):.0f}/s: {means}", flush=True)
            if now - saved > tune.checkpoint_minutes * 60:
                torch.save({"encoder": encoder.state_dict(), "optimiser": optimiser.state_dict(), "state": state}, checkpoint)
                saved = now
            if now - evaluated > tune.evaluate_minutes * 60:
                print(report(encoder, sets, tokenizer, config), flush=True)
                evaluated = time.time()
            if state["tokens"] >= tune.total_tokens:
                break
        state = {**state, "epoch": state["epoch"] + 1, "batch": 0}
    encoder.eval()
    torch.save({"encoder": encoder.state_dict(), "state": state}, cache / "encoder.pt")
    print(report(encoder, sets, tokenizer, config), flush=True)
    return encoder


if __name__ == "__main__":
    root = Path(__file__).resolve().parent.parent
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=root.parent / "shared" / "data")
    parser.add_argument("--cache", type=Path, default=root / "models" / ".cache")
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--start", type=Path)
    arguments = parser.parse_args()
    finetune(arguments.data, arguments.cache, TrainConfig(), arguments.resume, arguments.start)
