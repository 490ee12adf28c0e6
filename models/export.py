"""Trained heads -> ONNX, parity fixtures and the tokenizer's reference cases."""

import gzip
import json
import random
import warnings
from pathlib import Path

import numpy as np
import onnx
import torch
from tokenizers import Tokenizer
from torch import nn

from heads import HEADS
from heads.hrm import STATE

LEAST_HALVED = 1024  # entries of a weight that is stored in half precision


def halve(model: nn.Module) -> None:
    """Rounds large weights to what half precision holds, so that the stored file loses nothing."""
    with torch.no_grad():
        for tensor in (*model.parameters(), *model.buffers()):
            if tensor.is_floating_point() and tensor.numel() >= LEAST_HALVED:
                tensor.copy_(tensor.half().float())


def export_head(model: nn.Module, scorer: str, width: int, out: Path, opset: int) -> None:
    """features (n, width) float32 (hrm: and state) -> the scorer's outputs, n free; one self-contained file."""
    inputs = {"features": torch.zeros(2, width)}
    if scorer == "hrm":
        inputs["state"] = torch.zeros(2, STATE)
    rows = torch.export.Dim("n", min=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            model.eval(), tuple(inputs.values()), input_names=list(inputs), output_names=list(HEADS[scorer].outputs),
            dynamic_shapes=tuple({0: rows} for _ in inputs), opset_version=max(opset, 18), dynamo=True,
            verbose=False, external_data=False,
        )
    proto = store_halved(program.model_proto)
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


def store_halved(proto: onnx.ModelProto) -> onnx.ModelProto:
    """Large float32 weights that half precision holds exactly become half + Cast, folded when the file is loaded."""
    casts = []
    for i, initializer in enumerate(list(proto.graph.initializer)):
        value = onnx.numpy_helper.to_array(initializer)
        if value.dtype != np.float32 or value.size < LEAST_HALVED:
            continue
        with np.errstate(over="ignore"):
            half = value.astype(np.float16)
        if not (half.astype(np.float32) == value).all():
            continue
        name = initializer.name
        proto.graph.initializer[i].CopyFrom(onnx.numpy_helper.from_array(half, f"{name}.half"))
        casts.append(onnx.helper.make_node("Cast", [f"{name}.half"], [name], name=f"cast_{name}", to=onnx.TensorProto.FLOAT))
    nodes = [*casts, *proto.graph.node]
    del proto.graph.node[:]
    proto.graph.node.extend(nodes)
    return proto


def write_json(path: Path, value: object, indent: int | None = 1) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, indent=indent, allow_nan=False) + "\n", encoding="utf-8")


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
