"""What the API's reads and sign-in cost, on PostgreSQL: wrk against one backend."""
import json
import re
import subprocess
import time
import urllib.parse

from lab import postgres_home, say
from vigil import PASSWORD, Vigil

EVENTS = """
INSERT INTO alert_events (id, rule_id, rule_name, server_id, severity, fingerprint, labels, annotations, state, value,
                          reason, active_at, starts_at, evaluated_at, created_at)
SELECT ('01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, gen_random_uuid(), 'HighCpu', NULL, 'critical',
       lpad(to_hex(n), 16, '0'),
       jsonb_build_object('alertname', 'HighCpu', 'instance', 'web-' || n % 100 || ':9100', 'job', 'node', 'severity', 'critical'),
       jsonb_build_object('summary', 'the CPU is busy'), CASE n % 3 WHEN 0 THEN 'pending' WHEN 1 THEN 'firing' ELSE 'resolved' END,
       '97.5', 'condition_met', now(), now(), now() - n * interval '1 second', now()
FROM generate_series(1, 10000) AS n;
ANALYZE;
"""


def run(lab, options):
    source, url = lab.prometheus({})
    vigil = Vigil(lab, url, workers=1)
    servers = [
        {"name": f"web-{n}", "instance": f"web-{n}:9100", "labels": {"env": "production", "zone": f"z{n % 3}"},
         "department": "shop", "description": "a web server"} for n in range(100)
    ]
    vigil.create_all("/servers", servers)
    events = lab.write("events.sql", EVENTS)
    lab.run([f"{postgres_home()}/psql", "-q", "-v", "ON_ERROR_STOP=1", "-d", vigil.database, "-f", events])
    token = {"authorization": f"Bearer {vigil.key}"}
    seconds, rows = 3 if options.quick else 20, []
    for name, path in [("`GET /servers`, 100 rows, 64 connections", "/servers?limit=100"),
                       ("newest 50 of 10,000 events, 64 connections", "/events?limit=50")]:
        say(f"reads: {path}")
        if len(vigil.get(path)["items"]) not in (50, 100):
            raise RuntimeError(f"{path} does not answer what is to be measured")
        rows.append({"name": name} | _measured(vigil, lambda: wrk(vigil, path, 64, seconds, token)))
    say("reads: sign-in")
    login = lab.write("login.lua", _login())
    rows.append({"name": "login, bcrypt 12, 64 connections"}
                | _measured(vigil, lambda: wrk(vigil, "/auth/login", 64, seconds, {}, login, "30s")))
    say("reads: other routes while 64 sign-ins wait")
    rows.append({"name": "`GET /servers`, 100 rows, 4 connections, while 64 logins wait"} | _beside(vigil, seconds, token, login))
    vigil.end()
    lab.end(source)
    return rows


def _login():
    form = urllib.parse.urlencode({"username": "admin", "password": PASSWORD})
    header = 'wrk.headers["content-type"] = "application/x-www-form-urlencoded"'
    return f"wrk.method = 'POST'\nwrk.body = {json.dumps(form)}\n{header}\n"


def _measured(vigil, load):
    """A load's figures, and the CPU a request cost in all processes that work for Vigil."""
    load_before, began = vigil.cpu_seconds(), time.time()
    result = load()
    spent = {name: total - load_before[name] for name, total in vigil.cpu_seconds().items()}
    requests = max(result["requests"], 1)
    return result | {
        "cpu_us": 1e6 * sum(spent.values()) / requests, "seconds": time.time() - began,
        "by_name": {name: 1e6 * seconds / requests for name, seconds in spent.items()},
    }


def _beside(vigil, seconds, token, login):
    waiting = subprocess.Popen(_command(vigil, "/auth/login", 64, seconds + 4, {}, login, "60s"),
                               stdout=subprocess.DEVNULL)
    time.sleep(2)
    result = wrk(vigil, "/servers?limit=100", 4, seconds, token)
    waiting.wait()
    return result | {"cpu_us": None}


def _command(vigil, path, connections, seconds, headers, script=None, patience="10s"):
    command = ["wrk", "-t", "1", "-c", str(connections), "-d", f"{seconds}s", "--latency", "--timeout", patience]
    for name, value in headers.items():
        command += ["-H", f"{name}: {value}"]
    return command + (["-s", script] if script else []) + [f"http://{vigil.address}/api/v1{path}"]


def wrk(vigil, path, connections, seconds, headers, script=None, patience="10s"):
    done = subprocess.run(_command(vigil, path, connections, seconds, headers, script, patience),
                          capture_output=True, text=True, check=True)
    text = done.stdout
    failed = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    errors = re.search(r"Socket errors: .*", text)
    if failed or (errors and not re.search(r"connect 0, read 0, write 0, timeout 0", errors.group())):
        raise RuntimeError(f"{path}: not every request was answered\n{text}")
    return {
        "requests": int(re.search(r"(\d+) requests in", text).group(1)),
        "per_second": float(re.search(r"Requests/sec:\s+([\d.]+)", text).group(1)),
        "p99": _seconds(re.search(r"99%\s+([\d.]+)(us|ms|s|m)\b", text)),
    }


def _seconds(found):
    return float(found.group(1)) * {"us": 1e-6, "ms": 1e-3, "s": 1, "m": 60}[found.group(2)]
