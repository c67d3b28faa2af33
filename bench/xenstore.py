"""Our xenstore server against C xenstored and oxenstored, in one run.

    python bench/xenstore.py [--rounds 30] [--priority] [--json FILE] [--only cases,watches,idle,children]

Four questions:

- `cases`: how long does each case of Xen's own `test-xenstore` take? The servers take turns in each round;
  medians over the rounds of each round's median, and of the ratios within the rounds. The program prints
  averages only, which tell more about who else wants the processor; `xenstore_clock.c` sees each of its
  readings of the clock. `--priority` (root) lets all of them go before the machine's other work.
- `watches`: how long does a write take while 30,000 watches exist that have nothing to do with it?
- `idle`: what do 10,000 connections with 5 watches each cost, and when does a write to one reach its watcher?
- `children`: do creating and removing a directory's children stay linear up to 8,000 and beyond?
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import random
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [ROOT, os.path.join(ROOT, "src")]

from guestwright.xenstore.core import wire
from guestwright.xenstore.core.wire import HEADER, frame
from tests.support.xenstored import CASES, KINDS, TEST_XENSTORE, Xenstored, started

_ITERATIONS = 250
NAMES = {"c": "C xenstored", "ocaml": "oxenstored", "ours": "ours"}
Report = dict[str, Any]


class Client:
    """The plainest client there can be.

    Args:
        path: of the server's socket.
    """

    __slots__ = ("sock",)

    def __init__(self, path: str) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(path)

    def ask(self, kind: int, payload: bytes) -> bytes:
        """One request, and the next message that comes."""
        self.sock.sendall(frame(kind, 1, 0, payload))
        return self.message()

    def message(self) -> bytes:
        """The next message."""
        head = self._exactly(wire.HEADER_SIZE)
        return head + self._exactly(HEADER.unpack(head)[3])

    def _exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            more = self.sock.recv(size - len(data))
            if not more:
                raise ConnectionError("the server hung up")
            data += more
        return data

    def close(self) -> None:
        """End."""
        self.sock.close()


@contextmanager
def clients(server: Xenstored, count: int) -> Iterator[list[Client]]:
    """Connections that end together."""
    with ExitStack() as stack:
        found = [Client(server.socket) for _ in range(count)]
        for one in found:
            stack.callback(one.close)
        yield found


def test_xenstore(server: Xenstored, case: str, clock: str) -> list[float]:
    """Times of the iterations of a case, microseconds."""
    readings = clock + ".readings"
    subprocess.run(
        [TEST_XENSTORE, "-t", case, "-i", str(_ITERATIONS)],
        env={**server.environment(), "LD_PRELOAD": clock, "CLOCK_READINGS": readings},
        stdout=subprocess.DEVNULL,
        check=True,
    )
    with open(readings, encoding="ascii") as lines:
        taken = [int(line) / 1000 for line in lines]
    assert len(taken) == _ITERATIONS
    return taken


@contextmanager
def clock_library() -> Iterator[str]:
    """The path of `xenstore_clock.c`, compiled."""
    with tempfile.TemporaryDirectory() as directory:
        library = os.path.join(directory, "clock.so")
        source = os.path.join(ROOT, "bench", "xenstore_clock.c")
        subprocess.run(["gcc", "-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"], check=True)
        yield library


def cases(servers: dict[str, Xenstored], rounds: int) -> Report:
    """All cases on all servers."""
    found: dict[str, dict[str, list[float]]] = {case: {kind: [] for kind in servers} for case in CASES}
    order = list(servers)
    with clock_library() as clock:
        for number, case in itertools.product(range(rounds + 1), CASES):
            random.shuffle(order)
            for kind in order:
                taken = test_xenstore(servers[kind], case, clock)
                if number:  # the first round warms up
                    found[case][kind].append(statistics.median(taken))
    report = {case: _summary(by) for case, by in found.items()}
    title = f"{'microseconds':12}" + "".join(f"{NAMES[kind]:>13}" for kind in servers)
    print(f"{title}{'ours/C':>9}{'ours/ocaml':>12}")
    for case, by in report.items():
        line = f"{case:12}" + "".join(f"{by[kind]:13.1f}" for kind in servers)
        print(f"{line}{by['ours/c']:9.2f}{by['ours/ocaml']:12.2f}")
    return report


def _summary(by: dict[str, list[float]]) -> dict[str, float]:
    """Medians over the rounds, and the medians of the ratios within each round.

    A round has all servers within half a second, so that what the machine does besides meets them alike.
    """
    found = {kind: statistics.median(one) for kind, one in by.items()}
    for kind in ("c", "ocaml"):
        ratios = (ours / other for ours, other in zip(by["ours"], by[kind], strict=True))
        found[f"ours/{kind}"] = statistics.median(ratios)
    return found


def write_time(client: Client, path: bytes, count: int) -> float:
    """Median time of a write, microseconds."""
    message = frame(wire.WRITE, 1, 0, path + b"\0value")
    taken = []
    for _ in range(count):
        begun = time.perf_counter()
        client.sock.sendall(message)
        client.message()
        taken.append(time.perf_counter() - begun)
    return statistics.median(taken) * 1e6


def unrelated_watches(servers: dict[str, Xenstored]) -> Report:
    """Writes without and with 30,000 watches that they do not concern."""
    report: Report = {}
    for kind, server in servers.items():
        with clients(server, 301) as found:
            writer, *watchers = found
            before = write_time(writer, b"/bench/written", 1000)
            for number, watcher in enumerate(watchers):
                for one in range(100):
                    watcher.ask(wire.WATCH, b"/bench/unrelated/%d/%d\0t\0" % (number, one))
                    watcher.message()
            report[kind] = {"before": before, "with": write_time(writer, b"/bench/written", 1000)}
    print(f"\n{'a write, microseconds':24}{'no watches':>12}{'30,000':>10}{'ours is faster':>16}")
    for kind, by in report.items():
        ratio = by["with"] / report["ours"]["with"]
        print(f"{NAMES[kind]:24}{by['before']:12.1f}{by['with']:10.1f}{ratio:15.1f}x")
    return report


def memory(server: Xenstored) -> int:
    """Proportional set size of a server, bytes."""
    with open(f"/proc/{server.process.pid}/smaps_rollup", encoding="ascii") as lines:
        return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) * 1024


def idle_connections(server: Xenstored, count: int = 10_000, watches: int = 5) -> Report:
    """Memory for many idle connections, and the way of an event to one of them."""
    before = memory(server)
    with clients(server, count + 1) as found:
        writer, *watchers = found
        for number, watcher in enumerate(watchers):
            for one in range(watches):
                watcher.ask(wire.WATCH, b"/local/domain/%d/watched/%d\0token\0" % (number, one))
                watcher.message()
        held = memory(server)
        taken = []
        for _ in range(1000):
            number = random.randrange(count)
            message = frame(
                wire.WRITE, 1, 0, b"/local/domain/%d/watched/%d\0x" % (number, random.randrange(watches))
            )
            begun = time.perf_counter()
            writer.sock.sendall(message)
            watchers[number].message()
            taken.append((time.perf_counter() - begun) * 1e6)
            writer.message()
    taken.sort()
    report = {
        "connections": count,
        "bytes": held,
        "bytes_before": before,
        "event_median": statistics.median(taken),
        "event_p99": taken[989],
        "event_max": taken[-1],
    }
    print(f"\n{count} idle connections with {watches} watches each: {held / 1e6:.0f} MB in all", end="")
    print(f" ({(held - before) / count / 1e3:.1f} kB each); from the write to the event", end="")
    print(
        f" {report['event_median']:.0f} us (median), {taken[989]:.0f} us (99 %), {taken[-1]:.0f} us (worst)"
    )
    return report


def children(servers: dict[str, Xenstored], counts: Sequence[int] = (2000, 4000, 8000, 16000)) -> Report:
    """Creating a directory's children one by one, and removing them with the directory."""
    report: Report = {}
    for kind, server in servers.items():
        with clients(server, 1) as (client,):
            by: dict[int, tuple[float, float]] = {}
            warm = time.perf_counter() + 1  # after a rest a server is three times as fast for a moment
            while time.perf_counter() < warm:
                client.ask(wire.READ, b"/\0")
            for count in counts:
                begun = time.perf_counter()
                for number in range(count):
                    client.ask(wire.WRITE, b"/bench/directory/child-%d\0x" % number)
                made = time.perf_counter()
                client.ask(wire.RM, b"/bench/directory\0")
                by[count] = (made - begun, time.perf_counter() - made)
            report[kind] = by
    print(f"\n{'children':24}" + "".join(f"{count:>18}" for count in counts))
    for kind, by in report.items():
        cells = "".join(
            f"{made / count * 1e6:8.1f}+{gone / count * 1e6:5.2f} us" for count, (made, gone) in by.items()
        )
        print(f"{NAMES[kind]:24}{cells}   (to make + to remove, each)")
    return report


