"""Figures, each with a 95 % bootstrap interval that draws whole problems."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import rankdata

if TYPE_CHECKING:
    from features import Table

DRAWS, SEED = 1000, 20261123


def auroc(score: np.ndarray, y: np.ndarray) -> float:
    """P(score of a good step > score of a bad one), ties half. NaN with one class."""
    positives = int(y.sum())
    negatives = len(y) - positives
    if positives == 0 or negatives == 0:
        return float("nan")
    return float((rankdata(score)[y == 1].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def draws_of(count: int) -> np.ndarray:
    """(DRAWS, count): how often each problem is drawn."""
    return np.random.default_rng(SEED).multinomial(count, np.full(count, 1 / count), DRAWS).astype(np.float32)


def interval(values: np.ndarray) -> list[float]:
    return [float(v) for v in np.nanpercentile(values, [2.5, 97.5])]


def auroc_draws(score: np.ndarray, y: np.ndarray, problem: np.ndarray) -> np.ndarray:
    """(DRAWS,) AUROC under the bootstrap, from the wins of problem p's good steps over problem q's bad ones."""
    _, index = np.unique(problem, return_inverse=True)
    count = int(index.max()) + 1
    order = np.argsort(index, kind="stable")
    good, bad = order[y[order] == 1], order[y[order] == 0]
    bad_starts = np.flatnonzero(np.diff(index[bad], prepend=-1))
    wins = np.zeros((count, count), np.float32)
    pairs = np.outer(np.bincount(index[good], minlength=count), np.bincount(index[bad], minlength=count)).astype(np.float32)
    bad_score = score[bad]
    for start in range(0, len(good), 1024):
        part = good[start : start + 1024]
        above = (score[part][:, None] > bad_score).astype(np.float32) + 0.5 * (score[part][:, None] == bad_score)
        np.add.at(wins, (index[part][:, None], index[bad[bad_starts]][None]), np.add.reduceat(above, bad_starts, 1))
    weights = draws_of(count)
    with np.errstate(invalid="ignore"):
        return ((weights @ wins) * weights).sum(1) / ((weights @ pairs) * weights).sum(1)


def auroc_figure(score: np.ndarray, y: np.ndarray, problem: np.ndarray, against: np.ndarray | None = None) -> dict:
    """AUROC and interval; with `against` also the gain over that score and its interval."""
    own = auroc_draws(score, y, problem)
    found = {"auroc": auroc(score, y), "ci": interval(own)}
    if against is not None:
        found["gain"] = found["auroc"] - auroc(against, y)
        found["gainCi"] = interval(own - auroc_draws(against, y, problem))
    return found


def mean_figure(value: np.ndarray, problem: np.ndarray) -> dict:
    """Mean and interval."""
    _, index = np.unique(problem, return_inverse=True)
    weights = draws_of(int(index.max()) + 1)
    sums, counts = np.bincount(index, value), np.bincount(index)
    return {"share": float(value.mean()), "ci": interval((weights @ sums) / (weights @ counts)), "n": int(len(value))}


def auprc_bad(score: np.ndarray, y: np.ndarray) -> float:
    """Average precision of finding bad steps (low scores first); chance level is the bad share."""
    order = np.argsort(score, kind="stable")
    bad = 1 - y[order]
    precision = np.cumsum(bad) / np.arange(1, len(bad) + 1)
    return float((precision * bad).sum() / max(bad.sum(), 1))


def ece(p: np.ndarray, y: np.ndarray, bins: int = 10) -> float:
    """Expected calibration error over bins of equal count."""
    parts = np.array_split(np.argsort(p, kind="stable"), bins)
    return float(sum(abs(p[b].mean() - y[b].mean()) * len(b) for b in parts if len(b)) / len(p))


def step_figures(score: np.ndarray, y: np.ndarray, problem: np.ndarray, p: np.ndarray | None = None) -> dict:
    """score ranks the steps; p is the calibrated P(good), if there is one."""
    found = {**auroc_figure(score, y, problem), "auprc": auprc_bad(score, y)}
    return found if p is None else {**found, "ece": ece(p, y)}


def first_error_parts(score: np.ndarray, table: Table, threshold: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Per trace: is erroneous, is predicted right, problem. Predicted: first step with score < threshold.

    Traces that end unannotated without an error are left out. Table must hold every step of chains.
    """
    wrong, right, problem = [], [], []
    starts = np.flatnonzero(np.diff(table.trace, prepend=-1))
    for start, end in zip(starts, np.append(starts[1:], len(table))):
        label = table.label[start:end]
        errors = np.flatnonzero(label == 0)
        if not len(errors) and np.isnan(label).any():
            continue
        below = np.flatnonzero(score[start:end] < threshold)
        found = below[0] if len(below) else -1
        wrong.append(len(errors) > 0)
        right.append(found == (errors[0] if len(errors) else -1))
        problem.append(table.problem[start])
    return np.array(wrong), np.array(right), np.array(problem)


