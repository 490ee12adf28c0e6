"""The one entry point: fine-tuning -> rows -> heads -> calibration -> figures -> artifacts/, results.json, README tables.

    python models/train.py                      everything; what lies in the cache is used again
    python models/train.py --data D --cache C   folders of the labelled traces and of kept weights and rows
    python models/train.py --rows R             head rows (.npz) of an earlier encoder; nothing is encoded
    python models/train.py --dry                train and print figures of kept and dev, write nothing, read no test
"""

import argparse
import dataclasses
import json
import random
import sys
import time
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parent))

import measure  # noqa: E402
from config import DIMENSIONS, WIDTH, TrainConfig, set_seed  # noqa: E402
from data import file_sha256, is_kept, load_traces  # noqa: E402
from evaluate import auroc  # noqa: E402
from export import export_head, halve, write_json, write_tokenizer_cases  # noqa: E402
from features import BACKBONE_SCALARS, Table, build_table, surface_names  # noqa: E402
from heads import HEADS, SCORERS, train_heads  # noqa: E402
from heads.hrm import STATE  # noqa: E402
from heads.sicql import train_policy  # noqa: E402
from heads.training import join_tables  # noqa: E402
from report import short_report, write_report  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent


def load_rows(folder: Path) -> dict[str, Table]:
    return {p.stem.replace("__", "/"): Table.load(p) for p in sorted(folder.glob("*.npz"))}


def encoded_tables(args: argparse.Namespace, config: TrainConfig) -> tuple[dict[str, Table], list[dict]]:
    """Tables, and the parity traces. Fine-tunes if there is no encoder in the cache; writes backbone and tokenizer."""
    from backbone import export_backbone, export_tokenizer, round_linear, round_weights
    from encoder import Encoder
    from finetune import chain_item, finetune
    from longsteps import long_items
    from parity import trace_fixture
    from rows import fit_sentence_readout, make_tables

    held = args.cache / "encoder.pt"
    if held.exists():
        encoder = Encoder(config.backbone)
        encoder.load_state_dict(torch.load(held, weights_only=True)["encoder"])
    else:
        encoder = finetune(args.data, args.cache, config, resume=True)
    encoder.eval()
    set_seed(config.seed, config.threads)
    tokenizer = export_tokenizer(args.out / "tokenizer.json")
    round_weights(encoder, config.backbone)
    sample = [chain_item(t, random.Random(1), 0.0, 1.0) for t in load_traces(args.data, "train/mr_ben")[::16]]
    cosine = fit_sentence_readout(encoder, tokenizer, sample, config)
    round_linear(encoder.sentence, config.backbone)
    print(f"sentence embedding: mean cosine {cosine:.3f} with the original model on held-out steps", flush=True)
    folder = args.cache / "rows"
    tables = make_tables(encoder, tokenizer, args.data, folder, config, ROOT)
    traces = load_traces(args.data, measure.MR_BEN)
    traces += [t for t in load_traces(args.data, "train/mr_ben") if is_kept(t.problem, config.seed, config.kept_share)]
    for name, items in long_items(traces, tokenizer, config.window).items():
        path = folder / f"long__{name}.npz"
        if not path.exists():
            build_table(encoder, tokenizer, items, config, ROOT, f"long/{name}", False).save(path)
        tables[f"long/{name}"] = Table.load(path)
    export_backbone(config.backbone, encoder, args.out / "backbone.onnx")
    return tables, trace_fixture(encoder, tokenizer, config, ROOT)


