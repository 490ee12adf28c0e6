"""Texts of a trace -> head input rows, width 1544. The TypeScript side builds the same row.

Columns: goal vector, step vector, mean of earlier step vectors, previous step vector (384 each),
then the eight scalars of config.SCALARS. Everything is causal: row i sees steps 0..i only.
"""

import math
from dataclasses import dataclass

import numpy as np

from config import DIMENSIONS, FEATURES, WIDTH
from data import BAD, GOOD, NEUTRAL, Trace


@dataclass
class Table:
    """Rows of one file. NaN in y: that dimension has no label for the step."""

    x: np.ndarray  # (N, F) float32
    y: np.ndarray  # (N, D) float32 in {0, 1, NaN}
    label: np.ndarray  # (N,) float32 raw label, NaN not annotated
    trace: np.ndarray  # (N,) int32 index of the trace in the file
    step: np.ndarray  # (N,) int32 stepIndex
    context: np.ndarray  # (N,) int64 rows with equal value judge alternatives of one context
    problem: np.ndarray  # (N,) int32 index of the problem, the unit of every bootstrap
    chars: np.ndarray  # (N,) float32 UTF-16 length of the step
    source: str

    def take(self, rows: np.ndarray) -> "Table":
        return Table(
            self.x[rows], self.y[rows], self.label[rows], self.trace[rows], self.step[rows],
            self.context[rows], self.problem[rows], self.chars[rows], self.source,
        )

    def __len__(self) -> int:
        return len(self.x)


def utf16_length(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def scalars_of_text(text: str) -> tuple[float, float, float]:
    """log_chars, digit_share, log_newlines of a step's text."""
    chars = utf16_length(text)
    digits = sum("0" <= c <= "9" for c in text)
    return math.log1p(chars) / 10, digits / max(chars, 1), math.log1p(text.count("\n")) / 5


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    """0 when either is the zero vector."""
    norm = math.sqrt(float(a @ a)) * math.sqrt(float(b @ b))
    return float(a @ b) / norm if norm > 0 else 0.0


def trace_rows(goal: np.ndarray, steps: np.ndarray, texts: list[str], wanted: list[int]) -> np.ndarray:
    """goal (H,), steps (S, H), texts (S,) -> rows (len(wanted), F) of the wanted step indices."""
    goal, steps = goal.astype(np.float64), steps.astype(np.float64)
    sums = np.cumsum(steps, axis=0)  # (S, H)
    rows = np.zeros((len(wanted), FEATURES), np.float32)
    for out, i in zip(rows, wanted):
        step = steps[i]
        context = sums[i - 1] / i if i > 0 else np.zeros(WIDTH)
        prev = steps[i - 1] if i > 0 else np.zeros(WIDTH)
        out[:WIDTH], out[WIDTH : 2 * WIDTH] = goal, step
        out[2 * WIDTH : 3 * WIDTH], out[3 * WIDTH : 4 * WIDTH] = context, prev
        out[4 * WIDTH :] = (
            cosine(goal, step), cosine(context, step), cosine(prev, step),
            float(np.max(steps[:i] @ step)) if i > 0 else 0.0,
            min(i, 50) / 50, *scalars_of_text(texts[i]),
        )
    return rows


def labels_by_dimension(label: np.ndarray) -> np.ndarray:
    """(N,) raw labels -> (N, D): good vs bad; good vs neutral."""
    y = np.full((len(label), len(DIMENSIONS)), np.nan, np.float32)
    y[label == GOOD] = 1.0
    y[label == BAD, 0] = 0.0
    y[label == NEUTRAL, 1] = 0.0
    return y


def build_table(traces: list[Trace], vectors: dict[str, np.ndarray], labelled_only: bool) -> Table:
    """labelled_only: skip steps nobody judged (they still count as context of later steps)."""
    x, label, trace_of, step_of, context_of, problem_of, chars = [], [], [], [], [], [], []
    problem_ids: dict[str, int] = {}
    context_ids: dict[tuple[str, tuple[str, ...]], int] = {}
    for t, trace in enumerate(traces):
        wanted = [i for i, l in enumerate(trace.labels) if l is not None or not labelled_only]
        if not wanted:
            continue
        steps = np.stack([vectors[s] for s in trace.steps])
        x.append(trace_rows(vectors[trace.problem], steps, list(trace.steps), wanted))
        problem = problem_ids.setdefault(" ".join(trace.problem.lower().split()), len(problem_ids))
        for i in wanted:
            value = trace.labels[i]
            label.append(math.nan if value is None else value)
            trace_of.append(t)
            step_of.append(i)
            context_of.append(context_ids.setdefault((trace.problem, trace.steps[:i]), len(context_ids)))
            problem_of.append(problem)
            chars.append(utf16_length(trace.steps[i]))
    labels = np.array(label, np.float32)
    return Table(
        np.concatenate(x), labels_by_dimension(labels), labels, np.array(trace_of, np.int32),
        np.array(step_of, np.int32), np.array(context_of, np.int64), np.array(problem_of, np.int32),
        np.array(chars, np.float32), traces[0].source,
    )