def f1_of(wrong: np.ndarray, right: np.ndarray) -> float:
    """ProcessBench: harmonic mean of the accuracies on erroneous and on clean traces."""
    if wrong.all() or not wrong.any():
        return float("nan")
    a, b = right[wrong].mean(), right[~wrong].mean()
    return float(2 * a * b / (a + b)) if a + b > 0 else 0.0


def first_error_figure(score: np.ndarray, table: Table, threshold: float) -> dict:
    wrong, right, problem = first_error_parts(score, table, threshold)
    _, index = np.unique(problem, return_inverse=True)
    weights = draws_of(int(index.max()) + 1)

    def share(rows: np.ndarray) -> np.ndarray:
        return (weights @ np.bincount(index, rows & right, len(weights[0]))) / (weights @ np.bincount(index, rows, len(weights[0])))

    with np.errstate(invalid="ignore", divide="ignore"):
        a, b = share(wrong), share(~wrong)
        drawn = np.where(a + b > 0, 2 * a * b / (a + b), 0.0)
    return {
        "f1": f1_of(wrong, right), "ci": interval(drawn), "accuracyErroneous": float(right[wrong].mean()),
        "accuracyClean": float(right[~wrong].mean()), "traces": int(len(wrong)),
    }


def best_first_error_threshold(scores: list[np.ndarray], tables: list[Table]) -> tuple[float, float]:
    """(threshold, F1) by the mean F1 over sets, among 200 quantiles of the scores."""
    options = np.unique(np.quantile(np.concatenate(scores), np.linspace(0.001, 0.8, 200)))
    f1 = [np.nanmean([f1_of(*first_error_parts(s, t, cut)[:2]) for s, t in zip(scores, tables)]) for cut in options]
    # The middle of the plateau around the best smoothed value: a single spike would not carry over.
    smooth = np.convolve(np.pad(f1, 8, mode="edge"), np.ones(17) / 17, mode="valid")
    best = int(np.argmax(smooth))
    return float(options[best]), float(f1[best])


def independence(p: np.ndarray, y: np.ndarray, scorers: tuple[str, ...]) -> dict:
    """How far scorers err alike; p (S, n) calibrated on this set. Only scorers within 0.05 AUROC of the best count in the means.

    residual: correlation of p - y, with good and bad weighing the same. withinClass: of p once each class' mean
    is taken off, so that the label itself is no common cause. wrong: of being wrong at the cut that balances the classes.
    """
    each = [auroc(row, y) for row in p]
    near = [i for i, a in enumerate(each) if a >= max(each) - 0.05]
    weight = np.where(y == 1, 0.5 / (y == 1).sum(), 0.5 / (y == 0).sum())
    logits = logit(p)

    def correlation(values: np.ndarray) -> np.ndarray:
        centred = values - (values * weight).sum(1, keepdims=True)
        covariance = (centred * weight) @ centred.T
        root = np.sqrt(np.maximum(np.diag(covariance), 1e-12))  # a flat scorer has no errors of its own: 0
        return covariance / np.outer(root, root)

    def balanced(values: np.ndarray) -> np.ndarray:
        """Probabilities as if both classes were as frequent."""
        share = y.mean()
        return logistic(values - np.log(share / (1 - share)))

    even = np.stack([balanced(row) for row in logits])
    centred = np.where(y == 1, even - even[:, y == 1].mean(1, keepdims=True), even - even[:, y == 0].mean(1, keepdims=True))
    found: dict = {"scorers": list(scorers), "near": [scorers[i] for i in near]}
    for name, values in (("residual", even - y), ("withinClass", centred), ("wrong", ((even >= 0.5) != (y == 1)).astype(float))):
        c = correlation(values)
        among = c[np.ix_(near, near)]
        eigen = np.linalg.eigvalsh(c)
        found[name] = {
            "matrix": np.round(c, 3).tolist(), "effective": float(eigen.sum() ** 2 / (eigen**2).sum()),
            "mean": float(among[np.triu_indices(len(near), 1)].mean()) if len(near) > 1 else None,
        }
    return found


