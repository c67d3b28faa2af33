"""The engine's API as clients meet it: lists of 10,000 machines, and an event's way to 100 followers.

    python bench/engine_api.py [--machines 10000] [--followers 100] [--events 60] [--rounds 60]
                               [--only sqlite|postgresql] [--json FILE]

`guestwright up --no-host` runs as a process of its own, on SQLite or on a PostgreSQL with fsync. The
followers are connections of this process that read server-sent events; a change of a machine's description is
sent through the API, and each follower's time is counted from the moment before that request until the event
has arrived. Lists are pages of 100 over one connection. A request for `about`, which reads nothing,
tells what HTTP alone costs on this machine.
"""

from __future__ import annotations

import argparse
import json
import os
import selectors
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [os.path.join(ROOT, "src"), ROOT]

from bench.engine import fill, percentile, urls
from guestwright.engine.inventory.database import Database
from tests.support.program import COMMAND, environment

Report = dict[str, Any]
PATIENCE = 60.0
LISTS = {
    "list: first page": "limit=100",
    "list: name ~ *42*": "limit=100&filter=name~*42*",
    "list: running": "limit=100&filter=power=running",
    "list: an address": "limit=100&filter=addresses:has:10.0.3.7",
    "list: no match": "limit=100&filter=description~*nothing*",
}


class Api:
    """One connection with a token."""

    def __init__(self, url: str, token: str) -> None:
        place = urlsplit(url)
        assert place.hostname is not None
        assert place.port is not None
        self.place = place.hostname, place.port
        self.token = token
        self._line = HTTPConnection(*self.place, timeout=PATIENCE)

    def ask(self, method: str, path: str, body: Any = None, tag: str = "") -> tuple[Any, str]:
        """The answer's JSON and its entity tag."""
        headers = {"Authorization": f"Bearer {self.token}"}
        if body is not None:
            headers |= {"Content-Type": "application/json", "If-Match": tag}
        self._line.request(method, path, None if body is None else json.dumps(body), headers)
        answer = self._line.getresponse()
        data = answer.read()
        if answer.status != 200:
            raise SystemExit(f"{method} {path}: {answer.status} {data.decode()}")
        return json.loads(data), answer.headers.get("ETag") or ""


@contextmanager
def running(url: str) -> Iterator[Api]:
    """The engine, with a new administrator."""
    with tempfile.TemporaryDirectory(prefix="gw-bench-") as directory:
        argv = [*COMMAND, "up", "--json", "--no-host", "--directory", f"{directory}/engine"]
        argv += ["--listen", "127.0.0.1:0", "--database", url]
        env = environment({"XDG_CONFIG_HOME": f"{directory}/config"})
        with (
            open(f"{directory}/log", "wb") as log,
            subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=log, env=env) as process,
        ):
            try:
                assert process.stdout is not None
                text = b""
                while not text.endswith(b"\n}\n") and (line := process.stdout.readline()):
                    text += line
                told = json.loads(text)
                yield Api(told["url"], told["token"])
            finally:
                process.terminate()


def lists(api: Api, rounds: int) -> Report:
    """Milliseconds of each list; they take turns."""
    paths = {name: f"/api/v1/vms?{query}" for name, query in LISTS.items()}
    paths["about: no database"] = "/api/v1/about"
    found: dict[str, list[float]] = {name: [] for name in paths}
    for number in range(rounds + 3):
        for name, path in paths.items():
            begin = time.perf_counter()
            api.ask("GET", path)
            if number >= 3:
                found[name].append(time.perf_counter() - begin)
    return {name: figures(all_) for name, all_ in found.items()}


def figures(seconds: list[float]) -> Report:
    return {
        "median": statistics.median(seconds) * 1000,
        "p95": percentile(seconds, 0.95),
        "p99": percentile(seconds, 0.99),
        "max": max(seconds) * 1000,
    }


def followers(api: Api, count: int, events: int) -> Report:
    """Milliseconds from before a change was asked for until each follower has its event."""
    with ExitStack() as stack:
        choice = stack.enter_context(selectors.DefaultSelector())
        for _ in range(count):
            line = stack.enter_context(socket.create_connection(api.place, timeout=PATIENCE))
            line.sendall(
                b"GET /api/v1/events HTTP/1.1\r\nHost: bench\r\nAccept: text/event-stream\r\n"
                + f"Authorization: Bearer {api.token}\r\n\r\n".encode()
            )
            if b" 200 " not in line.recv(65536).partition(b"\r\n")[0]:
                raise SystemExit("the engine has no stream of events")
            line.setblocking(False)
            choice.register(line, selectors.EVENT_READ)
        time.sleep(2)
        found, vm = api.ask("GET", "/api/v1/vms?limit=1")[0]["items"][0]["id"], []
        for number in range(events):
            mark = f"event {number} of {os.getpid()}"
            vm += arrivals(api, choice, found, mark, count)
            time.sleep(0.2)
        return figures(vm)


def arrivals(api: Api, choice: selectors.BaseSelector, vm: str, mark: str, count: int) -> list[float]:
    """When each follower had the event of one change."""
    _, tag = api.ask("GET", f"/api/v1/vms/{vm}")
    for key, _ in choice.select(0):
        os.read(key.fd, 1 << 20)
    found: dict[int, float] = {}
    begin = time.perf_counter()
    api.ask("PATCH", f"/api/v1/vms/{vm}", {"description": mark}, tag)
    while len(found) < count:
        ready = choice.select(PATIENCE)
        if not ready:
            raise SystemExit(f"{count - len(found)} followers did not hear of a change")
        now = time.perf_counter()
        for key, _ in ready:
            if vm.encode() in os.read(key.fd, 1 << 20):
                found[key.fd] = now - begin
    return list(found.values())


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--machines", type=int, default=10_000)
    parser.add_argument("--followers", type=int, default=100)
    parser.add_argument("--events", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--only", choices=("sqlite", "postgresql"))
    parser.add_argument("--json")
    wanted = parser.parse_args()
    report: Report = {}
    for kind in (wanted.only,) if wanted.only else ("sqlite", "postgresql"):
        with urls(kind) as url:
            place = url()
            with Database(place, clock=time.time) as database:
                fill(database, wanted.machines)
            with running(place) as api:
                found = lists(api, wanted.rounds)
                found[f"event to {wanted.followers}"] = followers(api, wanted.followers, wanted.events)
        report[kind] = found
        print(f"\n{kind}, {wanted.machines} machines: milliseconds, median / 95th / 99th percentile")
        for name, one in found.items():
            print(f"{name:22}{one['median']:9.1f} /{one['p95']:8.1f} /{one['p99']:8.1f}")
    if wanted.json:
        with open(wanted.json, "w", encoding="utf-8") as file:
            json.dump(report, file, indent=1)


if __name__ == "__main__":
    main()
