"""Writes figures.json: what models/evaluate.py says of a few made-up traces. Run: python test/golden/evaluation/make.py"""

import json
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[2] / "models"))
import evaluate  # noqa: E402

evaluate.DRAWS = 60  # committed one by one: the two languages draw differently
PROBLEMS, TRACES, THRESHOLD = 9, 24, 0.35


@dataclass
class Chains:
    label: np.ndarray
    trace: np.ndarray
    problem: np.ndarray

    def __len__(self) -> int:
        return len(self.label)


def main() -> None:
    rng = np.random.default_rng(7)
    label, trace, problem = [], [], []
    for t in range(TRACES):
        length = int(rng.integers(2, 7))
        first = int(rng.integers(0, length)) if rng.random() < 0.5 else length
        row = [1.0] * first + ([0.0] + [np.nan] * (length - first - 1) if first < length else [])
        if t % 8 == 7 and first == length:
            row[-1] = np.nan  # not judged to its end: says nothing about a first error
        label += row
        trace += [t] * length
        problem += [t * PROBLEMS // TRACES] * length
    label, trace, problem = np.array(label), np.array(trace), np.array(problem)
    # In steps of a tenth, so that there are ties.
    score = np.round(np.clip(rng.normal(np.where(np.nan_to_num(label, nan=0.5) > 0.5, 0.65, 0.45), 0.25), 0.05, 0.95), 1)
    uncertainty = np.round(np.clip(1 - abs(2 * score - 1) + rng.normal(0, 0.2, len(score)), 0, 1), 2)
    rows = ~np.isnan(label)
    s, y, p, u = score[rows], label[rows], problem[rows], uncertainty[rows]
    table = Chains(label, trace, problem)
    counts = {len(np.unique(p)), len(np.unique(evaluate.first_error_parts(score, table, THRESHOLD)[2]))}
    (HERE / "figures.json").write_text(json.dumps({
        "label": [None if np.isnan(v) else v for v in label], "trace": trace.tolist(), "problem": problem.tolist(),
        "score": score.tolist(), "uncertainty": uncertainty.tolist(), "threshold": THRESHOLD,
        "draws": {int(c): ["".join(str(int(v)) for v in d) for d in evaluate.draws_of(int(c))] for c in sorted(counts)},
        "expected": {
            "step": evaluate.step_figures(s, y, p, s), "firstError": evaluate.first_error_figure(score, table, THRESHOLD),
            "riskCoverage": evaluate.risk_coverage(s, u, y),
        },
    }) + "\n", encoding="utf-8")


main()
