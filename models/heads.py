"""The three heads, complete in one file: what they compute, what they are trained on, how.

sicql              regression: Q of (context, step), V of the context alone, an upper expectile, a policy
contrastive_ranker pairs: g(step) - g(baseline for this goal), antisymmetric by construction
svm                kernel: L2 SVM in the primal on a reduced RBF basis (Keerthi et al. 2006)

All take a head input row (features.py) and return raw outputs per dimension; calibration is applied
outside the graph, on reading.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from config import DIMENSIONS, POSITION_COLUMN, SCALARS, WIDTH, HeadConfig, SvmConfig, set_seed
from features import Table

D, H = len(DIMENSIONS), WIDTH


def train_weights(tables: list[Table], source_weight: dict[str, float]) -> np.ndarray:
    """(N, D): good and bad weigh the same within a file; a file weighs what the config says; mean 1."""
    parts = []
    for table in tables:
        w = np.zeros_like(table.y)
        for d in range(D):
            for value in (0.0, 1.0):
                rows = table.y[:, d] == value
                if rows.any() and (table.y[:, d] == 1 - value).any():
                    w[rows, d] = source_weight[table.source] * 0.5 / rows.sum()
        parts.append(w)
    weights = np.concatenate(parts)
    return (weights / weights.sum(0) * (weights > 0).sum(0)).astype(np.float32)


class RowParts(nn.Module):
    """Splits a row into blocks of unit scale. Buffers hold the scalars' training mean and deviation."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(len(SCALARS)))
        self.register_buffer("std", torch.ones(len(SCALARS)))

    def fit(self, x: np.ndarray) -> None:
        scalars = torch.from_numpy(x[:, 4 * H :])
        self.mean.copy_(scalars.mean(0))
        self.std.copy_(scalars.std(0) + 1e-6)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        root = H**0.5  # entries of a unit vector have deviation 1 / sqrt(H)
        goal, step = x[:, :H] * root, x[:, H : 2 * H] * root  # (N, H)
        context, prev = x[:, 2 * H : 3 * H] * root, x[:, 3 * H : 4 * H] * root
        return goal, step, context, prev, (x[:, 4 * H :] - self.mean) / self.std


class Sicql(nn.Module):
    """q, v, q_upper (N, D) logits of P(good) under balanced classes; policy_logits (N, D, 3)."""

    def __init__(self, config: HeadConfig) -> None:
        super().__init__()
        self.parts = RowParts()
        h = config.hidden
        # The goal enters Q through its cosine only: given the vector (or products with it), Q learned
        # the 885 training problems by heart and lost 0.02 AUROC on others (LOG.md).
        self.q_in = nn.Linear(3 * H + len(SCALARS), h)
        self.q_out = nn.Linear(h, D)
        self.q_scalars = nn.Linear(len(SCALARS), D)
        self.gap_out = nn.Linear(h, D)
        self.policy_out = nn.Linear(h + D, 3 * D)
        self.v_in = nn.Linear(3 * H + 1, h)
        self.v_out = nn.Linear(h, D)
        self.drop_in, self.drop = nn.Dropout(config.dropout / 2), nn.Dropout(config.dropout)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        goal, step, context, prev, scalars = self.parts(x)
        joint = torch.cat([self.drop_in(torch.cat([step, context, prev], 1)), scalars], 1)  # (N, 3H + 8)
        z = self.drop(F.relu(self.q_in(joint)))  # (N, h)
        q = self.q_out(z) + self.q_scalars(scalars)
        gap = F.softplus(self.gap_out(z.detach()))  # >= 0, so q_upper >= q
        policy = self.policy_out(torch.cat([z, q], 1).detach()).reshape(-1, D, 3)
        position = scalars[:, POSITION_COLUMN - 4 * H : POSITION_COLUMN - 4 * H + 1]
        before = torch.cat([goal, context, prev, position], 1)  # (N, 3H + 1): never the step
        v = self.v_out(self.drop(F.relu(self.v_in(self.drop_in(before)))))
        return q, v, q + gap, policy


