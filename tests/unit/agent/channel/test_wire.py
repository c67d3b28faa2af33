"""The guest's own codec against the one of the rest, and streams that begin in the middle."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guestwright.agent.channel import wire
from guestwright.agent.channel.wire import OutOfStep, Stream, frame
from guestwright.xenstore.core import wire as other
from guestwright.xenstore.core.parser import Parser

KINDS = st.integers(0, 26)
WORDS = st.integers(0, 0xFFFFFFFF)


def test_numbers_are_those_of_the_core() -> None:
    mine = {name: value for name, value in vars(wire).items() if name.isupper() and isinstance(value, int)}
    shared = {name: value for name, value in mine.items() if hasattr(other, name)}
    assert shared == {name: getattr(other, name) for name in shared}
    assert len(shared) >= 13
    assert other.HEADER.format == wire.HEADER.format


@given(st.lists(st.tuples(KINDS, WORDS, WORDS, st.binary(max_size=200)), max_size=8), st.data())
def test_messages_come_out_as_with_the_core(
    messages: list[tuple[int, int, int, bytes]], data: st.DataObject
) -> None:
    raw = b"".join(frame(*one) for one in messages)
    assert raw == b"".join(other.frame(*one) for one in messages)
    stream, parser = Stream(), Parser()
    found = []
    while raw:
        size = data.draw(st.integers(1, len(raw)))
        stream.feed(raw[:size])
        parser.feed(raw[:size])
        raw = raw[size:]
        while (message := stream.next()) is not None:
            assert message == parser.next()
            found.append(message)
    assert found == messages


@given(st.binary(max_size=300), st.booleans(), st.integers(1, 400))
def test_a_hunt_drops_what_comes_before(before: bytes, refused: bool, piece: int) -> None:
    head = 0x5A5A5A5A
    if head.to_bytes(4, "little") in before:
        return
    reply = frame(wire.ERROR if refused else wire.RESET_WATCHES, head, 0, b"OK\0")
    after = frame(wire.READ, 7, 0, b"value")
    raw = before + reply + after
    stream = Stream()
    stream.hunt(wire.RESET_WATCHES, head)
    found = []
    for at in range(0, len(raw), piece):
        stream.feed(raw[at : at + piece])
        while (message := stream.next()) is not None:
            found.append(message)
    assert [message[1] for message in found] == [head, 7]
    assert not stream.hunting


def test_a_hunt_keeps_little() -> None:
    stream = Stream()
    stream.hunt(wire.RESET_WATCHES, 1)
    for _ in range(100):
        stream.feed(bytes(5000))
        assert len(stream._data) < 16
    assert stream.next() is None


@pytest.mark.parametrize("raw", [b"\xff" * 16, frame(99, 1, 0, b""), wire.HEADER.pack(2, 1, 0, 1 << 20)])
def test_what_is_no_message_is_said(raw: bytes) -> None:
    stream = Stream()
    stream.feed(raw)
    with pytest.raises(OutOfStep):
        stream.next()
