"""Traces -> head input rows. The TypeScript side (scoring/headInput.ts) builds the same row.

Columns: goal state, context state, marker state, mean state (384 each), then the scalars: the backbone's
own quality and hazard, three cosines of sentence embeddings, and the surface features, which come from
the product's own code (models/surface.ts). Everything is causal: a row sees its own path only.
"""

import json
import subprocess
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from tokenizers import Tokenizer

from config import WIDTH, TrainConfig
from encoder import Encoder, collate
from windows import goal_head, lay_windows, units_of_steps, word_pieces

QUALITY, RELEVANCE = 0, 1
BACKBONE_SCALARS = ("quality", "log_hazard", "cos_goal_step", "cos_prev_step", "max_cos_earlier")
LOOK_BACK = 256
BATCH_TOKENS = 6000  # of one run


@dataclass
class Table:
    """Rows of one file, parents before children. NaN in y: that dimension has no label for the step."""

    x: np.ndarray  # (N, F) float32
    y: np.ndarray  # (N, D) float32 in {0, 1, NaN}
    label: np.ndarray  # (N,) float32 raw label, NaN not annotated
    trace: np.ndarray  # (N,) int32 index of the trace (or tree) in the file
    step: np.ndarray  # (N,) int32 how many steps come before it on its path
    parent: np.ndarray  # (N,) int32 row of the step before it, -1 none
    context: np.ndarray  # (N,) int64 rows with equal value judge alternatives of one context
    problem: np.ndarray  # (N,) int32 index of the problem, the unit of every bootstrap
    chars: np.ndarray  # (N,) float32 UTF-16 length of the step
    outcome: np.ndarray  # (T,) float32 by trace, NaN unknown
    source: str

    def take(self, rows: np.ndarray) -> "Table":
        """Some rows, in order; a parent left behind becomes -1."""
        place = np.full(len(self.x) + 1, -1, np.int32)
        place[rows] = np.arange(len(rows))
        return Table(
            self.x[rows], self.y[rows], self.label[rows], self.trace[rows], self.step[rows], place[self.parent[rows]],
            self.context[rows], self.problem[rows], self.chars[rows], self.outcome, self.source,
        )

    def __len__(self) -> int:
        return len(self.x)

    def save(self, path: Path) -> None:
        np.savez(path, **{f.name: getattr(self, f.name) for f in fields(self)})

    @staticmethod
    def load(path: Path) -> "Table":
        with np.load(path) as held:
            return Table(**{f.name: held[f.name] if f.name != "source" else str(held["source"]) for f in fields(Table)})