class ContrastiveRanker(nn.Module):
    """preference_logit, embedding_similarity, utility, each (N, D)."""

    def __init__(self, config: HeadConfig) -> None:
        super().__init__()
        self.parts = RowParts()
        h = config.hidden
        self.step_in = nn.Linear(H, h)
        self.place_in = nn.Linear(2 * H, h)
        self.scalars_in = nn.Linear(len(SCALARS), h)
        self.out = nn.Linear(h, D)
        self.scalars_out = nn.Linear(len(SCALARS), D)
        self.baseline = nn.Linear(H, H)  # the step one would expect for this goal
        self.step_side = nn.Linear(H, D * 32, bias=False)
        self.goal_side = nn.Linear(H, D * 32)  # projected centroid of good steps for this goal
        self.drop_in, self.drop = nn.Dropout(config.dropout / 2), nn.Dropout(config.dropout)
        keep = torch.zeros(len(SCALARS))
        keep[POSITION_COLUMN - 4 * H] = 1.0
        self.register_buffer("keep_position", keep)
        self.similarity_scale = nn.Parameter(torch.full((D,), 4.0))
        self.similarity_bias = nn.Parameter(torch.zeros(D))

    def value(self, step: Tensor, place: Tensor, scalars: Tensor) -> Tensor:
        """g, (N, D). place (N, h) encodes context and previous step."""
        z = F.relu(self.step_in(self.drop_in(step)) + place + self.scalars_in(scalars))
        return self.out(self.drop(z)) + self.scalars_out(scalars)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        goal, step, context, prev, scalars = self.parts(x)
        place = self.place_in(self.drop_in(torch.cat([context, prev], 1)))
        utility = self.value(step, place, scalars)
        base = self.value(self.baseline(goal), place, scalars * self.keep_position)
        a = self.step_side(step).reshape(-1, D, 32)
        b = self.goal_side(goal).reshape(-1, D, 32)
        norms = torch.sqrt((a * a).sum(2) + 1e-6) * torch.sqrt((b * b).sum(2) + 1e-6)
        return utility - base, (a * b).sum(2) / norms, utility


class Svm(nn.Module):
    """decision (N, D) and kernel_similarity (N, D) in [0, 1]: the nearest good-class support vector.

    One basis serves both dimensions: decision = K(x, basis) @ alpha + bias.
    """

    def __init__(self, projection: np.ndarray, offset: np.ndarray, basis: np.ndarray, gamma: float,
                 alpha: np.ndarray, bias: np.ndarray, good: np.ndarray) -> None:
        super().__init__()
        for name, value in {
            "projection": projection, "offset": offset, "basis": basis, "alpha": alpha, "bias": bias, "good": good,
        }.items():
            self.register_buffer(name, torch.from_numpy(np.ascontiguousarray(value, np.float32)))
        self.gamma = float(gamma)

    def kernel(self, x: Tensor) -> Tensor:
        u = x @ self.projection - self.offset  # (N, P)
        squared = (u * u).sum(1, keepdim=True) - 2 * u @ self.basis.T + (self.basis * self.basis).sum(1)
        return torch.exp(-self.gamma * F.relu(squared))  # (N, M)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        k = self.kernel(x)
        similarity = torch.stack([(k * self.good[:, d]).amax(1) for d in range(D)], 1)
        return k @ self.alpha + self.bias, similarity


@dataclass(frozen=True)
class Pairs:
    """Row numbers of a better and a worse step, and the dimension the pair speaks about."""

    better: np.ndarray  # (P,)
    worse: np.ndarray  # (P,)
    dimension: np.ndarray  # (P,)


def preference_pairs(tables: list[Table], seed: int, per_bad: int = 2) -> Pairs:
    """Alternatives of one context first; else a good and a bad step of the same problem."""
    rng = np.random.default_rng(seed)
    better, worse, dimension, base = [], [], [], 0
    for table in tables:
        for d in range(D):
            for key in (table.context, table.problem):
                groups: dict[int, tuple[list[int], list[int]]] = {}
                for row in np.flatnonzero(~np.isnan(table.y[:, d])):
                    groups.setdefault(int(key[row]), ([], []))[int(table.y[row, d])].append(int(row))
                for bads, goods in groups.values():
                    for bad in bads if goods else ():
                        for good in rng.choice(goods, min(per_bad, len(goods)), replace=False):
                            better.append(base + good)
                            worse.append(base + bad)
                            dimension.append(d)
        base += len(table)
    return Pairs(np.array(better), np.array(worse), np.array(dimension))


