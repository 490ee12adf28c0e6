"""What the heads share while they are trained: rows of all files as one set, pairs of steps, losses, the loop."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from config import DIMENSIONS, HeadConfig
from features import Table

D = len(DIMENSIONS)
SIBLINGS, MATES, STRANGERS = range(3)  # two steps of one context, of one problem, of one file


@dataclass
class Rows:
    """Rows of several files, numbered through. w is 0 where there is no label."""

    x: Tensor  # (N, F)
    y: Tensor  # (N, D) in {0, 1}, 0 where there is no label
    w: Tensor  # (N, D), mean 1 over the labelled
    step: np.ndarray  # (N,)
    parent: np.ndarray  # (N,) -1 none
    trace: np.ndarray  # (N,)
    context: np.ndarray  # (N,)
    problem: np.ndarray  # (N,)
    outcome: np.ndarray  # (T,) by trace, NaN none
    pairs: "Pairs"

    @property
    def labelled(self) -> Tensor:
        return torch.nonzero(self.w.sum(1) > 0)[:, 0]


@dataclass
class Pairs:
    """Row numbers of a better and a worse step, and the dimension the pair speaks about."""

    better: Tensor  # (P,)
    worse: Tensor  # (P,)
    dimension: Tensor  # (P,)
    kind: Tensor  # (P,) SIBLINGS, MATES or STRANGERS

    def __post_init__(self) -> None:
        self.by_kind = [torch.nonzero(self.kind == k)[:, 0] for k in (SIBLINGS, MATES, STRANGERS)]

    def draw(self, count: int, shares: tuple[float, ...], generator: torch.Generator) -> Tensor:
        """Pair numbers, so many of each kind."""
        return torch.cat([
            group[torch.randint(len(group), (int(count * share),), generator=generator)]
            for group, share in zip(self.by_kind, shares) if len(group) and share
        ])


def join_tables(tables: list[Table], source_weight: dict[str, float], seed: int) -> Rows:
    rows = traces = contexts = problems = 0
    parent, trace, context, problem = [], [], [], []
    for t in tables:
        parent.append(np.where(t.parent >= 0, t.parent + rows, -1))
        trace.append(t.trace + traces)
        context.append(t.context + contexts)
        problem.append(t.problem + problems)
        rows, traces = rows + len(t), traces + len(t.outcome)
        contexts, problems = contexts + int(t.context.max()) + 1, problems + int(t.problem.max()) + 1
    y = np.concatenate([t.y for t in tables])
    joined = np.concatenate(context), np.concatenate(problem)
    return Rows(
        torch.from_numpy(np.concatenate([t.x for t in tables])), torch.from_numpy(np.nan_to_num(y)),
        torch.from_numpy(label_weights(tables, source_weight)), np.concatenate([t.step for t in tables]),
        np.concatenate(parent), np.concatenate(trace), *joined, np.concatenate([t.outcome for t in tables]),
        preference_pairs(y, (*joined, np.repeat(np.arange(len(tables)), [len(t) for t in tables])), seed),
    )


def label_weights(tables: list[Table], source_weight: dict[str, float]) -> np.ndarray:
    """(N, D): good and bad weigh the same within a file; a file weighs what the config says."""
    parts = []
    for table in tables:
        w = np.zeros_like(table.y)
        for d in range(D):
            for value in (0.0, 1.0):
                rows = table.y[:, d] == value
                if rows.any() and (table.y[:, d] == 1 - value).any():
                    w[rows, d] = source_weight.get(table.source, 0.1) * 0.5 / rows.sum()
        parts.append(w)
    weights = np.concatenate(parts)
    return (weights / np.maximum(weights.sum(0), 1e-12) * (weights > 0).sum(0)).astype(np.float32)


def preference_pairs(y: np.ndarray, keys: tuple[np.ndarray, ...], seed: int, per_bad: int = 2) -> Pairs:
    """For each bad step up to two good ones with the same key; keys: context, problem, file."""
    rng = np.random.default_rng(seed)
    found = []
    for d in range(D):
        for kind, key in enumerate(keys):
            good, bad = np.flatnonzero(y[:, d] == 1), np.flatnonzero(y[:, d] == 0)
            good = good[np.argsort(key[good], kind="stable")]
            low, high = np.searchsorted(key[good], key[bad], "left"), np.searchsorted(key[good], key[bad], "right")
            has = high > low
            for _ in range(per_bad):
                pick = good[low[has] + (rng.random(has.sum()) * (high - low)[has]).astype(np.int64)]
                found.append((pick, bad[has], np.full(len(pick), d), np.full(len(pick), kind)))
    return Pairs(*(torch.from_numpy(np.concatenate(column)) for column in zip(*found)))


def masked_bce(logit: Tensor, y: Tensor, w: Tensor) -> Tensor:
    """Mean over rows; w is 0 where there is no label."""
    return (F.binary_cross_entropy_with_logits(logit, y, reduction="none") * w).sum() / w.shape[0]


def expectile_loss(value: Tensor, y: Tensor, w: Tensor, tau: float) -> Tensor:
    """Asymmetric squared error of sigmoid(value): tau > 0.5 leans to the upper outcomes."""
    error = y - torch.sigmoid(value)
    return (torch.where(error > 0, tau, 1 - tau) * error**2 * w).sum() / w.shape[0]


def fit(model: nn.Module, rows: Tensor, config: HeadConfig, batch_loss, epochs: int | None = None) -> None:
    """AdamW, one cycle; batch_loss(row numbers, generator) -> scalar."""
    epochs = epochs or config.epochs
    moved = [p for p in model.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(moved, config.learning_rate, weight_decay=config.weight_decay)
    steps = epochs * max(len(rows) // config.batch, 1)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, config.learning_rate, total_steps=steps, pct_start=0.1)
    generator = torch.Generator().manual_seed(torch.initial_seed())
    model.train()
    for _ in range(epochs):
        order = rows[torch.randperm(len(rows), generator=generator)]
        for start in range(0, max(len(rows) - config.batch + 1, 1), config.batch):
            loss = batch_loss(order[start : start + config.batch], generator)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
            schedule.step()
    model.eval()