def policy_actions(bench: measure.Bench, tables: dict[str, Table]) -> tuple[torch.Tensor, torch.Tensor]:
    """x (n, F) and action (n, D): 0 accept (good), 1 revise (bad), 2 escalate (the consensus was wrong), -1 none.

    From the kept problems, which neither the backbone nor a head was trained on. The consensus here is the
    mean of standardised main outputs, cut where the classes balance.
    """
    xs, actions = [], []
    for n, t in tables.items():
        y = t.y
        action = np.full(y.shape, -1, np.int64)
        for d in range(len(DIMENSIONS)):
            rows = bench.rows(n, d)
            truth = y[rows, d]
            if min((truth == 1).sum(), (truth == 0).sum()) < 20:
                continue
            raw = bench.main(n, d)[:, rows]
            mixed = (raw / raw.std(1, keepdims=True)).sum(0)
            mixed = mixed - (mixed[truth == 1].mean() + mixed[truth == 0].mean()) / 2
            right = (mixed >= 0) == (truth == 1)
            # Both classes weigh the same: the larger one is thinned.
            few = min((truth == 1).sum(), (truth == 0).sum())
            rng = np.random.default_rng(0)
            keep = np.concatenate([rng.permutation(np.flatnonzero(truth == v))[: 2 * few] for v in (0, 1)])
            action[rows[keep], d] = np.where(~right, 2, np.where(truth == 1, 0, 1))[keep]
        use = (action >= 0).any(1)
        xs.append(t.x[use])
        actions.append(action[use])
    return torch.from_numpy(np.concatenate(xs)), torch.from_numpy(np.concatenate(actions))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--cache", type=Path, default=ROOT / "models" / ".cache")
    parser.add_argument("--out", type=Path, default=ROOT / "models" / "artifacts")
    parser.add_argument("--rows", type=Path)
    parser.add_argument("--dry", action="store_true")
    parser.add_argument("--threads", type=int, default=TrainConfig.threads)
    args = parser.parse_args()
    config = dataclasses.replace(TrainConfig(), threads=args.threads)
    set_seed(config.seed, config.threads)
    args.out.mkdir(parents=True, exist_ok=True)
    started = time.time()

    def say(text: str) -> None:
        print(f"[{time.time() - started:4.0f} s] {text}", flush=True)

    # 1. Rows.
    tables, fixture = (load_rows(args.rows), []) if args.rows else encoded_tables(args, config)
    if args.dry:
        tables = {n: t for n, t in tables.items() if not n.startswith("test/")}
    names = [*BACKBONE_SCALARS, *surface_names(ROOT)]
    train_tables = [t for n, t in tables.items() if n.startswith("train/")]
    judged = {n: t for n, t in tables.items() if not n.startswith("train/")}
    say(f"{sum(map(len, train_tables))} rows to train on, {sum(map(len, judged.values()))} to judge")

    # 2. Heads; the policy last, on kept problems, where all heads and the backbone are out of fold.
    rows = join_tables(train_tables, config.source_weight, config.seed)
    models = train_heads(rows, config, names)
    say("heads trained")
    for model in models.values():
        halve(model)
    kept = {n: t for n, t in judged.items() if n.startswith("kept/") and "outcomes" not in n}
    train_policy(models["sicql"], *policy_actions(measure.make_bench(models, kept, names), kept), config.head)
    halve(models["sicql"])
    bench = measure.make_bench(models, judged, names)
    say("heads run")

    def train_hrm_on(others: list[Table]) -> torch.nn.Module:
        weights = {**config.source_weight, "kept/agent_outcomes": 0.0}
        return train_heads(join_tables(others, weights, config.seed), config, names, ("hrm",))["hrm"]

    # 3. Calibration, consensus, what ships.
    judgements = {d: j for d in range(len(DIMENSIONS)) if (j := measure.fit_dimension(bench, d)) is not None}
    quality = judgements[0]
    dimensions = measure.measure_dimensions(bench, judgements)
    ships = {d: k for d, k in enumerate(DIMENSIONS) if dimensions[k]["ships"]}
    say(f"weights {dict(zip(SCORERS, quality.fitted.weights))}; ships {list(ships.values())}")
    uncertainty = {d: measure.measure_uncertainty(bench, d, judgements[d]) for d in ships}
    say("uncertainty fitted")
    thresholds = measure.thresholds_of(bench, quality, uncertainty[0][0]["high"], config)
    say("thresholds set")
    runs, run_outcome = measure.measure_runs(bench, quality, tables, train_hrm_on)
    say("runs measured")

    # 4. Figures.
    results = {
        "steps": measure.measure_steps(bench, quality), "calibration": measure.measure_calibration(bench, quality),
        "weights": {k: dict(zip(SCORERS, judgements[d].fitted.weights.tolist())) for d, k in ships.items()},
        "firstError": measure.measure_first_error(bench, quality, thresholds["firstError"]), "dimensions": dimensions,
        "independence": measure.measure_independence(quality), "worth": measure.measure_worth(quality),
        "uncertainty": {ships[d]: figures for d, (_, figures) in uncertainty.items()},
        "attributes": measure.measure_attributes(bench, quality), "outlook": measure.measure_outlook(bench, quality),
        "runs": runs, "siblings": measure.measure_siblings(bench, judgements),
        "pairs": measure.measure_pairs(bench, quality, ROOT / "models" / "pairs.jsonl"), "longSteps": measure.measure_long(bench, quality),
    }
    results = rounded_all(results)
    say("measured")
    print(short_report(results))
    if args.dry:
        return

    # 5. Files.
    write_json(ROOT / "models" / "results.json" if not args.rows else args.out / "results.json", results)
    entries = []
    for s in SCORERS:
        path = args.out / f"{s}.onnx"
        export_head(models[s], s, rows.x.shape[1], path, config.backbone.opset)
        i = SCORERS.index(s)
        entries.append({
            "id": s, "version": config.scorer_version, "file": path.name, "sha256": file_sha256(path), "sizeBytes": path.stat().st_size,
            "dimensions": list(DIMENSIONS), "outputs": list(HEADS[s].outputs), "mainOutput": HEADS[s].main_output,
            "enabledByDefault": True,
            "calibration": {k: judgements[d].fitted.calibrations[i] for d, k in ships.items()},
            "calibrationByDataset": by_dataset(quality, i),
            "metrics": {n: f for n, f in results["steps"]["rows"][s].items()},
            **({"supportVectorCount": len(models[s].basis)} if s == "svm" else {}), **({"stateWidth": STATE} if s == "hrm" else {}),
        })
    manifest = {
        "manifestVersion": 2, "createdAt": config.created_at, "seed": config.seed,
        "dataSha256": {f"{s}.jsonl.gz": file_sha256(args.data / f"{s}.jsonl.gz") for s in data_files(args.data)},
        "dimensions": results["dimensions"], "backbone": backbone_entry(args.out, config), "tokenizer": file_entry(args.out / "tokenizer.json"),
        "headInput": {"version": 2, "width": rows.x.shape[1], "scalars": names}, "scorers": entries,
        "consensus": {
            k: {
                "weights": dict(zip(SCORERS, judgements[d].fitted.weights.tolist())), "a": judgements[d].fitted.a, "b": judgements[d].fitted.b,
                "dataset": measure.home_of(k), "uncertainty": {n: v for n, v in uncertainty[d][0].items() if n != "high"}}
            for d, k in ships.items()},
        "thresholds": thresholds, "runOutcome": run_outcome,
        "rules": json.loads((ROOT / "models" / "rules_table.json").read_text()) if (ROOT / "models" / "rules_table.json").exists() else {},
        "metrics": results["steps"]["rows"]["consensus"],
    }
    manifest = {k: v for k, v in manifest.items() if v is not None}
    write_json(args.out / "manifest.json", manifest)
    if not args.rows:
        write_report(results, manifest, ROOT / "models" / "README.md")
    from parity import check_heads, write_parity
    print("parity", write_parity(args.out / "parity.json", args.out, models, fixture))
    print("exact", check_heads(args.out, models, bench.tables[measure.MR_BEN]))
    texts = sorted({s for t in load_traces(args.data, measure.MR_BEN) for s in t.steps})
    from backbone import load_tokenizer
    write_tokenizer_cases(load_tokenizer(args.out / "tokenizer.json"), texts, args.out / "tokenizer_cases.json.gz", config.seed)
    say(f"written {[(e['id'], e['sizeBytes']) for e in entries]}")


