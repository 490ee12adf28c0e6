"""Every number of the training run, in one place. Nothing here names a machine."""

import os
import random
from dataclasses import dataclass, field

import numpy as np
import torch

# D, the order of every head output.
DIMENSIONS = (
    "reasoning_quality", "relevance", "novelty", "coherence", "implementability", "truthfulness", "alignment",
)
WIDTH = 384  # H, width of a token state


@dataclass(frozen=True)
class BackboneConfig:
    id: str = "minilm-steps"
    version: str = "2.1.0"
    layers: int = 6
    attention_heads: int = 12
    layer_norm_eps: float = 1e-12
    block_size: int = 128  # rows of a weight column that share one 8-bit scale
    opset: int = 17


@dataclass(frozen=True)
class WindowConfig:
    tokens: int = 384  # longest window
    goal_tokens: int = 120  # word pieces kept of a goal: the first goal_head, then the last
    goal_head: int = 80
    chunk_tokens: int = 120  # word pieces of a chunk; longer steps are several chunks
    carry_tokens: int = 124  # most recent units read again at the head of a new window
    step_end: int = 2  # [unused1], ends a step
    chunk_end: int = 3  # [unused2], ends a chunk that is not its step's last


@dataclass(frozen=True)
class FinetuneConfig:
    total_tokens: int = 12_500_000  # tokens seen in all; the schedule runs over them
    batch_tokens: int = 4608
    packed_tokens: int = 576  # of alternatives packed side by side; each sees at most a runtime window
    learning_rate: float = 1.5e-4
    layer_decay: float = 0.85  # the lowest layer learns at 0.85^5 of the rate
    weight_decay: float = 0.01
    warm_up: float = 0.03
    dropout: float = 0.0
    checkpoint_minutes: float = 10.0
    evaluate_minutes: float = 60.0
    merge_share: float = 0.4  # of traces whose neighbouring steps are joined
    synthetic: float = 0.4  # share of the traces with made errors that take part in an epoch
    swap_share: float = 0.06  # of windows that get a foreign goal: alignment's bad class


@dataclass(frozen=True)
class SvmConfig:
    basis: int = 1200  # kernel basis points; the design's limit is 2,000
    first_share: float = 0.5  # of the basis drawn for reasoning_quality
    context_pca: int = 32
    mean_pca: int = 24
    context_scale: float = 0.5  # deviations of the blocks, all axes together
    mean_scale: float = 0.5
    scalar_scale: float = 1.0
    left_out: tuple[str, ...] = ("quality", "log_hazard")  # scalars the kernel does not see
    gamma: float = 0.5  # times 1 / median squared distance
    ridge: float = 1.0
    newton_steps: int = 5
    most_rows: int = 24000  # drawn by weight where there are more


@dataclass(frozen=True)
class HeadConfig:
    hidden: int = 64
    dropout: float = 0.35
    epochs: int = 8
    batch: int = 512
    learning_rate: float = 1e-3
    weight_decay: float = 0.05
    state_scale: float = 0.15  # of the encoder's states beside the scalars: smaller learns more slowly
    # Shares of preference pairs: alternatives of one context, steps of one problem, steps of one file.
    pair_shares: tuple[float, ...] = (0.4, 0.3, 0.3)
    mrq_shares: tuple[float, ...] = (0.25, 0.25, 0.5)
    upper_expectile: float = 0.9
    outlook_expectile: float = 0.6
    hrm_epochs: int = 8
    hrm_rows: int = 3000  # rows of a batch of whole traces
    hrm_rate: float = 3e-3
    run_share: float = 0.5  # weight of the outcome of runs beside the steps


@dataclass(frozen=True)
class TrainConfig:
    seed: int = 20261123
    created_at: str = "2026-11-23"
    scorer_version: str = "2.1.0"
    kept_share: int = 10  # one problem in ten is kept for model choice
    folds: int = 3  # out-of-fold consensus, the target of `escalate`
    threads: int = 2
    bootstrap: int = 500
    # Weight of one file's labels beside the others; good and bad weigh the same within a file, so
    # that a head cannot win by recognising the file.
    source_weight: dict[str, float] = field(default_factory=lambda: {
        "train/prm800k_phase1": 1.0,
        "train/mr_ben": 1.0,
        "train/gsm8k_twins": 0.2,
        "train/prmbench_synthetic": 0.2,
        "train/generated": 0.1,
        "train/agentrx": 0.05,
        "train/agent_outcomes": 0.0,
    })
    backbone: BackboneConfig = field(default_factory=BackboneConfig)
    window: WindowConfig = field(default_factory=WindowConfig)
    finetune: FinetuneConfig = field(default_factory=FinetuneConfig)
    head: HeadConfig = field(default_factory=HeadConfig)
    svm: SvmConfig = field(default_factory=SvmConfig)


def set_seed(seed: int, threads: int) -> None:
    """Fix every source of chance. Called once by the entry point and once before each head."""
    os.environ["PYTHONHASHSEED"] = str(seed)
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    torch.set_num_threads(threads)
