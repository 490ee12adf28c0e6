#!/usr/bin/env python3
"""MARS of this project beside the same numbers in pandas, on the same random scores: largest difference, times, ratio.

For development only: needs a Python with numpy and pandas, and on the PATH a Node that runs TypeScript (22.18 or later).

    python3 scripts/pandas-mars.py [--rows 100000] [--scorers 6] [--dimensions 5]
"""
import argparse
import itertools
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

try:
    import numpy as np
    import pandas as pd
except ImportError as error:
    sys.exit(f"{error.name} is missing in {sys.executable}: run this with a Python that has numpy and pandas.")

ROOT = Path(__file__).resolve().parent.parent
REPEATS = 5
THRESHOLD = 0.15
CONFLICTS = 20

OURS = """
import { readFileSync } from 'node:fs';
import { accumulate, mars } from './server/src/corpus/mars.ts';
const [file, rows, scorers, dimensions] = process.argv.slice(1);
const all = new Float64Array(new Uint8Array(readFileSync(file)).buffer);
const [R, S, D] = [Number(rows), Number(scorers), Number(dimensions)];
const rowIds = Array.from({ length: R }, (_, i) => `s${i}`);
const inputs = Array.from({ length: D }, (_, d) => ({
  dimension: `d${d}`, rowIds, config: { trust_reference: null },
  columns: Array.from({ length: S }, (_, s) => ({ scorer: `s${s}`, range: [0, 1], scores: all.subarray((d * S + s) * R, (d * S + s + 1) * R), metrics: new Map() })),
}));
const times = [];
let report;
// A server that runs has compiled this long ago.
for (let i = 0; i < 2 * REPEATS; i++) {
  const began = performance.now();
  report = mars(inputs);
  times.push(performance.now() - began);
}
const apart = Object.fromEntries(inputs.map((input) => [input.dimension, accumulate(input).scorers]));
const plain = Object.fromEntries(Object.entries(report.dimensions).map(([name, r]) => [name, {
  std_dev: r.std_dev, std_dev_population: r.std_dev_population, score_spread_mean_col_std: r.score_spread_mean_col_std, average_score: r.average_score, scorer_means: r.scorer_means,
  primary_conflict: r.primary_conflict, distance: r.distance, reliability: r.reliability, krippendorff_alpha: r.krippendorff_alpha, effective_scorers: r.effective_scorers,
  bias: Object.fromEntries(r.scorers.map((s) => [s, r.bias[s].mean])), bias_error: Object.fromEntries(r.scorers.map((s) => [s, r.bias[s].error])),
  apart: Object.fromEntries(r.scorers.map((s) => [s, apart[name].get(s).apart.n])),
  metrics: Object.fromEntries(r.scorers.map((s) => { const { std, ...rest } = r.scorer_metrics[s].score; return [s, rest]; })),
  conflicts: { spread: r.step_conflicts.reduce((sum, c) => sum + c.spread, 0) },
  disagreeing: r.high_disagreement_scorables.length, agreeing: r.high_agreement_scorables.length, row_std_sum: r.row_std.reduce((sum, x) => sum + (Number.isNaN(x) ? 0 : x), 0),
}]));
console.log(JSON.stringify({ ms: times.slice(REPEATS).sort((a, b) => a - b)[REPEATS >> 1], dimensions: plain }));
""".replace("REPEATS", str(REPEATS))


