"""The backbone in PyTorch: MiniLM's six layers under a visibility mask, and three linear readouts."""

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.numpy import load_file
from torch import Tensor, nn

from config import DIMENSIONS, WIDTH, BackboneConfig


class Layer(nn.Module):
    def __init__(self, config: BackboneConfig, dropout: float) -> None:
        super().__init__()
        self.heads, self.dropout = config.attention_heads, dropout
        self.qkv = nn.Linear(WIDTH, 3 * WIDTH)
        self.out = nn.Linear(WIDTH, WIDTH)
        self.norm_1 = nn.LayerNorm(WIDTH, eps=config.layer_norm_eps)
        self.up = nn.Linear(WIDTH, 4 * WIDTH)
        self.down = nn.Linear(4 * WIDTH, WIDTH)
        self.norm_2 = nn.LayerNorm(WIDTH, eps=config.layer_norm_eps)

    def forward(self, x: Tensor, hidden: Tensor) -> Tensor:
        b, t, _ = x.shape
        q, k, v = self.qkv(x).view(b, t, 3, self.heads, WIDTH // self.heads).permute(2, 0, 3, 1, 4)
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=hidden)
        y = self.out(y.transpose(1, 2).reshape(b, t, WIDTH))
        x = self.norm_1(x + F.dropout(y, self.dropout, self.training))
        return self.norm_2(x + F.dropout(self.down(F.gelu(self.up(x))), self.dropout, self.training))


class Encoder(nn.Module):
    """ids, positions (B, T), visible (B, T, T) -> states (B, T, 384).

    readout gives D quality logits (column 0 is reasoning_quality) and the hazard logit of each token:
    under it a step is good with probability exp(-sum of softplus(hazard) over its tokens).
    """

    def __init__(self, config: BackboneConfig, dropout: float = 0.0) -> None:
        super().__init__()
        self.words = nn.Embedding(30522, WIDTH)
        self.places = nn.Embedding(512, WIDTH)
        self.norm = nn.LayerNorm(WIDTH, eps=config.layer_norm_eps)
        self.layers = nn.ModuleList([Layer(config, dropout) for _ in range(config.layers)])
        self.readout = nn.Linear(WIDTH, len(DIMENSIONS) + 1)
        self.sentence = nn.Linear(WIDTH, WIDTH)  # fitted by least squares after training
        self.dropout = dropout
        with torch.no_grad():
            self.readout.weight.zero_()
            self.readout.bias.zero_()
            self.readout.bias[-1] = -5.0  # about half a percent a token

    def forward(self, ids: Tensor, positions: Tensor, visible: Tensor) -> Tensor:
        x = self.norm(self.words(ids) + self.places(positions))
        x = F.dropout(x, self.dropout, self.training)
        hidden = torch.zeros(visible.shape, dtype=torch.bfloat16 if torch.is_autocast_enabled("cpu") else x.dtype)
        hidden.masked_fill_(~visible, -1e9)
        for layer in self.layers:
            x = layer(x, hidden[:, None])
        return x


def load_pretrained(encoder: Encoder, path: str) -> None:
    """The original weights; the token type, always 0, is added into the positions."""
    w = {k: torch.from_numpy(v) for k, v in load_file(path).items()}
    with torch.no_grad():
        encoder.words.weight.copy_(w["embeddings.word_embeddings.weight"])
        encoder.places.weight.copy_(
            w["embeddings.position_embeddings.weight"] + w["embeddings.token_type_embeddings.weight"][0])
        copy_pair(encoder.norm, w, "embeddings.LayerNorm")
        for i, layer in enumerate(encoder.layers):
            p = f"encoder.layer.{i}"
            for part in ("weight", "bias"):
                kinds = [w[f"{p}.attention.self.{k}.{part}"] for k in ("query", "key", "value")]
                getattr(layer.qkv, part).copy_(torch.cat(kinds))
            copy_pair(layer.out, w, f"{p}.attention.output.dense")
            copy_pair(layer.norm_1, w, f"{p}.attention.output.LayerNorm")
            copy_pair(layer.up, w, f"{p}.intermediate.dense")
            copy_pair(layer.down, w, f"{p}.output.dense")
            copy_pair(layer.norm_2, w, f"{p}.output.LayerNorm")


def copy_pair(module: nn.Module, w: dict[str, Tensor], name: str) -> None:
    module.weight.copy_(w[f"{name}.weight"])
    module.bias.copy_(w[f"{name}.bias"])


def collate(windows: list, units: list) -> tuple[Tensor, Tensor, Tensor]:
    """Windows of several lists of units -> padded ids, positions (B, T), visible (B, T, T)."""
    parts = [w.arrays(u) for w, u in zip(windows, units)]
    t = max(len(ids) for ids, _, _ in parts)
    ids, positions = np.zeros((len(parts), t), np.int64), np.zeros((len(parts), t), np.int64)
    visible = np.zeros((len(parts), t, t), bool)
    for row, (i, p, v) in enumerate(parts):
        n = len(i)
        ids[row, :n], positions[row, :n], visible[row, :n, :n] = i, p, v
        visible[row, n:, 0] = True  # padding looks at [CLS]: a row of nothing would be undefined
    return torch.from_numpy(ids), torch.from_numpy(positions), torch.from_numpy(visible)


@torch.inference_mode()
def plain_embeddings(original: Encoder, texts_ids: list[list[int]]) -> np.ndarray:
    """(N, 384) unit vectors of the original sentence model: the mean over all tokens of one short text."""
    found = []
    for ids in texts_ids:
        row = torch.tensor([[101, *ids[:254], 102]])
        n = row.shape[1]
        mean = original(row, torch.arange(n)[None], torch.ones(1, n, n, dtype=torch.bool))[0].mean(0)
        found.append((mean / mean.norm()).numpy())
    return np.stack(found)


def fit_sentence(encoder: Encoder, means: np.ndarray, wanted: np.ndarray, ridge: float = 1.0) -> float:
    """Least squares from a step's mean state to the original model's vector of its text alone.

    means, wanted (N, 384). Returns the mean cosine on the fifth of the rows that was not fitted.
    """
    test = np.arange(len(means)) % 5 == 0
    x = np.concatenate([means, np.ones((len(means), 1))], 1).astype(np.float64)
    a = x[~test].T @ x[~test] + ridge * np.eye(x.shape[1])
    solution = np.linalg.solve(a, x[~test].T @ wanted[~test])
    with torch.no_grad():
        encoder.sentence.weight.copy_(torch.from_numpy(solution[:-1].T.astype(np.float32)))
        encoder.sentence.bias.copy_(torch.from_numpy(solution[-1].astype(np.float32)))
    guess = x[test] @ solution
    guess /= np.linalg.norm(guess, axis=1, keepdims=True)
    return float((guess * wanted[test]).sum(1).mean())
