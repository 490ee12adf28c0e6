"""Trained heads + tables -> calibrated judgements and every figure of results.json."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from attributes import CLAIMS, MAY_WARN, attributes_of
from calibrate import (
    FOLDS, Fitted, Labelled, choose_weights, cross_fitted, fit_consensus, fit_logistic, fit_uncertainty,
    low_score_thresholds, shift_intercept, uncertainty_figures, wrong_features,
)
from config import DIMENSIONS, TrainConfig
from evaluate import (
    auroc, auroc_figure, best_first_error_threshold, draws_of, ece, first_error_figure, independence, interval, logistic, logit,
    mean_figure, pair_figures, risk_coverage, running_mean, sibling_figures, step_figures,
)
from features import Table
from heads import HEADS, SCORERS, levels_of, run_head, walk

MR_BEN, PRM = "dev/mr_ben", "dev/prm800k_phase1_test"
TEST = ("test/processbench_gsm8k", "test/processbench_math")
JOINED = "dev/mr_ben_joined"  # the steps of dev/mr_ben joined to paragraphs
SOLUTIONS = "dev/prm800k_solutions"  # whole ways of competition maths, made of PRM800K's contexts
FIRST_ERROR = (MR_BEN, JOINED, SOLUTIONS, *TEST)
STEP_SETS = (MR_BEN, JOINED, PRM, "kept/mr_ben", "kept/prm800k_phase1", "kept/prmbench_synthetic", "kept/gsm8k_twins", "held/agentrx", *TEST)
HOME = {"reasoning_quality": MR_BEN, "relevance": PRM}  # where a dimension is calibrated; the others: PRMBench
SYNTHETIC = "kept/prmbench_synthetic"
LEAST_GAIN = 0.02  # over reasoning_quality on the dimension's own labels
QUESTIONS = {
    "reasoning_quality": ("Is the step right and sound?", "human, good vs bad"),
    "relevance": ("Does the step move toward the goal?", "human, PRM800K good vs neutral"),
    "novelty": ("Does the step add anything new?", "PRMBench circular and redundant steps, synthetic"),
    "coherence": ("Does the step fit what came before?", "PRMBench contradictions, synthetic"),
    "implementability": ("Are the step's conditions met?", "PRMBench missing conditions and foreign domains, synthetic"),
    "truthfulness": ("Is what the step says true?", "PRMBench counterfactual and deceptive steps, synthetic"),
    "alignment": ("Does the step belong to this goal?", "foreign goals, made"),
}
Raw = dict[str, dict[str, np.ndarray]]  # scorer -> output -> values


@dataclass
class Bench:
    """The tables, what the heads say of them, and the names of the scalars."""

    tables: dict[str, Table]
    raw: dict[str, Raw]
    models: dict[str, nn.Module]
    names: list[str]

    def scalar(self, table: str, name: str) -> np.ndarray:
        t = self.tables[table]
        return t.x[:, t.x.shape[1] - len(self.names) + self.names.index(name)]

    def main(self, table: str, d: int) -> np.ndarray:
        """(S, N) main outputs."""
        return np.stack([self.raw[table][s][HEADS[s].main_output][:, d] for s in SCORERS])

    def rows(self, table: str, d: int) -> np.ndarray:
        return np.flatnonzero(~np.isnan(self.tables[table].y[:, d]))

    def labelled(self, table: str, d: int) -> Labelled | None:
        """None where one class is missing or there are too few."""
        if table not in self.tables:
            return None
        t, rows = self.tables[table], self.rows(table, d)
        y = t.y[rows, d]
        if len(y) < 60 or min((y == 1).sum(), (y == 0).sum()) < 10 or len(np.unique(t.problem[rows])) < FOLDS:
            return None
        return Labelled(table, y, t.problem[rows], self.main(table, d)[:, rows])


def make_bench(models: dict[str, nn.Module], tables: dict[str, Table], names: list[str]) -> Bench:
    return Bench(tables, {n: {s: run_head(models[s], t) for s in SCORERS} for n, t in tables.items()}, models, names)


def home_of(dimension: str) -> str:
    return HOME.get(dimension, SYNTHETIC)


@dataclass
class Judgement:
    """How one dimension is judged: the consensus fitted at home, and figures of each labelled set."""

    fitted: Fitted
    sets: dict[str, Labelled]


def fit_dimension(bench: Bench, d: int) -> Judgement | None:
    """Weights by mean AUROC over dev and kept (equal ones where there is one set only); calibration at home. test has no say."""
    sets = {n: s for n in STEP_SETS if (s := bench.labelled(n, d)) is not None}
    home = home_of(DIMENSIONS[d])
    if home not in sets:
        return None
    speak = [s for n, s in sets.items() if n.startswith(("dev/", "kept/"))] if home != SYNTHETIC else []
    weights = choose_weights(speak) if speak else np.full(len(SCORERS), 1 / len(SCORERS))
    return Judgement(fit_consensus(sets[home], weights), sets)


def measure_dimensions(bench: Bench, judgements: dict[int, Judgement]) -> dict:
    """A dimension ships only where it beats reasoning_quality on its own labels by LEAST_GAIN."""
    found = {}
    for d, dimension in enumerate(DIMENSIONS):
        question, labels = QUESTIONS[dimension]
        entry = {"question": question, "direction": "higher is better", "labels": labels, "ships": False}
        if d in judgements:
            home = home_of(dimension)
            data = judgements[d].sets[home]
            own = judgements[d].fitted.consensus(data.raw)
            borrowed = judgements[0].fitted.consensus(bench.main(home, 0)[:, bench.rows(home, d)])
            figure = auroc_figure(own, data.y, data.problem, borrowed)
            entry |= {
                "auroc": figure["auroc"], "ci": figure["ci"], "reasoningQualityAuroc": auroc(borrowed, data.y), "gainCi": figure["gainCi"],
                "dataset": home, "n": len(data.y), "ships": d == 0 or bool(figure["gain"] >= LEAST_GAIN)}
        found[dimension] = entry
    return found


def measure_steps(bench: Bench, judgement: Judgement) -> dict:
    """Step figures of reasoning_quality: scorers, consensus, what is trivial, and what the backbone says alone."""
    found: dict[str, dict] = {}
    for n, data in judgement.sets.items():
        rows, t = bench.rows(n, 0), bench.tables[n]
        scores = {s: (data.raw[i], judgement.fitted.voices(data.raw)[i]) for i, s in enumerate(SCORERS)}
        p = judgement.fitted.consensus(data.raw)
        scores["consensus"] = (p, p)
        scores["backbone quality"] = (bench.scalar(n, "quality")[rows], None)
        scores["backbone hazard"] = (-bench.scalar(n, "log_hazard")[rows], None)
        scores["sicql V (before the step)"] = (bench.raw[n]["sicql"]["v"][rows, 0], None)
        scores["length only"] = (-t.chars[rows], None)
        scores["position only"] = (-t.step[rows].astype(float), None)
        for name, (score, p) in scores.items():
            found.setdefault(name, {})[n] = step_figures(score, data.y, data.problem, p)
    return {
        "sets": {n: {"n": len(s.y), "problems": len(np.unique(s.problem)), "badShare": float(1 - s.y.mean())} for n, s in judgement.sets.items()},
        "rows": found,
    }


def measure_calibration(bench: Bench, judgement: Judgement) -> dict:
    """ECE of scorers and consensus by set, cross-fitted over problems of that set."""
    found = {}
    for n, data in judgement.sets.items():
        if n in TEST or len(np.unique(data.problem)) < 2 * FOLDS:
            continue
        fitted = fit_consensus(data, judgement.fitted.weights)
        kinds = [c["kind"] for c in fitted.calibrations]
        held = cross_fitted(data, judgement.fitted.weights, kinds)
        found[n] = {s: {"kind": c["kind"], "ece": c["ece"]} for s, c in zip(SCORERS, fitted.calibrations)}
        found[n]["consensus"] = {"ece": ece(held, data.y), "brier": float(((held - data.y) ** 2).mean()), "base": float((data.y.mean() - data.y.mean() ** 2))}
    return found


def measure_independence(judgement: Judgement) -> dict:
    found = {}
    for n, data in judgement.sets.items():
        fitted = fit_consensus(data, judgement.fitted.weights, ["platt"] * len(SCORERS))
        found[n] = independence(fitted.voices(data.raw), data.y, SCORERS)
    return found


def measure_worth(judgement: Judgement) -> dict:
    """What the consensus loses without a scorer, the other weights kept in proportion."""
    found: dict[str, dict] = {}
    for n, data in judgement.sets.items():
        whole = judgement.fitted.consensus(data.raw)
        for i, s in enumerate(SCORERS):
            w = judgement.fitted.weights.copy()
            w[i] = 0
            without = Fitted(judgement.fitted.calibrations, w / w.sum(), 1.0, 0.0).consensus(data.raw)
            figure = auroc_figure(whole, data.y, data.problem, without)
            found.setdefault(s, {})[n] = {"gain": figure["gain"], "ci": figure["gainCi"]}
    return found


def measure_uncertainty(bench: Bench, d: int, judgement: Judgement) -> tuple[dict, dict]:
    """The shipped fit, and its figures by set, each set under a calibration of its own, and on both pooled."""
    home = home_of(DIMENSIONS[d])
    sets = [n for n in dict.fromkeys((MR_BEN, PRM, home)) if n in judgement.sets]
    parts = []
    for n in sets:
        data, rows = judgement.sets[n], bench.rows(n, d)
        fitted = fit_consensus(data, judgement.fitted.weights)
        p, voices = fitted.consensus(data.raw), fitted.voices(data.raw)
        attributes = {k: v[rows] for k, v in attributes_of(bench.raw[n], d).items()}
        parts.append(((p >= 0.5) != (data.y == 1), data.problem, wrong_features(p, voices, attributes)))
    allowed = ["margin", "score", "spread", "distance", *MAY_WARN]
    fit = fit_uncertainty(parts, allowed)
    held = fit.pop("held")
    figures = {n: uncertainty_figures(h, f["margin"], w, pr) for n, h, (w, pr, f) in zip(sets, held, parts)}
    if len(sets) > 1:
        figures["pooled"] = uncertainty_figures(
            np.concatenate(held), np.concatenate([f["margin"] for _, _, f in parts]), np.concatenate([w for w, _, _ in parts]),
            np.concatenate([pr + i * 100_000 for i, (_, pr, _) in enumerate(parts)]))
    for n, h, (_, _, f) in zip(sets, held, parts):
        figures[n]["riskCoverage"] = risk_coverage(f["score"], h, judgement.sets[n].y)
    place = sets.index(home)
    shipped = shift_intercept(fit, parts[place][2], parts[place][0])
    line = shipped["intercept"] + sum(v * parts[place][2][k] for k, v in shipped["coefficients"].items())
    shipped |= {k: figures[sets[place]][k] for k in ("auroc", "ci", "baselineAuroc", "gain", "gainCi", "errorShare", "n")}
    return {**shipped, "high": float(np.quantile(logistic(line), 0.9))}, figures


def measure_attributes(bench: Bench, judgement: Judgement) -> dict:
    """Each attribute against what its description claims, by set."""
    found: dict[str, dict] = {}
    for n in (MR_BEN, PRM, "kept/mr_ben", "kept/prm800k_phase1"):
        if n not in judgement.sets:
            continue
        data, rows = judgement.sets[n], bench.rows(n, 0)
        p = fit_consensus(data, judgement.fitted.weights).consensus(data.raw)
        wrong = ((p >= 0.5) != (data.y == 1)).astype(np.float32)
        values = {k: v[rows] for k, v in attributes_of(bench.raw[n], 0).items()}
        values["margin"] = 1 - abs(2 * p - 1)
        for k, v in values.items():
            claim = CLAIMS.get(k, "wrong")
            entry = found.setdefault(k, {"claim": claim})
            sign = -1 if claim in ("bad", "sure") else 1
            target = wrong if claim in ("wrong", "sure") else data.y
            entry[n] = auroc_figure(sign * v, target, data.problem)
    return found


def measure_outlook(bench: Bench, judgement: Judgement) -> dict:
    """sicql's V, known before the step, against what else is known then. Only steps that have a step before them."""
    found: dict[str, dict] = {}
    for n in (MR_BEN, PRM, "kept/mr_ben", "kept/prm800k_phase1", *TEST):
        if n not in judgement.sets:
            continue
        t = bench.tables[n]
        p = logit(judgement.fitted.consensus(bench.main(n, 0)))
        before = running_mean(p, t.parent, t.step)
        rows = bench.rows(n, 0)
        rows = rows[t.parent[rows] >= 0]
        y, problem = t.y[rows, 0], t.problem[rows]
        if min((y == 1).sum(), (y == 0).sum()) < 10:
            continue
        v = bench.raw[n]["sicql"]["v"][rows, 0]
        found[n] = {
            "v": auroc_figure(v, y, problem, before[rows]),
            "running mean of scores": auroc_figure(before[rows], y, problem),
            "last score": auroc_figure(p[t.parent[rows]], y, problem),
            "position": auroc_figure(t.step[rows].astype(float), y, problem),
            "v + running mean": auroc_figure(rank_mean(v, before[rows]), y, problem),
        }
    return found


