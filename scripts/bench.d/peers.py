"""Small servers on this machine that the benchmarks need: a scrape target, a Bot API server, a webhook."""
import json
import re
import socketserver
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from lab import free_port


class Server:
    """Runs a handler in threads until the program ends."""

    class _Listener(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 1024

        def server_bind(self):  # without a lookup of our own name
            socketserver.TCPServer.server_bind(self)
            self.server_name, self.server_port = self.server_address

    def __init__(self):
        self.address = f"127.0.0.1:{free_port()}"
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_GET(self):
                self.answer(*outer.get(self.path))

            def do_POST(self):
                received = time.time()
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                self.answer(*outer.post(json.loads(body or b"null"), received))

            def answer(self, kind, body):
                self.send_response(200)
                self.send_header("content-type", kind)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        host, port = self.address.split(":")
        listener = self._Listener((host, int(port)), Handler)
        threading.Thread(target=listener.serve_forever, daemon=True).start()

    def get(self, _path):
        return "text/plain; version=0.0.4", b""

    def post(self, _body, _received):
        return "application/json", b"{}"


class Series(Server):
    """A target with `count` series `bench_value{n="..."}`, all 1."""

    def __init__(self, count):
        self.text = "".join(f'bench_value{{n="{n}"}} 1\n' for n in range(count)).encode()
        super().__init__()

    def get(self, _path):
        return "text/plain; version=0.0.4", self.text


class Levels(Server):
    """`count` targets, `address/<n>`, each with a series `bench_level{n="<n>"}` that is moved while it runs."""

    def __init__(self, count):
        self.levels = [0] * count
        super().__init__()

    def get(self, path):
        n = int(path.strip("/"))
        return "text/plain; version=0.0.4", f'bench_level{{n="{n}"}} {self.levels[n]}\n'.encode()


class Inbox:
    """When messages about `Crossing-<n>` arrived, by n: (received, starts at or None), firing and resolved apart."""

    def __init__(self, count):
        self.changed = threading.Condition()
        self.firing = [[] for _ in range(count)]
        self.resolved = [[] for _ in range(count)]

    def note(self, number, is_firing, received, starts_at=None):
        with self.changed:
            (self.firing if is_firing else self.resolved)[number].append((received, starts_at))
            self.changed.notify_all()

    def until(self, number, is_firing, count, seconds):
        """The `count`-th message, or None when it has not come after `seconds`."""
        box = (self.firing if is_firing else self.resolved)[number]
        with self.changed:
            arrived = self.changed.wait_for(lambda: len(box) >= count, seconds)
        return box[count - 1] if arrived else None


class Telegram(Server):
    """A Bot API server that takes everything."""

    def __init__(self, inbox):
        self.inbox, self.sent = inbox, 0
        super().__init__()

    def post(self, body, received):
        self.sent += 1
        found = re.search(r"Crossing-(\d+)", body["text"])
        if found:
            self.inbox.note(int(found.group(1)), "RESOLVED" not in body["text"], received)
        chat = {"id": body["chat_id"], "type": "private", "first_name": "bench"}
        message = {"message_id": self.sent, "date": int(received), "chat": chat, "text": body["text"]}
        return "application/json", json.dumps({"ok": True, "result": message}).encode()


class Webhook(Server):
    """Takes Alertmanager's notifications."""

    def __init__(self, inbox):
        self.inbox = inbox
        super().__init__()

    def post(self, body, received):
        for alert in body["alerts"]:
            found = re.search(r"Crossing-(\d+)", alert["labels"]["alertname"])
            self.inbox.note(int(found.group(1)), alert["status"] == "firing", received, alert["startsAt"])
        return "application/json", b"{}"
