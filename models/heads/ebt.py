"""ebt: an energy over (context, step), low where the step fits; refined by a few projected gradient steps."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from config import DIMENSIONS, HeadConfig
from heads.row import BEFORE_THE_STEP, CONTEXT, LIKENESS, MARKER, SCALARS, Row
from heads.training import SIBLINGS, Rows, fit, masked_bce

D = len(DIMENSIONS)
STEPS = 4  # R, refinement steps
RADIUS = 1.0  # rho: how far the step's states, as scaled by their row, may move
RATE = 0.1  # of the gradient steps


class Ebt(nn.Module):
    """neg_energy, baseline (neg_energy expected in this context) (n, D), energies (n, D, R + 1), path_length (n, D).

    E(s) = sum_k w_k tanh(z_k) + (what the scalars say), z = A s + (what does not move). Its gradient in s is
    A^T (w (1 - tanh^2 z)), so every refined step is s + A^T a with a few coefficients a: the whole descent
    runs in that small space, its lengths measured by the Gram matrix A A^T.
    """

    outputs = ("neg_energy", "baseline", "energies", "path_length")
    main_output = "neg_energy"

    def __init__(self, config: HeadConfig, names: list[str]) -> None:
        super().__init__()
        h = config.hidden
        self.step = Row((MARKER,), [], names, config.state_scale)
        self.rest = Row((CONTEXT,), [*LIKENESS, *BEFORE_THE_STEP], names, config.state_scale)
        self.before = Row((CONTEXT,), list(BEFORE_THE_STEP), names, config.state_scale)
        self.step_in = nn.Linear(self.step.width, h, bias=False)  # A
        self.rest_in = nn.Linear(self.rest.width, h)
        self.out = nn.Linear(h, D)  # w
        self.rest_out = nn.Linear(self.rest.scalars, D)
        self.baseline = nn.Sequential(nn.Linear(self.before.width, h), nn.ReLU(), nn.Dropout(config.dropout), nn.Linear(h, D))
        self.drop_in, self.drop = nn.Dropout(config.dropout / 2), nn.Dropout(config.dropout)

    def energy(self, x: Tensor) -> Tensor:
        """(n, D)"""
        rest = self.drop_in(self.rest(x))
        z = self.step_in(self.drop_in(self.step(x))) + self.rest_in(rest)
        return self.out(self.drop(torch.tanh(z))) + self.rest_out(rest[:, -self.rest.scalars :])

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        energies, path = self.refine(x)
        return -energies[:, :, 0], self.baseline(self.before(x)), energies, path

    def refine(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Energies (n, D, R + 1) on the way down, each dimension its own, and the length of the way (n, D)."""
        w, gram = self.out.weight, self.step_in.weight @ self.step_in.weight.T  # (D, h), (h, h)
        rest = self.rest(x)
        z0 = (self.step_in(self.step(x)) + self.rest_in(rest))[:, None, :]  # (n, 1, h)
        still = self.out.bias + self.rest_out(rest[:, -self.rest.scalars :])  # (n, D)
        a = torch.zeros_like(still)[:, :, None] * z0  # (n, D, h)
        path, energies = torch.zeros_like(still), []
        for number in range(STEPS + 1):
            t = torch.tanh(z0 + a @ gram)
            energies.append(still + (t * w).sum(2))
            if number < STEPS:
                moved = a - RATE * w * (1 - t * t)
                moved = moved * torch.clamp(RADIUS / length(moved, gram), max=1.0)[:, :, None]
                path = path + length(moved - a, gram)
                a = moved
        return torch.stack(energies, 2), path


def length(a: Tensor, gram: Tensor) -> Tensor:
    """|A^T a|, (n, D)."""
    return torch.sqrt(F.relu(((a @ gram) * a).sum(2)) + 1e-12)


def train_ebt(rows: Rows, config: HeadConfig, names: list[str]) -> Ebt:
    """Noise-contrastive estimation, pointwise (good steps against noise) and within a context (softmax).

    Noise: worse alternatives of the same context, and steps of the same problem set into a context that
    is not theirs: their states and scalars with the context of the step they are compared to.
    """
    model = Ebt(config, names)
    labelled = rows.labelled
    for row in (model.step, model.rest, model.before):
        row.fit(rows.x[labelled].numpy())
    before = torch.tensor([names.index(n) + SCALARS.start for n in BEFORE_THE_STEP])
    mates = ProblemMates(rows, labelled)

    def transplant(step: Tensor, into: Tensor) -> Tensor:
        x = rows.x[step]
        x[:, CONTEXT] = rows.x[into][:, CONTEXT]
        x[:, before] = rows.x[into][:, before]
        return x

    def loss(at: Tensor, generator: torch.Generator) -> Tensor:
        n = len(at)
        own = model.energy(rows.x[at])  # (n, D)
        pointwise = masked_bce(-own, rows.y[at], rows.w[at])
        pick = rows.pairs.draw(n, config.pair_shares, generator)
        good, bad, d = rows.pairs.better[pick], rows.pairs.worse[pick], rows.pairs.dimension[pick][:, None]
        moved = mates.draw(good, generator)
        e_good = model.energy(rows.x[good]).gather(1, d)
        e_bad = model.energy(torch.where((rows.pairs.kind[pick] == SIBLINGS)[:, None], rows.x[bad], transplant(bad, good))).gather(1, d)
        e_moved = model.energy(transplant(moved, good)).gather(1, d)
        within = -F.log_softmax(-torch.cat([e_good, e_bad, e_moved], 1), 1)[:, 0].mean()
        expected = F.mse_loss(model.baseline(model.drop_in(model.before(rows.x[at]))), -own.detach())
        return pointwise + within + 0.2 * expected

    fit(model, labelled, config, loss)
    return model


class ProblemMates:
    """Draws, for a row, a labelled row of the same problem."""

    def __init__(self, rows: Rows, among: Tensor) -> None:
        problem = torch.from_numpy(rows.problem)
        self.order = among[torch.argsort(problem[among], stable=True)]
        sorted_problem = problem[self.order].contiguous()
        self.low = torch.searchsorted(sorted_problem, problem, right=False)
        self.high = torch.searchsorted(sorted_problem, problem, right=True)

    def draw(self, row: Tensor, generator: torch.Generator) -> Tensor:
        low, high = self.low[row], self.high[row]
        return self.order[low + (torch.rand(len(row), generator=generator) * (high - low)).long()]
