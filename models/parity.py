"""Measured, not assumed: PyTorch = ONNX, one text = a batch, one thread = two."""

from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import nn

from backbone import chunk_ids, embed_texts, open_session, run_chunk, source_folder
from config import BackboneConfig
from export import OUTPUTS, rounded, write_json
from heads import run_head

TEXTS = [
    "", "Natalia sold 48/2 = 24 clips in May.", "So the answer is \\boxed{42}.", "I will look up the order first.",
    "def add(a, b):\n    return a + b", "Since $x^2 = 9$, we have $x = 3$ or $x = -3$.", "中文和 English 混合 123",
    "Café naïve: e\u0301 😀 \u200b zero width", "Error: ENOENT: no such file or directory, open '/tmp/x'",
    "Let's verify: 12 * 12 = 144, so the side is 12.", "The patient has a 2-day history of mild nausea.",
    "word " * 600,
]


def torch_embeddings(texts: list[str], tokenizer: Tokenizer, config: BackboneConfig) -> np.ndarray:
    """(N, 384) by PyTorch in fp32 from the original weights, same chunking."""
    from transformers import BertModel, logging

    logging.set_verbosity_error()
    model = BertModel.from_pretrained(source_folder(), add_pooling_layer=False).eval()
    rows = []
    with torch.inference_mode():
        for chunks in chunk_ids(tokenizer, texts, config.chunk_tokens):
            total = 0.0
            for ids in chunks:
                v = model(torch.tensor([ids])).last_hidden_state[0].mean(0)
                total = total + v / v.norm() * max(len(ids) - 2, 1)
            rows.append((total / total.norm()).numpy())
    return np.stack(rows)


def backbone_parity(path: Path, tokenizer: Tokenizer, config: BackboneConfig, texts: list[str]) -> dict:
    ours = embed_texts(open_session(path, 1), tokenizer, config, texts, None, "", progress=False)
    cosine = (ours * torch_embeddings(texts, tokenizer, config)).sum(1)
    return {"meanCosine": float(cosine.mean()), "minCosine": float(cosine.min()), "n": len(texts)}


def batch_exactness(path: Path, tokenizer: Tokenizer, config: BackboneConfig, texts: list[str]) -> dict:
    """Texts whose bits differ from (one text, one thread): in a padded batch of 8, with two threads."""
    one, two = open_session(path, 1), open_session(path, 2)
    ids = [chunks[0] for chunks in chunk_ids(tokenizer, texts, config.chunk_tokens)]
    alone = [run_chunk(one, np.array([row], np.int64))[0] for row in ids]
    threads = sum(run_chunk(two, np.array([row], np.int64))[0].tobytes() != v.tobytes() for row, v in zip(ids, alone))
    padded, same, worst = 0, 0, 0.0
    for start in range(0, len(ids), 8):
        group = ids[start : start + 8]
        rows = np.zeros((len(group), max(map(len, group))), np.int64)
        mask = np.zeros_like(rows)
        for i, row in enumerate(group):
            rows[i, : len(row)], mask[i, : len(row)] = row, 1
        got = one.run(["embedding"], {"input_ids": rows, "attention_mask": mask})[0]
        for i in range(len(group)):
            padded += got[i].tobytes() != alone[start + i].tobytes()
            worst = max(worst, float(abs(got[i] - alone[start + i]).max()))
        equal = run_chunk(one, np.array([group[0], group[0], group[0]], np.int64))
        same += any(v.tobytes() != alone[start].tobytes() for v in equal)
    return {"n": len(ids), "threads": threads, "padded": padded, "paddedMaxAbs": worst, "equalLength": same}


def head_batch_exactness(path: Path, x: np.ndarray) -> dict:
    """Rows whose bits differ from (one row, one thread): in one batch, with two threads."""
    one, two = open_session(path, 1), open_session(path, 2)
    alone = [one.run(None, {"features": row[None]}) for row in x]
    again = [two.run(None, {"features": row[None]}) for row in x]
    batch = one.run(None, {"features": x})

    def differs(a: list[np.ndarray], b: list[np.ndarray]) -> bool:
        return any(p.tobytes() != q.tobytes() for p, q in zip(a, b))

    return {
        "n": len(x), "threads": sum(differs(a, b) for a, b in zip(alone, again)),
        "batched": sum(differs(a, [o[i : i + 1] for o in batch]) for i, a in enumerate(alone)),
        "maxAbs": max(float(abs(a[k] - batch[k][i : i + 1]).max()) for i, a in enumerate(alone) for k in range(len(batch))),
    }


def write_parity(out: Path, backbone: Path, tokenizer: Tokenizer, config: BackboneConfig, folder: Path,
                 models: dict[str, nn.Module], x: np.ndarray) -> None:
    """Fixtures for the TypeScript side: texts with PyTorch vectors, rows with PyTorch head outputs."""
    reference = torch_embeddings(TEXTS, tokenizer, config)
    ours = embed_texts(open_session(backbone, 1), tokenizer, config, TEXTS, None, "", progress=False)
    rows = np.round(x[np.linspace(0, len(x) - 1, 6).astype(int)], 5).astype(np.float32)
    heads = {}
    for scorer, model in models.items():
        expected = run_head(model, rows)
        got = open_session(folder / f"{scorer}.onnx", 1).run(None, {"features": rows})
        worst = max(float(abs(a - b).max()) for a, b in zip(expected, got))
        if worst > 1e-3:
            raise RuntimeError(f"{scorer}.onnx is {worst} away from PyTorch: do not ship it")
        heads[scorer] = {
            "maxAbsOnnx": worst, "outputs": {n: rounded(v) for n, v in zip(OUTPUTS[scorer], expected)}}
    write_json(out, {
        "tolerance": {"embeddingCosine": 0.999, "embeddingOnnx": 1e-4, "head": 1e-3},
        "texts": [
            {"text": t, "torchFirst16": rounded(r[:16]), "cosine": round(float(r @ o), 6), "onnx": rounded(o)}
            for t, r, o in zip(TEXTS, reference, ours)
        ],
        "headRows": rounded(rows, 5), "heads": heads,
    })