def utf16_length(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def surface_names(root: Path) -> list[str]:
    found = subprocess.run([node(root), "--no-warnings", "models/surface.ts", "--names"], cwd=root, check=True, capture_output=True)
    return json.loads(found.stdout)


def node(root: Path) -> str:
    return str(next(root.glob("node_modules/node-*/bin/node")))


def surface_rows(items: list, root: Path) -> np.ndarray:
    """(all nodes, K) surface features; each path is sent once, for the steps not sent before."""
    lines, order, offset = [], [], 0
    for item in items:
        is_parent = {n.parent for n in item.nodes}
        done: set[int] = set()
        for leaf in (i for i in range(len(item.nodes)) if i not in is_parent):
            path = [leaf]
            while item.nodes[path[-1]].parent >= 0:
                path.append(item.nodes[path[-1]].parent)
            path.reverse()
            wanted = [k for k, i in enumerate(path) if i not in done]
            done.update(path)
            order.extend(offset + path[k] for k in wanted)
            lines.append(json.dumps({"goal": item.goal, "steps": [item.nodes[i].text for i in path], "wanted": wanted}))
        offset += len(item.nodes)
    run = subprocess.run(
        [node(root), "--no-warnings", "models/surface.ts"], cwd=root, input=("\n".join(lines) + "\n").encode("utf-8", "surrogatepass"),
        check=True, stdout=subprocess.PIPE,
    )
    values = np.frombuffer(run.stdout, np.float32).reshape(len(order), -1)
    rows = np.empty_like(values)
    rows[order] = values
    return rows


@torch.inference_mode()
def encode_items(
    encoder: Encoder, tokenizer: Tokenizer, items: list, config: TrainConfig, fast: bool, sentence: bool = True,
) -> tuple[np.ndarray, np.ndarray]:
    """(all nodes, 5 * 384 + 2): goal, context, marker, mean, sentence; quality, log hazard; and the goals' sentences.

    fast: bfloat16. Without `sentence` the fifth block is the mean state the readout would read.
    """
    ids = word_pieces((text for i in items for text in i.texts), tokenizer)
    jobs, unit_lists, firsts, offset = [], [], [], 0
    for number, item in enumerate(items):
        units = units_of_steps([(n.text, n.parent) for n in item.nodes], ids, config.window)
        unit_lists.append(units)
        firsts.append(offset)
        offset += len(item.nodes)
        laid = lay_windows(goal_head(ids[item.goal], config.window), units, config.window, config.finetune.packed_tokens)
        jobs += [(w.length, number, w) for w in laid]
    jobs.sort(key=lambda j: (j[0], j[1]))
    goal, context = np.zeros((offset, WIDTH), np.float32), np.zeros((offset, WIDTH), np.float32)
    chunks: list[list[tuple]] = [[] for _ in range(offset)]  # by node: (quality, marker, mean, sentence, hazard, tokens)
    goal_sentence = np.zeros((offset, WIDTH), np.float32)
    at = 0
    while at < len(jobs):
        end = at + 1
        while end < len(jobs) and jobs[end][0] * (end + 1 - at) <= BATCH_TOKENS:
            end += 1
        ids_, positions, visible = collate([j[2] for j in jobs[at:end]], [unit_lists[j[1]] for j in jobs[at:end]])
        with torch.autocast("cpu", torch.bfloat16, enabled=fast):
            states = encoder(ids_, positions, visible)
        states = states.float()
        readout = encoder.readout(states)
        states, quality, hazard = states.numpy(), readout[:, :, QUALITY].numpy(), F.softplus(readout[:, :, -1]).numpy()
        for row, (_, number, window) in enumerate(jobs[at:end]):
            head = len(window.goal)
            for p in window.placed:
                if p.is_carry:
                    continue
                unit = unit_lists[number][p.unit]
                step = firsts[number] + unit.step
                span = slice(p.start, max(p.end - 1, p.start + 1))
                if unit.parent < 0 or unit_lists[number][unit.parent].step != unit.step:  # the step's first unit
                    goal[step] = states[row, head - 1]
                    goal_sentence[step] = states[row, 1 : max(head - 1, 2)].mean(0)
                    if p.parent >= 0:
                        context[step] = states[row, window.placed[p.parent].end - 1]
                mean = states[row, span].mean(0)
                chunks[step].append((
                    quality[row, p.end - 1], states[row, p.end - 1].copy(), mean,
                    hazard[row, p.start : p.end - 1].sum(), p.end - 1 - p.start))
        at = end
    out = np.zeros((offset, 5 * WIDTH + 2), np.float32)
    for step, parts in enumerate(chunks):
        q = np.array([c[0] for c in parts], np.float64)
        w = np.exp(-(q - q.min()))
        w = (w / w.sum()).astype(np.float32)
        tokens = np.array([max(c[4], 1) for c in parts], np.float32)
        out[step, :WIDTH], out[step, WIDTH : 2 * WIDTH] = goal[step], context[step]
        out[step, 2 * WIDTH : 3 * WIDTH] = w @ np.stack([c[1] for c in parts])
        out[step, 3 * WIDTH : 4 * WIDTH] = w @ np.stack([c[2] for c in parts])
        out[step, 4 * WIDTH : 5 * WIDTH] = (tokens / tokens.sum()) @ np.stack([c[2] for c in parts])
        out[step, -2] = float(w @ q)
        out[step, -1] = np.log(max(sum(c[3] for c in parts), 1e-6))
    if sentence:
        out[:, 4 * WIDTH : 5 * WIDTH] = sentences(encoder, out[:, 4 * WIDTH : 5 * WIDTH])
        goal_sentence = sentences(encoder, goal_sentence)
    return out, goal_sentence


def sentences(encoder: Encoder, means: np.ndarray) -> np.ndarray:
    vectors = encoder.sentence(torch.from_numpy(np.ascontiguousarray(means))).numpy()
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)


def build_table(
    encoder: Encoder, tokenizer: Tokenizer, items: list, config: TrainConfig, root: Path, source: str, fast: bool,
    outcomes: list[float] | None = None,
) -> Table:
    """items: finetune.Item, one a trace or tree."""
    encoded, goals = encode_items(encoder, tokenizer, items, config, fast)
    sentence = encoded[:, 4 * WIDTH : 5 * WIDTH]
    n = len(encoded)
    label, trace, step, parent, context, problem, chars = (np.zeros(n) for _ in range(7))
    cosines = np.zeros((n, 3), np.float32)
    y = np.concatenate([np.stack([node.y for node in item.nodes]) for item in items])
    problems: dict[str, int] = {}
    offset = contexts = 0
    for number, item in enumerate(items):
        index = problems.setdefault(" ".join(item.goal.lower().split()), len(problems))
        of_parent: dict[int, int] = {}
        for k, node_ in enumerate(item.nodes):
            row, above = offset + k, node_.parent
            parent[row] = offset + above if above >= 0 else -1
            step[row] = step[offset + above] + 1 if above >= 0 else 0
            context[row] = of_parent.setdefault(above, contexts + len(of_parent))
            trace[row], problem[row], chars[row] = number, index, utf16_length(node_.text)
            label[row] = y[row, QUALITY] if not np.isnan(y[row, QUALITY]) else 0.5 if y[row, RELEVANCE] == 0 else np.nan
            cosines[row, 0] = goals[row] @ sentence[row]
            earlier, a = [], int(parent[row])
            while a >= 0 and len(earlier) < LOOK_BACK:
                earlier.append(a)
                a = int(parent[a])
            if earlier:
                similar = sentence[earlier] @ sentence[row]
                cosines[row, 1], cosines[row, 2] = similar[0], similar.max()
        contexts += len(of_parent)
        offset += len(item.nodes)
    x = np.concatenate([encoded[:, : 4 * WIDTH], encoded[:, -2:], cosines, surface_rows(items, root)], 1)
    return Table(
        x.astype(np.float32), y, label.astype(np.float32), trace.astype(np.int32), step.astype(np.int32), parent.astype(np.int32),
        context.astype(np.int64), problem.astype(np.int32), chars.astype(np.float32),
        np.array(outcomes if outcomes else [np.nan] * len(items), np.float32), source,
    )
