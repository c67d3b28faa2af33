"""The service's process for bench/host.py: `host_service.py DIRECTORY GUESTS`, commands on standard input."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [ROOT, os.path.join(ROOT, "src")]

from guestwright.host.journal import Reader
from guestwright.host.process.daemon import Daemon, calm, settle
from guestwright.host.service.configuration import Configuration
from guestwright.host.service.service import Service
from guestwright.hypervisor.domain import Channel
from guestwright.hypervisor.drivers.fake.guest import FakeGuest
from guestwright.hypervisor.drivers.fake.hypervisor import FakeHypervisor
from tests.support.host_daemon import machine, uuid_of


class Follower:
    """Reads the stream of events, and notes when which address was seen."""

    def __init__(self, reader: Reader) -> None:
        self.seen: dict[str, float] = {}
        self._reader = reader
        self._stopping = False
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        while not self._stopping:
            for event in self._reader.wait(0.5).events:
                if event.kind == "facts-changed":
                    self._note(event.body.decode(), time.monotonic())

    def _note(self, body: str, now: float) -> None:
        for part in body.split('"address":"')[1:]:
            self.seen.setdefault(part.partition('"')[0], now)

    def end(self, wait: list[str]) -> dict[str, float]:
        """Wait until all of these were seen, a while at most."""
        until = time.monotonic() + 30
        while time.monotonic() < until and not self.seen.keys() >= set(wait):
            time.sleep(0.1)
        self._stopping = True
        self._thread.join()
        return self.seen


def known(service: Service, guests: int, name: str) -> dict[str, str]:
    """What is known of each guest's host name, or whether it has said anything at all."""
    found = {}
    for number in range(1, guests + 1):
        guest = service.guest(uuid_of(number))
        if guest is not None and name in guest.facts:
            found[str(number)] = guest.facts[name].value.name
    return found


def until(seconds: float, what: Any) -> bool:
    """Wait until something is so."""
    end = time.monotonic() + seconds
    while not what():
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True


def nothing(guest: FakeGuest, channel: Channel) -> None:
    """In place of the fake's listening."""
    del guest, channel


def compare(service: Service, last: dict[str, str], seconds: float) -> int:
    """How many guests' last value is not known, after a while."""
    until(seconds, lambda: known(service, len(last), "host") == last)
    found = known(service, len(last), "host")
    return sum(found.get(one) != value for one, value in last.items())


def main() -> None:
    directory, guests = Path(sys.argv[1]), int(sys.argv[2])
    setattr(FakeGuest, "plug", nothing)  # noqa: B010 - the other process listens
    hypervisor = FakeHypervisor("fake:///")
    for number in range(1, guests + 1):
        hypervisor.adopt(machine(number, directory))
        hypervisor.start(uuid_of(number))
    settle()
    configuration = Configuration(state=str(directory / "lib"), runtime=str(directory / "run"))
    daemon = Daemon(configuration, lambda _: hypervisor)
    service = daemon.start()
    calm()
    started = time.monotonic()
    follower: Follower | None = None
    for line in sys.stdin:
        order = json.loads(line)
        answer: Any = None
        match order["do"]:
            case "started":
                answer = started
            case "all-known":
                if not until(order["seconds"], lambda: len(known(service, guests, "host")) == guests):
                    raise SystemExit(f"{len(known(service, guests, 'host'))} guests are known")
                calm()
            case "follow":
                follower = Follower(daemon.journal.reader())
            case "followed":
                assert follower is not None
                answer = follower.end(order["wait"])
            case "figures":
                found = service.figures()
                delays = sorted(found.delay_seconds[-200:])
                answer = {
                    "looks": found.looks,
                    "nodes": found.nodes_read,
                    "touches": found.touches,
                    "delay": round(delays[len(delays) // 2] * 1000, 1),
                }
            case "compare":
                answer = compare(service, order["last"], order["seconds"])
        print(json.dumps(answer), flush=True)
    daemon.stop()


if __name__ == "__main__":
    main()
