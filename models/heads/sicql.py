"""sicql: regression of Q on (context, step), of V on the context alone, of an upper expectile of Q; a policy."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from config import DIMENSIONS, HeadConfig
from heads.row import BEFORE_THE_STEP, CONTEXT, MARKER, MEAN, Row
from heads.training import Rows, expectile_loss, fit, masked_bce

D = len(DIMENSIONS)


class Sicql(nn.Module):
    """q, v, q_upper (n, D) logits of P(good) under balanced classes; policy_logits (n, D, 3)."""

    outputs = ("q", "v", "q_upper", "policy_logits")
    main_output = "q"

    def __init__(self, config: HeadConfig, names: list[str]) -> None:
        super().__init__()
        h = config.hidden
        # The goal's state is an index into the training problems (LOG.md, entry 6): left out.
        self.both = Row((CONTEXT, MARKER, MEAN), list(names), names, config.state_scale)
        self.before = Row((CONTEXT,), list(BEFORE_THE_STEP), names, config.state_scale)
        self.q_in = nn.Linear(self.both.width, h)
        self.q_out = nn.Linear(h, D)
        self.q_scalars = nn.Linear(self.both.scalars, D)
        self.gap_out = nn.Linear(h, D)
        self.policy_out = nn.Linear(h + D, 3 * D)
        self.v_in = nn.Linear(self.before.width, h)
        self.v_out = nn.Linear(h, D)
        self.drop_in, self.drop = nn.Dropout(config.dropout / 2), nn.Dropout(config.dropout)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        both = self.both(x)
        z = self.drop(F.relu(self.q_in(self.drop_in(both))))  # (n, h)
        q = self.q_out(z) + self.q_scalars(both[:, -self.both.scalars :])
        gap = F.softplus(self.gap_out(z.detach()))  # >= 0, so q_upper >= q
        policy = self.policy_out(torch.cat([z, q], 1).detach()).reshape(-1, D, 3)
        v = self.v_out(self.drop(F.relu(self.v_in(self.drop_in(self.before(x))))))
        return q, v, q + gap, policy


def train_sicql(rows: Rows, config: HeadConfig, names: list[str]) -> Sicql:
    """Cross-entropy for Q, expectiles for V and the upper value; the policy is trained by train_policy."""
    model = Sicql(config, names)
    labelled = rows.labelled
    for row in (model.both, model.before):
        row.fit(rows.x[labelled].numpy())

    def loss(at: Tensor, _: torch.Generator) -> Tensor:
        y, w = rows.y[at], rows.w[at]
        q, v, q_upper, _ = model(rows.x[at])
        return (
            masked_bce(q, y, w)
            + expectile_loss(v, y, w, config.outlook_expectile)
            + expectile_loss(q.detach() + q_upper - q, y, w, config.upper_expectile)
        )

    fit(model, labelled, config, loss)
    return model


def train_policy(model: Sicql, x: Tensor, action: Tensor, config: HeadConfig, epochs: int = 12) -> None:
    """action (n, D) in {0 accept, 1 revise, 2 escalate}, -1 none; only the policy layer moves."""
    for name, parameter in model.named_parameters():
        parameter.requires_grad = name.startswith("policy_out")

    def loss(at: Tensor, _: torch.Generator) -> Tensor:
        policy = model(x[at])[3]  # (n, D, 3)
        return F.cross_entropy(policy.reshape(-1, 3), action[at].reshape(-1), ignore_index=-1)

    fit(model, torch.nonzero((action >= 0).any(1))[:, 0], config, loss, epochs)
