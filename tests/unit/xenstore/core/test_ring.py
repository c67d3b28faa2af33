"""The ring page: both sides on one buffer, wrap-around, and a peer that lies."""

from __future__ import annotations

import mmap
import os
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guestwright.xenstore.core.ring import PAGE_SIZE, Ring, RingError


def sides() -> tuple[bytearray, Ring, Ring]:
    page = bytearray(PAGE_SIZE)
    return page, Ring(page, server=True), Ring(page, server=False)


@given(st.lists(st.binary(max_size=3000), max_size=8), st.integers(0, 2**32 - 1))
def test_streams_survive(pieces: list[bytes], start: int) -> None:
    page, server, guest = sides()
    struct.pack_into("=IIII", page, 2048, start, start, start, start)
    for sender, receiver in ((guest, server), (server, guest)):
        for piece in pieces:
            rest, got = piece, b""
            while rest:
                count = sender.put(rest)
                assert count
                rest = rest[count:]
                got += receiver.get() or b""
            assert got == piece
        assert receiver.get() == b""


def test_full() -> None:
    _, server, guest = sides()
    assert guest.put(b"x" * 2000) == 1024
    assert guest.put(b"x") == 0
    assert server.get() == b"x" * 1024
    assert guest.put(b"y") == 1


@pytest.mark.parametrize("distance", [1025, 2**31, 2**32 - 1])
def test_impossible_indices(distance: int) -> None:
    page, server, _ = sides()
    struct.pack_into("=IIII", page, 2048, 5, (5 + distance) % 2**32, 5, (5 + distance) % 2**32)
    assert server.get() is None
    assert server.put(b"x") is None


def test_restart() -> None:
    page, server, guest = sides()
    guest.put(b"abc")
    server.put(b"def")
    asked = [server.wants_restart]
    guest.ask_restart()
    asked.append(server.wants_restart)
    server.restart()
    asked.append(server.wants_restart)
    assert asked == [False, True, False]
    assert (server.get(), guest.get()) == (b"", b"")
    assert page[2048:2064] == bytes(16)


def test_fields() -> None:
    page, server, guest = sides()
    server.advertise(2)
    server.advertise(4)
    assert guest.features == 6
    assert guest.error == RingError.NONE
    server.report(RingError.PROTOCOL)
    assert guest.error == 3
    struct.pack_into("=I", page, 2076, 17)
    assert server.port == 17


def test_the_other_side_never_sees_an_index_that_was_not_meant() -> None:
    page = mmap.mmap(-1, PAGE_SIZE)
    server, guest = Ring(memoryview(page), server=True), Ring(memoryview(page), server=False)
    start = 0x01FF_FF00  # so that no index is 0, and several of its bytes change at once
    struct.pack_into("=IIII", page, 2048, *[start] * 4)
    child = os.fork()
    if not child:  # watches the page, as a guest would on another processor
        words = memoryview(page).cast("I")
        seen = [start] * 4
        good = True
        while good and not words[1023]:
            for at in range(4):
                now = words[512 + at]
                good = good and now >= seen[at]
                seen[at] = now
        os._exit(0 if good else 1)
    for _ in range(60_000):
        guest.put(b"1234567")
        server.get()
        server.put(b"1234567")
        guest.get()
    memoryview(page).cast("I")[1023] = 1
    assert os.waitpid(child, 0)[1] == 0
