"""The laboratory: starts servers on free ports with private directories, counts their CPU and memory, ends them."""
import atexit
import glob
import itertools
import os
import pwd
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


def say(text):
    print(f"[{time.strftime('%H:%M:%S')}] {text}", flush=True)


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


class Process:
    """A server that was started; its CPU and memory include its children's."""

    def __init__(self, name, child, log):
        self.name, self.child, self.log = name, child, log

    def cpu_seconds(self):
        """User and system time so far, of children that have ended too."""
        return sum(times for _, times, _ in self._family()) / TICKS

    def rss_bytes(self):
        return sum(rss for _, _, rss in self._family()) * PAGE

    def _family(self):
        everybody, children = {}, {}
        for path in glob.glob("/proc/[0-9]*/stat"):
            try:
                with open(path) as file:
                    text = file.read()
            except OSError:
                continue
            pid, fields = int(text.split(" ", 1)[0]), text.rsplit(")", 1)[1].split()
            everybody[pid] = (pid, sum(map(int, fields[11:15])), int(fields[21]))
            children.setdefault(int(fields[1]), []).append(pid)
        wanted, found = [self.child.pid], []
        while wanted:
            pid = wanted.pop()
            if pid in everybody:
                found.append(everybody[pid])
                wanted.extend(children.get(pid, []))
        return found

    def end(self):
        if self.child.poll() is None:
            self.child.send_signal(signal.SIGINT if self.name == "postgres" else signal.SIGTERM)
            try:
                self.child.wait(25)
            except subprocess.TimeoutExpired:
                self.child.kill()
                self.child.wait()


