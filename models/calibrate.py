"""Raw head outputs -> probabilities, the consensus, its uncertainty, and the warning thresholds."""

from dataclasses import dataclass

import numpy as np
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from evaluate import auroc, auroc_figure, ece, logistic, logit
from features import Table

ALPHAS = (0.01, 0.02, 0.05, 0.1, 0.2)
LENGTHS = (1, 2, 4, 8, 16, 32, 64, 128)
FOLDS = 10  # of problems, for calibration
WRONG_FOLDS = 5  # for P(wrong), whose choice of features is nested in them


@dataclass(frozen=True)
class Labelled:
    """The labelled rows of one data set and dimension."""

    dataset: str
    y: np.ndarray  # (n,)
    problem: np.ndarray  # (n,)
    raw: np.ndarray  # (S, n) main outputs, scorers in order

    @property
    def fold(self) -> np.ndarray:
        return np.unique(self.problem, return_inverse=True)[1] % FOLDS

    def part(self, rows: np.ndarray) -> "Labelled":
        return Labelled(self.dataset, self.y[rows], self.problem[rows], self.raw[:, rows])


def fit_logistic(x: np.ndarray, y: np.ndarray, strength: float = 1e4) -> tuple[np.ndarray, float]:
    model = LogisticRegression(C=strength, max_iter=1000).fit(x, y)
    return model.coef_[0], float(model.intercept_[0])


def platt(raw: np.ndarray, y: np.ndarray) -> dict:
    """P(good) = sigmoid(a * raw + b). a is never negative: calibration may flatten a score, not turn it round."""
    scale = float(raw.std()) or 1.0
    (a,), b = fit_logistic(raw[:, None] / scale, y)
    if a < 0:
        return {"kind": "platt", "a": 0.0, "b": float(logit(np.array([y.mean()]))[0])}
    return {"kind": "platt", "a": float(a / scale), "b": b}


