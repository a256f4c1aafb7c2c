"""Vigil under measurement: starts it in either mode, and speaks to its API."""
import concurrent.futures
import http.client
import json
import secrets
import threading
import urllib.parse

from lab import fetch, free_port, metric

PASSWORD = secrets.token_urlsafe(16)


class Vigil:
    """A running installation. `processes` are all that work for it, by name."""

    def __init__(self, lab, datasource, telegram=None, backends=1, workers=0, env=None, home=None):
        """`workers` 0: one process on SQLite, in `home`; otherwise PostgreSQL, Redis, and that many of each program.

        Without a data source it keeps samples itself."""
        self.lab, self.processes, self.worker_metrics = lab, {}, []
        self.local = threading.local()
        self.env = {
            "VIGIL_LOG__LEVEL": "warn",
            "VIGIL_ADMIN__USERNAME": "admin", "VIGIL_ADMIN__PASSWORD": PASSWORD,
            "VIGIL_AUTH__JWT_SECRET": secrets.token_hex(32), "VIGIL_SECRETS__KEY": secrets.token_hex(32),
        } | (env or {})
        if datasource:
            self.env["VIGIL_DATASOURCE__URL"] = datasource
        if telegram:
            self.env["VIGIL_TELEGRAM__API_URL"] = telegram
        self.backends, self.database = [], None
        if workers:
            self._start_many(backends, workers)
        else:
            self.env["VIGIL_DATABASE__URL"] = f"sqlite://{home or lab.directory('vigil')}/vigil.db"
            self._start("vigil", "vigil")
        form = urllib.parse.urlencode({"username": "admin", "password": PASSWORD})
        headers = {"content-type": "application/x-www-form-urlencoded"}
        self.headers = {}
        token = self._exchange("POST", "/auth/login", form, headers)["access_token"]
        self.headers = {"authorization": f"Bearer {token}"}
        self.key = self.create("/api-keys", {"name": "bench", "role": "admin"})["key"]
        self.headers = {"authorization": f"Bearer {self.key}"}

    def _start_many(self, backends, workers):
        self.processes["postgres"], self.database = self.lab.postgres()
        self.processes["redis"], redis = self.lab.redis()
        self.env |= {"VIGIL_DATABASE__URL": self.database, "VIGIL_REDIS__URL": redis}
        self.lab.run([f"{self.lab.bin_dir}/vigil", "migrate"], env=self.env)
        for number in range(backends):
            self._start(f"backend {number + 1}", "vigil-backend")
        for number in range(workers):
            address = f"127.0.0.1:{free_port()}"
            command = [f"{self.lab.bin_dir}/vigil-worker"]
            worker = self.lab.start("vigil-worker", command, env=self.env | {"VIGIL_METRICS__LISTEN": address})
            self.lab.until(worker, lambda: fetch(f"http://{address}/healthz"))
            self.processes[f"worker {number + 1}"] = worker
            self.worker_metrics.append(f"http://{address}/metrics")

    def _start(self, name, program):
        address = f"127.0.0.1:{free_port()}"
        env = self.env | {"VIGIL_HTTP__LISTEN": address}
        process = self.lab.start(program, [f"{self.lab.bin_dir}/{program}"], env=env)
        self.lab.until(process, lambda: fetch(f"http://{address}/readyz") is not None)
        self.processes[name] = process
        self.backends.append(address)

    @property
    def address(self):
        return self.backends[0]

    def cpu_seconds(self):
        """Of every process that works for Vigil, by name."""
        return {name: process.cpu_seconds() for name, process in self.processes.items()}

    def rss_bytes(self):
        return {name: process.rss_bytes() for name, process in self.processes.items()}

    def metric(self, name, **labels):
        """Summed over the processes that evaluate and deliver."""
        texts = [fetch(url) for url in self.worker_metrics]
        texts = texts or [fetch(f"http://{self.address}/metrics", self.headers)]
        return sum(metric(text, name, **labels) for text in texts)

    def get(self, path):
        return self._exchange("GET", path)

    def create(self, path, body):
        headers = {"content-type": "application/json"}
        return self._exchange("POST", path, json.dumps(body), headers)

    def create_all(self, path, bodies):
        """Creates many, a few at once."""
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            return list(pool.map(lambda body: self.create(path, body), bodies))

    def items(self, path):
        """Every item of a list, page by page."""
        cursor, joint = "", "&" if "?" in path else "?"
        while cursor is not None:
            page = self.get(f"{path}{joint}limit=500" + (f"&cursor={urllib.parse.quote(cursor)}" if cursor else ""))
            yield from page["items"]
            cursor = page["next_cursor"]

    def missed_slots(self):
        return sum(group["missed_slots"] for group in self.items("/rule-groups"))

    def end(self):
        self.lab.end(*reversed(self.processes.values()))

    def _exchange(self, method, path, body=None, headers=None):
        connection = getattr(self.local, "connection", None)
        if connection is None:
            connection = self.local.connection = http.client.HTTPConnection(self.address, timeout=30)
        try:
            connection.request(method, "/api/v1" + path, body, self.headers | (headers or {}))
            answer = connection.getresponse()
            text = answer.read().decode()
        except OSError:
            self.local.connection = None
            raise
        if answer.status >= 300:
            raise RuntimeError(f"{method} {path}: {answer.status} {text}")
        return json.loads(text) if text else None