class Lab:
    """Everything that runs for one benchmark; ends with `close`, or with the program."""

    def __init__(self, bin_dir):
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        self.bin_dir, self.running, self.numbers = bin_dir, [], itertools.count()
        self.home = tempfile.mkdtemp(prefix="vigil-bench-")
        os.chmod(self.home, 0o711)
        atexit.register(self.close)

    def close(self):
        for process in reversed(self.running):
            process.end()
        self.running.clear()
        shutil.rmtree(self.home, ignore_errors=True)

    def end(self, *processes):
        for process in processes:
            process.end()
            if process in self.running:
                self.running.remove(process)

    def write(self, name, text):
        path = os.path.join(self.home, name)
        with open(path, "w") as file:
            file.write(text)
        os.chmod(path, 0o644)
        return path

    def directory(self, name, user=None):
        """Makes a directory of its own, for `user` when we are root."""
        path = os.path.join(self.home, f"{name}-{next(self.numbers)}")
        os.makedirs(path)
        account = account_of(user)
        if account:
            os.chown(path, account.pw_uid, account.pw_gid)
        return path

    def start(self, name, command, user=None, env=None, directory=None, talks=False):
        """Starts `command`; as `user` when we are root and it exists. Nothing of our VIGIL_* variables reaches it.

        One that `talks` has its standard input and output here instead of in a log."""
        account, log = account_of(user), os.path.join(self.home, f"{name}-{next(self.numbers)}.log")
        inherited = {key: value for key, value in os.environ.items() if not key.startswith("VIGIL_")}
        as_user = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []} if account else {}
        with open(log, "w") as output:
            pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True} if talks else {
                "stdin": subprocess.DEVNULL, "stdout": output}
            child = subprocess.Popen(command, stderr=output, cwd=directory or self.home, env=inherited | (env or {}),
                                     **pipes, **as_user)
        process = Process(name, child, log)
        self.running.append(process)
        return process

    def until(self, process, ready, seconds=30):
        """Waits until `ready()` is true without an error."""
        deadline = time.time() + seconds
        while True:
            try:
                if ready():
                    return
            except (OSError, urllib.error.URLError):
                pass
            if process.child.poll() is not None or time.time() > deadline:
                with open(process.log) as log:
                    sys.exit(f"{process.name} does not come up:\n{log.read()[-3000:]}")
            time.sleep(0.1)

    def run(self, command, user=None, env=None):
        process = self.start(os.path.basename(command[0]), command, user, env)
        if process.child.wait() != 0:
            with open(process.log) as log:
                sys.exit(f"{command[0]} failed:\n{log.read()[-3000:]}")
        self.running.remove(process)

    def prometheus(self, targets, scrape="15s", rules=None, interval="15s", alertmanager=None, flags=()):
        """`targets`: job → address, with a path if it is not `/metrics`. Answers the process and its URL.

        `rules` are written to the process' `rule_file`; its samples are in its `data`."""
        port, number = free_port(), next(self.numbers)
        config = f"global: {{scrape_interval: {scrape}, scrape_timeout: {scrape}, evaluation_interval: {interval}}}\n"
        rule_file = self.write(f"prometheus-rules-{number}.yml", rules or "groups: []\n")
        config += f"rule_files: [{rule_file}]\n"
        if alertmanager:
            config += f"alerting: {{alertmanagers: [{{static_configs: [{{targets: ['{alertmanager}']}}]}}]}}\n"
        config += "scrape_configs:\n"
        for job, target in targets.items():
            address, _, path = target.partition("/")
            config += f"  - {{job_name: {job}, metrics_path: /{path or 'metrics'}, static_configs: [{{targets: ['{address}']}}]}}\n"
        file, data = self.write(f"prometheus-{number}.yml", config), self.directory("prometheus", "prometheus")
        command = ["prometheus", f"--config.file={file}", f"--storage.tsdb.path={data}", "--log.level=warn",
                   f"--web.listen-address=127.0.0.1:{port}", *flags]
        process, url = self.start("prometheus", command, "prometheus"), f"http://127.0.0.1:{port}"
        process.rule_file, process.data = rule_file, data
        self.until(process, lambda: fetch(f"{url}/-/ready"))
        return process, url

    def node_exporter(self):
        address = f"127.0.0.1:{free_port()}"
        command = ["prometheus-node-exporter", f"--web.listen-address={address}", "--log.level=warn"]
        process = self.start("node-exporter", command, "prometheus")
        self.until(process, lambda: fetch(f"http://{address}/metrics"))
        return process, address

    def alertmanager(self, webhook):
        """Sends every alert by itself and at once. Answers the process and its address."""
        port = free_port()
        route = "{receiver: bench, group_by: ['...'], group_wait: 0s, group_interval: 1s, repeat_interval: 4h}"
        config = f"route: {route}\nreceivers: [{{name: bench, webhook_configs: [{{url: '{webhook}'}}]}}]\n"
        file, data = self.write("alertmanager.yml", config), self.directory("alertmanager", "prometheus")
        command = ["prometheus-alertmanager", f"--config.file={file}", f"--storage.path={data}", "--log.level=warn",
                   f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address="]
        process = self.start("alertmanager", command, "prometheus")
        self.until(process, lambda: fetch(f"http://127.0.0.1:{port}/-/ready"))
        return process, f"127.0.0.1:{port}"

    def postgres(self):
        """With Debian's own settings: what is committed is on the disk."""
        home, port = postgres_home(), free_port()
        data = self.directory("postgres", "postgres")
        self.run([f"{home}/initdb", "--no-locale", "--encoding=UTF8", "--auth=trust", "--username=vigil", "--pgdata", data],
                 "postgres")
        command = [f"{home}/postgres", "-D", data, "-p", str(port), "-h", "127.0.0.1", "-k", data,
                   "-c", "max_connections=200"]
        process, url = self.start("postgres", command, "postgres"), f"postgres://vigil@127.0.0.1:{port}/postgres"
        self.until(process, lambda: subprocess.run([f"{home}/pg_isready", "-q", "-d", url]).returncode == 0)
        return process, url

    def redis(self):
        port = free_port()
        command = ["redis-server", "--bind", "127.0.0.1", "--port", str(port), "--save", "", "--appendonly", "no",
                   "--dir", self.directory("redis", "redis")]
        process = self.start("redis", command, "redis")
        self.until(process, lambda: socket.create_connection(("127.0.0.1", port)).close() is None)
        return process, f"redis://127.0.0.1:{port}/0"

    def vmalert(self, datasource, notifier, rules, interval="15s"):
        port = free_port()
        command = ["vmalert", f"-rule={self.write('vmalert-rules.yml', rules)}", f"-datasource.url={datasource}",
                   f"-notifier.url={notifier}", f"-evaluationInterval={interval}", f"-httpListenAddr=127.0.0.1:{port}",
                   "-loggerLevel=WARN"]
        process, url = self.start("vmalert", command), f"http://127.0.0.1:{port}"
        self.until(process, lambda: fetch(f"{url}/metrics"))
        return process, url


def account_of(user):
    try:
        return pwd.getpwnam(user) if user and os.geteuid() == 0 else None
    except KeyError:
        return None


def postgres_home():
    homes = glob.glob("/usr/lib/postgresql/*/bin")
    return max(homes, key=lambda path: float(path.split("/")[4]))


def fetch(url, headers=None, timeout=10, method="GET"):
    """The body of a successful answer, as text."""
    request = urllib.request.Request(url, headers=headers or {}, method=method)
    with urllib.request.urlopen(request, timeout=timeout) as answer:
        return answer.read().decode()


def metric(text, name, **labels):
    """The sum of a metric's series that have these labels, in a text exposition."""
    total = 0.0
    for line in text.splitlines():
        if line.startswith((name + "{", name + " ")) and all(f'{key}="{value}"' in line for key, value in labels.items()):
            total += float(line.rsplit(" ", 1)[1])
    return total
