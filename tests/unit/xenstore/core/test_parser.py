"""The incremental parser and the frame."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from guestwright.xenstore.core import parser as parsing
from guestwright.xenstore.core.parser import Message, Parser
from guestwright.xenstore.core.wire import HEADER, frame

words = st.integers(0, 0xFFFFFFFF)
messages = st.lists(st.tuples(words, words, words, st.binary(max_size=64)), max_size=6)


def drain(parser: Parser) -> list[Message]:
    found = []
    while (message := parser.next()) is not None:
        found.append(message)
    return found


@given(messages, st.binary(max_size=15))
def test_whole_input_with_a_trailing_piece(sent: list[Message], rest: bytes) -> None:
    parser = Parser()
    parser.feed(b"".join(frame(*one) for one in sent) + rest)
    assert drain(parser) == sent
    assert parser.rest == rest
    assert parser.error is None


@given(messages)
def test_byte_by_byte(sent: list[Message]) -> None:
    parser = Parser()
    found = []
    for byte in b"".join(frame(*one) for one in sent):
        parser.feed(bytes([byte]))
        found += drain(parser)
    assert found == sent


def test_longest_payload_and_one_more() -> None:
    parser = Parser()
    parser.feed(frame(2, 1, 0, b"x" * 4096))
    assert drain(parser) == [(2, 1, 0, b"x" * 4096)]
    parser.feed(HEADER.pack(2, 1, 0, 4097))
    assert drain(parser) == []
    assert parser.error == parsing.TOO_LONG
    parser.feed(frame(2, 1, 0, b"fine"))
    assert parser.next() is None


def test_negative_length_is_too_long() -> None:
    parser = Parser()
    parser.feed(HEADER.pack(2, 1, 0, 0xFFFFFFFF))
    assert parser.next() is None
    assert parser.error == parsing.TOO_LONG


def test_a_client_may_take_longer_payloads() -> None:
    parser = Parser(payload_max=8192)
    parser.feed(frame(1, 0, 0, b"x" * 8000))
    assert len(drain(parser)[0][3]) == 8000


def test_unread_input_is_bounded() -> None:
    parser = Parser()
    parser.feed(b"\0" * 15)
    assert parser.room == parsing.BUFFER_MAX - 15
    parser.feed(b"\0" * parser.room)
    assert (parser.error, parser.room) == (None, 0)
    parser.feed(b"\0")
    assert (parser.error, parser.next()) == (parsing.OVERRUN, None)
