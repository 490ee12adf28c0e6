"""All tables of head rows from one fine-tuned encoder, kept as .npz in the cache."""

import json
import random
from dataclasses import replace
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from backbone import source_folder
from config import WIDTH, TrainConfig
from data import BAD, GOOD, Trace, by_problem, held_agentrx, is_kept, load_traces
from encoder import Encoder, fit_sentence, load_pretrained, plain_embeddings
from features import Table, build_table, encode_items
from finetune import D, Item, Node, chain_item, corrupted_item, label_vector, tree_item, twin_item
from generated import make_traces

OUTCOME_RUNS = {"train": 120, "kept": 40}  # tau runs with an outcome that are read: they are long
EVERY = {"prmbench_synthetic": 4, "gsm8k_human_solutions": 6}  # every n-th trace of the made errors
SOLUTIONS = 3  # good and bad ways a problem, where a threshold for first errors is chosen
PRM_SHARE = 0.7  # of PRM800K's training problems


def pair_items(path: Path) -> list[Item]:
    """The hand-made pairs: context steps, then right and wrong as two leaves."""
    items = []
    for line in path.read_text(encoding="utf-8").splitlines():
        pair = json.loads(line)
        blank = np.full(D, np.nan, np.float32)
        nodes = [Node(text, i - 1, blank) for i, text in enumerate(pair["context"])]
        last = len(nodes) - 1
        nodes.append(Node(pair["wrong"], last, label_vector(BAD, "pairs")))
        nodes.append(Node(pair["right"], last, label_vector(GOOD, "pairs")))
        items.append(Item(pair["goal"], nodes, "pairs"))
    return items


def solutions(traces: list[Trace], rng: random.Random) -> list[Item]:
    """Ways of competition maths as whole traces: the longest good ones of each problem, and as many that end in an error.

    PRM800K rates the last step of each context; the steps before it were chosen to go on from and count as good.
    """
    found = []
    for of_problem in by_problem(traces):
        good = sorted((t for t in of_problem if t.labels[-1] == GOOD), key=lambda t: -len(t.steps))[:SOLUTIONS]
        bad = [t for t in of_problem if t.labels[-1] == BAD]
        for t in good + rng.sample(bad, min(len(bad), SOLUTIONS)):
            found.append(replace(t, labels=tuple([GOOD] * (len(t.steps) - 1)) + t.labels[-1:]))
    return [chain_item(t, rng, 0.0, 1.0, strip=False) for t in found]


def plans(data: Path, config: TrainConfig, root: Path) -> dict[str, tuple[list[Item], list[float] | None, bool]]:
    """name -> items, outcomes, fast. Steps of half the training traces are joined, as while fine-tuning."""
    rng = random.Random(config.seed + 100)
    merge = config.finetune.merge_share
    held = held_agentrx(data, config.seed)
    found: dict[str, tuple[list[Item], list[float] | None, bool]] = {}
    for side in ("train", "kept"):
        on = lambda t: is_kept(t.problem, config.seed, config.kept_share) == (side == "kept")  # noqa: E731
        read = lambda source: list(filter(on, load_traces(data, source)))  # noqa: E731
        share = merge if side == "train" else 0.0
        fast = side == "train"
        prm = [ts for ts in by_problem(read("train/prm800k_phase1")) if not fast or rng.random() < PRM_SHARE]
        found[f"{side}/prm800k_phase1"] = [tree_item(ts, rng, 0.0, 1.0) for ts in prm], None, fast
        found[f"{side}/mr_ben"] = [chain_item(t, rng, share, 1.0) for t in read("train/mr_ben")], None, fast
        bench = read("train/prmbench_synthetic")[:: EVERY["prmbench_synthetic"] if fast else 1]
        found[f"{side}/prmbench_synthetic"] = [chain_item(t, rng, 0.0, 1.0) for t in bench], None, True
        twins = read("train/gsm8k_human_solutions")[:: EVERY["gsm8k_human_solutions"] if fast else 4]
        found[f"{side}/gsm8k_twins"] = [corrupted_item(t, rng, share, 1.0) for t in twins], None, True
        runs = sorted(read("train/agent_outcomes_tau"), key=lambda t: rng.random())[: OUTCOME_RUNS[side]]
        runs += read("train/agent_outcomes_terminal")
        found[f"{side}/agent_outcomes"] = [chain_item(t, rng, 0.0, 1.0) for t in runs], [float(t.outcome) for t in runs], True
    rx = load_traces(data, "train/agentrx_tau_retail")
    found["train/agentrx"] = [chain_item(t, rng, 0.0, 1.0) for t in rx if t.trace_id not in held], None, True
    found["held/agentrx"] = [chain_item(t, rng, 0.0, 1.0) for t in rx if t.trace_id in held], None, False
    found["train/generated"] = [twin_item(m.goal, m.steps, m.twins, "generated", 1.0) for m in make_traces(800, config.seed + 5)], None, True
    found["dev/prm800k_phase1_test"] = [tree_item(ts, rng, 0.0, 1.0) for ts in by_problem(load_traces(data, "dev/prm800k_phase1_test"))], None, False
    for source in ("dev/mr_ben", "test/processbench_gsm8k", "test/processbench_math"):
        found[source] = [chain_item(t, random.Random(1), 0.0, 1.0, strip=False) for t in load_traces(data, source)], None, False
    # The same steps joined to paragraphs: what holds for both sizes of step is likelier to hold elsewhere.
    joined = [chain_item(t, random.Random(i), 1.0, 1.0) for i, t in enumerate(load_traces(data, "dev/mr_ben"))]
    found["dev/mr_ben_joined"] = joined, None, False
    kept_maths = [t for t in load_traces(data, "train/prm800k_phase1") if is_kept(t.problem, config.seed, config.kept_share)]
    found["dev/prm800k_solutions"] = solutions(kept_maths + load_traces(data, "dev/prm800k_phase1_test"), random.Random(2)), None, False
    found["pairs"] = pair_items(root / "models" / "pairs.jsonl"), None, False
    return found


def fit_sentence_readout(encoder: Encoder, tokenizer: Tokenizer, items: list[Item], config: TrainConfig) -> float:
    """Mean cosine with the original sentence model on held-out steps."""
    original = Encoder(config.backbone)
    load_pretrained(original, str(source_folder() / "model.safetensors"))
    original.eval()
    means, _ = encode_items(encoder, tokenizer, items, config, fast=False, sentence=False)
    texts = [n.text for item in items for n in item.nodes]
    ids = [e.ids for e in tokenizer.encode_batch(texts, add_special_tokens=False)]
    short = [i for i, x in enumerate(ids) if 0 < len(x) <= config.window.chunk_tokens]
    return fit_sentence(encoder, means[short, 4 * WIDTH : 5 * WIDTH], plain_embeddings(original, [ids[i] for i in short]))


def make_tables(encoder: Encoder, tokenizer: Tokenizer, data: Path, cache: Path, config: TrainConfig, root: Path) -> dict[str, Table]:
    cache.mkdir(parents=True, exist_ok=True)
    tables = {}
    for name, (items, outcomes, fast) in plans(data, config, root).items():
        path = cache / (name.replace("/", "__") + ".npz")
        if not path.exists():
            build_table(encoder, tokenizer, items, config, root, name, fast, outcomes).save(path)
        tables[name] = Table.load(path)
        print(f"  {name}: {len(tables[name])} rows", flush=True)
    return tables