def pandas_mars(frame: pd.DataFrame) -> dict:
    """One dimension: a row a step, a column a scorer."""
    row_std = frame.std(axis=1)
    row_std_population = frame.std(axis=1, ddof=0).where(row_std.notna())
    count, total = frame.count(axis=1), frame.sum(axis=1)
    common = frame[count > 1]
    m, s2 = common.count(axis=1), common.var(axis=1)
    values = common.stack().dropna()
    pairs = {}
    for a, b in itertools.combinations(frame.columns, 2):
        gap = (frame[a] - frame[b]).dropna()
        pairs[a, b] = (gap.mean(), gap.abs().mean(), len(gap))
    (a, b), (gap, size, n) = max(pairs.items(), key=lambda p: abs(p[1][0]))
    correlation = frame.corr().to_numpy()
    others = {s: ((total - frame[s]) / (count - 1).where(count > 1)) for s in frame.columns}
    deviations = frame - pd.DataFrame({s: frame.drop(columns=s).median(axis=1) for s in frame.columns})
    worst = row_std[row_std > THRESHOLD].nlargest(CONFLICTS).index
    conflicts = pd.DataFrame({"high": frame.loc[worst].idxmax(axis=1), "low": frame.loc[worst].idxmin(axis=1), "spread": frame.loc[worst].max(axis=1) - frame.loc[worst].min(axis=1)})
    return {
        "std_dev": row_std.mean(), "std_dev_population": row_std_population.mean(), "score_spread_mean_col_std": frame.std(ddof=0).mean(),
        "average_score": frame.mean().mean(), "scorer_means": frame.mean().to_dict(),
        "primary_conflict": {"pair": [a, b] if gap > 0 else [b, a], "delta": abs(gap), "mean_abs_diff": size, "n": n},
        "distance": deviations.abs().mean().to_dict(), "bias": deviations.mean().to_dict(), "bias_error": deviations.sem().to_dict(),
        "reliability": {s: frame[s].corr(others[s]) for s in frame.columns},
        "krippendorff_alpha": 1 - ((m * s2).sum() / len(values)) / values.var(),
        "effective_scorers": len(frame.columns) ** 2 / (correlation**2).sum(),
        "apart": rows_apart(frame), "metrics": frame.agg(["mean", "min", "max", "count"]).to_dict(),
        "disagreeing": len(frame.index[row_std > THRESHOLD].tolist()), "agreeing": len(frame.index[row_std <= THRESHOLD].tolist()), "row_std_sum": row_std.sum(),
        "conflicts": {"spread": conflicts["spread"].sum()},
    }


def rows_apart(frame: pd.DataFrame) -> dict:
    """Rows in which one scorer lies beyond the threshold from the median of the others, and twice as far as any other with it set aside."""
    wide = frame[(frame.max(axis=1) - frame.min(axis=1) > THRESHOLD) & (frame.count(axis=1) > 2)]
    found = {}
    for s in frame.columns:
        rest = wide.drop(columns=s)
        distance = (wide[s] - rest.median(axis=1)).abs()
        far = distance > THRESHOLD
        rest, distance = rest[far], distance[far]
        others = pd.DataFrame({t: (rest[t] - rest.drop(columns=t).median(axis=1)).abs() for t in rest.columns})
        found[s] = int((distance > 2 * others.max(axis=1)).sum())
    return found


def largest_difference(ours, theirs) -> float:
    if isinstance(theirs, dict):
        assert ours.keys() == theirs.keys(), (ours.keys(), theirs.keys())
        return max(largest_difference(ours[key], theirs[key]) for key in theirs)
    if isinstance(theirs, (list, str)):
        assert ours == theirs, (ours, theirs)
        return 0.0
    return abs(ours - theirs) / max(1.0, abs(theirs))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--scorers", type=int, default=6)
    parser.add_argument("--dimensions", type=int, default=5)
    args = parser.parse_args()
    random = np.random.default_rng(20_261_123)
    quality = random.random((args.dimensions, 1, args.rows))
    scores = np.clip(0.8 * quality + 0.02 * np.arange(args.scorers)[None, :, None] + 0.3 * random.random((args.dimensions, args.scorers, args.rows)), 0, 1)
    scores[random.random(scores.shape) < 0.05] = np.nan
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "scores.f64")
        scores.astype("<f8").tofile(file)
        command = ["node", "--no-warnings", "--input-type=module", "-e", OURS, str(file), str(args.rows), str(args.scorers), str(args.dimensions)]
        ours = json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout)
    frames = [pd.DataFrame(d.T, columns=[f"s{i}" for i in range(args.scorers)]) for d in scores]
    times = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        theirs = {f"d{i}": pandas_mars(frame) for i, frame in enumerate(frames)}
        times.append((time.perf_counter() - began) * 1000)
    pandas_ms = sorted(times)[REPEATS // 2]
    difference = largest_difference(ours["dimensions"], theirs)
    print(f"{args.rows} scorables x {args.scorers} scorers x {args.dimensions} dimensions")
    print(f"largest difference {difference:.1e}")
    print(f"ours {ours['ms']:.0f} ms, pandas {pd.__version__} {pandas_ms:.0f} ms: ratio {pandas_ms / ours['ms']:.1f}")
    if difference > 1e-9:
        sys.exit("The numbers differ.")


if __name__ == "__main__":
    main()
