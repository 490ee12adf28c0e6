"""Trained heads -> ONNX, parity fixtures and the tokenizer's reference cases."""

import gzip
import json
import random
import warnings
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import nn

from config import FEATURES

OUTPUTS = {
    "sicql": ["q", "v", "q_upper", "policy_logits"],
    "contrastive_ranker": ["preference_logit", "embedding_similarity", "utility"],
    "svm": ["decision", "kernel_similarity"],
}
MAIN_OUTPUT = {"sicql": "q", "contrastive_ranker": "preference_logit", "svm": "decision"}


def export_head(model: nn.Module, scorer: str, out: Path, opset: int) -> None:
    """features (n, 1544) float32 -> the scorer's outputs, n free; one self-contained file."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            model.eval(), (torch.zeros(2, FEATURES),), input_names=["features"], output_names=OUTPUTS[scorer],
            dynamic_shapes=({0: torch.export.Dim("n", min=1)},), opset_version=max(opset, 18), dynamo=True,
            verbose=False, external_data=False,
        )
    proto = program.model_proto if hasattr(program, "model_proto") else None
    if proto is None:
        raise RuntimeError("torch.onnx.export returned no model; pin torch as requirements.txt says")
    # Traced metadata holds file names of the training machine: dropped.
    for node in proto.graph.node:
        node.doc_string = ""
        del node.metadata_props[:]
    del proto.metadata_props[:]
    del proto.graph.metadata_props[:]
    proto.graph.name, proto.doc_string = scorer, ""
    for value in [*proto.graph.value_info, *proto.graph.input, *proto.graph.output, *proto.graph.initializer]:
        if hasattr(value, "metadata_props"):
            del value.metadata_props[:]
    out.write_bytes(proto.SerializeToString())


def rounded(values: np.ndarray, digits: int = 6) -> list:
    return json.loads(json.dumps(np.round(np.asarray(values, np.float64), digits).tolist()))


def write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, indent=1, allow_nan=False) + "\n", encoding="utf-8")


ALPHABETS = {
    "latin": "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "accents": "éèêëñüößøåçğıİŞţžĲŒæÆÐþÞſﬁﬀ",
    "combining": "e\u0301a\u0308o\u0302n\u0303i\u0307\u0323c\u0327\u0335u\u20d7",
    "cjk": "中文測試漢字日本語ひらがなカタカナ한국어조선말㐀𠀀豈",
    "rtl": "שלום עולםمرحبا بالعالم\u200f\u202e\u0651\u064b",
    "indic": "नमस्ते दुनियाবাংলাதமிழ்ไทยภาษา",
    "emoji": "😀👩\u200d💻🇩🇪👍🏽🧪❤️\ufe0f",
    "zero_width": "a\u200bb\u200cc\u200dd\ufeffe\u2060f\u00adg",
    "control": "a\x00b\x01c\x07d\x1be\x7ff\x85g\r\n\t\x0bh\x0ci\ufffdj",
    "spaces": " \u00a0\u2003\u3000\u2028\u2029\u1680\u205f\t\n",
    "punctuation": "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~«»“”‘’…–—¿¡§¶†‡•※、。「」",
    "maths": "∑∫√≤≥≠≈∞∂∇∈∉⊂∪∩→⇒⇔αβγδεθλμπσφω𝔸𝑥ℝℕ²³½⅓",
    "symbols": "€£¥₿©®™°¤¦¬±×÷▲■☃♠♫",
    "digits": "0123456789٠١٢٣४५६①②",
}
CASES = [
    "", " ", "\n", "\t \r\n", "[CLS]", "[SEP] [PAD] [MASK] [UNK]", "a[MASK]b", "[mask]", "[ CLS ]", "##ing", "unaffable",
    "Hello, World!", "can't won't it's", "naïve café résumé", "nai\u0308ve cafe\u0301", "ÅNGSTRÖM", "İstanbul ISPARTA ıß",
    "x" * 99, "x" * 100, "x" * 101, "x" * 5000, "é" * 100, "é" * 101, "e\u0301" * 100, "supercalifragilisticexpialidocious",
    r"\frac{a}{b} + \sqrt{x^2 + y^2} = \boxed{42}", r"$\int_0^\infty e^{-x^2}\,dx = \frac{\sqrt{\pi}}{2}$",
    "def f(x: int) -> str:\n    return f\"{x:>10}\"  # comment", "{\"a\": [1, 2.5e-3, null], \"b\": \"\\u00e9\"}",
    "SELECT * FROM t WHERE id='1'; -- drop", "C:\\Users\\me\\file.txt /usr/bin/env https://a.b/c?d=e&f=g#h",
    "1,234.56 -7e10 0xFF 3/4 50% $1.24", "中文和English混合123", "ｆｕｌｌ　ｗｉｄｔｈ", "ﬁne ﬂow", "\ufeffstart", "\ud7ff\ue000", "\U0010ffff",
    "a\u0000b", "tab\tsep", "\u202eabc\u202c", "👨‍👩‍👧‍👦 family", "Ω vs Ω, K vs K, Å vs Å", "ǅ ǆ Ǆ", "Σίσυφος ΣΑΣ", "\u1e9e ß",
]


def tokenizer_strings(steps: list[str], count: int, seed: int) -> list[str]:
    """Hand-written cases, real steps, then seeded mixtures of alphabets."""
    rng = random.Random(seed)
    found = dict.fromkeys(CASES)
    for step in rng.sample(steps, min(len(steps), count // 4)):
        found[step[:600]] = None
    names = list(ALPHABETS)
    while len(found) < count:
        pieces = []
        for _ in range(rng.randint(1, 6)):
            alphabet = ALPHABETS[rng.choice(names)]
            pieces.append("".join(rng.choice(alphabet) for _ in range(rng.randint(1, 9))))
        if rng.random() < 0.05:
            code = rng.choice([rng.randrange(0x20, 0xD800), rng.randrange(0xE000, 0x110000)])
            pieces.append(chr(code))
        found[rng.choice(["", " ", "", "-"]).join(pieces)] = None
    return list(found)[:count]


def write_tokenizer_cases(tokenizer: Tokenizer, steps: list[str], out: Path, seed: int, count: int = 5000) -> None:
    """{note, texts, ids}: ids without [CLS]/[SEP], no truncation."""
    texts = tokenizer_strings(steps, count, seed)
    ids = [e.ids for e in tokenizer.encode_batch(texts, add_special_tokens=False)]
    body = {"note": "ids by HF tokenizers, add_special_tokens=False, no truncation", "texts": texts, "ids": ids}
    raw = json.dumps(body, ensure_ascii=True, separators=(",", ":")).encode()
    out.write_bytes(gzip.compress(raw, 9, mtime=0))
