"""Measured, not assumed: PyTorch = ONNX, one row = a batch, one thread = two."""

from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import nn

from backbone import open_session
from config import DIMENSIONS, TrainConfig
from encoder import Encoder
from export import write_json
from features import Table, build_table
from finetune import Item, Node
from heads import HEADS, Hrm
from heads.hrm import STATE


def head_inputs(model: nn.Module, x: np.ndarray) -> dict[str, np.ndarray]:
    """hrm: each row takes the state the row before it leaves, the first one zeros."""
    if not isinstance(model, Hrm):
        return {"features": x}
    states, state = [], torch.zeros(1, STATE)
    with torch.inference_mode():
        for row in torch.from_numpy(x):
            states.append(state.numpy())
            state = model(row[None], state)[4]
    return {"features": x, "state": np.concatenate(states)}


TRACES = (
    ("Natalia sold clips to 48 of her friends in April, and then half as many in May. How many in all?",
     ["In May she sold 48/2 = 24 clips.", "Altogether that is 48 + 24 = 73 clips.", "The answer is 73."]),
    ("Fix the failing test. " + "The build log says a great deal. " * 40,
     [f"Step {i}: look at file {i * 7}, compare {i + 3} with {i * i}. " + "and read on carefully " * (i % 9 * 6) for i in range(11)]),
    ("", ["word " * 700, "ok", "中文和 English 混合 123: 2 * 3 = 7", "Error: ENOENT: no such file, open '/tmp/x'"]),
)


# Kernel distances are small differences of large squares: the svm's margin moves by a thousandth between runtimes.
HEAD_TOLERANCE = 5e-3


def trace_fixture(encoder: Encoder, tokenizer: Tokenizer, config: TrainConfig, root: Path) -> list[dict]:
    """Texts -> head rows by PyTorch in fp32: what the TypeScript side has to arrive at."""
    blank = np.full(len(DIMENSIONS), np.nan, np.float32)
    found = []
    for goal, steps in TRACES:
        item = Item(goal, [Node(s, i - 1, blank) for i, s in enumerate(steps)], "parity")
        found.append({"goal": goal, "steps": steps, "rows": build_table(encoder, tokenizer, [item], config, root, "parity", False).x})
    return found


def write_parity(out: Path, folder: Path, models: dict[str, nn.Module], traces: list[dict]) -> dict[str, float]:
    """Texts with rows and rows with outputs, all by PyTorch, for the TypeScript side; how far the exported heads are away."""
    far, written = dict.fromkeys(models, 0.0), []
    for trace in traces:
        rows = np.array(digits(trace["rows"]), np.float32)
        outputs = {}
        for scorer, model in models.items():
            inputs = head_inputs(model, rows)
            with torch.inference_mode():
                expected = [o.numpy() for o in model(*(torch.from_numpy(v) for v in inputs.values()))]
            session = open_session(folder / f"{scorer}.onnx", 1)
            for i in range(len(rows)):
                got = session.run(None, {k: v[i : i + 1] for k, v in inputs.items()})
                far[scorer] = max(far[scorer], *(float(abs(a[i : i + 1] - b).max()) for a, b in zip(expected, got)))
            outputs[scorer] = {n: digits(v.reshape(len(rows), -1)) for n, v in zip(HEADS[scorer].outputs, expected)}
        written.append({**trace, "rows": digits(rows), "outputs": outputs})
    for scorer, distance in far.items():
        if distance > HEAD_TOLERANCE / 2:
            raise RuntimeError(f"{scorer}.onnx is {distance} away from PyTorch: do not ship it")
    write_json(out, {"tolerance": {"row": 1e-3, "head": HEAD_TOLERANCE}, "traces": written}, indent=None)
    return far


def digits(values: np.ndarray) -> list:
    """Rows of values to seven digits."""
    return [[float(f"{v:.7g}") for v in row] for row in values]


def check_heads(folder: Path, models: dict[str, nn.Module], table: Table, count: int = 100) -> dict[str, dict]:
    """Rows whose bits differ from (one row, one thread): in one batch, with two threads."""
    x = table.x[:: max(len(table) // count, 1)][:count]
    found = {}
    for scorer, model in models.items():
        one, two = open_session(folder / f"{scorer}.onnx", 1), open_session(folder / f"{scorer}.onnx", 2)
        inputs = head_inputs(model, x)
        single = [{k: v[i : i + 1] for k, v in inputs.items()} for i in range(len(x))]
        alone, again, batch = [one.run(None, s) for s in single], [two.run(None, s) for s in single], one.run(None, inputs)
        found[scorer] = {
            "n": len(x), "threads": sum(differs(a, b) for a, b in zip(alone, again)),
            "batched": sum(differs(a, [o[i : i + 1] for o in batch]) for i, a in enumerate(alone))}
    return found


def differs(a: list[np.ndarray], b: list[np.ndarray]) -> bool:
    return any(p.tobytes() != q.tobytes() for p, q in zip(a, b))
