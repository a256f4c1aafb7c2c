"""The demo's story against a running Vigil: sets a CPU rule up, burns CPU, and judges everything that follows.

Reads DEMO_URL, DEMO_PASSWORD, DEMO_INSTANCE (the exporter's), DEMO_INBOX (messages, a JSON object a line) and
DEMO_WORKERS (addresses of workers' metrics) from the environment. Status 1 when anything is not as it should be.
"""
import datetime
import html
import json
import multiprocessing
import os
import re
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

FOR, INTERVAL, REPEAT, THRESHOLD = 15, 5, 30, 80
CALM = 60
EXPR = '100 * (1 - avg by (instance) (rate(node_cpu_seconds_total{mode="idle"}[5s])))'
CHAT, TOKEN = 4711, "123456:demo-token"
STARTED = time.time()


def say(text, at=None):
    print(f"{(at or time.time()) - STARTED:6.1f} s  {text}", flush=True)


def fail(text):
    say(f"WRONG: {text}")
    sys.exit(1)


def call(method, path, body=None, form=None, token=None):
    headers, data = {}, None
    if token:
        headers["authorization"] = f"Bearer {token}"
    if body is not None:
        headers["content-type"], data = "application/json", json.dumps(body).encode()
    if form is not None:
        data = urllib.parse.urlencode(form).encode()
    request = urllib.request.Request(os.environ["DEMO_URL"] + "/api/v1" + path, data, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        fail(f"{method} {path}: {error.code} {error.read().decode()}")


class Vigil:
    def __init__(self):
        form = {"username": "admin", "password": os.environ["DEMO_PASSWORD"]}
        self.token = call("POST", "/auth/login", form=form)["access_token"]

    def get(self, path):
        return call("GET", path, token=self.token)

    def create(self, path, body):
        return call("POST", path, body, token=self.token)["id"]

    def cpu(self):
        """This machine's CPU in per cent as the rule sees it; None before there are two scrapes."""
        query = urllib.parse.urlencode({"query": EXPR})
        result = self.get(f"/metrics/query?{query}")["data"]["result"]
        return float(result[0]["value"][1]) if result else None

    def events(self, rule):
        return self.get(f"/events?rule_id={rule}")["items"][::-1]

    def notifications(self):
        return self.get("/notifications")["items"][::-1]


def messages():
    with open(os.environ["DEMO_INBOX"]) as file:
        return [json.loads(line) for line in file]


def plain(message):
    return html.unescape(re.sub(r"<[^>]*>", "", message["text"]))


def moment(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def burn(stop):
    while not stop.is_set():
        sum(n * n for n in range(20_000))


def until(what, seconds, found, meanwhile=lambda: None):
    """Waits for `found()` to be something, and answers it."""
    deadline = time.time() + seconds
    while True:
        result = found()
        if result:
            return result
        meanwhile()
        if time.time() > deadline:
            fail(f"{what}: not within {seconds} s")
        time.sleep(0.2)


def set_up(vigil):
    server = vigil.create("/servers", {"name": "this machine", "instance": os.environ["DEMO_INSTANCE"]})
    config = {"bot_token": TOKEN, "chat_id": CHAT}
    channel = vigil.create("/channels", {"name": "on call", "kind": "telegram", "config": config})
    rule = {
        "name": "HighCpu", "expr": EXPR, "threshold": {"op": ">", "value": THRESHOLD}, "severity": "critical",
        "for": f"{FOR}s", "interval": f"{INTERVAL}s", "repeat_interval": f"{REPEAT}s",
        "server_id": server, "channel_ids": [channel], "annotations": {"summary": "the CPU is busy"},
    }
    return vigil.create("/rules", rule)


def wait_for_calm(vigil):
    """The rule must not be true before the demo makes it so."""
    until("two scrapes", 30, lambda: vigil.cpu() is not None)
    calm, told = 0, False
    deadline = time.time() + 600
    while calm < 10:
        cpu = vigil.cpu()
        calm = calm + 1 if cpu < CALM else 0
        if not calm and not told:
            say(f"the CPU is at {cpu:.0f} %: waiting for the machine to have nothing else to do")
            told = True
        if time.time() > deadline:
            fail("this machine is never calm: end what keeps it busy, and try again")
        time.sleep(0.5)


def expect_messages(count):
    found = messages()
    if len(found) != count:
        fail(f"{len(found)} messages instead of {count}: {[plain(message) for message in found]}")
    return found


def show(message):
    say(f"Telegram, chat {message['chat_id']}:", message["at"])
    for line in plain(message).splitlines():
        print(f"          | {line}", flush=True)


def state(vigil, rule, name):
    def found():
        events = [event for event in vigil.events(rule) if event["state"] == name]
        return events[0] if events else None
    return found


def judge_the_end(vigil, rule):
    states = [event["state"] for event in vigil.events(rule)]
    if states != ["pending", "firing", "resolved"]:
        fail(f"the history is {states}")
    told = vigil.notifications()
    if [one["reason"] for one in told] != ["first", "repeat", "resolved"]:
        fail(f"the notifications are {[one['reason'] for one in told]}")
    for one in told:
        tried = [attempt["status"] for attempt in one["attempts"]]
        if one["status"] != "delivered" or tried != ["delivered"] or one["maybe_duplicate"]:
            fail(f"notification {one['id']}: {one['status']}, attempts {tried}, maybe_duplicate {one['maybe_duplicate']}")


def shares():
    """How many evaluations each worker did."""
    for worker in os.environ["DEMO_WORKERS"].split():
        with urllib.request.urlopen(worker + "/metrics", timeout=5) as answer:
            text = answer.read().decode()
        done = re.search(r"^vigil_evaluations_total (\d+)", text, re.M)
        sent = re.findall(r'^vigil_notifications_total\{[^}]*outcome="delivered"[^}]*\} (\d+)', text, re.M)
        yield worker, int(done.group(1)) if done else 0, sum(map(int, sent))


def main():
    vigil = Vigil()
    rule = set_up(vigil)
    say(f"rule HighCpu: over {THRESHOLD} % for {FOR} s, evaluated every {INTERVAL} s, a reminder after {REPEAT} s")
    wait_for_calm(vigil)
    until("the first evaluation", 20, lambda: vigil.get(f"/rules/{rule}")["health"] == "ok")
    if vigil.events(rule):
        fail("there are events before anything happened")

    stop = multiprocessing.Event()
    burners = [multiprocessing.Process(target=burn, args=(stop,), daemon=True) for _ in range(os.cpu_count())]
    say("burning CPU")
    for burner in burners:
        burner.start()

    pending = until("pending", 40, state(vigil, rule, "pending"))
    say(f"pending since the slot {pending['evaluated_at']} at {float(pending['value']):.0f} %")
    expect_messages(0)
    firing = until("firing", FOR + 15, state(vigil, rule, "firing"), lambda: None)
    held = moment(firing["evaluated_at"]) - moment(pending["evaluated_at"])
    if held != FOR:
        fail(f"it fired after {held} s instead of {FOR} s")
    say(f"firing since the slot {firing['evaluated_at']}, exactly {FOR} s later")
    first = until("the message", 10, messages)[0]
    show(first)
    say(f"it arrived {1000 * (first['at'] - moment(firing['evaluated_at'])):.0f} ms after the slot")

    reminder_slot = moment(firing["evaluated_at"]) + REPEAT
    while time.time() < reminder_slot - 0.5:
        expect_messages(1)
        time.sleep(0.5)
    say(f"silence for {REPEAT} s")
    until("the reminder", 10, lambda: len(messages()) > 1)
    reminder = expect_messages(2)[1]
    show(reminder)
    if not 0 <= reminder["at"] - reminder_slot < INTERVAL:
        fail(f"the reminder came {reminder['at'] - reminder_slot:.1f} s after its slot")

    stop.set()
    say("no longer burning CPU")
    resolved = until("resolved", REPEAT - 5, state(vigil, rule, "resolved"))
    say(f"resolved at the slot {resolved['evaluated_at']}")
    until("the last message", 10, lambda: len(messages()) > 2)
    show(expect_messages(3)[2])
    time.sleep(2 * INTERVAL)
    expect_messages(3)
    if vigil.get("/alerts")["items"]:
        fail("an alert is still open")
    judge_the_end(vigil, rule)
    for worker, evaluations, deliveries in shares():
        say(f"worker {worker}: {evaluations} evaluations, {deliveries} messages")
    say("as it should be: pending, firing, one message, silence, one reminder, resolved with one message")


if __name__ == "__main__":
    main()
