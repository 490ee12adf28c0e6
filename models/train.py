"""The one entry point: texts -> backbone -> heads -> calibration -> figures -> artifacts/ + manifest.

    python models/train.py                      everything (about 15 minutes on 2 quiet cores, cold cache)
    python models/train.py --data D --cache C   folders of the labelled traces and of kept vectors
    python models/train.py --add-synthetic      ablation: train on prmbench_synthetic too
    python models/train.py --dry                train and print figures, write nothing
"""

import argparse
import dataclasses
import json
import sys
import time
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parent))

from backbone import export_backbone, export_tokenizer, embed_texts, open_session  # noqa: E402
from calibrate import (  # noqa: E402
    apply_platt, choose_weights, fit_logistic, fit_platt, fit_uncertainty, low_score_thresholds,
)
from config import DIMENSIONS, FEATURES, WIDTH, TrainConfig, set_seed  # noqa: E402
from data import Trace, file_sha256, is_kept, load_traces, problem_bucket  # noqa: E402
from evaluate import (  # noqa: E402
    auroc, best_first_error_threshold, first_error_f1, logistic, logit, step_metrics,
)
from export import MAIN_OUTPUT, OUTPUTS, export_head, rounded, write_json, write_tokenizer_cases  # noqa: E402
from features import Table, build_table  # noqa: E402
from heads import (  # noqa: E402
    preference_pairs, run_head, train_policy, train_ranker, train_sicql, train_svm, train_weights,
)
from parity import backbone_parity, batch_exactness, head_batch_exactness, write_parity  # noqa: E402
from report import write_report  # noqa: E402

SCORERS = ("sicql", "contrastive_ranker", "svm")
MR_BEN, PRM = "dev/mr_ben", "dev/prm800k_phase1_test"
DEV = (MR_BEN, PRM)
TEST = ("test/processbench_gsm8k", "test/processbench_math")
CALIBRATION_SET = {"reasoning_quality": MR_BEN, "relevance": PRM}  # where each dimension is calibrated
Q, R = 0, 1  # columns of the two dimensions


def train_heads(tables: list[Table], config: TrainConfig) -> dict:
    """Tables of one split -> {scorer: model}, policy untrained."""
    x = np.concatenate([t.x for t in tables])
    y = np.concatenate([t.y for t in tables])
    w = train_weights(tables, config.source_weight)
    tx, ty, tw = torch.from_numpy(x), torch.from_numpy(y), torch.from_numpy(w)
    pairs = preference_pairs(tables, config.seed)
    models = {}
    for scorer, make in {
        "sicql": lambda: train_sicql(tx, ty, tw, config.head, config.seed, config.threads),
        "contrastive_ranker": lambda: train_ranker(tx, ty, tw, pairs, config.head, config.seed + 1, config.threads),
        "svm": lambda: train_svm(x, y, w, config.svm, config.seed + 2),
    }.items():
        start = time.time()
        models[scorer] = make()
        print(f"  {scorer}: {len(x)} rows, {len(pairs.better)} pairs, {time.time() - start:.0f} s", flush=True)
    return models


def out_of_fold_actions(tables: list[Table], problems: list[np.ndarray], config: TrainConfig) -> np.ndarray:
    """(N, D) policy target: 0 accept (good, consensus right), 1 revise (bad, right), 2 escalate (wrong).

    The consensus here is the mean of standardised main outputs of heads that never saw the problem,
    cut at 0, the balanced-class boundary. -1 where there is no label.
    """
    folds = [np.array([problem_bucket(p, config.seed + 7, config.folds) for p in ps]) for ps in problems]
    action = [np.full(t.y.shape, -1, np.int64) for t in tables]
    for fold in range(config.folds):
        models = train_heads([t.take(np.flatnonzero(f != fold)) for t, f in zip(tables, folds)], config)
        for table, of, target in zip(tables, folds, action):
            rows = np.flatnonzero(of == fold)
            if not len(rows):
                continue
            raw = [run_head(models[s], table.x[rows])[0] for s in SCORERS]  # (S) of (n, D)
            mean = sum(r / (r.std(0) + 1e-9) for r in raw)
            y = table.y[rows]
            right = (mean >= 0) == (y == 1)
            target[rows] = np.where(np.isnan(y), -1, np.where(~right, 2, np.where(y == 1, 0, 1)))
    return np.concatenate(action)