def rank_mean(*scores: np.ndarray) -> np.ndarray:
    return sum(np.argsort(np.argsort(s)) for s in scores)


@dataclass
class Runs:
    """Whole-run scores by name (T,), success (T,), problem (T,)."""

    scores: dict[str, np.ndarray]
    success: np.ndarray
    problem: np.ndarray

    def figures(self) -> dict:
        rows = {k: auroc_figure(v, self.success, self.problem, self.scores["mean of steps"]) for k, v in self.scores.items()}
        return {"n": len(self.success), "success": float(self.success.mean()), "rows": rows}


def run_scores(hrm: nn.Module, t: Table, p: np.ndarray) -> Runs:
    """p: consensus logits of the steps. Controls: the same steps in another order, half of them, the last alone."""
    rng = np.random.default_rng(0)
    traces = [r for k in np.unique(t.trace) if not np.isnan(t.outcome[k]) for r in [np.flatnonzero(t.trace == k)]]

    def read(order_of) -> np.ndarray:
        """run_logit after the last of the steps chosen."""
        values = []
        for rows in traces:
            chosen = rows[order_of(len(rows))]
            step = np.arange(len(chosen))
            values.append(float(walk(hrm, torch.from_numpy(t.x[chosen]), levels_of(step, step, step - 1))[-1][-1, 0]))
        return np.array(values)

    with torch.inference_mode():
        scores = {
            "hrm run": read(np.arange), "hrm, steps shuffled": read(rng.permutation),
            "hrm, half of the steps": read(lambda n: np.sort(rng.choice(n, max(1, n // 2), replace=False))),
            "hrm, last step alone": read(lambda n: np.array([n - 1])),
        }
    scores |= {
        "mean of steps": np.array([p[r].mean() for r in traces]), "lowest step": np.array([p[r].min() for r in traces]),
        "last step": np.array([p[r[-1]] for r in traces]), "fewer steps": np.array([-len(r) for r in traces], float),
        "shorter": np.array([-t.chars[r].sum() for r in traces]),
    }
    first = [r[0] for r in traces]
    return Runs(scores, (t.outcome[t.trace[first]] > 0.5).astype(np.float32), t.problem[first])


def join_runs(parts: list[Runs]) -> Runs:
    """Parts share one numbering of problems only within themselves."""
    return Runs(
        {k: np.concatenate([p.scores[k] for p in parts]) for k in parts[0].scores}, np.concatenate([p.success for p in parts]),
        np.concatenate([p.problem + 100_000 * i for i, p in enumerate(parts)]))


def measure_runs(bench: Bench, judgement: Judgement, tables: dict[str, Table], train_hrm_on, folds: int = 4) -> tuple[dict, dict]:
    """Figures on the kept runs and cross-fitted over all runs; the calibration of run_logit, from the cross-fitted ones.

    train_hrm_on(tables) trains hrm as shipped on other tables than those shipped with.
    """
    kept, inside = "kept/agent_outcomes", "train/agent_outcomes"

    def consensus(t: Table) -> np.ndarray:
        raw = np.stack([run_head(bench.models[s], t)[HEADS[s].main_output][:, 0] for s in SCORERS])
        return logit(judgement.fitted.consensus(raw))

    logits = {n: consensus(tables[n]) for n in (kept, inside)}
    parts = []
    for fold in range(folds):
        chosen = {n: tables[n].problem % folds == fold for n in (kept, inside)}
        hrm = train_hrm_on([t for n, t in tables.items() if n.startswith("train/") and n != inside] + [tables[n].take(np.flatnonzero(~chosen[n])) for n in (kept, inside)])
        parts += [run_scores(hrm, tables[n].take(np.flatnonzero(chosen[n])), logits[n][chosen[n]]) for n in (kept, inside) if chosen[n].any()]
    crossed, held = join_runs(parts), run_scores(bench.models["hrm"], tables[kept], logits[kept])
    figures = {"all runs, cross-fitted": crossed.figures()}
    if min(held.success.sum(), (1 - held.success).sum()) >= 5:
        figures[kept] = held.figures()
    (a,), b = fit_logistic(crossed.scores["hrm run"][:, None], crossed.success, 1.0)
    own = figures["all runs, cross-fitted"]["rows"]["hrm run"]
    return figures, {"a": max(float(a), 0.0), "b": b, "dataset": "agent_outcomes, cross-fitted", "n": len(crossed.success), "auroc": own["auroc"], "ci": own["ci"]}


def measure_siblings(bench: Bench, judgements: dict[int, Judgement]) -> dict:
    t, judgement = bench.tables[PRM], judgements[0]
    scores = {s: bench.raw[PRM][s][HEADS[s].main_output][:, 0] for s in SCORERS}
    scores["consensus"] = judgement.fitted.consensus(bench.main(PRM, 0))
    if 1 in judgements:
        scores["relevance"] = judgements[1].fitted.consensus(bench.main(PRM, 1))
        scores["quality and relevance"] = logit(scores["consensus"]) + logit(scores["relevance"])
    scores |= {"backbone quality": bench.scalar(PRM, "quality"), "longest": t.chars, "shortest": -t.chars}
    return sibling_figures(scores, t)


def measure_pairs(bench: Bench, judgement: Judgement, path: Path) -> dict:
    area = [json.loads(line)["area"] for line in path.read_text(encoding="utf-8").splitlines()]
    t = bench.tables["pairs"]
    scores = {s: bench.raw["pairs"][s][HEADS[s].main_output][:, 0] for s in SCORERS}
    scores["consensus"] = judgement.fitted.consensus(bench.main("pairs", 0))
    scores |= {"backbone quality": bench.scalar("pairs", "quality"), "shorter": -t.chars}
    return pair_figures(scores, t, area)


def measure_long(bench: Bench, judgement: Judgement) -> dict:
    """Joined steps whose error lies past the first chunk: read whole, cut, or summed up."""
    found = {}
    for n in ("long/chunked", "long/truncated", "long/summary"):
        if n in bench.tables and (data := bench.labelled(n, 0)) is not None:
            p = judgement.fitted.consensus(data.raw)
            rows = bench.rows(n, 0)
            found[n.split("/")[1]] = {
                "consensus": auroc_figure(p, data.y, data.problem), "backbone quality": auroc_figure(bench.scalar(n, "quality")[rows], data.y, data.problem),
                "length only": auroc_figure(-bench.tables[n].chars[rows], data.y, data.problem), "n": len(data.y), "badShare": float(1 - data.y.mean())}
    return found


def thresholds_of(bench: Bench, judgement: Judgement, high_uncertainty: float, config: TrainConfig) -> dict:
    """From dev/mr_ben; the first error's from both sizes of its steps and whole solutions of competition maths."""
    t = bench.tables[MR_BEN]
    p = judgement.fitted.consensus(bench.main(MR_BEN, 0))
    first_error, f1 = first_error_threshold(bench, lambda n: judgement.fitted.consensus(bench.main(n, 0)))
    voices = judgement.fitted.voices(bench.main(MR_BEN, 0))
    return {
        "firstError": first_error, "firstErrorDevF1": f1, "lowScore": low_score_thresholds(p, t, config.seed),
        "highUncertainty": high_uncertainty, "scorerConflict": float(np.quantile(np.ptp(voices, axis=0), 0.95)), "dataset": MR_BEN,
    }


def first_error_threshold(bench: Bench, score_of) -> tuple[float, float]:
    """(threshold, mean F1) over dev/mr_ben, the same joined to paragraphs, and solutions of competition maths."""
    names = [n for n in FIRST_ERROR if n in bench.tables and n not in TEST]
    return best_first_error_threshold([score_of(n) for n in names], [bench.tables[n] for n in names])


def measure_first_error(bench: Bench, judgement: Judgement, threshold: float) -> dict:
    """One threshold for all sets; those of the baselines are chosen like ours."""
    scores = {
        "consensus": lambda n: judgement.fitted.consensus(bench.main(n, 0)), "backbone quality": lambda n: bench.scalar(n, "quality"),
        "length only": lambda n: -bench.tables[n].chars, "position only": lambda n: -bench.tables[n].step.astype(float),
    }
    found = {}
    for name, score_of in scores.items():
        cut = threshold if name == "consensus" else first_error_threshold(bench, score_of)[0]
        found[name] = {n: first_error_figure(score_of(n), bench.tables[n], cut) for n in FIRST_ERROR if n in bench.tables}
    return found
