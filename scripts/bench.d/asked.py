"""One query of several servers over HTTP: what it takes them, and whether they answer the same."""
import http.client
import json
import math
import statistics
import time
import urllib.parse

ONE = 'instance="host-00:9100"'
SERVICE = 'instance="host-00:8080"'
# Expression, days back, step in seconds. One host has seven days, all have the last hours.
RANGES = [
    (f"node_load1{{{ONE}}}", 7, 600),
    (f"100 * (1 - avg(rate(node_cpu_seconds_total{{{ONE}, mode=\"idle\"}}[5m])))", 7, 600),
    (f"sum by (mode) (rate(node_cpu_seconds_total{{{ONE}}}[5m]))", 7, 600),
    (f"100 * node_filesystem_avail_bytes{{{ONE}}} / node_filesystem_size_bytes{{{ONE}}}", 7, 1800),
    (f"max_over_time(node_load1{{{ONE}}}[1h])", 7, 3600),
    (f"sum by (code) (increase(http_requests_total{{{SERVICE}}}[1h]))", 7, 3600),
    (f"histogram_quantile(0.99, sum by (le) (rate(http_request_duration_seconds_bucket{{{SERVICE}}}[5m])))", 7, 600),
    ("node_memory_MemAvailable_bytes", 0.125, 60),
    ("sum by (handler) (rate(http_requests_total[5m]))", 0.125, 60),
    ("histogram_quantile(0.99, sum by (le) (rate(http_request_duration_seconds_bucket[5m])))", 0.125, 60),
    ("sum by (instance) (rate(node_cpu_seconds_total{mode!=\"idle\"}[5m]))", 1 / 24, 15),
]


def instant(at):
    return lambda late: ("query", {"time": f"{at - late:.3f}"})


def over(at, days, step):
    return lambda late: ("query_range", {"start": f"{at - late - 86400 * days:.3f}", "end": f"{at - late:.3f}", "step": step})


class Server:
    def __init__(self, url, process, headers=None):
        self.url, self.headers = urllib.parse.urlsplit(url), headers or {}
        self.connection = http.client.HTTPConnection(self.url.netloc, timeout=60)
        # The clock of the CPU time of a process, to the nanosecond, threads that have ended among it.
        self.clock = (~process.child.pid << 3) | 2

    def ask(self, path, parameters):
        """Seconds until the whole answer was here, and the answer."""
        target = f"{self.url.path}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        began = time.perf_counter()
        self.connection.request("GET", target, headers=self.headers)
        answer = self.connection.getresponse()
        text = answer.read()
        took = time.perf_counter() - began
        if answer.status != 200:
            raise RuntimeError(f"{target}: {answer.status} {text[:500]}")
        return took, text

    def cpu_seconds(self):
        return time.clock_gettime(self.clock)


def compare(servers, expr, parameters, batch, repetitions):
    """Medians of both, asked in turn, `batch` times each turn. No two questions are equal, so that no cache has the answer."""
    walls, cpus, late = ([], []), ([], []), 0
    for repetition in range(repetitions + 1):
        answers = []
        for number, server in enumerate(servers):
            before, took = server.cpu_seconds(), []
            for n in range(batch):
                path, more = parameters(0.001 * (late + n))
                seconds, text = server.ask(path, {"query": expr} | more)
                took.append(seconds)
            answers.append(text)
            if repetition > 0:  # the first is to warm up
                walls[number].extend(took)
                cpus[number].append((server.cpu_seconds() - before) / batch)
        late += batch
    first, second = map(series_of, answers)
    wall, cpu = ([statistics.median(numbers) for numbers in of] for of in (walls, cpus))
    return {"expr": expr, "wall": wall, "cpu": cpu, "series": len(first), "equal": alike(first, second)}


def series_of(text):
    """Label sets → the values by time."""
    data = json.loads(text)["data"]
    if data["resultType"] not in ("vector", "matrix"):
        raise RuntimeError(f"a {data['resultType']} is not to be measured")
    points = lambda one: one.get("values") or [one["value"]]
    return {tuple(sorted(one["metric"].items())): {at: float(value) for at, value in points(one)}
            for one in data["result"]}


def alike(first, second):
    """The same series with the same values, to one in a million."""
    if first.keys() != second.keys():
        return False
    close = lambda a, b: (math.isnan(a) and math.isnan(b)) or math.isclose(a, b, rel_tol=1e-6, abs_tol=1e-9)
    return all(first[key].keys() == second[key].keys()
               and all(close(value, second[key][at]) for at, value in first[key].items()) for key in first)
