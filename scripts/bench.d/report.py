"""Results as a markdown section, each beside its target."""
import os
import re
import subprocess
import time

import report_embedded


def parts(results, quick):
    """The machine, and each case with when it was measured."""
    out = {"machine": f"Measured on {machine()}."}
    for case in results:
        heading, *lines = globals()[case](results[case])
        when = f"On {time.strftime('%Y-%m-%d')}, commit {commit()}."
        if quick:
            when += " **A quick run: it shows that everything works and says nothing about speed.**"
        out[case] = "\n".join([heading, "", when, *lines])
    return out


def placed(page, parts):
    """`page` with these parts in the place of those of the same names, or at its end."""
    for name, text in parts.items():
        block = f"<!-- {name} -->\n{text}\n<!-- end of {name} -->"
        known = re.compile(f"<!-- {name} -->.*?<!-- end of {name} -->", re.DOTALL)
        page = known.sub(lambda _: block, page) if known.search(page) else f"{page.rstrip()}\n\n{block}"
    return page.replace("No complete run yet.", "").strip()


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return lines + ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]


def verdict(value, target, unit=""):
    """`value` beside the most it should be."""
    return f"{'met' if value <= target else '**missed**'} (≤ {target:g}{unit})"


def evaluate(rows):
    out = []
    for row in rows:
        one, many = row["evaluator"] == "Vigil, one process", row["evaluator"] == "Vigil, distributed"
        target = ""
        if (one or many) and row["size"] >= 10_000:
            largest = max(size for name, size in row["rss"].items() if one or name.startswith("worker"))
            target = "; ".join([
                "CPU " + verdict(row["cpu_us"], 160, " µs"), "source " + verdict(row["source_us"], 260, " µs"),
                "both " + verdict(row["cpu_us"] + row["source_us"], 420, " µs"),
                "RSS " + verdict(largest / 1e6, 73, " MB"), "missed slots " + verdict(row["missed"], 0),
            ])
        out.append([f"{row['size']:,}", row["evaluator"], f"{row['cpu_us']:.0f}", shares(row), f"{row['source_us']:.0f}",
                    f"{row['cpu_us'] + row['source_us']:.0f}", memory(row["rss"]), f"{row['evaluations']:.0f}",
                    f"{row['missed']:.0f}", target])
    head = ["rules", "evaluator", "its CPU per evaluation, µs", "of it, %", "data source's, µs", "both, µs", "RSS, MB",
            "evaluations", "missed slots", "target"]
    return ["### Quiet rules, one series each, interval 15 s", ""] + table(head, out)


def active(rows):
    out = []
    for row in rows:
        target = verdict(row["cpu_us"], 40, " µs") if row["evaluator"].startswith("Vigil") else ""
        out.append([row["evaluator"], f"{row['cpu_us']:.1f}", shares(row), f"{row['source_us']:.1f}", memory(row["rss"]), target])
    head = ["evaluator", "its CPU per alert and evaluation, µs", "of it, %", "data source's, µs", "RSS, MB", "target"]
    return ["### One rule with 10,000 active alerts, interval 15 s", ""] + table(head, out)


def latency(rows):
    out = []
    for row in rows:
        crossing, slot, target = row["crossing"], row["slot"], ""
        if row["system"].startswith("Vigil"):
            target = "; ".join([
                "crossing p50 " + verdict(quantile(crossing, 0.5), 1.1, " s"), "p99 " + verdict(quantile(crossing, 0.99), 2.0, " s"),
                "evaluation p99 " + verdict(1e3 * quantile(slot, 0.99), 50, " ms"),
            ])
        out.append([row["system"], len(crossing), row["surplus"], f"{quantile(crossing, 0.5):.2f}", f"{quantile(crossing, 0.99):.2f}",
                    f"{1e3 * quantile(slot, 0.5):.0f}", f"{1e3 * quantile(slot, 0.99):.0f}", target])
    head = ["system", "crossings told", "surplus messages", "crossing → request p50, s", "p99, s", "slot → request p50, ms",
            "p99, ms", "target"]
    return ["### From a crossing to the request that tells of it, scrape 1 s, interval 1 s", ""] + table(head, out)


def live(rows):
    out = []
    for row in rows:
        target = "; ".join([
            "CPU " + verdict(row["cpu_us"], 25, " µs"), "memory " + verdict(row["client_bytes"] / 1024, 20, " KB"),
            "gap p99 " + verdict(row["gap_p99_seconds"], 1.2, " s"),
        ])
        out.append([f"{row['clients']:,}", f"{row['frames_per_second']:.0f}", f"{row['cpu_us']:.1f}",
                    f"{row['client_bytes'] / 1024:.1f}", f"{row['gap_p50_seconds']:.3f}", f"{row['gap_p99_seconds']:.3f}",
                    f"{row['queries_per_second']:.1f}", row["closed"], target])
    head = ["clients", "frames/s", "CPU per frame, µs", "memory per client, KB", "gap p50, s", "gap p99, s",
            "queries/s in all", "connections lost", "target"]
    return ["### WebSocket, one server, interval 1 s", ""] + table(head, out)


def reads(rows):
    targets = [("cpu_us", 400, " µs CPU", 1), ("cpu_us", 300, " µs CPU", 1), ("cpu_us", 257_400, " µs CPU", 1), ("p99", 50, " ms p99", 1e3)]
    out = []
    for row, (key, most, unit, factor) in zip(rows, targets):
        cpu = f"{row['cpu_us']:,.0f}" if row["cpu_us"] is not None else "–"
        of_it = ", ".join(f"{name} {value:,.0f}" for name, value in row.get("by_name", {}).items())
        out.append([row["name"], f"{row['per_second']:,.0f}", f"{1e3 * row['p99']:,.1f}", cpu, of_it,
                    verdict(factor * row[key], most, unit)])
    head = ["route", "requests/s", "p99, ms", "CPU per request, µs", "of it", "target"]
    return ["### The API on PostgreSQL, one backend", ""] + table(head, out)


def embedded(results):
    return report_embedded.embedded(results)


def quantile(ordered, q):
    return ordered[min(int(q * len(ordered)), len(ordered) - 1)] if ordered else float("nan")


def shares(row):
    total = sum(row["by_name"].values()) or 1
    return ", ".join(f"{name} {100 * seconds / total:.0f}" for name, seconds in row["by_name"].items())


def memory(rss):
    return ", ".join(f"{name} {size / 1e6:.0f}" for name, size in rss.items())


def output(*command):
    done = subprocess.run(command, capture_output=True, text=True)
    return (done.stdout + done.stderr).strip()


def commit():
    changed = "" if not output("git", "status", "--porcelain", "--untracked-files=no") else " with changes"
    return (output("git", "rev-parse", "--short=10", "HEAD") or "unknown") + changed


def machine():
    with open("/proc/cpuinfo") as file:
        found = re.search(r"model name\s*:\s*(.+)", file.read())
    with open("/proc/meminfo") as file:
        kilobytes = int(re.search(r"MemTotal:\s+(\d+)", file.read()).group(1))
    parts = [f"{os.cpu_count()} × {found.group(1).strip() if found else 'unknown CPU'}", f"{kilobytes / 1e6:.0f} GB",
             f"Linux {os.uname().release}"]
    packages = ["prometheus", "prometheus-alertmanager", "victoria-metrics", "redis-server", "postgresql", "wrk"]
    for package in packages:
        version = output("dpkg-query", "--show", "--showformat=${Version}", package)
        parts.append(f"{package} {re.split('[+~-]', version.split(':')[-1])[0]}")
    return ", ".join(parts)