def isotonic(raw: np.ndarray, y: np.ndarray, most: int = 24) -> dict:
    """Pool adjacent violators; knots at block centres, shrunk to the mean, so that no plateau is left between them."""
    fitted = IsotonicRegression(out_of_bounds="clip").fit(raw, y).predict(raw)
    order = np.argsort(raw, kind="stable")
    blocks = np.split(order, np.flatnonzero(np.diff(fitted[order]) > 0) + 1)
    least, held, knots = max(len(y) // most, 10), [], []
    for block in blocks:
        held.extend(block)
        if len(held) >= least:
            knots.append(held)
            held = []
    if held:
        knots = [*knots[:-1], [*knots[-1], *held]] if knots else [held]
    x = [float(raw[k].mean()) for k in knots]
    p = [float((y[k].sum() + 2 * y.mean()) / (len(k) + 2)) for k in knots]
    p = np.maximum.accumulate(p).tolist()
    return {"kind": "isotonic", "x": x, "y": p}


def apply(calibration: dict, raw: np.ndarray) -> np.ndarray:
    if calibration["kind"] == "platt":
        return logistic(calibration["a"] * raw + calibration["b"])
    return np.interp(raw, calibration["x"], calibration["y"])


def calibrate(raw: np.ndarray, y: np.ndarray, fold: np.ndarray, dataset: str, problems: int) -> dict:
    """The kind with the lower ECE, cross-fitted over folds of problems; ece and brier are the cross-fitted ones."""
    found = []
    for kind in (platt, isotonic):
        held = np.zeros(len(y))
        for k in range(FOLDS):
            held[fold == k] = apply(kind(raw[fold != k], y[fold != k]), raw[fold == k])
        found.append({
            **kind(raw, y), "n": int(len(y)), "problems": problems, "ece": ece(held, y),
            "brier": float(((held - y) ** 2).mean()), "dataset": dataset})
    # Isotonic flattens ranks, so it has to be clearly better.
    return found[1] if found[1]["ece"] < found[0]["ece"] - 0.005 else found[0]


@dataclass
class Fitted:
    """Calibrations of all scorers and the consensus line, fitted on one data set."""

    calibrations: list[dict]
    weights: np.ndarray  # (S,)
    a: float
    b: float

    def voices(self, raw: np.ndarray) -> np.ndarray:
        """(S, n) calibrated probabilities."""
        return np.stack([apply(c, r) for c, r in zip(self.calibrations, raw)])

    def consensus(self, raw: np.ndarray) -> np.ndarray:
        return logistic(self.a * (self.weights @ logit(self.voices(raw))) + self.b)


def fit_consensus(data: Labelled, weights: np.ndarray, kinds: list[str] | None = None) -> Fitted:
    """kinds: of the calibrations, when they have been chosen; else each is chosen here."""
    if kinds is None:
        problems = len(np.unique(data.problem))
        calibrations = [calibrate(r, data.y, data.fold, data.dataset, problems) for r in data.raw]
    else:
        calibrations = [{"platt": platt, "isotonic": isotonic}[k](r, data.y) for k, r in zip(kinds, data.raw)]
    mixed = weights @ logit(np.stack([apply(c, r) for c, r in zip(calibrations, data.raw)]))
    (a,), b = fit_logistic(mixed[:, None], data.y)
    return Fitted(calibrations, weights, float(a), b)


def cross_fitted(data: Labelled, weights: np.ndarray, kinds: list[str]) -> np.ndarray:
    """(n,) consensus of each row by calibrations and a line that never saw its problem."""
    held = np.zeros(len(data.y))
    for k in range(FOLDS):
        inside, outside = np.flatnonzero(data.fold != k), np.flatnonzero(data.fold == k)
        held[outside] = fit_consensus(data.part(inside), weights, kinds).consensus(data.raw[:, outside])
    return held


def choose_weights(sets: list[Labelled], least: float = 0.05, step: float = 0.05) -> np.ndarray:
    """Weights by reliability: from equal ones, shares are moved between scorers while the mean AUROC over sets rises.

    Every scorer keeps a say. A move has to pay 0.0003, so that noise does not undo the mixture.
    """
    logits = [logit(np.stack([apply(platt(r, s.y), r) for r in s.raw])) for s in sets]
    scorers = len(logits[0])

    def value(w: np.ndarray) -> float:
        return float(np.mean([auroc(w @ l, s.y) for l, s in zip(logits, sets)]))

    w = np.full(scorers, 1 / scorers)
    best = value(w)
    while True:
        moves = []
        for i in range(scorers):
            for j in range(scorers):
                if i != j and w[i] - step >= least - 1e-9:
                    moved = w.copy()
                    moved[i], moved[j] = moved[i] - step, moved[j] + step
                    moves.append((value(moved), moved))
        top, moved = max(moves, key=lambda m: m[0])
        if top < best + 0.0003:
            return np.round(w, 4) / np.round(w, 4).sum()
        best, w = top, moved


def wrong_features(p: np.ndarray, voices: np.ndarray, attributes: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What may help to tell where the consensus errs. voices (S, n)."""
    return {
        "margin": 1 - abs(2 * p - 1), "score": p, "spread": voices.std(0), "distance": 1 - attributes["svm.kernel_similarity"],
        **attributes,
    }


def fit_uncertainty(sets: list[tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]], allowed: list[str], most: int = 5) -> dict:
    """P(consensus wrong) as a logistic. sets: per data set wrong (n,), problem (n,), features.

    Features join one by one while the AUROC, cross-fitted over folds of problems and averaged over the sets,
    rises by 0.002. What is reported is cross-fitted once more around that choice.
    """
    folds = [np.unique(problem, return_inverse=True)[1] % WRONG_FOLDS for _, problem, _ in sets]
    scale = {k: (np.mean([f[k].mean() for _, _, f in sets]), np.mean([f[k].std() for _, _, f in sets]) + 1e-9) for k in allowed}
    columns = [np.stack([np.clip((f[k] - scale[k][0]) / scale[k][1], -6, 6) for k in allowed], 1) for _, _, f in sets]
    wrongs = [w.astype(int) for w, _, _ in sets]

    def held_out(chosen: list[int], keep: list[np.ndarray], fold: list[np.ndarray]) -> list[np.ndarray]:
        """Cross-fitted probabilities of the kept rows of each set; one fit over all sets, each weighing the same."""
        found = [np.zeros(int(k.sum())) for k in keep]
        for number in np.unique(np.concatenate([f[k] for f, k in zip(fold, keep)])):
            c, i = joint([np.flatnonzero(k & (f != number)) for f, k in zip(fold, keep)], chosen)
            for s, (f, k) in enumerate(zip(fold, keep)):
                rows = np.flatnonzero(k & (f == number))
                found[s][f[k] == number] = logistic(columns[s][rows][:, chosen] @ c + i)
        return found

    def joint(rows: list[np.ndarray], chosen: list[int]) -> tuple[np.ndarray, float]:
        x = np.concatenate([columns[s][r][:, chosen] for s, r in enumerate(rows)])
        y = np.concatenate([wrongs[s][r] for s, r in enumerate(rows)])
        weight = np.concatenate([np.full(len(r), 1 / len(r)) for r in rows])
        model = LogisticRegression(C=1.0, max_iter=300).fit(x, y, sample_weight=weight / weight.mean())
        return model.coef_[0], float(model.intercept_[0])

    def choose(keep: list[np.ndarray]) -> list[int]:
        chosen = [allowed.index("margin")]

        def value(c: list[int]) -> float:
            held = held_out(c, keep, folds)
            return float(np.mean([auroc(h, w[k]) for h, w, k in zip(held, wrongs, keep)]))

        best = value(chosen)
        while len(chosen) < most:
            tries = [(value([*chosen, j]), j) for j in range(len(allowed)) if j not in chosen]
            top, j = max(tries)
            if top < best + 0.002:
                break
            best, chosen = top, [*chosen, j]
        return chosen

    whole = [np.ones(len(w), bool) for w in wrongs]
    nested = [np.zeros(len(w)) for w in wrongs]
    for k in range(WRONG_FOLDS):
        inside = [f != k for f in folds]
        chosen = choose(inside)
        c, i = joint([np.flatnonzero(m) for m in inside], chosen)
        for s, m in enumerate(inside):
            nested[s][~m] = logistic(columns[s][~m][:, chosen] @ c + i)
    # The choice has to earn its keep: else the margin alone, or margin and score.
    margin, score = allowed.index("margin"), allowed.index("score")
    options = [(choose(whole), nested), ([margin], [c[:, margin] for c in columns]), ([margin, score], held_out([margin, score], whole, folds))]
    chosen, held = max(options, key=lambda o: np.mean([auroc(h, w) for h, w in zip(o[1], wrongs)]))
    c, i = joint([np.flatnonzero(m) for m in whole], chosen)
    names = [allowed[j] for j in chosen]
    coefficients = {n: float(v / scale[n][1]) for n, v in zip(names, c)}
    intercept = i - sum(coefficients[n] * scale[n][0] for n in names)
    return {"kind": "logistic", "intercept": float(intercept), "coefficients": coefficients, "usual": {n: float(scale[n][0]) for n in names}, "held": held}


def shift_intercept(fit: dict, features: dict[str, np.ndarray], wrong: np.ndarray) -> dict:
    """The same ranks with the right share wrong on one data set: slope and intercept fitted there."""
    line = fit["intercept"] + sum(v * features[n] for n, v in fit["coefficients"].items())
    (a,), b = fit_logistic(line[:, None], wrong.astype(int))
    a = max(float(a), 1e-3)
    return {**fit, "intercept": float(a * fit["intercept"] + b), "coefficients": {n: float(a * v) for n, v in fit["coefficients"].items()}}


def uncertainty_figures(held: np.ndarray, margin: np.ndarray, wrong: np.ndarray, problem: np.ndarray) -> dict:
    """AUROC for finding steps where the consensus is wrong, beside 1 - |2p - 1|."""
    y = wrong.astype(np.float32)
    found = auroc_figure(held, y, problem, margin)
    return {**found, "baselineAuroc": auroc(margin, y), "errorShare": float(y.mean()), "n": int(len(y))}


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
        minima, count = np.full(draws, np.inf), np.zeros(draws, np.int64)
        while (open_ := np.flatnonzero(count < length)).size:
            picked = rng.integers(len(traces), size=open_.size)
            for trace_number in np.unique(picked):
                trace, at = traces[trace_number], open_[picked == trace_number]
                start = rng.integers(len(trace) - length + 1) if length < len(trace) else 0
                prefix_minima = np.minimum.accumulate(trace[start : start + length])
                taken = np.minimum(length - count[at], len(prefix_minima))
                minima[at] = np.minimum(minima[at], prefix_minima[taken - 1])
                count[at] += taken
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
