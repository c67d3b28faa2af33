"""What `bench/agent.py` measures through a store, on this host or in a dom0 that has nothing but Python."""

from __future__ import annotations

import hashlib
import statistics
import time
from collections.abc import Callable
from typing import Any

from guestwright.exec_channel.host import Guest
from guestwright.xenstore.client.client import Client
from guestwright.xenstore.client.errors import NoSuchPath

Report = dict[str, Any]
_LINE = b"0123456789abcde\n"


def measure(
    store: Client, home: str, ask: Callable[[str], None], count: int, *, quiet: float = 0.0
) -> Report:
    """Medians and extremes in milliseconds.

    Args:
        store: of the host.
        home: where the addresses of the NIC are.
        ask: has the helper do something.
        count: how often.
        quiet: seconds before each change in which nothing happens.
    """
    event, way = [], []
    with store.watch(home) as watch:
        for number in range(count):
            time.sleep(quiet)
            begin = time.monotonic()
            ask("ping")
            way.append(time.monotonic() - begin)
            wanted = f"192.0.2.{number % 200 + 10}".encode()
            begin = time.monotonic()
            ask(f"add {wanted.decode()}")
            while not any(one.value == wanted for one in _nodes(store, home)):
                watch.get(60)
            event.append(time.monotonic() - begin)
            time.sleep(quiet)
            ask(f"del {wanted.decode()}")
            while any(one.value == wanted for one in _nodes(store, home)):
                watch.get(60)
    return {"event": summary(event), "way": summary(way)}


def _nodes(store: Client, home: str) -> list[Any]:
    try:
        return store.tree(home)
    except NoSuchPath:
        return []


def summary(seconds: list[float]) -> Report:
    """In milliseconds."""
    ordered = sorted(one * 1000 for one in seconds)
    found = {"median": statistics.median(ordered), "min": ordered[0], "max": ordered[-1]}
    return {name: round(value, 2) for name, value in found.items()} | {"count": len(ordered)}


def executed(guest: Guest, megabytes: float) -> Report:
    """A small command and a large one."""
    small = []
    for _ in range(10):
        begin = time.monotonic()
        guest.run(["/bin/true"])
        small.append(time.monotonic() - begin)
    length = int(megabytes * (1 << 20))
    script = f"yes {_LINE.decode().strip()} | head -c {length}"
    begin = time.monotonic()
    done = guest.run(["/bin/sh", "-c", script])
    seconds = time.monotonic() - begin
    whole = hashlib.sha256((_LINE * (length // len(_LINE) + 1))[:length]).digest()
    if hashlib.sha256(done.out).digest() != whole:
        raise SystemExit("the output is not what the command wrote")
    return {
        "small command ms": summary(small),
        "bytes": length,
        "seconds": round(seconds, 1),
        "MB/s": round(length / seconds / 1e6, 3),
        "intact": True,
    }
