"""results -> the tables of README.md, between its two markers, and a short text for the terminal."""

from pathlib import Path

START, END = "<!-- tables: written by train.py -->", "<!-- end of tables -->"
SCORERS = ("sicql", "ebt", "hrm", "contrastive_ranker", "mrq", "svm")


def number(f: dict, key: str = "auroc") -> str:
    """0.712 [0.690, 0.733]"""
    value, (low, high) = f[key], f["gainCi"] if key == "gain" else f["ci"]
    sign = "+" if key == "gain" else ""
    if None in (value, low, high):
        return "–" if value is None else f"{value:{sign}.3f}"
    return f"{value:{sign}.3f} [{low:{sign}.3f}, {high:{sign}.3f}]"


def plain(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def table(head: list[str], rows: list[list[str]]) -> list[str]:
    return ["| " + " | ".join(head) + " |", "|" + "---|" * len(head), *("| " + " | ".join(r) + " |" for r in rows), ""]


def by_set(rows: dict[str, dict], sets: list[str], cell) -> list[str]:
    return table(["", *sets], [[name, *(cell(found[n]) if n in found else "" for n in sets)] for name, found in rows.items()])


def tables(r: dict, manifest: dict) -> str:
    sets = list(r["steps"]["sets"])
    out = ["### Steps: AUROC of reasoning_quality (good vs bad)", ""]
    out += by_set(r["steps"]["rows"], sets, number)
    out += table(["", *sets], [
        ["steps", *(str(r["steps"]["sets"][n]["n"]) for n in sets)], ["problems", *(str(r["steps"]["sets"][n]["problems"]) for n in sets)],
        ["bad share", *(f"{r['steps']['sets'][n]['badShare']:.0%}" for n in sets)]])
    out += ["### Steps: AUPRC of bad ones (chance = bad share) / ECE as shipped (calibrated on dev/mr_ben)", ""]
    out += by_set(r["steps"]["rows"], sets, lambda f: f"{f['auprc']:.3f}" + (f" / {f['ece']:.3f}" if "ece" in f else ""))
    out += ["### Calibration of each set by itself: ECE, cross-fitted over problems", ""]
    calibrated = list(r["calibration"])
    out += table(["", *calibrated], [
        [s, *(f"{r['calibration'][n][s]['ece']:.3f}" + (f" ({r['calibration'][n][s]['kind']})" if "kind" in r["calibration"][n][s] else "") for n in calibrated)]
        for s in (*SCORERS, "consensus")])
    out += ["Consensus weights: " + "; ".join(f"{k}: " + ", ".join(f"{s} {w:.2f}" for s, w in ws.items()) for k, ws in r["weights"].items()) + ".", ""]
    out += ["### First error: F1 as ProcessBench defines it, one threshold, chosen by the mean over the dev and kept sets shown", ""]
    out += by_set(r["firstError"], list(r["firstError"]["consensus"]), lambda f: f"{number(f, 'f1')} (err {plain(f['accuracyErroneous'])}, clean {plain(f['accuracyClean'])})")
    out += ["### Dimensions: a dimension ships where it beats reasoning_quality on its own labels by 0.02", ""]
    out += table(["dimension", "labels", "AUROC", "reasoning_quality there", "gain interval", "ships"], [
        [k, f["labels"], number(f) if "auroc" in f else "needs labels", f"{f['reasoningQualityAuroc']:.3f}" if "auroc" in f else "",
         f"[{f['gainCi'][0]:+.3f}, {f['gainCi'][1]:+.3f}]" if "auroc" in f and k != "reasoning_quality" else "", "yes" if f["ships"] else "no"] for k, f in r["dimensions"].items()])
    out += ["### Independence: correlation of errors among scorers within 0.05 AUROC of the best", ""]
    out += table(["set", "scorers", "residual (classes balanced)", "within class", "wrong or right", "effective number (residual / within)"], [
        [n, ", ".join(f["near"]), *(f"{f[k]['mean']:.2f}" if f[k]["mean"] is not None else "–" for k in ("residual", "withinClass", "wrong")),
         f"{f['residual']['effective']:.1f} / {f['withinClass']['effective']:.1f} of {len(f['scorers'])}"] for n, f in r["independence"].items()])
    out += ["### What the consensus loses without a scorer (AUROC; above 0: it is worth having)", ""]
    out += by_set(r["worth"], sets, lambda f: f"{f['gain']:+.3f} [{f['ci'][0]:+.3f}, {f['ci'][1]:+.3f}]")
    out += ["### Uncertainty: AUROC for finding steps where the consensus is wrong (cross-fitted)", ""]
    out += table(["dimension", "set", "P(wrong)", "1-abs(2p-1) alone", "gain", "share wrong"], [
        [k, n, number(f), f"{f['baselineAuroc']:.3f}", number(f, "gain"), f"{f['errorShare']:.2f}"] for k, fs in r["uncertainty"].items() for n, f in fs.items()])
    out += ["Used: " + "; ".join(f"{k}: " + ", ".join(c["uncertainty"]["coefficients"]) for k, c in manifest["consensus"].items()) + ".", ""]
    out += ["### Attributes against what they claim", ""]
    shown = [n for n in sets if n in r["attributes"]["margin"]]
    out += ["'good' and 'bad': AUROC for the label; 'wrong' and 'sure': AUROC for the consensus being wrong.", ""]
    out += table(["attribute", "claims", *shown], [[k, f["claim"], *(number(f[n]) if n in f else "" for n in shown)] for k, f in r["attributes"].items()])
    out += ["### Outlook: what is known before a step, against the step's label", ""]
    names = list(next(iter(r["outlook"].values()))) if r["outlook"] else []
    out += table(["", *r["outlook"]], [[k, *(number(f[k]) for f in r["outlook"].values())] for k in names])
    for n, f in r["runs"].items():
        out += [f"### Runs: success of {f['n']} agent runs ({f['success']:.0%} succeed), {n}", ""]
        out += table(["score of the run", "AUROC", "against the mean of steps"], [[k, number(v), number(v, "gain")] for k, v in f["rows"].items()])
    out += ["### Siblings: best taken of one context's alternatives that people rated differently, share rated good (dev/prm800k_phase1_test)", ""]
    out += table(["picked by", "rated good"], [[k, number(f, "share")] for k, f in r["siblings"].items()])
    out += ["### Hand-made pairs: how often the right step scores higher", ""]
    areas = list(r["pairs"]["consensus"])
    out += table(["", *areas], [[k, *(number(f[a], "share") for a in areas)] for k, f in r["pairs"].items()])
    if r["longSteps"]:
        out += ["### Long steps: the error lies past the first chunk (joined steps of dev/mr_ben and kept/mr_ben)", ""]
        out += table(["read as", "consensus", "backbone quality", "length only", "n"], [[k, *(number(f[c]) for c in ("consensus", "backbone quality", "length only")), str(f["n"])] for k, f in r["longSteps"].items()])
    out += ["### Files", ""]
    out += table(["file", "MB"], [[f, f"{size / 1e6:.2f}"] for f, size in [(manifest["backbone"]["file"], manifest["backbone"]["sizeBytes"]), *((s["file"], s["sizeBytes"]) for s in manifest["scorers"])]])
    return "\n".join(out).rstrip()


def short_report(r: dict) -> str:
    sets = list(r["steps"]["sets"])
    lines = ["AUROC".ljust(26) + " ".join(n.replace("processbench_", "").replace("_phase1", "")[:15].rjust(16) for n in sets)]
    for name, found in r["steps"]["rows"].items():
        lines.append(name.ljust(26) + " ".join(f"{found[n]['auroc']:.3f}".rjust(16) for n in sets))
    lines.append("ECE " + str({n: {k: (v["ece"], v.get("kind", "")[:3]) for k, v in f.items()} for n, f in r["calibration"].items()}))
    lines.append("weights " + str(r["weights"]))
    lines.append("first error " + str({k: {n: v["f1"] for n, v in f.items()} for k, f in r["firstError"].items()}))
    lines.append("dimensions " + str({k: (f.get("auroc"), f.get("reasoningQualityAuroc"), f["ships"]) for k, f in r["dimensions"].items()}))
    for n, f in r["independence"].items():
        lines.append(f"independence {n}: near {f['near']} " + str({k: (f[k]["mean"], round(f[k]["effective"], 2)) for k in ("residual", "withinClass", "wrong")}))
    lines.append("worth " + str({s: {n: v["gain"] for n, v in f.items()} for s, f in r["worth"].items()}))
    for k, fs in r["uncertainty"].items():
        lines.append(f"uncertainty {k} " + str({n: (f["auroc"], f["baselineAuroc"], f["gainCi"]) for n, f in fs.items()}))
    lines.append("attributes")
    for k, f in r["attributes"].items():
        lines.append(f"  {k.ljust(40)} {f['claim'].ljust(6)} " + "  ".join(number(v) for n, v in f.items() if n != "claim"))
    lines.append("outlook " + str({n: {k: v["auroc"] for k, v in f.items()} for n, f in r["outlook"].items()}))
    lines.append("runs " + str({n: {k: v["auroc"] for k, v in f["rows"].items()} for n, f in r["runs"].items()}))
    lines.append("siblings " + str({k: f["share"] for k, f in r["siblings"].items()}))
    for k, f in r["pairs"].items():
        lines.append(f"pairs {k.ljust(20)} " + str({a: v["share"] for a, v in f.items()}))
    lines.append("long " + str({k: (f["consensus"]["auroc"], f["backbone quality"]["auroc"], f["length only"]["auroc"], f["n"]) for k, f in r["longSteps"].items()}))
    return "\n".join(lines)


def write_report(results: dict, manifest: dict, readme: Path) -> None:
    text = readme.read_text(encoding="utf-8")
    head, _, rest = text.partition(START)
    _, _, foot = rest.partition(END)
    readme.write_text(f"{head}{START}\n\n{tables(results, manifest)}\n\n{END}{foot}", encoding="utf-8")
