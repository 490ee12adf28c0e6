"""mrq: a Bradley-Terry value, learned from pairs of steps alone."""

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from config import DIMENSIONS, HeadConfig
from heads.row import BEFORE_THE_STEP, CONTEXT, MEAN, Row, surface
from heads.training import Rows, fit

D = len(DIMENSIONS)
AXES = 64  # principal axes in which the distance to good steps is measured


class Mrq(nn.Module):
    """value, baseline (the value expected in this context), embedding_distance (to good steps), each (n, D)."""

    outputs = ("value", "baseline", "embedding_distance")
    main_output = "value"

    def __init__(self, config: HeadConfig, names: list[str]) -> None:
        super().__init__()
        h = config.hidden
        self.row = Row((), ["log_hazard", *surface(names)], names)
        self.before = Row((CONTEXT,), list(BEFORE_THE_STEP), names, config.state_scale)
        self.value_in = nn.Linear(self.row.width, h)
        self.value_out = nn.Linear(h, D)
        self.baseline = nn.Sequential(nn.Linear(self.before.width, h), nn.ReLU(), nn.Dropout(config.dropout), nn.Linear(h, D))
        self.step = Row((MEAN,), [], names)
        self.register_buffer("axes", torch.zeros(self.step.width, AXES))
        self.register_buffer("centre", torch.zeros(D, AXES))  # mean good step
        self.drop_in, self.drop = nn.Dropout(config.dropout / 2), nn.Dropout(config.dropout)

    def value(self, x: Tensor) -> Tensor:
        row = self.row(x)
        return self.value_out(self.drop(F.relu(self.value_in(self.drop_in(row)))))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        away = (self.step(x) @ self.axes)[:, None, :] - self.centre  # (n, D, AXES)
        return self.value(x), self.baseline(self.before(x)), torch.sqrt((away * away).mean(2) + 1e-9)


def train_mrq(rows: Rows, config: HeadConfig, names: list[str]) -> Mrq:
    """Bradley-Terry: P(better beats worse) = sigmoid of the difference of values. No label is used on its own."""
    model = Mrq(config, names)
    labelled = rows.labelled
    for row in (model.row, model.before, model.step):
        row.fit(rows.x[labelled].numpy())
    with torch.no_grad():
        step = model.step(rows.x[labelled]).numpy()
        values, vectors = np.linalg.eigh(np.cov(step.T))
        axes = vectors[:, ::-1][:, :AXES] / np.sqrt(values[::-1][:AXES])  # whitened
        model.axes.copy_(torch.from_numpy(axes.astype(np.float32)))
        place = torch.from_numpy(step) @ model.axes
        good = rows.y[labelled] * rows.w[labelled]
        model.centre.copy_((good.T @ place) / good.sum(0)[:, None].clamp(min=1e-6))

    def loss(at: Tensor, generator: torch.Generator) -> Tensor:
        pick = rows.pairs.draw(len(at), config.mrq_shares, generator)
        d = rows.pairs.dimension[pick][:, None]
        x = rows.x[torch.cat([rows.pairs.better[pick], rows.pairs.worse[pick]])]
        value = model.value(x)
        better, worse = value[: len(pick)].gather(1, d), value[len(pick) :].gather(1, d)
        expected = model.baseline(model.drop_in(model.before(x)))
        return F.softplus(worse - better).mean() + 0.2 * F.mse_loss(expected, value.detach())

    fit(model, labelled, config, loss)
    return model
