"""manifest -> the tables of README.md, between its two markers."""

from pathlib import Path

START, END = "<!-- tables: written by train.py -->", "<!-- end of tables -->"


def cell(f: dict) -> str:
    return f"{f['auroc']:.3f} [{f['ci'][0]:.3f}, {f['ci'][1]:.3f}]"


def tables(m: dict) -> str:
    rows = {**{s["id"]: s["metrics"] for s in m["scorers"]}, "**consensus**": m["metrics"],
            "length only": m["baselines"]["length"], "position only": m["baselines"]["position"]}
    rows["sicql V (before the step)"] = m["outlook"]["metrics"]
    sets = list(m["metrics"])
    out = ["### Step AUROC, reasoning_quality (good vs bad), 95 % bootstrap interval by problem", ""]
    out += ["| | " + " | ".join(sets) + " |", "|---|" + "---|" * len(sets)]
    out += [f"| {k} | " + " | ".join(cell(v[n]) if n in v else "" for n in sets) + " |" for k, v in rows.items()]
    out += [f"| n (bad share) | " + " | ".join(f"{m['metrics'][n]['n']} ({m['metrics'][n]['badShare']:.0%})" for n in sets) + " |"]
    out += ["", "### AUPRC of bad steps (chance = bad share) / ECE as shipped", ""]
    out += ["| | " + " | ".join(sets) + " |", "|---|" + "---|" * len(sets)]
    for k, v in rows.items():
        cells = [f"{v[n]['auprc']:.3f} / " + (f"{v[n]['ece']:.3f}" if "ece" in v[n] else "–") for n in sets]
        out.append(f"| {k} | " + " | ".join(cells) + " |")
    out += ["", "### First-error F1 (ProcessBench), one threshold, chosen on dev/mr_ben", ""]
    fe = [n for n in sets if "firstError" in m["metrics"][n]]
    out += ["| | " + " | ".join(fe) + " |", "|---|" + "---|" * len(fe)]
    for k, v in {"consensus": m["metrics"], "length only": m["baselines"]["length"],
                 "position only": m["baselines"]["position"]}.items():
        cells = []
        for n in fe:
            f = v[n]["firstError"]
            cells.append(f"{f['f1']:.3f} [{f['ci'][0]:.3f}, {f['ci'][1]:.3f}] (err {f['accuracyErroneous']:.3f}, clean {f['accuracyClean']:.3f})")
        out.append(f"| {k} | " + " | ".join(cells) + " |")
    r = m["dimensions"]["relevance"]
    out += ["", "### relevance (good vs neutral, dev/prm800k_phase1_test)", ""]
    out += [f"Own AUROC {r['auroc']:.3f}, reasoning_quality on the same labels {r['reasoningQualityAuroc']:.3f}: "
            + ("ships (margin at least 0.02)." if r["ships"] else "**does not ship** (margin under 0.02).")]
    out += ["", "### Uncertainty: AUROC for predicting that the consensus is wrong (cross-fitted)", ""]
    out += ["| dimension | P(wrong) | interval | 1-abs(2p-1) alone | gain interval | share wrong |", "|---|---|---|---|---|---|"]
    for k, c in m["consensus"].items():
        u = c["uncertainty"]
        out.append(f"| {k} | {u['auroc']:.3f} | [{u['ci'][0]:.3f}, {u['ci'][1]:.3f}] | {u['baselineAuroc']:.3f} | "
                   f"[{u['gainCi'][0]:.3f}, {u['gainCi'][1]:.3f}] | {u['errorShare']:.2f} |")
    out += ["", "### Files, and whether bits depend on batch or threads", ""]
    out += ["| file | MB | texts or rows tried | differ with 2 threads | differ in a batch |", "|---|---|---|---|---|"]
    b = m["backbone"]
    out.append(f"| backbone.onnx | {b['sizeBytes'] / 1e6:.1f} | {b['exactness']['n']} | {b['exactness']['threads']} | {b['exactness']['padded']} |")
    for s in m["scorers"]:
        e = m["headInput"]["exactness"][s["id"]]
        out.append(f"| {s['file']} | {s['sizeBytes'] / 1e6:.1f} | {e['n']} | {e['threads']} | {e['batched']} |")
    p = b["parity"]
    out += ["", f"Backbone against PyTorch fp32 over {p['n']} real steps: cosine mean {p['meanCosine']:.5f}, least {p['minCosine']:.5f}."]
    out += ["", "Consensus weights: " + "; ".join(
        f"{k}: " + ", ".join(f"{s} {w:.2f}" for s, w in c["weights"].items()) for k, c in m["consensus"].items()) + "."]
    return "\n".join(out)


def write_report(manifest: dict, readme: Path) -> None:
    if not readme.exists():
        return
    text = readme.read_text(encoding="utf-8")
    head, _, rest = text.partition(START)
    _, _, foot = rest.partition(END)
    readme.write_text(f"{head}{START}\n\n{tables(manifest)}\n\n{END}{foot}", encoding="utf-8")