def risk_coverage(p: np.ndarray, uncertainty: np.ndarray, y: np.ndarray) -> dict:
    """Share wrong among the surest steps, by how many are kept; area under the curve beside the two extremes."""
    wrong = ((p >= 0.5) != (y == 1)).astype(float)

    def area(order: np.ndarray) -> float:
        return float((np.cumsum(wrong[order]) / np.arange(1, len(wrong) + 1)).mean())

    order = np.argsort(uncertainty, kind="stable")
    return {
        "at": {str(c): float(wrong[order[: max(1, int(len(wrong) * c))]].mean()) for c in (0.25, 0.5, 0.75, 1.0)},
        "area": area(order), "marginArea": area(np.argsort(1 - abs(2 * p - 1), kind="stable")),
        "bestArea": area(np.argsort(wrong, kind="stable")), "n": int(len(wrong)),
    }


def sibling_figures(scores: dict[str, np.ndarray], table: Table) -> dict:
    """Of alternatives in one context that people rated differently the highest-scored is taken: how often it was rated good."""
    labelled = np.flatnonzero(~np.isnan(table.label))
    order = labelled[np.argsort(table.context[labelled], kind="stable")]
    groups = [g for g in np.split(order, np.flatnonzero(np.diff(table.context[order])) + 1) if len(set(table.label[g])) > 1]
    problem = np.array([table.problem[g[0]] for g in groups])
    good = table.label == 1
    found = {name: mean_figure(np.array([good[g[np.argmax(s[g])]] for g in groups], float), problem) for name, s in scores.items()}
    found["random"] = mean_figure(np.array([good[g].mean() for g in groups]), problem)
    found["oracle"] = mean_figure(np.array([good[g].any() for g in groups], float), problem)
    return found


def pair_figures(scores: dict[str, np.ndarray], table: Table, area: list[str]) -> dict:
    """Hand-made pairs: how often the right one scores higher, by area. area: by trace."""
    right, wrong = np.flatnonzero(table.y[:, 0] == 1), np.flatnonzero(table.y[:, 0] == 0)
    right, wrong = right[np.argsort(table.trace[right])], wrong[np.argsort(table.trace[wrong])]
    of = np.array([area[t] for t in table.trace[right]])
    found = {}
    for name, s in scores.items():
        won = (s[right] > s[wrong]) + 0.5 * (s[right] == s[wrong])
        found[name] = {a: mean_figure(won[of == a], np.arange((of == a).sum())) for a in sorted(set(of))}
        found[name]["all"] = mean_figure(won, np.arange(len(won)))
    return found


def running_mean(score: np.ndarray, parent: np.ndarray, step: np.ndarray) -> np.ndarray:
    """Mean score of the steps before each row on its path, NaN for the first."""
    total = np.zeros(len(score))
    mean = np.full(len(score), np.nan)
    for row in np.argsort(step, kind="stable"):
        above = parent[row]
        before = total[above] if above >= 0 else 0.0
        if above >= 0:
            mean[row] = before / step[row]
        total[row] = before + score[row]
    return mean


def logistic(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-np.clip(x, -60, 60)))


def logit(p: np.ndarray) -> np.ndarray:
    p = np.clip(p, 1e-4, 1 - 1e-4)
    return np.log(p / (1 - p))
