"""The results of the embedded store and evaluator as markdown, each beside its target."""
import report


def embedded(results):
    return [
        "### The embedded store and evaluator, beside Prometheus with the same samples", "",
        *_written(results["write"], results["disk"]), "", *_live(results), "",
        *_instant(results["instant"]), "", *_ranges(results["range"]),
    ]


def _written(written, disk):
    rows = []
    for write, stored in zip(written, disk):
        size = stored["bytes"] / stored["samples"]
        target = "bytes per sample " + report.verdict(size, 2.5) if stored["system"] == "Vigil" else ""
        of_it = "" if stored["chunks"] is None else f" (chunks {stored['chunks'] / stored['samples']:.2f})"
        rows.append([write["system"], f"{write['samples'] / 1e6:.1f} M", f"{write['per_second'] / 1e3:,.0f}",
                     f"{write['cpu_us']:.2f}", f"{size:.2f}{of_it}", target])
    head = ["written as fast as it goes", "samples", "thousand a second", "CPU per sample, µs", "bytes per sample on disk", "target"]
    return report.table(head, rows)


def _live(results):
    rows = []
    for row in results["live"]:
        target = ""
        if row["system"] == "Vigil":
            target = "CPU " + report.verdict(100 * row["with"], 20, " %") + "; RSS " + report.verdict(row["rss"] / 1e6, 300, " MB")
        rows.append([row["system"], f"{100 * row['without']:.1f}", f"{100 * row['with']:.1f}", f"{row['rss'] / 1e6:.0f}", target])
    idle = results["idle"]
    target = "CPU " + report.verdict(100 * idle["cpu"], 1, " %") + "; RSS " + report.verdict(idle["rss"] / 1e6, 80, " MB")
    rows.append(["`vigil` in an empty directory, idle", f"{100 * idle['cpu']:.2f}", "–", f"{idle['rss'] / 1e6:.0f}", target])
    rows.append(["`vigil` with the fleet's samples, after the instant queries", "–", "–", f"{results['vigil_rss'] / 1e6:.0f}",
                 "RSS " + report.verdict(results["vigil_rss"] / 1e6, 300, " MB")])
    head = ["25,000 series every 15 s", "CPU, % of a core", "with 50 rules every 15 s, %", "RSS, MB", "target"]
    return report.table(head, rows)


# What a query is judged by; each is a pair, Prometheus' and Vigil's.
JUDGED = [("rule", "as rules, each in its own process while samples come, ms"), ("wall", "over HTTP one after the other, ms"),
          ("cpu", "CPU over HTTP, ms")]


def _instant(rows):
    summary, slower = [], []
    for key, name in JUDGED:
        ratios = sorted(row[key][1] / row[key][0] for row in rows)
        sums = [f"{1e3 * sum(row[key][system] for row in rows):.1f}" for system in (1, 0)]
        count = sum(ratio > 1 for ratio in ratios)
        summary.append([name, *sums, f"{_middle(ratios):.2f}", f"{ratios[-1]:.2f}",
                        "met" if count == 0 else f"**missed** by {count}"])
    for row in rows:
        if any(row[key][1] > row[key][0] for key, _ in JUDGED):
            slower.append([_code(row["expr"]), row["series"], *(f"{1e3 * row[key][system]:.2f}" for key, _ in JUDGED for system in (1, 0))])
    equal = sum(row["equal"] for row in rows)
    out = ["The 50 rules as instant queries, sums of medians:", "",
           *report.table(["", "Vigil", "Prometheus", "Vigil ÷ Prometheus, median", "worst", "none slower"], summary), "",
           f"{equal} of {len(rows)} answers are equal to one in a million."]
    if not slower:
        return out + ["", "None of them is slower than in Prometheus in any of these respects."]
    head = ["query", "series answered", "as a rule: Vigil", "Prometheus", "HTTP: Vigil", "Prometheus", "CPU: Vigil", "Prometheus"]
    return out + ["", f"Slower than in Prometheus in some respect, {len(slower)} of {len(rows)}, in ms:", "", *report.table(head, slower)]


def _ranges(rows):
    out = []
    for row in rows:
        span = f"{24 * row['days']:.0f} h" if row["days"] < 1 else f"{row['days']} d"
        times = [f"{1e3 * row[key][system]:.1f}" for key in ("wall", "cpu") for system in (1, 0)]
        worse = max(row[key][1] / row[key][0] for key in ("wall", "cpu"))
        out.append([_code(row["expr"]), span, f"{row['step']} s", row["series"], *times, f"{worse:.2f}"])
    head = ["query", "span", "step", "series answered", "Vigil, ms", "Prometheus, ms", "CPU: Vigil", "Prometheus",
            "worse of the two ratios"]
    different = [_code(row["expr"]) for row in rows if not row["equal"]]
    told = f"Not equal: {', '.join(different)}." if different else "All answers are equal to one in a million."
    return ["Range queries over HTTP, medians:", "", *report.table(head, out), "", told]


def _code(expr):
    return "`" + expr.replace("|", "\\|") + "`"


def _middle(ordered):
    return report.quantile(ordered, 0.5)
