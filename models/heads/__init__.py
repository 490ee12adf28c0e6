"""The six heads: what each computes and how it is trained, one file a head."""

import time

import numpy as np
import torch
from torch import nn

from config import TrainConfig, set_seed
from features import Table
from heads.contrastive_ranker import ContrastiveRanker, train_contrastive_ranker
from heads.ebt import Ebt, train_ebt
from heads.hrm import Hrm, levels_of, train_hrm, trace_groups, walk
from heads.mrq import Mrq, train_mrq
from heads.sicql import Sicql, train_sicql
from heads.svm import Svm, train_svm
from heads.training import Rows

HEADS = {"sicql": Sicql, "ebt": Ebt, "hrm": Hrm, "contrastive_ranker": ContrastiveRanker, "mrq": Mrq, "svm": Svm}
SCORERS = tuple(HEADS)


def train_heads(rows: Rows, config: TrainConfig, names: list[str], which: tuple[str, ...] = SCORERS) -> dict[str, nn.Module]:
    """names: of the scalars, in order."""
    train = {
        "sicql": lambda: train_sicql(rows, config.head, names),
        "ebt": lambda: train_ebt(rows, config.head, names),
        "hrm": lambda: train_hrm(rows, config.head, names),
        "contrastive_ranker": lambda: train_contrastive_ranker(rows, config.head, names),
        "mrq": lambda: train_mrq(rows, config.head, names),
        "svm": lambda: train_svm(rows, config.svm, names, config.seed),
    }
    models = {}
    for number, scorer in enumerate(SCORERS):
        if scorer in which:
            start = time.time()
            set_seed(config.seed + number, config.threads)
            models[scorer] = train[scorer]()
            print(f"  {scorer}: {time.time() - start:.0f} s", flush=True)
    return models


def run_head(model: nn.Module, table: Table, batch: int = 4096) -> dict[str, np.ndarray]:
    """All outputs over the rows of a table, by name; hrm walks the paths."""
    with torch.inference_mode():
        x = torch.from_numpy(table.x)
        if isinstance(model, Hrm):
            groups = trace_groups(table.trace, batch, np.random.default_rng(0))
            parts = []
            for group in groups:
                levels = levels_of(group, table.step, table.parent)
                parts.append((levels.rows, walk(model, x, levels)))
            order = torch.argsort(torch.cat([rows for rows, _ in parts]))
            columns = [torch.cat(column)[order] for column in zip(*(out for _, out in parts))]
        else:
            outputs = [model(x[i : i + batch]) for i in range(0, len(x), batch)]
            columns = [torch.cat(column) for column in zip(*outputs)]
    return {name: column.numpy() for name, column in zip(model.outputs, columns)}
