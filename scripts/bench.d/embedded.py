"""What the embedded sample store and evaluator cost, beside a Prometheus that is given the same samples and asked the same.

One fleet of 50 hosts with 500 series each, made by samples_load: first a history as fast as it goes, then samples as they
come, then the same rules every 15 s, then queries over HTTP one after the other. Beside it an idle Vigil in an empty directory.
"""
import json
import os
import pathlib
import statistics
import subprocess
import time

import asked
from lab import fetch, free_port, say
from vigil import Vigil

INTERVAL = 15
RULES = pathlib.Path(__file__).with_name("rules.txt")


def rules():
    return [line for line in RULES.read_text().splitlines() if line and not line.startswith("#")]


def run(lab, options):
    fleet = Fleet(lab, options)
    fleet.fill()
    fleet.push()
    results = {"write": fleet.written(), "disk": fleet.disk()}
    results["live"], results["idle"], as_rules = fleet.live()
    results["instant"], results["range"], results["vigil_rss"] = fleet.ask()
    for row, evaluated in zip(results["instant"], as_rules):
        row["rule"] = evaluated
    return results


class Fleet:
    """Both stores and what is written to them."""

    def __init__(self, lab, options):
        self.lab, self.options = lab, options
        self.days, self.hours = (1, 1) if options.quick else (7, 3)
        self.end_ms = int(time.time()) // INTERVAL * INTERVAL * 1000
        self.home = lab.directory("vigil")
        self.file = f"{self.home}/samples.db"
        flags = ["--web.enable-remote-write-receiver", "--web.enable-admin-api", "--web.enable-lifecycle"]
        self.prometheus, self.url = lab.prometheus({}, flags=flags)
        names = [f"{lab.bin_dir}/samples_load", f"{lab.bin_dir}/examples/samples_load"]
        self.program = next(name for name in names if os.path.exists(name))

    def _load(self, *arguments):
        """Runs samples_load to its end; what it says."""
        done = subprocess.run([self.program, *map(str, arguments)], capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"samples_load {arguments[0]}: {done.stderr}")
        return json.loads(done.stdout)

    def fill(self):
        say(f"embedded: {self.days} days of one host and {self.hours} h of 50, into Vigil's store")
        self.made = self._load("generate", self.end_ms, self.days, self.hours)
        self.filled = self._load("fill", self.end_ms, self.days, self.hours, self.file)

    def push(self):
        say("embedded: the same into Prometheus")
        before, began = self.prometheus.cpu_seconds(), time.time()
        self.pushed = self._load("push", self.end_ms, self.days, self.hours, self.url)
        self.push_seconds = time.time() - began
        self._settle()
        self.push_cpu = self.prometheus.cpu_seconds() - before

    def _settle(self):
        """Waits until Prometheus has made its blocks."""
        for _ in range(60):
            before = self.prometheus.cpu_seconds()
            time.sleep(1)
            if self.prometheus.cpu_seconds() - before < 0.1:
                return

    def written(self):
        samples = self.filled["samples"]
        vigil = self.filled["cpu_seconds"] - self.made["cpu_seconds"]
        return [
            {"system": "Vigil, in its process", "samples": samples, "cpu_us": 1e6 * vigil / samples,
             "per_second": samples / self.filled["seconds"]},
            {"system": "Prometheus, remote write", "samples": samples, "cpu_us": 1e6 * self.push_cpu / samples,
             "per_second": samples / self.push_seconds},
        ]

    def disk(self):
        """Bytes of the same samples: Vigil's closed file, and a snapshot of Prometheus, which has all of them in blocks."""
        answer = json.loads(fetch(f"{self.url}/api/v1/admin/tsdb/snapshot", method="POST", timeout=120))
        snapshot = pathlib.Path(self.prometheus.data) / "snapshots" / answer["data"]["name"]
        blocks = [json.loads(path.read_text())["stats"] for path in snapshot.glob("*/meta.json")]
        files = {path: path.stat().st_size for path in snapshot.rglob("*") if path.is_file()}
        chunks = sum(size for path, size in files.items() if path.parent.name == "chunks")
        return [
            {"system": "Vigil", "samples": self.filled["samples"], "bytes": os.path.getsize(self.file), "chunks": None},
            {"system": "Prometheus", "samples": sum(stats["numSamples"] for stats in blocks),
             "bytes": sum(files.values()), "chunks": chunks},
        ]

    def live(self):
        """CPU and memory while samples come every 15 s, without and with the rules; an idle Vigil beside them."""
        settle, short, window = (15, 15, 15) if self.options.quick else (15, 30, 60)
        say(f"embedded: 25,000 series every 15 s, {short} s without rules and {window} s with 50")
        idle = self._idle()
        started = time.time()
        vigil = self.lab.start("samples_load", [self.program, "live", str(self.end_ms), self.file, str(RULES)],
                               talks=True)
        feed = self.lab.start("samples_load", [self.program, "feed", str(self.end_ms), self.url], talks=True)
        for process in (vigil, feed):
            if process.child.stdout.readline() != "ready\n":
                raise RuntimeError("samples_load does not catch up")
        time.sleep(settle)
        both = {"Vigil": vigil, "Prometheus": self.prometheus}
        without, _ = _window(both, short)
        self._set_rules(rules())
        vigil.child.stdin.write("evaluate\n")
        vigil.child.stdin.flush()
        time.sleep(max(settle, started + 4 * settle - time.time()))
        evaluations = {}
        spent, rss = _window(both | {"idle": idle}, window, lambda: self._note_evaluations(evaluations))
        for process in (vigil, feed):
            process.child.stdin.close()
        told, fed = (json.loads(process.child.stdout.readline()) for process in (vigil, feed))
        self.lab.end(vigil, feed, idle)
        self._set_rules([])
        self.last_ms = min(told["last_ms"], fed["last_ms"])
        rows = [{"system": name, "without": without[name], "with": spent[name], "rss": rss[name]} for name in both]
        peers = [list(evaluations[f"Rule{n}"].values()) for n in range(len(rules()))]
        as_rules = [[statistics.median(peer), statistics.median(told["took"][expr])] for peer, expr in zip(peers, rules())]
        return rows, {"cpu": spent["idle"], "rss": rss["idle"]}, as_rules

    def _note_evaluations(self, evaluations):
        """How long Prometheus took for each rule, by the moment it did."""
        groups = json.loads(fetch(f"{self.url}/api/v1/rules"))["data"]["groups"]
        for rule in groups[0]["rules"]:
            if rule["health"] == "err":
                raise RuntimeError(f"Prometheus does not evaluate {rule['query']}: {rule['lastError']}")
            if rule["health"] == "ok":
                evaluations.setdefault(rule["name"], {})[rule["lastEvaluation"]] = rule["evaluationTime"]

    def _idle(self):
        """Vigil in an empty directory, told nothing but a free port."""
        address = f"127.0.0.1:{free_port()}"
        process = self.lab.start("vigil", [f"{self.lab.bin_dir}/vigil"], env={"VIGIL_HTTP__LISTEN": address},
                                 directory=self.lab.directory("idle"))
        self.lab.until(process, lambda: fetch(f"http://{address}/readyz") is not None)
        return process

    def _set_rules(self, expressions):
        text = "groups: []\n"
        if expressions:
            text = f"groups:\n  - name: bench\n    interval: {INTERVAL}s\n    rules:\n"
            text += "".join(f"      - {{alert: Rule{n}, expr: {json.dumps(expr)}}}\n" for n, expr in enumerate(expressions))
        pathlib.Path(self.prometheus.rule_file).write_text(text)
        fetch(f"{self.url}/-/reload", method="POST")

    def ask(self):
        """The same queries of both servers over HTTP."""
        vigil = Vigil(self.lab, None, home=self.home)
        servers = [asked.Server(self.url, self.prometheus), asked.Server(
            f"http://{vigil.address}/prometheus", vigil.processes["vigil"], vigil.headers)]
        repetitions = 2 if self.options.quick else 5
        say("embedded: 50 instant queries")
        at = self.last_ms / 1000 - 1.003
        instant = [asked.compare(servers, expr, asked.instant(at), 4, repetitions) for expr in rules()]
        rss = vigil.rss_bytes()["vigil"]
        say("embedded: range queries")
        ranges = [asked.compare(servers, expr, asked.over(at, days, step), 1, repetitions) | {"days": days, "step": step}
                  for expr, days, step in asked.RANGES]
        vigil.end()
        self.lab.end(self.prometheus)
        return instant, ranges, rss


def _window(processes, seconds, glance=lambda: None):
    """The share of one core that each used, and its memory at the end. `glance` is called every five seconds."""
    before, began = {name: process.cpu_seconds() for name, process in processes.items()}, time.time()
    while (left := began + seconds - time.time()) > 0:
        time.sleep(min(left, 5))
        glance()
    elapsed = time.time() - began
    spent = {name: (process.cpu_seconds() - before[name]) / elapsed for name, process in processes.items()}
    return spent, {name: process.rss_bytes() for name, process in processes.items()}
