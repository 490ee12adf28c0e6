"""hrm: two recurrent levels over the steps so far, so that a step's score depends on the way that led to it."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from config import DIMENSIONS, HeadConfig
from heads.row import MEAN, Row, surface
from heads.training import Rows, masked_bce

D = len(DIMENSIONS)
CELL = 48  # width of each level
PERIOD = 4  # steps between two updates of the slow level
STATE = 2 * CELL + 1  # fast, slow, steps since the slow level moved


class Hrm(nn.Module):
    """logit, convergence, zl_magnitude, zh_magnitude (n, D), state_out (n, STATE), run_logit (n, 1).

    Each step the fast level runs twice on the same input; how much the second pass still moves it is
    the convergence. Every PERIOD steps the slow level takes the fast one in.
    """

    outputs = ("logit", "convergence", "zl_magnitude", "zh_magnitude", "state_out", "run_logit")
    main_output = "logit"

    def __init__(self, config: HeadConfig, names: list[str]) -> None:
        super().__init__()
        self.row = Row((MEAN,), ["log_hazard", *surface(names)], names, config.state_scale)
        self.project = nn.Linear(self.row.width, CELL)
        self.fast = nn.GRUCell(2 * CELL, CELL)
        self.slow = nn.GRUCell(CELL, CELL)
        self.out = nn.Linear(3 * CELL + self.row.scalars, D)
        self.run_out = nn.Linear(2 * CELL, 1)
        self.drop_in, self.drop = nn.Dropout(config.dropout / 2), nn.Dropout(config.dropout)

    def read(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(n, CELL) what the recurrence sees of a step; (n, K) its scalars."""
        row = self.row(x)
        return torch.tanh(self.project(self.drop_in(row))), row[:, -self.row.scalars :]

    def advance(self, seen: Tensor, state: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """One step: state_out (n, STATE), convergence, zl_magnitude, zh_magnitude (n, 1)."""
        zl, zh, count = state[:, :CELL], state[:, CELL : 2 * CELL], state[:, 2 * CELL :]
        joint = torch.cat([seen, zh], 1)
        first = cell(self.fast, joint, zl)
        raw = cell(self.fast, joint, first)
        convergence = length(raw - first) / (length(raw) + 1e-6)
        fast = raw / rms(raw)
        candidate = cell(self.slow, fast, zh)
        due = (count >= PERIOD - 1.5).to(seen.dtype)  # (n, 1): this is the PERIOD-th step since
        slow_raw = due * candidate + (1 - due) * zh
        count = (1 - due) * (count + 1)
        return torch.cat([fast, slow_raw, count], 1), convergence, length(raw), length(slow_raw)

    def judge(self, seen: Tensor, scalars: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """logit (n, D) and run_logit (n, 1) after a step."""
        memory = state[:, : 2 * CELL]
        return self.out(torch.cat([self.drop(torch.cat([seen, memory], 1)), scalars], 1)), self.run_out(self.drop(memory))

    def forward(self, x: Tensor, state: Tensor) -> tuple[Tensor, ...]:
        seen, scalars = self.read(x)
        after, convergence, zl, zh = self.advance(seen, state)
        logit, run = self.judge(seen, scalars, after)
        wide = torch.zeros_like(logit)
        return logit, wide + convergence, wide + zl, wide + zh, after, run


def cell(gru: nn.GRUCell, x: Tensor, h: Tensor) -> Tensor:
    """PyTorch's GRUCell in plain operators, so that the exported file holds no sequence operator."""
    a = F.linear(x, gru.weight_ih, gru.bias_ih)
    b = F.linear(h, gru.weight_hh, gru.bias_hh)
    n = h.shape[1]
    r = torch.sigmoid(a[:, :n] + b[:, :n])
    z = torch.sigmoid(a[:, n : 2 * n] + b[:, n : 2 * n])
    new = torch.tanh(a[:, 2 * n :] + r * b[:, 2 * n :])
    return (1 - z) * new + z * h


def rms(x: Tensor) -> Tensor:
    return torch.sqrt((x * x).mean(1, keepdim=True) + 1e-6)


def length(x: Tensor) -> Tensor:
    return torch.sqrt((x * x).sum(1, keepdim=True) + 1e-12)


@dataclass
class Levels:
    """Rows of a batch by depth, and for each the place of its parent in the level before."""

    rows: Tensor  # (n,) sorted by depth
    starts: list[int]  # first of each level, and n
    parents: list[Tensor]  # by level; empty for the first


def levels_of(rows: np.ndarray, step: np.ndarray, parent: np.ndarray) -> Levels:
    """rows: whole traces (or trees), so that every parent is among them, one level up."""
    order = rows[np.argsort(step[rows], kind="stable")]
    depth = step[order]
    starts = [int(s) for s in np.searchsorted(depth, np.arange(depth.max() + 2))]
    by_number = np.argsort(order)
    parents = [torch.zeros(0, dtype=torch.long)]
    for a, b, c in zip(starts, starts[1:], starts[2:]):
        place = by_number[np.searchsorted(order[by_number], parent[order[b:c]])]
        parents.append(torch.from_numpy(place - a))
    return Levels(torch.from_numpy(order), starts, parents)


def walk(model: Hrm, x: Tensor, levels: Levels) -> list[Tensor]:
    """All outputs of the rows of `levels`, in that order, each from the state its parent left."""
    seen, scalars = model.read(x[levels.rows])
    state = torch.zeros(levels.starts[1], STATE)
    found = []
    for level, (a, b) in enumerate(zip(levels.starts, levels.starts[1:])):
        if level:
            state = found[-1][0][levels.parents[level]]
        found.append(model.advance(seen[a:b], state))
    after, convergence, zl, zh = (torch.cat(column) for column in zip(*found))
    logit, run = model.judge(seen, scalars, after)
    return [logit, convergence.expand(-1, D), zl.expand(-1, D), zh.expand(-1, D), after, run]


def trace_groups(trace: np.ndarray, size: int, rng: np.random.Generator) -> list[np.ndarray]:
    """Row numbers of whole traces, about `size` rows a group, in random order."""
    order = np.argsort(trace, kind="stable")
    parts = np.split(order, np.flatnonzero(np.diff(trace[order])) + 1)
    groups, held, count = [], [], 0
    for i in rng.permutation(len(parts)):
        held.append(parts[i])
        count += len(parts[i])
        if count >= size:
            groups.append(np.concatenate(held))
            held, count = [], 0
    return groups + ([np.concatenate(held)] if held else [])


def train_hrm(rows: Rows, config: HeadConfig, names: list[str]) -> Hrm:
    """Steps on their labels, runs on their outcomes; back-propagation along the whole path."""
    model = Hrm(config, names)
    model.row.fit(rows.x[rows.labelled].numpy())
    last = np.zeros(len(rows.outcome), np.int64)
    np.maximum.at(last, rows.trace, rows.step)
    known = ~np.isnan(rows.outcome)
    outcome = torch.from_numpy(np.nan_to_num(rows.outcome).astype(np.float32))
    # A run's weight is spread over its steps, later ones more: its early steps say little of its end.
    share = ((rows.step + 1.0) / (last[rows.trace] + 1.0)) ** 2 / (last[rows.trace] + 1.0) * 3
    run_weight = torch.from_numpy((share * known[rows.trace]).astype(np.float32))
    useful = known.copy()
    useful[np.unique(rows.trace[rows.labelled.numpy()])] = True
    usable = np.flatnonzero(useful[rows.trace])
    rng = np.random.default_rng(config.hrm_rows)
    optimiser = torch.optim.AdamW(model.parameters(), config.hrm_rate, weight_decay=config.weight_decay)
    per_epoch = len(trace_groups(rows.trace[usable], config.hrm_rows, rng))
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, config.hrm_rate, total_steps=(per_epoch + 1) * config.hrm_epochs, pct_start=0.1)
    model.train()
    for _ in range(config.hrm_epochs):
        for group in trace_groups(rows.trace[usable], config.hrm_rows, rng)[: per_epoch + 1]:
            levels = levels_of(usable[group], rows.step, rows.parent)
            logit, *_, run = walk(model, rows.x, levels)
            at = levels.rows
            w = rows.w[at]
            loss = masked_bce(logit, rows.y[at], w) * len(w) / (w > 0).any(1).sum().clamp(min=1)
            if (run_weight[at] > 0).any():
                each = F.binary_cross_entropy_with_logits(run[:, 0], outcome[torch.from_numpy(rows.trace[at.numpy()])], reduction="none")
                loss = loss + config.run_share * (each * run_weight[at]).sum() / run_weight[at].sum()
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
            schedule.step()
    model.eval()
    return model