def masked_bce(logit: Tensor, y: Tensor, w: Tensor) -> Tensor:
    """Mean over labelled entries; w is 0 where there is no label."""
    loss = F.binary_cross_entropy_with_logits(logit, torch.nan_to_num(y), reduction="none")
    return (loss * w).sum() / w.shape[0]


def expectile_loss(value: Tensor, y: Tensor, w: Tensor, tau: float) -> Tensor:
    """Asymmetric squared error of sigmoid(value): tau > 0.5 leans to the upper outcomes."""
    error = torch.nan_to_num(y) - torch.sigmoid(value)
    return (torch.where(error > 0, tau, 1 - tau) * error**2 * w).sum() / w.shape[0]


def fit(model: nn.Module, rows: int, config: HeadConfig, batch_loss, epochs: int | None = None) -> None:
    """AdamW with a cosine schedule; batch_loss(row numbers, generator) -> scalar."""
    epochs = epochs or config.epochs
    optimiser = torch.optim.AdamW(
        [p for p in model.parameters() if p.requires_grad], config.learning_rate, weight_decay=config.weight_decay,
    )
    steps = epochs * (rows // config.batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, config.learning_rate, total_steps=steps, pct_start=0.1)
    generator = torch.Generator().manual_seed(torch.initial_seed())
    model.train()
    for _ in range(epochs):
        order = torch.randperm(rows, generator=generator)
        for start in range(0, rows - config.batch + 1, config.batch):
            loss = batch_loss(order[start : start + config.batch], generator)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
            schedule.step()
    model.eval()


def train_sicql(x: Tensor, y: Tensor, w: Tensor, config: HeadConfig, seed: int, threads: int) -> Sicql:
    set_seed(seed, threads)
    model = Sicql(config)
    model.parts.fit(x.numpy())

    def loss(rows: Tensor, _: torch.Generator) -> Tensor:
        q, v, q_upper, _ = model(x[rows])
        return (
            masked_bce(q, y[rows], w[rows])
            + expectile_loss(v, y[rows], w[rows], config.outlook_expectile)
            + expectile_loss(q.detach() + q_upper - q, y[rows], w[rows], config.upper_expectile)
        )

    fit(model, len(x), config, loss)
    return model


def train_policy(model: Sicql, x: Tensor, action: Tensor, w: Tensor, config: HeadConfig) -> None:
    """action (N, D) in {0 accept, 1 revise, 2 escalate}, -1 none; only the policy layer moves."""
    for name, parameter in model.named_parameters():
        parameter.requires_grad = name.startswith("policy_out")

    def loss(rows: Tensor, _: torch.Generator) -> Tensor:
        policy = model(x[rows])[3]  # (n, D, 3)
        each = F.cross_entropy(policy.reshape(-1, 3), action[rows].reshape(-1).clamp(min=0), reduction="none")
        return (each.reshape(-1, D) * w[rows]).sum() / len(rows)

    fit(model, len(x), config, loss, epochs=3)


def train_ranker(
    x: Tensor, y: Tensor, w: Tensor, pairs: Pairs, config: HeadConfig, seed: int, threads: int,
) -> ContrastiveRanker:
    set_seed(seed, threads)
    model = ContrastiveRanker(config)
    model.parts.fit(x.numpy())
    better, worse = torch.from_numpy(pairs.better), torch.from_numpy(pairs.worse)
    dimension = torch.from_numpy(pairs.dimension)

    def loss(rows: Tensor, generator: torch.Generator) -> Tensor:
        pick = torch.randint(len(better), (len(rows),), generator=generator)
        preference, similarity, utility = model(torch.cat([x[rows], x[better[pick]], x[worse[pick]]]))
        n = len(rows)
        column = dimension[pick][:, None]
        gap = utility[n : 2 * n].gather(1, column) - utility[2 * n :].gather(1, column)
        similar = similarity[:n] * model.similarity_scale + model.similarity_bias
        return (
            F.softplus(-gap).mean()
            + masked_bce(preference[:n], y[rows], w[rows])
            + 0.5 * masked_bce(similar, y[rows], w[rows])
        )

    fit(model, len(x), config, loss)
    return model


def train_svm(x: np.ndarray, y: np.ndarray, w: np.ndarray, config: SvmConfig, seed: int) -> Svm:
    """Squared-hinge SVM by finite Newton steps in the primal, kernel expansion limited to the basis."""
    rng = np.random.default_rng(seed)
    sample = x[rng.choice(len(x), min(len(x), 20000), replace=False)].astype(np.float64)
    columns, blocks = [], []
    for block, width in enumerate((config.other_pca, config.step_pca, config.other_pca, config.other_pca)):
        part = sample[:, block * H : (block + 1) * H]
        _, vectors = np.linalg.eigh(np.cov(part.T))
        direction = np.zeros((x.shape[1], width))
        direction[block * H : (block + 1) * H] = vectors[:, ::-1][:, :width] * H**0.5
        # The step's own block weighs most: RBF distance should be about the step first.
        columns.append(direction * (1.0 if block == 1 else 0.5))
    scalars = np.zeros((x.shape[1], len(SCALARS)))
    scalars[4 * H :] = np.diag(2.0 / (sample[:, 4 * H :].std(0) + 1e-6))
    columns.append(scalars)
    projection = np.concatenate(columns, 1)  # (F, P)
    offset = sample.mean(0) @ projection
    u = (x @ projection.astype(np.float32) - offset.astype(np.float32)).astype(np.float32)

    # Basis: drawn by training weight, so both classes and all files are present.
    good, bad = np.flatnonzero((y == 1).any(1) & (w.sum(1) > 0)), np.flatnonzero(y[:, 0] == 0)
    neutral = np.flatnonzero(y[:, 1] == 0)
    m = config.basis
    chosen = []
    for rows, count in ((good, m * 2 // 5), (bad, m * 2 // 5), (neutral, m - 2 * (m * 2 // 5))):
        p = w[rows].sum(1).astype(np.float64)
        chosen.append(rng.choice(rows, count, replace=False, p=p / p.sum()))
    basis_rows = np.concatenate(chosen)
    basis = u[basis_rows]
    good_class = np.stack([y[basis_rows, d] == 1 for d in range(D)], 1)

    def squared(a: np.ndarray) -> np.ndarray:
        return np.maximum((a * a).sum(1)[:, None] - 2 * a @ basis.T + (basis * basis).sum(1), 0)

    between = squared(basis)
    gamma = config.gamma / float(np.median(between[between > 0]))
    k_basis = np.exp(-gamma * between).astype(np.float64)
    kernel = np.exp(-gamma * squared(u))  # (N, M) float32
    alpha, bias = np.zeros((m, D)), np.zeros(D)
    for d in range(D):
        rows = np.flatnonzero(w[:, d] > 0)
        k, t, weight = kernel[rows], np.where(y[rows, d] == 1, 1.0, -1.0), w[rows, d]
        centre = k.mean(0)
        k = k - centre
        decision = np.zeros(len(rows))
        solution, intercept = np.zeros(m), 0.0
        for _ in range(config.newton_steps):
            active = t * decision < 1  # the support of the squared hinge
            ka, wa, ta = k[active], weight[active], t[active]
            kw = ka * wa[:, None]
            a = np.zeros((m + 1, m + 1))
            a[:m, :m] = kw.T @ ka + config.ridge * (k_basis + 1e-4 * np.eye(m))
            a[:m, m] = a[m, :m] = kw.sum(0)
            a[m, m] = wa.sum()
            answer = np.linalg.solve(a, np.append(kw.T @ ta, wa @ ta))
            solution, intercept = answer[:m], answer[m]
            decision = k @ solution + intercept
        alpha[:, d], bias[d] = solution, intercept - centre @ solution
    return Svm(projection, offset, basis, gamma, alpha, bias, good_class).eval()


def run_head(model: nn.Module, x: np.ndarray, batch: int = 4096) -> list[np.ndarray]:
    """All outputs of a head over (N, F) rows, in the order of its forward."""
    with torch.inference_mode():
        parts = [model(torch.from_numpy(x[i : i + batch])) for i in range(0, len(x), batch)]
    return [torch.cat(column).numpy() for column in zip(*parts)]
