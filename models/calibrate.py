"""Raw head outputs -> probabilities, the consensus, its uncertainty, and the warning thresholds."""

import itertools

import numpy as np
from sklearn.linear_model import LogisticRegression

from evaluate import auroc, ece, interval, logistic, logit, resamples
from features import Table

ALPHAS = (0.01, 0.02, 0.05, 0.1, 0.2)
LENGTHS = (1, 2, 4, 8, 16, 32, 64, 128)


def fit_logistic(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, float]:
    model = LogisticRegression(C=1e4, max_iter=1000).fit(x, y)
    return model.coef_[0], float(model.intercept_[0])


def fit_platt(raw: np.ndarray, y: np.ndarray, problem: np.ndarray, dataset: str) -> dict:
    """P(good) = sigmoid(a * raw + b). ece and brier are cross-fitted over five folds of problems.

    a is never negative: calibration may flatten a score, not turn it round.
    """

    def line(r: np.ndarray, t: np.ndarray) -> tuple[float, float]:
        scale = float(r.std()) or 1.0
        (a,), b = fit_logistic(r[:, None] / scale, t)
        if a < 0:
            return 0.0, float(logit(np.array([t.mean()]))[0])
        return float(a / scale), b

    held = np.zeros(len(y))
    for fold in range(5):
        test = problem % 5 == fold
        a, b = line(raw[~test], y[~test])
        held[test] = logistic(a * raw[test] + b)
    a, b = line(raw, y)
    return {
        "kind": "platt", "a": a, "b": b, "n": int(len(y)), "ece": ece(held, y),
        "brier": float(((held - y) ** 2).mean()), "dataset": dataset,
    }


def apply_platt(calibration: dict, raw: np.ndarray) -> np.ndarray:
    return logistic(calibration["a"] * raw + calibration["b"])


def choose_weights(logits: list[np.ndarray], ys: list[np.ndarray]) -> np.ndarray:
    """Simplex grid (steps of 0.05) by mean AUROC over sets. logits: per set (S, n); ys: per set (n,)."""
    scorers = len(logits[0])
    best, chosen = -1.0, np.full(scorers, 1 / scorers)
    for counts in itertools.product(range(21), repeat=scorers):
        if sum(counts) != 20 or min(counts) < 1:  # every scorer keeps a say
            continue
        w = np.array(counts) / 20
        value = float(np.mean([auroc(w @ l, y) for l, y in zip(logits, ys)]))
        if value > best + 1e-6:
            best, chosen = value, w
    return chosen


def fit_uncertainty(p: np.ndarray, each: np.ndarray, similarity: np.ndarray, y: np.ndarray,
                    problem: np.ndarray, count: int, seed: int) -> tuple[dict, np.ndarray]:
    """P(consensus wrong); p (n,), each (S, n) scorers' p, similarity (n,). AUROCs are cross-fitted.

    Spread and distance take part only where they raise the cross-fitted AUROC; else their factor is 0.
    """
    x = np.stack([1 - abs(2 * p - 1), each.std(0), 1 - similarity], 1)
    wrong = ((p >= 0.5) != (y == 1)).astype(int)

    def cross_fit(columns: list[int]) -> np.ndarray:
        held = np.zeros(len(y))
        for fold in range(5):
            test = problem % 5 == fold
            c, i = fit_logistic(x[~test][:, columns], wrong[~test])
            held[test] = logistic(x[test][:, columns] @ c + i)
        return held

    options = [[0], [0, 1], [0, 2], [0, 1, 2]]
    margin = x[:, 0]
    columns = max(options, key=lambda c: auroc(margin if c == [0] else cross_fit(c), wrong))
    held = margin if columns == [0] else cross_fit(columns)  # one rising feature: the ranks are its own
    coefficients = np.zeros(3)
    coefficients[columns], intercept = fit_logistic(x[:, columns], wrong)
    fitted = logistic(x @ coefficients + intercept)
    gain = [auroc(held[r], wrong[r]) - auroc(x[r, 0], wrong[r]) for r in resamples(problem, count, seed)]
    report = {
        "kind": "logistic", "intercept": intercept, "margin": float(coefficients[0]),
        "spread": float(coefficients[1]), "distance": float(coefficients[2]),
        "auroc": auroc(held, wrong),
        "ci": interval([auroc(held[r], wrong[r]) for r in resamples(problem, count, seed)]),
        "baselineAuroc": auroc(x[:, 0], wrong), "gainCi": interval(gain),
        "errorShare": float(wrong.mean()), "n": int(len(y)),
    }
    return report, fitted


def low_score_thresholds(p: np.ndarray, table: Table, seed: int, draws: int = 20000) -> dict:
    """values[l][a] = t with P(min over a clean trace of LENGTHS[l] steps < t) <= ALPHAS[a].

    Clean dev traces are drawn whole and laid end to end until the length is reached; where fewer than
    20 steps would lie below t, the tail is extrapolated (exponential on the logit scale).
    """
    rng = np.random.default_rng(seed)
    traces = []
    for t in np.unique(table.trace):
        rows = np.flatnonzero(table.trace == t)
        label = table.label[rows]
        if not np.isnan(label).any() and not (label == 0).any():
            traces.append(logit(p[rows]))
    pool = np.sort(np.concatenate(traces))
    knee = float(np.quantile(pool, 0.05))
    slope = knee - float(pool[pool < knee].mean())  # mean excess below the knee

    def tail(level: float) -> float:
        return knee - slope * np.log(0.05 / level) if level < 0.05 else float(np.quantile(pool, level))

    values = []
    for length in LENGTHS:
        minima = np.empty(draws)
        for i in range(draws):
            low, count = np.inf, 0
            while count < length:
                trace = traces[rng.integers(len(traces))]
                start = rng.integers(len(trace) - length + 1) if length < len(trace) else 0
                part = trace[start : start + length - count]
                low, count = min(low, float(part.min())), count + len(part)
            minima[i] = low
        row = []
        for alpha in ALPHAS:
            level = 1 - (1 - alpha) ** (1 / length)  # share of single steps, were they independent
            drawn = float(np.quantile(minima, alpha))
            row.append(drawn if level * len(pool) >= 20 else min(drawn, tail(level)))
        values.append(row)
    table_of = np.minimum.accumulate(np.array(values), axis=0)  # longer traces: never higher
    table_of = np.maximum.accumulate(table_of, axis=1)  # larger alpha: never lower
    return {
        "alphas": list(ALPHAS), "lengths": list(LENGTHS), "values": logistic(table_of).tolist(),
        "cleanTraces": len(traces), "cleanSteps": int(len(pool)),
    }
