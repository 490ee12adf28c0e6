"""Labelled traces from disk, and the split by problem shared by all training files."""

import gzip
import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

GOOD, NEUTRAL, BAD = 1.0, 0.5, 0.0


@dataclass(frozen=True)
class Trace:
    source: str  # file it came from, as "train/mr_ben"
    trace_id: str
    problem: str  # goal text
    steps: tuple[str, ...]
    labels: tuple[float | None, ...]  # one a step: 1 good, 0.5 neutral, 0 bad, None not annotated
    kind: str = ""  # the row's own data set, as "prmbench/circular"
    outcome: float | None = None  # reward of the whole run, 0 to 1

    @property
    def is_clean(self) -> bool:
        """Annotated to the end without an error."""
        return BAD not in self.labels and None not in self.labels

    @property
    def first_error(self) -> int:
        """Index of the first bad step, -1 in a clean trace."""
        return self.labels.index(BAD) if BAD in self.labels else -1


def load_traces(data: Path, source: str) -> list[Trace]:
    traces = []
    with gzip.open(data / f"{source}.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            labels = tuple(None if label is None else float(label) for label in row.get("labels") or [None] * len(row["steps"]))
            traces.append(Trace(
                source, str(row["id"]), row["problem"], tuple(row["steps"]), labels, row["dataset"], row.get("outcome")))
    return traces


def file_sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def problem_bucket(problem: str, seed: int, buckets: int) -> int:
    """A number that depends on the problem's words alone, so that every file splits alike."""
    words = " ".join(problem.lower().split())
    return int(hashlib.sha1(f"{seed}:{words}".encode()).hexdigest(), 16) % buckets


def is_kept(problem: str, seed: int, kept_share: int) -> bool:
    """True for the 10 % of problems kept for model choice (never trained on, never tested on)."""
    return problem_bucket(problem, seed, kept_share) == 0


def held_agentrx(data: Path, seed: int) -> set[str]:
    """Ids of the 10 AgentRx traces that are never trained on."""
    ids = sorted(t.trace_id for t in load_traces(data, "train/agentrx_tau_retail"))
    return set(sorted(ids, key=lambda i: hashlib.sha1(f"{seed}:{i}".encode()).hexdigest())[:10])


def by_problem(traces: Iterable[Trace]) -> list[list[Trace]]:
    """Traces of one problem together, in order of first sight."""
    groups: dict[str, list[Trace]] = {}
    for trace in traces:
        groups.setdefault(trace.problem, []).append(trace)
    return list(groups.values())
