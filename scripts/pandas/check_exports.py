"""Reads exported files as a user of pandas would and holds every number against expected.json, to the bit.

    python3 scripts/pandas/check_exports.py FOLDER

FOLDER has corpus.csv, corpus.jsonl, corpus.npy, corpus.npy.labels.json, corpus.parquet and expected.json:
{"columns": {name: [value or null, one a record]}, "tensor": [...]}. Parquet is passed over without pyarrow.
"""
import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd

# Exact by default from pandas 3 on.
EXACT = {"float_precision": "round_trip"} if int(pd.__version__.split(".")[0]) < 3 else {}


def numbers(values) -> np.ndarray:
    """Missing is NaN, however it is written."""
    return np.array([np.nan if value is None else value for value in values], dtype="float64")


def assert_same(what: str, found, expected) -> None:
    found, expected = numbers(found), numbers(expected)
    same = found.shape == expected.shape and bool(np.all((found.view("int64") == expected.view("int64")) | (np.isnan(found) & np.isnan(expected))))
    if not same:
        sys.exit(f"{what}: read {found.tolist()}, expected {expected.tolist()}")


def check_table(what: str, table: pd.DataFrame, expected: dict) -> None:
    for name, values in expected["columns"].items():
        if any(isinstance(value, str) for value in values):
            read = [None if pd.isna(value) else value for value in table[name]]
            if read != values:
                sys.exit(f"{what} {name}: read {read}, expected {values}")
        else:
            assert_same(f"{what} {name}", table[name].astype("float64"), values)


def main(folder: Path) -> None:
    expected = json.loads((folder / "expected.json").read_text("utf-8"))
    check_table("csv", pd.read_csv(folder / "corpus.csv", **EXACT), expected)

    # Not read_json: its parser refuses the smallest and the largest numbers.
    lines = pd.json_normalize([json.loads(line) for line in (folder / "corpus.jsonl").read_text("utf-8").splitlines()])
    lines.columns = [name.replace("attributes.", "attr.", 1) for name in lines.columns]
    check_table("jsonl", lines, {"columns": {name: values for name, values in expected["columns"].items() if "[" not in name}})

    tensor = np.load(folder / "corpus.npy")
    labels = json.loads((folder / "corpus.npy.labels.json").read_text("utf-8"))
    if list(tensor.shape) != [len(labels[axis]) for axis in labels["axes"]]:
        sys.exit(f"npy: shape {tensor.shape}, labels {[len(labels[axis]) for axis in labels['axes']]}")
    assert_same("npy", tensor.ravel(), expected["tensor"])

    read = ["csv", "jsonl", "npy"]
    try:
        check_table("parquet", pd.read_parquet(folder / "corpus.parquet"), expected)
        read.append("parquet")
    except ImportError:
        pass
    print(f"pandas {pd.__version__} read {', '.join(read)}")


main(Path(sys.argv[1]))