def by_dataset(judgement: measure.Judgement, scorer: int) -> dict:
    """Calibrations of reasoning_quality on other sets than its home, for who works there."""
    return {
        n: measure.fit_consensus(judgement.sets[n], judgement.fitted.weights).calibrations[scorer]
        for n in (measure.MR_BEN, measure.PRM) if n in judgement.sets}


def data_files(data: Path) -> list[str]:
    return sorted(str(p.relative_to(data)).removesuffix(".jsonl.gz") for p in data.glob("*/*.jsonl.gz"))


def file_entry(path: Path) -> dict:
    return {"file": path.name, "sha256": file_sha256(path), "sizeBytes": path.stat().st_size}


def backbone_entry(folder: Path, config: TrainConfig) -> dict:
    w = config.window
    return {
        "id": config.backbone.id, "version": config.backbone.version, **file_entry(folder / "backbone.onnx"), "width": WIDTH,
        "opset": config.backbone.opset,
        "window": {
            "tokens": w.tokens, "goalTokens": w.goal_tokens, "goalHead": w.goal_head, "chunkTokens": w.chunk_tokens,
            "carryTokens": w.carry_tokens, "stepEnd": w.step_end, "chunkEnd": w.chunk_end},
        "inputs": ["input_ids", "segment"], "outputs": ["states", "sentence", "readouts"],
    }


def rounded_all(value: object, digits: int = 4) -> object:
    """JSON-ready, four digits, NaN as null: small and stable under diff."""
    if isinstance(value, dict):
        return {str(k): rounded_all(v, digits) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [rounded_all(v, digits) for v in value]
    if isinstance(value, (float, np.floating)):
        return None if np.isnan(value) else round(float(value), digits)
    return value.item() if isinstance(value, np.generic) else value


if __name__ == "__main__":
    main()
