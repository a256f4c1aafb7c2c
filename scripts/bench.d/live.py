"""What a WebSocket client costs: CPU per frame, memory per client, and how many queries all of them cause."""
import json
import subprocess
import time

from lab import fetch, metric, say
from vigil import Vigil


def run(lab, options):
    rows = []
    for clients in [50, 200] if options.quick else [1_000, 10_000]:
        say(f"WebSocket: {clients} clients")
        exporter, address = lab.node_exporter()
        source, url = lab.prometheus({"node": address}, scrape="1s")
        vigil = Vigil(lab, url)
        server = vigil.create("/servers", {"name": "bench", "instance": address})["id"]
        lab.until(source, lambda: '"1"' in fetch(f"{url}/api/v1/query?query=count(up)"))
        time.sleep(5)
        rows.append(_row(lab, options, vigil, server, url, clients))
        vigil.end()
        lab.end(source, exporter)
    return rows


def _row(lab, options, vigil, server, source, clients):
    seconds, process = options.window, vigil.processes["vigil"]
    queries = lambda: metric(fetch(f"{source}/metrics"), "prometheus_http_requests_total", handler="/api/v1/query")
    rss = process.rss_bytes()
    command = [f"{lab.bin_dir}/ws_load", f"ws://{vigil.address}/ws/metrics/{server}?interval=1s", str(clients), str(seconds)]
    load = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    # The credentials on its standard input: command lines can be read by everybody.
    load.stdin.write(vigil.key + "\n")
    load.stdin.flush()
    if load.stdout.readline() != "connected\n":
        raise RuntimeError("ws_load could not connect its clients")
    cpu, asked, began = process.cpu_seconds(), queries(), time.time()
    result = json.loads(load.stdout.readline())
    elapsed = time.time() - began
    cpu, asked, grown = process.cpu_seconds() - cpu, queries() - asked, process.rss_bytes() - rss
    load.stdin.close()
    load.wait()
    return result | {
        "clients": clients, "cpu_us": 1e6 * cpu / max(result["frames"], 1), "client_bytes": grown / clients,
        "queries_per_second": asked / elapsed, "frames_per_second": result["frames"] / elapsed,
    }
