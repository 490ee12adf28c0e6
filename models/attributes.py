"""Attributes of the scorers as the product shows them, from raw head outputs, with what each claims to say.

Claims: 'good' = higher on good steps, 'bad' = higher on bad ones, 'wrong' = higher where the consensus errs,
'sure' = higher where it does not, 'none' = described, not claimed.
"""

import numpy as np

from evaluate import logistic

CLAIMS = {
    "sicql.q_value": "good", "sicql.v_value": "good", "sicql.advantage": "good", "sicql.q_gap": "wrong", "sicql.entropy": "wrong",
    "sicql.p_accept": "good", "sicql.p_revise": "bad", "sicql.p_escalate": "wrong",
    "ebt.energy": "bad", "ebt.baseline": "bad", "ebt.advantage": "good", "ebt.policy_entropy": "none", "ebt.trace_length": "bad",
    "hrm.energy": "bad", "hrm.convergence": "wrong", "hrm.zL_magnitude": "none", "hrm.zH_magnitude": "none",
    "contrastive_ranker.preference_score": "good", "contrastive_ranker.ranking_strength": "sure",
    "contrastive_ranker.embedding_similarity": "good", "contrastive_ranker.decision_boundary": "sure",
    "mrq.meta_score": "good", "mrq.baseline_score": "good", "mrq.scaled_score": "good", "mrq.embedding_distance": "wrong",
    "svm.decision_function": "good", "svm.margin": "sure", "svm.kernel_similarity": "sure",
}
# What may join the estimate of P(consensus wrong).
MAY_WARN = (
    "sicql.q_gap", "sicql.entropy", "sicql.p_escalate", "sicql.v_value", "sicql.advantage", "ebt.trace_length", "ebt.baseline", "ebt.policy_entropy",
    "hrm.convergence", "hrm.zL_magnitude", "mrq.embedding_distance", "mrq.baseline_score", "contrastive_ranker.embedding_similarity",
)


def attributes_of(raw: dict[str, dict[str, np.ndarray]], d: int) -> dict[str, np.ndarray]:
    """raw[scorer][output] -> attribute -> (n,) of dimension d."""
    s, e, h = raw["sicql"], raw["ebt"], raw["hrm"]
    c, m, k = raw["contrastive_ranker"], raw["mrq"], raw["svm"]
    policy = softmax(s["policy_logits"][:, d])
    preference = logistic(c["preference_logit"][:, d])
    return {
        "sicql.q_value": s["q"][:, d], "sicql.v_value": s["v"][:, d], "sicql.advantage": s["q"][:, d] - s["v"][:, d],
        "sicql.q_gap": np.maximum(s["q_upper"][:, d] - s["q"][:, d], 0), "sicql.entropy": entropy(policy),
        "sicql.p_accept": policy[:, 0], "sicql.p_revise": policy[:, 1], "sicql.p_escalate": policy[:, 2],
        "ebt.energy": -e["neg_energy"][:, d], "ebt.baseline": -e["baseline"][:, d], "ebt.advantage": e["neg_energy"][:, d] - e["baseline"][:, d],
        "ebt.policy_entropy": entropy(softmax(-e["energies"][:, d])), "ebt.trace_length": e["path_length"][:, d],
        "hrm.energy": -h["logit"][:, d], "hrm.convergence": h["convergence"][:, d],
        "hrm.zL_magnitude": h["zl_magnitude"][:, d], "hrm.zH_magnitude": h["zh_magnitude"][:, d],
        "contrastive_ranker.preference_score": preference, "contrastive_ranker.ranking_strength": abs(2 * preference - 1),
        "contrastive_ranker.embedding_similarity": c["embedding_similarity"][:, d],
        "contrastive_ranker.decision_boundary": abs(c["preference_logit"][:, d]),
        "mrq.meta_score": m["value"][:, d], "mrq.baseline_score": m["baseline"][:, d],
        "mrq.scaled_score": logistic(m["value"][:, d] - m["baseline"][:, d]),
        "mrq.embedding_distance": m["embedding_distance"][:, d],
        "svm.decision_function": k["decision"][:, d], "svm.margin": abs(k["decision"][:, d]), "svm.kernel_similarity": k["kernel_similarity"][:, d],
    }


def softmax(logits: np.ndarray) -> np.ndarray:
    """Along the last axis."""
    powers = np.exp(logits.astype(np.float64) - logits.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def entropy(p: np.ndarray) -> np.ndarray:
    """Nats, along the last axis."""
    return -(p * np.log(p + 1e-12)).sum(-1)
