"""From a value that crosses its threshold to the request that tells of it: Vigil, and Prometheus with Alertmanager.

Both ask the same Prometheus about the same series, so each crossing is measured for both. Every series is a target of its
own, and in Prometheus every rule a group of its own: so the moments of scraping and evaluating spread over the second, and
the wait between them is not one throw of the dice for the whole run.
"""
import datetime
import random
import threading
import time

import peers
from lab import fetch, say
from vigil import Vigil

SERIES = 20
PATIENCE = 30


def run(lab, options):
    """Rows: system, crossing → request and slot → request, in seconds, sorted."""
    rows, rounds = [], 2 if options.quick else 10
    for name, workers in [("one process", 0), ("distributed", 2)]:
        say(f"latency: {SERIES * rounds} crossings, Vigil {name}")
        rows += _run(lab, rounds, name, workers)
    return rows


def _run(lab, rounds, name, workers):
    target, told, hooked = peers.Levels(SERIES), peers.Inbox(SERIES), peers.Inbox(SERIES)
    telegram, webhook = peers.Telegram(told), peers.Webhook(hooked)
    alertmanager, address = lab.alertmanager(f"http://{webhook.address}/")
    rules = "groups:\n"
    for n in range(SERIES):
        rules += f"  - name: group{n}\n    rules: [{{alert: Crossing-{n}, expr: 'bench_level{{n=\"{n}\"}} > 90'}}]\n"
    targets = {f"level{n}": f"{target.address}/{n}" for n in range(SERIES)}
    source, url = lab.prometheus(targets, "1s", rules, "1s", address)
    lab.until(source, lambda: f'"{SERIES}"' in fetch(f"{url}/api/v1/query?query=count(bench_level)"))
    vigil = Vigil(lab, url, telegram=f"http://{telegram.address}", workers=workers)
    ids = [_rule(vigil, n) for n in range(SERIES)]
    time.sleep(5)

    crossings = [[] for _ in range(SERIES)]
    threads = [
        threading.Thread(target=_cross, args=(target, told, hooked, n, rounds, crossings[n])) for n in range(SERIES)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    rows = [_row(f"Vigil, {name}", crossings, told, [_slots(vigil, rule) for rule in ids])]
    slots = [[_seconds(starts_at) for _, starts_at in box] for box in hooked.firing]
    rows.append(_row(f"Prometheus + Alertmanager (beside Vigil, {name})", crossings, hooked, slots))
    vigil.end()
    lab.end(source, alertmanager)
    return rows


def _rule(vigil, n):
    config = {"bot_token": "123456:bench", "chat_id": 1_000 + n}
    channel = vigil.create("/channels", {"name": f"chat {n}", "kind": "telegram", "config": config})
    threshold = {"op": ">", "value": 90}
    rule = {"name": f"Crossing-{n}", "expr": f'bench_level{{n="{n}"}}', "threshold": threshold, "interval": "1s"}
    return vigil.create("/rules", rule | {"channel_ids": [channel["id"]]})["id"]


def _cross(target, told, hooked, n, rounds, crossings):
    """One series' life: up at a random moment until both have told, down until both have told that."""
    for count in range(1, rounds + 1):
        time.sleep(2 + 2 * random.random())
        target.levels[n] = 100
        crossings.append(time.time())
        for inbox in (told, hooked):
            inbox.until(n, True, count, PATIENCE)
        time.sleep(random.random())
        target.levels[n] = 0
        for inbox in (told, hooked):
            inbox.until(n, False, count, PATIENCE)


def _slots(vigil, rule):
    firing = [event for event in vigil.items(f"/events?rule_id={rule}") if event["state"] == "firing"]
    return [_seconds(event["evaluated_at"]) for event in reversed(firing)]


def _seconds(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def _row(system, crossings, inbox, slots):
    """Pairs the k-th crossing of a series with its k-th message and its k-th slot."""
    from_crossing, from_slot, expected = [], [], sum(map(len, crossings))
    for n, box in enumerate(inbox.firing):
        from_crossing += [received - crossed for crossed, (received, _) in zip(crossings[n], box)]
        from_slot += [received - slot for slot, (received, _) in zip(slots[n], box)]
    surplus = sum(len(box) for box in inbox.firing) - expected
    return {"system": system, "crossing": sorted(from_crossing), "slot": sorted(from_slot), "surplus": surplus}
