"""What a head reads of a row: blocks of the encoder and scalars by name, standardised.

Heads that read the same things err alike, whatever their objectives: with everything shown to all six, their
errors within a class correlated by 0.92. So each is shown another part.
"""

import numpy as np
import torch
from torch import Tensor, nn

from config import WIDTH

H = WIDTH
GOAL, CONTEXT, MARKER, MEAN = (slice(i * H, (i + 1) * H) for i in range(4))
SCALARS = slice(4 * H, None)
# Scalars that do not depend on the step judged.
BEFORE_THE_STEP = ("position", "goal_log_chars", "goal_log_numbers")
BACKBONE_OPINION = ("quality", "log_hazard")
LIKENESS = ("cos_goal_step", "cos_prev_step", "max_cos_earlier")


def surface(names: list[str]) -> list[str]:
    """What is seen of a step without the backbone."""
    return [n for n in names if n not in BACKBONE_OPINION and n not in LIKENESS]


class Row(nn.Module):
    """features (n, F) -> the blocks named, each (n, 384), of deviation `state_scale`, then the chosen scalars (n, K') of unit deviation."""

    def __init__(self, blocks: tuple[slice, ...], scalars: list[str], names: list[str], state_scale: float = 1.0) -> None:
        super().__init__()
        self.state_scale = state_scale
        columns = [c for b in blocks for c in range(b.start, b.stop)] + [4 * H + names.index(s) for s in scalars]
        self.blocks, self.scalars = len(blocks), len(scalars)
        self.register_buffer("columns", torch.tensor(columns))
        self.register_buffer("mean", torch.zeros(len(columns)))
        self.register_buffer("scale", torch.ones(len(columns)))

    @property
    def width(self) -> int:
        return len(self.columns)

    def fit(self, x: np.ndarray) -> None:
        """Mean and deviation of the training rows."""
        part = x[:, self.columns.numpy()]
        self.mean.copy_(torch.from_numpy(part.mean(0)))
        self.scale.copy_(1 / (torch.from_numpy(part.std(0)) + 1e-3))
        self.scale[: H * self.blocks] *= self.state_scale

    def forward(self, x: Tensor) -> Tensor:
        """(n, width), nothing further out than 6."""
        return ((x.index_select(1, self.columns) - self.mean) * self.scale).clamp(-6.0, 6.0)
