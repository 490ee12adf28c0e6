"""Every number of the training run, in one place. Nothing here names a machine."""

import os
import random
from dataclasses import dataclass, field

import numpy as np
import torch

DIMENSIONS = ("reasoning_quality", "relevance")  # D, the order of every head output
WIDTH = 384  # H, backbone embedding width
SCALARS = (
    "cos_goal_step", "cos_context_step", "cos_prev_step", "max_cos_earlier",
    "position", "log_chars", "digit_share", "log_newlines",
)
FEATURES = 4 * WIDTH + len(SCALARS)  # F = 1544, width of a head input row
POSITION_COLUMN = 4 * WIDTH + 4  # the only scalar V may see


@dataclass(frozen=True)
class BackboneConfig:
    id: str = "all-MiniLM-L6-v2"
    version: str = "1.0.0"
    layers: int = 6
    attention_heads: int = 12
    layer_norm_eps: float = 1e-12
    max_positions: int = 256  # [CLS] + 254 word pieces + [SEP]
    chunk_tokens: int = 254
    block_size: int = 128  # rows of a weight column that share one 8-bit scale
    opset: int = 17
    run_tokens: int = 2048  # tokens of one embedding run while training


@dataclass(frozen=True)
class SvmConfig:
    basis: int = 1600  # kernel basis points; the design's limit is 2,000
    step_pca: int = 192
    other_pca: int = 32
    gamma: float = 0.5  # times 1 / median squared distance
    ridge: float = 1.0
    newton_steps: int = 6


@dataclass(frozen=True)
class HeadConfig:
    hidden: int = 64
    dropout: float = 0.35
    epochs: int = 8
    batch: int = 512
    learning_rate: float = 1e-3
    weight_decay: float = 0.05
    upper_expectile: float = 0.9
    outlook_expectile: float = 0.6


@dataclass(frozen=True)
class TrainConfig:
    seed: int = 20261123
    created_at: str = "2026-11-23"
    scorer_version: str = "1.0.0"
    kept_share: int = 10  # one problem in ten is kept for model choice
    folds: int = 3  # out-of-fold consensus, the target of `escalate`
    threads: int = 2
    bootstrap: int = 500
    # Weight of one file's labels beside the others; good and bad weigh the same within a file, so
    # that a head cannot win by recognising the file.
    source_weight: dict[str, float] = field(default_factory=lambda: {
        "train/prm800k_phase1": 1.0,
        "train/mr_ben": 1.0,
        "train/agentrx_tau_retail": 0.02,
    })
    backbone: BackboneConfig = field(default_factory=BackboneConfig)
    head: HeadConfig = field(default_factory=HeadConfig)
    svm: SvmConfig = field(default_factory=SvmConfig)


def set_seed(seed: int, threads: int) -> None:
    """Fix every source of chance. Called once by the entry point and once before each head."""
    os.environ["PYTHONHASHSEED"] = str(seed)
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    torch.set_num_threads(threads)
