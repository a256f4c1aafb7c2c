"""What an evaluation costs: many quiet rules, and one rule with many active alerts."""
import time

import peers
from lab import fetch, metric, say
from vigil import Vigil

INTERVAL = 15


def quiet_rules(count):
    rule = {"threshold": {"op": ">", "value": 90}, "interval": f"{INTERVAL}s"}
    return [rule | {"name": f"Quiet{n}", "expr": f'bench_value{{n="{n}"}}'} for n in range(count)]


def active_rule(_count):
    return [{"name": "Active", "expr": "bench_value > 0", "interval": f"{INTERVAL}s", "repeat_interval": "4h"}]


def prometheus_rules(rules, size=100):
    """The same as a rule file, `size` rules a group."""
    text = "groups:\n"
    for start in range(0, len(rules), size):
        text += f"  - name: group{start // size}\n    interval: {INTERVAL}s\n    rules:\n"
        for rule in rules[start : start + size]:
            threshold = rule.get("threshold")
            condition = f" {threshold['op']} {threshold['value']}" if threshold else ""
            text += f"      - {{alert: {rule['name']}, expr: '{rule['expr']}{condition}'}}\n"
    return text


class Window:
    """CPU seconds of an evaluator and of its data source between two moments, and what was evaluated."""

    def __init__(self, cpu, source, evaluations):
        self.cpu, self.source, self.evaluations = cpu, source, evaluations

    def measure(self, seconds, idle_source):
        cpu, source, done, began = self.cpu(), self.source.cpu_seconds(), self.evaluations(), time.time()
        time.sleep(seconds)
        elapsed = time.time() - began
        done = self.evaluations() - done
        by_name = {name: total - cpu[name] for name, total in self.cpu().items()}
        source = self.source.cpu_seconds() - source - idle_source * elapsed
        return done, by_name, max(source, 0.0)


def run(lab, options, active=False):
    """Rows of the table: one per evaluator and number of rules."""
    rows, sizes = [], [10_000] if active else ([100, 1_000] if options.quick else [1_000, 10_000])
    for size in sizes:
        say(f"{'active alerts' if active else 'quiet rules'}: {size}")
        target = peers.Series(size)
        source, url = lab.prometheus({"bench": target.address}, scrape=f"{INTERVAL}s")
        lab.until(source, lambda: f'"{size}"' in fetch(f"{url}/api/v1/query?query=count(bench_value)"), 60)
        before = source.cpu_seconds()
        time.sleep(options.window)
        idle = (source.cpu_seconds() - before) / options.window
        rules = active_rule(size) if active else quiet_rules(size)
        for name, measure in [("Vigil, one process", _one), ("Vigil, distributed", _many), ("vmalert", _vmalert)]:
            say(f"  {name}")
            row = measure(lab, options, source, url, rules, idle)
            divisor = (size if active else 1) * max(row["evaluations"], 1)
            row["cpu_us"] = 1e6 * sum(row["by_name"].values()) / divisor
            row["source_us"] = 1e6 * row["source"] / divisor
            rows.append(row | {"evaluator": name, "size": size})
        lab.end(source)
    return rows


def _one(lab, options, source, url, rules, idle):
    return _vigil(Vigil(lab, url), options, source, rules, idle)


def _many(lab, options, source, url, rules, idle):
    return _vigil(Vigil(lab, url, workers=2), options, source, rules, idle)


def _vigil(vigil, options, source, rules, idle):
    vigil.create_all("/rules", rules)
    time.sleep(2 * INTERVAL)
    missed = vigil.missed_slots()
    evaluations = lambda: vigil.metric("vigil_evaluations_total")
    done, by_name, source = Window(vigil.cpu_seconds, source, evaluations).measure(options.window, idle)
    rss, missed = vigil.rss_bytes(), vigil.missed_slots() - missed
    vigil.end()
    return {"evaluations": done, "by_name": by_name, "source": source, "rss": rss, "missed": missed}


def _vmalert(lab, options, source, url, rules, idle):
    notifier = peers.Server()
    process, metrics = lab.vmalert(url, f"http://{notifier.address}", prometheus_rules(rules), f"{INTERVAL}s")
    time.sleep(2 * INTERVAL)
    read = lambda name: metric(fetch(f"{metrics}/metrics"), name)
    missed, size = read("vmalert_iteration_missed_total"), min(len(rules), 100)
    evaluations = lambda: read("vmalert_iteration_total") * size
    cpu = lambda: {"vmalert": process.cpu_seconds()}
    done, by_name, source = Window(cpu, source, evaluations).measure(options.window, idle)
    rss, missed = {"vmalert": process.rss_bytes()}, read("vmalert_iteration_missed_total") - missed
    lab.end(process)
    return {"evaluations": done, "by_name": by_name, "source": source, "rss": rss, "missed": missed}
