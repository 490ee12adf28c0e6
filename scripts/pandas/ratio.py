"""What scripts/pandas/ratio.ts measures, the way pandas does it: vectorised, no Python loop over rows.

    python3 scripts/pandas/ratio.py FOLDER  ->  one JSON object: milliseconds and the numbers found
"""
import json
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd

REPEATS = 5


def timed(work):
    result = work()
    times = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        result = work()
        times.append((time.perf_counter() - began) * 1000)
    return sorted(times)[REPEATS // 2], result


def mars(matrix: pd.DataFrame) -> dict:
    """The points that both sides compute, of one dimension: rows are steps, columns scorers."""
    scorers = list(matrix.columns)
    count = matrix.count(axis=1)
    row_std = matrix.std(axis=1)
    std_dev = row_std.mean()
    total = matrix.sum(axis=1)
    conflict = None
    for i, a in enumerate(scorers):
        for b in scorers[i + 1:]:
            difference = (matrix[a] - matrix[b]).dropna()
            if len(difference) and (conflict is None or abs(difference.mean()) > abs(conflict[2]) + 1e-12):
                conflict = (a, b, difference.mean(), difference.abs().mean(), len(difference))
    reliability, distance, bias = {}, {}, {}
    for s in scorers:
        others = matrix.drop(columns=s)
        reliability[s] = matrix[s].corr((total - matrix[s]) / (count - 1))
        from_median = matrix[s] - others.median(axis=1)
        distance[s] = from_median.abs().mean()
        bias[s] = from_median.mean()
    correlations = matrix.corr(min_periods=3)
    population = matrix.std(axis=1, ddof=0).where(count >= 2)
    metrics = {s: {"mean": matrix[s].mean(), "std": matrix[s].std(ddof=0), "min": matrix[s].min(), "max": matrix[s].max(), "count": int(matrix[s].count())} for s in scorers}
    widest = matrix.loc[row_std.nlargest(20).index]
    conflicts = pd.DataFrame({"high": widest.idxmax(axis=1), "low": widest.idxmin(axis=1), "spread": widest.max(axis=1) - widest.min(axis=1)})
    # Krippendorff's alpha for interval data, in closed form over the pairable values.
    pairable = matrix[count >= 2]
    m = pairable.count(axis=1)
    within = (pairable.pow(2).sum(axis=1) - pairable.sum(axis=1).pow(2) / m) * 2 * m / (m - 1)
    n = m.sum()
    values = pairable.stack()
    observed = within.sum() / n
    expected = 2 * (values.pow(2).sum() - values.sum() ** 2 / n) / (n - 1)
    return {
        "std_dev": std_dev, "agreement_score": 1 - min(std_dev, 1), "score_spread_mean_col_std": matrix.std(ddof=0).mean(), "average_score": matrix.mean().mean(),
        "delta": abs(conflict[2]), "mean_abs_diff": conflict[3], "krippendorff_alpha": 1 - observed / expected, "high": int((row_std > 0.15).sum()),
        "std_dev_population": population.mean(), "widest": conflicts["spread"].iloc[0], "stds": {s: m["std"] for s, m in metrics.items()},
        "reliability": reliability, "distance": distance, "bias": bias, "correlations": float(correlations.to_numpy().sum()),
    }


def main(folder: Path) -> None:
    shape = json.loads((folder / "mars.json").read_text())
    tensor = np.fromfile(folder / "mars.f64").reshape(len(shape["dimensions"]), len(shape["scorers"]), shape["rows"])
    matrices = {d: pd.DataFrame(tensor[i].T, columns=shape["scorers"]) for i, d in enumerate(shape["dimensions"])}
    mars_ms, results = timed(lambda: {d: mars(m) for d, m in matrices.items()})

    table = pd.DataFrame({name: pd.Categorical.from_codes(np.fromfile(folder / f"{name}.i32", dtype="int32"), labels) for name, labels in shape["axes"].items()})
    for metric in shape["metrics"]:
        table[metric] = np.fromfile(folder / f"{metric}.f64")

    def filtered():
        part = table[table["stepType"] == "tool"]
        return [part[part["dimension"] == d].pivot(index="scorable", columns="scorer", values="score") for d in shape["dimensions"]]

    def grouped():
        part = table[(table["dimension"] == "reasoning_quality") & (table["scorer"] == "sicql")]
        means = part.groupby("stepType", observed=True)["uncertainty"].mean()
        return (means / part["uncertainty"].mean()).to_dict()

    filter_ms, parts = timed(filtered)
    group_ms, lifts = timed(grouped)
    print(json.dumps({"pandas": pd.__version__, "mars_ms": mars_ms, "filter_ms": filter_ms, "group_ms": group_ms, "mars": results, "filter_sum": float(sum(np.nansum(p.to_numpy()) for p in parts)), "lifts": lifts}))


main(Path(sys.argv[1]))
