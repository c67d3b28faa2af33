"""Hostile guests beside a good one: what they do costs them, and what they say is bounded."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from guestwright.base.record import asdict
from guestwright.host.facts.reading import NODES_MAX
from guestwright.host.service.port import EventKind
from guestwright.xenstore.core import wire
from guestwright.xenstore.core.wire import frame
from tests.support.host_daemon import Site, eventually, site, uuid_of
from tests.support.xenstore_server import Wire

pytestmark = pytest.mark.system

SECONDS = 2.0
CANARY = "canary-19b2"


def write(path: bytes, value: bytes) -> bytes:
    return frame(wire.WRITE, 1, 0, path + b"\0" + value)


def floods() -> Iterator[bytes]:
    """One change after the other, as fast as they are taken."""
    step = 0
    while True:
        step += 1
        yield write(b"data/os_name", b"%d" % step)


def grows() -> Iterator[bytes]:
    """Ever more keys."""
    step = 0
    while True:
        step += 1
        yield write(b"attr/vif/%d/ipv4/%d" % (step % 900, step % 7), b"192.0.2.1")


def raves() -> Iterator[bytes]:
    """Nothing that makes sense."""
    while True:
        yield write(b"data/" + b"x/" * 400 + b"x", b"\xff" * 1500)
        yield write(b"data/volumes/0/name", os.urandom(900))
        yield write(b"control/feature-exec", b"\x1b[31m" * 100)
        yield write(b"data/net/version", b"9" * 1500)
        yield frame(wire.DIRECTORY, 1, 0, b"data\0")


def attack(guest: Wire, messages: Iterator[bytes], over: threading.Event) -> threading.Thread:
    """Begin, until it is over."""

    def run() -> None:
        waiting = 0
        while not over.is_set():
            guest.sock.sendall(next(messages))
            waiting += 1
            if waiting == 16:
                guest.message()
                waiting -= 1
        while waiting:
            guest.message()
            waiting -= 1

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def good(one: Site, guest: Wire, over: threading.Event) -> int:
    """Changes of a good guest, each of which is in the stream before the next."""
    number, until = 0, time.monotonic() + SECONDS
    while time.monotonic() < until:
        number += 1
        address = f"192.0.2.{number % 250 + 1}"
        one.token = one.daemon.journal.token
        guest.write(b"attr/vif/0/ipv4/0", address.encode())
        one.wait_event(EventKind.FACTS_CHANGED, partial(_holds, address))
    over.set()
    return number


def _holds(text: str, data: dict[str, Any]) -> bool:
    return f"'{text}'" in str(data)


def test_a_good_guest_is_heard_beside_hostile_ones(place: Path) -> None:
    over = threading.Event()
    with (
        site(place, 4) as one,
        one.guest(1) as guest,
        one.guest(2) as two,
        one.guest(3) as three,
        one.guest(4) as four,
    ):
        kinds = ((two, floods()), (three, grows()), (four, raves()))
        threads = [attack(hostile, kind, over) for hostile, kind in kinds]
        assert good(one, guest, over) > 2
        for thread in threads:
            thread.join()
        last = two.read(b"data/os_name")
        assert isinstance(last, bytes)

        def known() -> bool:
            seen = one.service.guest(uuid_of(2))
            return seen is not None and seen.facts["system"].value.name == last.decode()

        eventually(known)
        grown = one.service.guest(uuid_of(3))
        raving = one.service.guest(uuid_of(4))
        assert grown is not None
        assert raving is not None
        assert len(str(asdict(grown.metrics))) < 200 * NODES_MAX
        assert raving.refused
        assert str(asdict(raving)).isprintable()


def test_what_is_said_to_people_and_commands_is_no_fact(place: Path) -> None:
    with site(place) as one, one.guest(1) as guest:
        guest.write(b"data/set_clipboard", CANARY.encode())
        guest.write(b"data/guestwright/exec/out/1/2", CANARY.encode())
        guest.write(b"data/os_name", b"after it")
        one.wait_event(EventKind.FACTS_CHANGED, lambda data: "after it" in str(data))
        seen = one.service.guest(uuid_of(1))
        assert seen is not None
        assert CANARY not in str(asdict(seen))
        assert CANARY not in str(one.events())
