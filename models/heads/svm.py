"""svm: L2 SVM with an RBF kernel, trained in the primal on a reduced basis (Keerthi, Chapelle, DeCoste 2006)."""

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from config import DIMENSIONS, SvmConfig
from heads.row import CONTEXT, MEAN, SCALARS
from heads.training import Rows

D = len(DIMENSIONS)


class Svm(nn.Module):
    """decision (n, D) and kernel_similarity (n, D) in [0, 1]: the nearest good-class support vector.

    One basis serves all dimensions: decision = K(x, basis) @ alpha + bias.
    """

    outputs = ("decision", "kernel_similarity")
    main_output = "decision"

    def __init__(self, projection: np.ndarray, offset: np.ndarray, basis: np.ndarray, gamma: float,
                 alpha: np.ndarray, bias: np.ndarray, good: np.ndarray) -> None:
        super().__init__()
        for name, value in {
            "projection": projection, "offset": offset, "basis": basis, "alpha": alpha, "bias": bias, "good": good,
        }.items():
            self.register_buffer(name, torch.from_numpy(np.ascontiguousarray(value, np.float32)))
        self.gamma = float(gamma)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        u = x @ self.projection - self.offset  # (n, P)
        squared = (u * u).sum(1, keepdim=True) - 2 * u @ self.basis.T + (self.basis * self.basis).sum(1)
        k = torch.exp(-self.gamma * F.relu(squared))  # (n, M)
        similarity = torch.stack([(k * self.good[:, d]).amax(1) for d in range(D)], 1)
        return k @ self.alpha + self.bias, similarity


def train_svm(rows: Rows, config: SvmConfig, names: list[str], seed: int) -> Svm:
    """Squared-hinge SVM by finite Newton steps in the primal, the kernel expansion limited to the basis."""
    rng = np.random.default_rng(seed)
    labelled = rows.labelled.numpy()
    x, y, w = rows.x.numpy(), rows.y.numpy(), rows.w.numpy()
    sample = x[rng.choice(labelled, min(len(labelled), 20000), replace=False)].astype(np.float64)
    columns = []
    for block, width, factor in ((CONTEXT, config.context_pca, config.context_scale), (MEAN, config.mean_pca, config.mean_scale)):
        if width:
            part = sample[:, block]
            values, vectors = np.linalg.eigh(np.cov(part.T))
            direction = np.zeros((x.shape[1], width))
            # Unit total variance a block, times its factor.
            direction[block] = vectors[:, ::-1][:, :width] * factor / np.sqrt(values[::-1][:width].sum())
            columns.append(direction)
    chosen = [names.index(n) for n in names if n not in config.left_out]
    scalars = np.zeros((x.shape[1], len(chosen)))
    for k, c in enumerate(chosen):
        scalars[SCALARS.start + c, k] = config.scalar_scale / np.sqrt(len(chosen)) / (sample[:, SCALARS.start + c].std() + 1e-3)
    columns.append(scalars)
    projection = np.concatenate(columns, 1).astype(np.float32)  # (F, P)
    projection = projection.astype(np.float16).astype(np.float32)
    offset = (sample.mean(0) @ projection).astype(np.float32)

    # Basis: drawn by training weight, so that all files and both classes of every dimension are present.
    m, dimensions = config.basis, [d for d in range(D) if (w[:, d] > 0).any()]
    share = np.array([config.first_share if d == 0 else (1 - config.first_share) / (len(dimensions) - 1) for d in dimensions])
    basis_rows = np.concatenate([
        rng.choice(at, min(int(m * s / 2), len(at)), replace=False, p=w[at, d] / w[at, d].sum())
        for d, s in zip(dimensions, share) for value in (0, 1)
        for at in [np.flatnonzero((w[:, d] > 0) & (y[:, d] == value))]
    ])
    basis_rows = np.unique(basis_rows)
    basis = (x[basis_rows] @ projection - offset).astype(np.float16).astype(np.float32)
    m = len(basis)

    def squared(a: np.ndarray) -> np.ndarray:
        return np.maximum((a * a).sum(1)[:, None] - 2 * a @ basis.T + (basis * basis).sum(1), 0)

    between = squared(basis)
    gamma = config.gamma / float(np.median(between[between > 0]))
    k_basis = np.exp(-gamma * between).astype(np.float64)
    alpha, bias = np.zeros((m, D)), np.zeros(D)
    for d in dimensions:
        at = np.flatnonzero(w[:, d] > 0)
        if len(at) > config.most_rows:
            at = rng.choice(at, config.most_rows, replace=False, p=w[at, d] / w[at, d].sum())
            weight = np.ones(len(at), np.float32)
        else:
            weight = w[at, d]
        k = np.exp(-gamma * squared(x[at] @ projection - offset))  # (n, M) float32
        t = np.where(y[at, d] == 1, 1.0, -1.0).astype(np.float32)
        centre = k.mean(0)
        k -= centre
        decision = np.zeros(len(at), np.float32)
        for _ in range(config.newton_steps):
            active = t * decision < 1  # the support of the squared hinge
            ka, wa, ta = k[active], weight[active], t[active]
            kw = ka * wa[:, None]
            a = np.zeros((m + 1, m + 1))
            a[:m, :m] = kw.T @ ka + config.ridge * (k_basis + 1e-4 * np.eye(m))
            a[:m, m] = a[m, :m] = kw.sum(0)
            a[m, m] = wa.sum()
            answer = np.linalg.solve(a, np.append(kw.T @ ta, wa @ ta))
            decision = k @ answer[:m].astype(np.float32) + np.float32(answer[m])
        alpha[:, d], bias[d] = answer[:m], answer[m] - centre @ answer[:m]
    good = np.stack([(w[basis_rows, d] > 0) & (y[basis_rows, d] == 1) for d in range(D)], 1)
    return Svm(projection, offset, basis, gamma, alpha, bias, good).eval()
