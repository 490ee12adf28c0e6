"""Figures: AUROC, AUPRC, ECE, first-error F1, each with a bootstrap interval by problem."""

import numpy as np
from scipy.stats import rankdata

from features import Table


def auroc(score: np.ndarray, y: np.ndarray) -> float:
    """P(score of a good step > score of a bad one), ties half. NaN with one class."""
    positives = int(y.sum())
    negatives = len(y) - positives
    if positives == 0 or negatives == 0:
        return float("nan")
    return float((rankdata(score)[y == 1].sum() - positives * (positives + 1) / 2) / (positives * negatives))


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


def resamples(problem: np.ndarray, count: int, seed: int):
    """Yields row numbers of `count` bootstrap samples that draw whole problems."""
    rng = np.random.default_rng(seed)
    order = np.argsort(problem, kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(problem[order])) + 1)
    for _ in range(count):
        yield np.concatenate([groups[i] for i in rng.integers(0, len(groups), len(groups))])


def interval(values: list[float]) -> list[float]:
    return [float(v) for v in np.nanpercentile(values, [2.5, 97.5])]


def step_metrics(score: np.ndarray, y: np.ndarray, problem: np.ndarray, p: np.ndarray | None,
                 count: int, seed: int) -> dict:
    """score ranks the steps; p is the calibrated P(good), if there is one."""
    result = {
        "auroc": auroc(score, y),
        "ci": interval([auroc(score[r], y[r]) for r in resamples(problem, count, seed)]),
        "auprc": auprc_bad(score, y),
        "badShare": float(1 - y.mean()),
        "n": int(len(y)),
    }
    if p is not None:
        result["ece"] = ece(p, y)
    return result


def first_error_parts(score: np.ndarray, table: Table, threshold: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Per trace: is erroneous, is predicted right, problem. Predicted: first step with score < threshold.

    Traces that end unannotated without an error are left out. Table must hold every step.
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


def first_error_f1(score: np.ndarray, table: Table, threshold: float, count: int = 0, seed: int = 0) -> dict:
    wrong, right, problem = first_error_parts(score, table, threshold)
    result = {
        "f1": f1_of(wrong, right), "accuracyErroneous": float(right[wrong].mean()),
        "accuracyClean": float(right[~wrong].mean()), "traces": int(len(wrong)),
    }
    if count:
        result["ci"] = interval([f1_of(wrong[r], right[r]) for r in resamples(problem, count, seed)])
    return result


def best_first_error_threshold(score: np.ndarray, table: Table) -> tuple[float, float]:
    """(threshold, F1) over 200 quantiles of the score."""
    options = np.unique(np.quantile(score, np.linspace(0.001, 0.8, 200)))
    f1 = [f1_of(*first_error_parts(score, table, t)[:2]) for t in options]
    # The middle of the plateau around the best smoothed value: a single spike on dev would not carry over.
    smooth = np.convolve(np.pad(f1, 4, mode="edge"), np.ones(9) / 9, mode="valid")
    best = int(np.argmax(smooth))
    return float(options[best]), float(f1[best])


def logistic(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-np.clip(x, -60, 60)))


def logit(p: np.ndarray) -> np.ndarray:
    p = np.clip(p, 1e-4, 1 - 1e-4)
    return np.log(p / (1 - p))
