"""The engine's inventory with 1,000 and with 10,000 machines, on SQLite and PostgreSQL, in one run.

    python bench/engine.py [--small 1000] [--large 10000] [--rounds 40] [--seconds 4]
                           [--only sqlite|postgresql] [--json FILE]

- Lists: pages of 100, the first and one from the middle; by name, by power, by agent, by address. 95th
  percentiles.
- Point reads: a machine by id, its facts, its name.
- Changes: a machine by version, with its event.
- Facts: batches of 500 updates, each of another value, one after the other for some seconds; updates a
  second, history and events included.
- Events: the next ones after a token near the end of the stream.

PostgreSQL is Debian's, of its own, on a unix socket, with fsync as in production; SQLite flushes at each
commit. What is measured at both sizes is shown as a ratio: 1.0 does not grow.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [os.path.join(ROOT, "src"), ROOT]

from guestwright.engine.inventory import states
from guestwright.engine.inventory.choices import AgentState
from guestwright.engine.inventory.database import Database
from guestwright.engine.inventory.facts import AgentUpdate, Update
from guestwright.engine.inventory.ids import new_id
from guestwright.engine.inventory.model import Host, Vm
from guestwright.engine.inventory.query import Filter, Op, Query
from guestwright.engine.inventory.states import PowerEvent
from tests.support.postgres import postgres

Report = dict[str, Any]
BATCH = 500
NAMES = ("host", "system", "nics", "memory", "boot", "users")


def fill(database: Database, count: int) -> list[str]:
    """Machines on ten hosts, every one with facts; a tenth runs."""
    ids: list[str] = []
    with database.write() as tx:
        hosts = [
            tx.hosts.add(Host(id=new_id(1e9 + n, os.urandom(10)), name=f"host{n}", address=""))
            for n in range(10)
        ]
    for start in range(0, count, BATCH):
        numbers = range(start, min(start + BATCH, count))
        with database.write() as tx:
            made = tx.vms.add_all(
                [
                    Vm(
                        id=new_id(1e9 + n, os.urandom(10)),
                        name=f"web-{n:05}",
                        vcpus=2,
                        memory=1 << 31,
                        host_id=hosts[n % 10].id,
                        description="one of many",
                    )
                    for n in numbers
                ]
            )
        with database.write() as tx:
            for n, one in zip(numbers, made, strict=True):
                if n % 10 == 0:
                    tx.vms.move(one.id, states.POWER, PowerEvent.SEEN_RUNNING)
            tx.facts.store(
                [update for n, one in zip(numbers, made, strict=True) for update in said(one.id, n)]
            )
            live = [AgentUpdate(vm=one.id, state=AgentState.LIVE, at=1.0) for one in made[::10]]
            tx.facts.agents(live)
        ids += [one.id for one in made]
    return ids


def said(vm: str, number: int) -> list[Update]:
    addresses = [{"address": f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}", "prefix": 8}]
    values: dict[str, Any] = {
        "host": {"name": f"web-{number:05}", "domain": "example.org"},
        "system": {"name": "Debian GNU/Linux 12 (bookworm)", "distro": "debian", "major": "12"},
        "nics": [{"name": "eth0", "mac": "52:54:00:00:00:01", "addresses": addresses}],
    }
    return [Update(vm=vm, name=name, value=value, source="agent", at=1.0) for name, value in values.items()]


def cases(database: Database, ids: list[str]) -> dict[str, Callable[[random.Random], object]]:
    """What is timed, each as a transaction of its own."""
    count = len(ids)
    with database.read() as tx:
        cursor = tx.vms.page(Query(limit=min(count // 2, 1000))).cursor
        token = tx.events.token
    epoch, _, last = token.partition(".")
    near = f"{epoch}.{int(last) - 50}"

    def page(*filters: Filter, at: str = "") -> object:
        with database.read() as tx:
            found = tx.vms.page(Query(filters=filters, cursor=at))
            return tx.facts.guests([one.id for one in found.items])

    def read(what: Callable[[Any], object]) -> object:
        with database.read() as tx:
            return what(tx)

    def change(chosen: str) -> object:
        with database.write() as tx:
            held = tx.vms.get(chosen)
            return tx.vms.change(chosen, held.version, description=f"changed {held.version}")

    def address(choice: random.Random) -> str:
        number = choice.randrange(count)
        return f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"

    return {
        "list: first page": lambda _: page(),
        "list: a later page": lambda _: page(at=cursor),
        "list: name ~ *42*": lambda _: page(Filter("name", Op.LIKE, "*42*")),
        "list: running": lambda _: page(Filter("power", Op.IS, "running")),
        "list: agent live": lambda _: page(Filter("agent", Op.IS, "live")),
        "list: an address": lambda choice: page(Filter("addresses", Op.HAS, address(choice))),
        "list: no match": lambda _: page(Filter("description", Op.LIKE, "*nothing*")),
        "point: machine": lambda choice: read(lambda tx: tx.vms.get(choice.choice(ids))),
        "point: by name": lambda choice: read(lambda tx: tx.vms.named(f"web-{choice.randrange(count):05}")),
        "point: facts": lambda choice: read(lambda tx: tx.facts.of(choice.choice(ids))),
        "change: machine": lambda choice: change(choice.choice(ids)),
        "events: next": lambda _: read(lambda tx: tx.events.after(near)),
    }


def percentile(seconds: list[float], part: float) -> float:
    ordered = sorted(seconds)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))] * 1000


def timed(database: Database, ids: list[str], rounds: int) -> Report:
    """The cases take turns within each round."""
    choice = random.Random(5)
    each = cases(database, ids)
    found: dict[str, list[float]] = {name: [] for name in each}
    for number in range(rounds + 2):
        for name, run in each.items():
            begin = time.perf_counter()
            run(choice)
            if number >= 2:
                found[name].append(time.perf_counter() - begin)
    return {
        name: {"median": statistics.median(all_) * 1000, "p95": percentile(all_, 0.95)}
        for name, all_ in found.items()
    }


def facts(database: Database, ids: list[str], seconds: float) -> Report:
    """Updates a second, each of a new value, of guests all over the inventory."""
    choice = random.Random(7)
    batches: list[float] = []
    stored, at = 0, 2.0
    begin = time.perf_counter()
    while time.perf_counter() - begin < seconds:
        at += 1
        updates = [
            Update(
                vm=choice.choice(ids),
                name=choice.choice(NAMES[3:]),
                value={"total": 1 << 31, "free": choice.randrange(1 << 31)},
                source="agent",
                at=at,
            )
            for _ in range(BATCH)
        ]
        start = time.perf_counter()
        with database.write() as tx:
            tx.facts.store(updates)
        batches.append(time.perf_counter() - start)
        stored += BATCH
    spent = sum(batches)
    return {"updates": stored, "a second": stored / spent, "batch p95": percentile(batches, 0.95)}


@contextmanager
def urls(kind: str) -> Iterator[Callable[[], str]]:
    if kind == "sqlite":
        with tempfile.TemporaryDirectory(prefix="gw-engine-") as directory:
            made = iter(range(9))
            yield lambda: f"sqlite:///{directory}/{next(made)}.db"
        return
    durable = {"fsync": "on", "full_page_writes": "on", "autovacuum": "on", "shared_buffers": "128MB"}
    with postgres(**durable) as cluster:
        yield cluster.database


def measure(kind: str, sizes: tuple[int, int], rounds: int, seconds: float) -> Report:
    report: Report = {}
    with urls(kind) as url:
        for size in sizes:
            with Database(url(), clock=time.time) as database:
                ids = fill(database, size)
                report[str(size)] = {
                    "ms": timed(database, ids, rounds),
                    "facts": facts(database, ids, seconds),
                }
    return report


def show(kind: str, sizes: tuple[int, int], report: Report) -> None:
    small, large = (report[str(size)] for size in sizes)
    print(f"\n{kind}: milliseconds, median / 95th percentile")
    print(f"{'':22}{sizes[0]:>18}{sizes[1]:>18}   ratio of medians")
    for name, few in small["ms"].items():
        many = large["ms"][name]
        columns = "".join(f"{one['median']:9.2f} /{one['p95']:7.2f}" for one in (few, many))
        print(f"{name:22}{columns}{many['median'] / few['median']:9.2f}")
    few, many = small["facts"], large["facts"]
    print(
        f"{'facts: a second':22}{few['a second']:18.0f}{many['a second']:18.0f}"
        f"{many['a second'] / few['a second']:9.2f}"
    )
    print(f"{'facts: 500, p95 ms':22}{few['batch p95']:18.1f}{many['batch p95']:18.1f}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--small", type=int, default=1000)
    parser.add_argument("--large", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--only", choices=("sqlite", "postgresql"))
    parser.add_argument("--json")
    wanted = parser.parse_args()
    sizes = wanted.small, wanted.large
    report: Report = {}
    for kind in (wanted.only,) if wanted.only else ("sqlite", "postgresql"):
        report[kind] = measure(kind, sizes, wanted.rounds, wanted.seconds)
        show(kind, sizes, report[kind])
    if wanted.json:
        with open(wanted.json, "w", encoding="utf-8") as file:
            json.dump(report, file, indent=1)


if __name__ == "__main__":
    main()