def verdict(report: Report) -> list[str]:
    """Which aims were missed."""
    missed = []

    def aim(text: str, reached: bool) -> None:
        if not reached:
            missed.append(text)

    for case, by in report.get("cases", {}).items():
        aim(f"{case}: at most 1.1 times C", by["ours/c"] <= 1.1)
        aim(f"{case}: ahead of oxenstored", by["ours/ocaml"] < 1)
    if "watches" in report:
        by = report["watches"]
        for kind in ("c", "ocaml"):
            aim(
                f"30,000 watches: 20 times faster than {NAMES[kind]}",
                by[kind]["with"] >= 20 * by["ours"]["with"],
            )
    if "idle" in report:
        aim("10,000 connections: under 400 MB", report["idle"]["bytes"] < 400e6)
        aim("10,000 connections: an event in under 1 ms", report["idle"]["event_median"] < 1000)
    if "children" in report:
        by = report["children"]["ours"]
        first, *_, last = [(made + gone) / count for count, (made, gone) in by.items()]
        aim("children: linear", last < 1.5 * first)
    return missed


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--priority", action="store_true")
    parser.add_argument("--json")
    parser.add_argument("--only", default="cases,watches,idle,children")
    arguments = parser.parse_args()
    if arguments.priority:
        os.nice(-15)
    wanted = arguments.only.split(",")
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    report: Report = {}
    parts: dict[str, Callable[[dict[str, Xenstored]], Report]] = {
        "cases": lambda servers: cases(servers, arguments.rounds),
        "watches": unrelated_watches,
        "idle": lambda servers: idle_connections(servers["ours"]),
        "children": children,
    }
    for name, part in parts.items():
        if name in wanted:
            with ExitStack() as stack:  # new servers for each part
                report[name] = part({kind: stack.enter_context(started(kind)) for kind in KINDS})
    missed = verdict(report)
    print("\n" + ("all aims are met" if not missed else "missed: " + "; ".join(missed)))
    if arguments.json:
        with open(arguments.json, "w", encoding="utf-8") as stream:
            json.dump(report, stream, indent=1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