def labelled(table: Table, dimension: int) -> np.ndarray:
    return np.flatnonzero(~np.isnan(table.y[:, dimension]))


def main() -> None:
    root = Path(__file__).resolve().parent.parent
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=root.parent / "shared" / "data")
    parser.add_argument("--cache", type=Path, default=root / "models" / ".cache")
    parser.add_argument("--out", type=Path, default=root / "models" / "artifacts")
    parser.add_argument("--add-synthetic", action="store_true")
    parser.add_argument("--dry", action="store_true")
    args = parser.parse_args()
    config = TrainConfig()
    if args.add_synthetic:
        weights = {**config.source_weight, "train/prmbench_synthetic": 0.5}
        config = dataclasses.replace(config, source_weight=weights)
    set_seed(config.seed, config.threads)
    args.out.mkdir(parents=True, exist_ok=True)

    # 1. Backbone and tokenizer: deterministic, so written every time.
    backbone_path, tokenizer_path = args.out / "backbone.onnx", args.out / "tokenizer.json"
    export_backbone(config.backbone, backbone_path)
    tokenizer = export_tokenizer(tokenizer_path)
    session = open_session(backbone_path, config.threads)

    # 2. Texts -> vectors -> rows.
    sources = [*config.source_weight, *DEV, *TEST]
    traces: dict[str, list[Trace]] = {s: load_traces(args.data, s) for s in sources}
    texts = sorted({t for ts in traces.values() for trace in ts for t in (trace.problem, *trace.steps)})
    print(f"{len(texts)} unique texts", flush=True)
    vectors = dict(zip(texts, embed_texts(
        session, tokenizer, config.backbone, texts, args.cache, file_sha256(backbone_path))))
    train_tables, train_problems, kept = [], [], {}
    for source in config.source_weight:
        inside = [t for t in traces[source] if not is_kept(t.problem, config.seed, config.kept_share)]
        outside = [t for t in traces[source] if is_kept(t.problem, config.seed, config.kept_share)]
        table = build_table(inside, vectors, labelled_only=True)
        train_tables.append(table)
        train_problems.append(np.array([inside[t].problem for t in table.trace], object))
        if outside:
            kept[source] = build_table(outside, vectors, labelled_only=True)
    tables = {s: build_table(traces[s], vectors, labelled_only=s == PRM) for s in (*DEV, *TEST)}
    tables |= {f"kept/{s.split('/')[1]}": t for s, t in kept.items() if "agentrx" not in s and "synthetic" not in s}

    # 3. Heads: out-of-fold consensus first (what `escalate` learns), then on all training problems.
    action = None if args.dry else out_of_fold_actions(train_tables, train_problems, config)
    models = train_heads(train_tables, config)
    if action is not None:
        x = np.concatenate([t.x for t in train_tables])
        w = train_weights(train_tables, config.source_weight)
        train_policy(models["sicql"], torch.from_numpy(x), torch.from_numpy(action), torch.from_numpy(w), config.head)

    # 4. Calibrate on dev.
    raw = {n: {s: run_head(models[s], t.x) for s in SCORERS} for n, t in tables.items()}
    scorers, probability = {}, {n: {} for n in tables}  # probability[set][scorer] (N, D)
    for s in SCORERS:
        calibration, by_dataset = {}, {}
        for d, dimension in enumerate(DIMENSIONS):
            for n in DEV:
                rows = labelled(tables[n], d)
                if len(np.unique(tables[n].y[rows, d])) < 2:
                    continue
                fitted = fit_platt(raw[n][s][0][rows, d], tables[n].y[rows, d], tables[n].problem[rows], n)
                by_dataset.setdefault(dimension, {})[n] = fitted
            calibration[dimension] = by_dataset[dimension][CALIBRATION_SET[dimension]]
        scorers[s] = {"calibration": calibration, "calibrationByDataset": by_dataset}
        for n in tables:
            probability[n][s] = np.stack(
                [apply_platt(calibration[k], raw[n][s][0][:, d]) for d, k in enumerate(DIMENSIONS)], 1)

    consensus, consensus_p = {}, {n: np.zeros((len(t), len(DIMENSIONS))) for n, t in tables.items()}
    uncertainty_at_dev = {}
    for d, dimension in enumerate(DIMENSIONS):
        # Weights by mean AUROC over dev sets and the kept split (never the test sets).
        names = [n for n in tables if n not in TEST and len(np.unique(tables[n].y[labelled(tables[n], d), d])) == 2]
        each = {n: np.stack([logit(probability[n][s][:, d]) for s in SCORERS]) for n in tables}  # (S, N)
        rows = {n: labelled(tables[n], d) for n in names}
        w = choose_weights([each[n][:, rows[n]] for n in names], [tables[n].y[rows[n], d] for n in names])
        home = CALIBRATION_SET[dimension]
        line, b = fit_logistic((w @ each[home][:, rows[home]])[:, None], tables[home].y[rows[home], d])
        a = float(line[0])
        for n in tables:
            consensus_p[n][:, d] = logistic(a * (w @ each[n]) + b)
        r, t = rows[home], tables[home]
        uncertainty, fitted = fit_uncertainty(
            consensus_p[home][r, d], np.stack([probability[home][s][r, d] for s in SCORERS]),
            raw[home]["svm"][1][r, d], t.y[r, d], t.problem[r], config.bootstrap, config.seed)
        uncertainty_at_dev[dimension] = fitted
        consensus[dimension] = {
            "weights": dict(zip(SCORERS, map(float, w))), "a": a, "b": b, "dataset": home, "uncertainty": uncertainty}

    # 5. Thresholds, all from dev.
    t, p = tables[MR_BEN], consensus_p[MR_BEN][:, Q]
    first_error, dev_f1 = best_first_error_threshold(p, t)
    spreads = np.ptp(np.stack([probability[MR_BEN][s][:, Q] for s in SCORERS]), axis=0)
    thresholds = {
        "firstError": first_error, "firstErrorDevF1": dev_f1,
        "lowScore": low_score_thresholds(p, t, config.seed),
        "highUncertainty": float(np.quantile(uncertainty_at_dev["reasoning_quality"], 0.9)),
        "scorerConflict": float(np.quantile(spreads, 0.95)),
        "dataset": MR_BEN,
    }

    # 6. Figures.
    def figures(n: str, score: np.ndarray, p: np.ndarray | None, d: int) -> dict | None:
        r = labelled(tables[n], d)
        y = tables[n].y[r, d]
        if len(np.unique(y)) < 2:
            return None
        return step_metrics(
            score[r], y, tables[n].problem[r], None if p is None else p[r], config.bootstrap, config.seed)

    def everywhere(score_of, p_of, d: int = Q) -> dict:
        found = {n: figures(n, score_of(n), p_of(n), d) for n in tables}
        return {n: f for n, f in found.items() if f}

    baselines = {
        "length": everywhere(lambda n: -tables[n].chars, lambda n: None),
        "position": everywhere(lambda n: -tables[n].step.astype(float), lambda n: None),
    }
    # First-error F1 of the baselines: threshold on dev/mr_ben, like ours.
    for name, score_of in {"length": lambda n: -tables[n].chars, "position": lambda n: -tables[n].step}.items():
        cut, _ = best_first_error_threshold(score_of(MR_BEN), tables[MR_BEN])
        for n in (MR_BEN, *TEST):
            baselines[name][n]["firstError"] = first_error_f1(
                score_of(n), tables[n], cut, config.bootstrap, config.seed)
    for s in SCORERS:
        scorers[s]["metrics"] = everywhere(lambda n: raw[n][s][0][:, Q], lambda n: probability[n][s][:, Q])
        scorers[s]["metricsByDimension"] = {
            "relevance": everywhere(lambda n: raw[n][s][0][:, R], lambda n: probability[n][s][:, R], R)}
    metrics = everywhere(lambda n: consensus_p[n][:, Q], lambda n: consensus_p[n][:, Q])
    for n in (MR_BEN, *TEST):
        metrics[n]["firstError"] = first_error_f1(
            consensus_p[n][:, Q], tables[n], first_error, config.bootstrap, config.seed)
    v_warning = everywhere(lambda n: raw[n]["sicql"][1][:, Q], lambda n: None)
    r = labelled(tables[PRM], R)
    y = tables[PRM].y[r, R]
    own, borrowed = auroc(consensus_p[PRM][r, R], y), auroc(consensus_p[PRM][r, Q], y)
    dimensions = {
        "reasoning_quality": {
            "question": "Is the step right and sound?", "direction": "higher is better",
            "labels": "human, good vs bad", "auroc": metrics[MR_BEN]["auroc"], "dataset": MR_BEN, "ships": True},
        "relevance": {
            "question": "Does the step move toward the goal?", "direction": "higher is better",
            "labels": "human, PRM800K good vs neutral", "auroc": own, "reasoningQualityAuroc": borrowed,
            "dataset": PRM, "ships": bool(own - borrowed >= 0.02)},
    }
    for name, m in {**{s: scorers[s]["metrics"] for s in SCORERS}, "consensus": metrics, **baselines}.items():
        print(f"{name:20}", "  ".join(f"{n.split('/')[1][:10]}({n[:1]}) {f['auroc']:.3f}" for n, f in m.items()))
    print("weights", {k: c["weights"] for k, c in consensus.items()})
    print("first error", {n: round(metrics[n]["firstError"]["f1"], 3) for n in (MR_BEN, *TEST)}, "at", first_error)
    print("relevance", {s: {n: round(f["auroc"], 3) for n, f in scorers[s]["metricsByDimension"]["relevance"].items()}
                        for s in SCORERS}, dimensions["relevance"])
    print("uncertainty", {k: {q: round(c["uncertainty"][q], 3) for q in ("auroc", "baselineAuroc")}
                          for k, c in consensus.items()})
    if args.dry:
        return

    # 7. Heads to ONNX, fixtures, manifest, report.
    entries = []
    for s in SCORERS:
        path = args.out / f"{s}.onnx"
        export_head(models[s], s, path, config.backbone.opset)
        entries.append({
            "id": s, "version": config.scorer_version, "file": path.name, "sha256": file_sha256(path),
            "sizeBytes": path.stat().st_size, "dimensions": [k for k in DIMENSIONS],
            "outputs": OUTPUTS[s], "mainOutput": MAIN_OUTPUT[s],
            "enabledByDefault": bool(scorers[s]["metrics"][MR_BEN]["auroc"] > baselines["length"][MR_BEN]["auroc"]),
            **({"supportVectorCount": config.svm.basis} if s == "svm" else {}), **scorers[s],
        })
    steps = [x for trace in traces[MR_BEN] + traces[PRM][-300:] for x in trace.steps]
    sample = tables[MR_BEN].x[:: max(len(tables[MR_BEN]) // 200, 1)][:200]
    parity = backbone_parity(backbone_path, tokenizer, config.backbone, sorted(set(steps))[:: max(len(set(steps)) // 600, 1)][:600])
    exact = batch_exactness(backbone_path, tokenizer, config.backbone, sorted(set(steps))[::7][:256])
    head_exact = {s: head_batch_exactness(args.out / f"{s}.onnx", sample) for s in SCORERS}
    write_parity(args.out / "parity.json", backbone_path, tokenizer, config.backbone, args.out, models, tables[MR_BEN].x)
    write_tokenizer_cases(tokenizer, sorted(set(steps)), args.out / "tokenizer_cases.json.gz", config.seed)
    manifest = {
        "manifestVersion": 1, "createdAt": config.created_at, "seed": config.seed,
        "dataSha256": {f"{s}.jsonl.gz": file_sha256(args.data / f"{s}.jsonl.gz") for s in sources},
        "dimensions": dimensions,
        "backbone": {
            "id": config.backbone.id, "version": config.backbone.version, "file": backbone_path.name,
            "sha256": file_sha256(backbone_path), "sizeBytes": backbone_path.stat().st_size, "width": WIDTH,
            "chunkTokens": config.backbone.chunk_tokens, "opset": config.backbone.opset,
            "inputs": ["input_ids", "attention_mask"], "output": "embedding",
            "batchExact": exact["padded"] == 0, "exactness": exact, "parity": parity,
        },
        "tokenizer": {
            "file": tokenizer_path.name, "sha256": file_sha256(tokenizer_path),
            "sizeBytes": tokenizer_path.stat().st_size},
        "headInput": {
            "version": 1, "width": FEATURES, "batchExact": all(e["batched"] == 0 for e in head_exact.values()),
            "exactness": head_exact},
        "scorers": entries, "consensus": consensus, "thresholds": thresholds, "metrics": metrics,
        "baselines": baselines, "outlook": {"output": "sicql.v", "metrics": v_warning},
    }
    write_json(args.out / "manifest.json", manifest)
    write_report(manifest, Path(__file__).parent / "README.md")
    print("written", {e["id"]: e["sizeBytes"] for e in entries})


if __name__ == "__main__":
    main()
