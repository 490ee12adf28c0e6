"""contrastive_ranker: g(step) - g(the step expected in this context), antisymmetric by construction."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from config import DIMENSIONS, HeadConfig
from heads.row import CONTEXT, LIKENESS, MEAN, Row
from heads.training import Rows, fit, masked_bce

D = len(DIMENSIONS)
SIDE = 16  # width of the space in which step and expectation are compared


class ContrastiveRanker(nn.Module):
    """preference_logit, embedding_similarity, utility, each (n, D)."""

    outputs = ("preference_logit", "embedding_similarity", "utility")
    main_output = "preference_logit"

    def __init__(self, config: HeadConfig, names: list[str]) -> None:
        super().__init__()
        h = config.hidden
        self.step = Row((MEAN,), list(LIKENESS), names, config.state_scale)
        self.context = Row((CONTEXT,), [], names, config.state_scale)
        self.step_in = nn.Linear(self.step.width, h)
        self.place_in = nn.Linear(self.context.width, h)
        self.expected = nn.Linear(self.context.width, h)  # the step one would expect here, as step_in would read it
        self.out = nn.Linear(h, D)
        self.step_side = nn.Linear(self.step.width, D * SIDE, bias=False)
        self.good_side = nn.Linear(self.context.width, D * SIDE)  # projected centroid of good steps after this context
        self.drop_in, self.drop = nn.Dropout(config.dropout / 2), nn.Dropout(config.dropout)

    def value(self, seen: Tensor, place: Tensor) -> Tensor:
        """g, (n, D)."""
        return self.out(self.drop(F.relu(seen + place)))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        step, context = self.drop_in(self.step(x)), self.drop_in(self.context(x))
        place = self.place_in(context)
        utility = self.value(self.step_in(step), place)
        base = self.value(self.expected(context), place)
        a = self.step_side(step).reshape(-1, D, SIDE)
        b = self.good_side(context).reshape(-1, D, SIDE)
        norms = torch.sqrt((a * a).sum(2) + 1e-6) * torch.sqrt((b * b).sum(2) + 1e-6)
        return utility - base, (a * b).sum(2) / norms, utility


def train_contrastive_ranker(rows: Rows, config: HeadConfig, names: list[str]) -> ContrastiveRanker:
    """Pairs order the utilities; against the expected step good ones win and bad ones lose."""
    model = ContrastiveRanker(config, names)
    labelled = rows.labelled
    for row in (model.step, model.context):
        row.fit(rows.x[labelled].numpy())

    def loss(at: Tensor, generator: torch.Generator) -> Tensor:
        pick = rows.pairs.draw(len(at), config.pair_shares, generator)
        n, d = len(at), rows.pairs.dimension[pick][:, None]
        preference, similarity, utility = model(rows.x[torch.cat([at, rows.pairs.better[pick], rows.pairs.worse[pick]])])
        gap = utility[n : n + len(pick)].gather(1, d) - utility[n + len(pick) :].gather(1, d)
        y, w = rows.y[at], rows.w[at]
        return F.softplus(-gap).mean() + masked_bce(preference[:n], y, w) + 0.3 * masked_bce(4 * similarity[:n], y, w)

    fit(model, labelled, config, loss)
    return model
