"""Both ends of a direction, with any sizes, any delays and lost connections between them."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guestwright.agent.exchange import streams
from guestwright.agent.exchange.streams import OutOfOrder, Receiving, Sending


@given(st.lists(st.binary(max_size=5 * streams.CHUNK), max_size=40), st.randoms(use_true_random=False))
def test_everything_arrives_once_and_in_order(texts: list[bytes], dice: random.Random) -> None:
    sending, receiving = Sending(), Receiving()
    nodes: dict[int, bytes] = {}
    word = seen = 0
    taken_word = 0
    waiting = [*texts]
    arrived: list[bytes] = []
    while waiting or not sending.finished:
        if waiting and not sending.full:
            sending.put(b"o", waiting.pop(0))
        choice = dice.random()
        if choice < 0.4:
            nodes.update(sending.due())
            word = sending.sent
        elif choice < 0.5:
            # The store forgets all that was not taken; the sender says it again.
            nodes.clear()
            nodes.update(sending.again())
        elif choice < 0.8:
            for slot in receiving.waiting(word):
                arrived.append(nodes[slot])
                receiving.taken += 1
            seen = receiving.taken
        else:
            taken_word = dice.choice([taken_word, seen])  # an old word may come again
            sending.acknowledged(taken_word)
        assert len(nodes) <= streams.SLOTS
        assert all(len(one) <= streams.CHUNK + 1 for one in nodes.values())
    assert b"".join(one[1:] for one in arrived) == b"".join(texts)
    assert {one[:1] for one in arrived} <= {b"o"}


def test_a_source_is_told_to_pause() -> None:
    sending = Sending()
    full = []
    for size in (streams.CHUNK * (streams.SLOTS - 1), 0):
        sending.put(b"o", bytes(size))
        full.append(sending.full)
    assert len(sending.due()) == streams.SLOTS
    assert [*full, sending.full] == [False, True, False]


@pytest.mark.parametrize(
    "value", [b"", b"1", b"1 ", b"x 1 ", b"-1 1 ", b"1 1x", b"1" * 16 + b" 1 ", b"\xb2 1 "]
)
def test_what_is_no_word(value: bytes) -> None:
    with pytest.raises(OutOfOrder):
        streams.parse_word(value)


@given(st.integers(0, 1 << 40), st.integers(0, 1 << 40), st.sampled_from([b"", streams.CANCEL, streams.LOST]))
def test_words(sent: int, taken: int, note: bytes) -> None:
    assert streams.parse_word(streams.word(sent, taken, note)) == (sent, taken, note)


def test_a_receiver_that_took_what_was_never_sent() -> None:
    with pytest.raises(OutOfOrder):
        Sending().acknowledged(1)


def test_a_sender_that_sent_more_than_there_is_room() -> None:
    with pytest.raises(OutOfOrder):
        Receiving().waiting(streams.SLOTS + 1)


TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))


@given(
    st.lists(
        st.tuples(st.from_regex(r"[a-z]{1,9}", fullmatch=True), TEXT),
        min_size=1,
    )
)
def test_requests(fields: list[tuple[str, str]]) -> None:
    found = streams.unpack(streams.pack(fields))
    assert [(key, value) for key in found for value in found[key]] == sorted(
        fields, key=lambda one: list(found).index(one[0])
    )


@pytest.mark.parametrize("data", [b"", b"a=b", b"\0", b"a\0", b"a=b\0c\0"])
def test_what_is_no_request(data: bytes) -> None:
    with pytest.raises(OutOfOrder):
        streams.unpack(data)


@pytest.mark.parametrize(
    ("name", "good"),
    [(b"a-1", True), (b"", False), (b"A", False), (b"a/b", False), (b"x" * 33, False), (b"..", False)],
)
def test_names_of_calls(name: bytes, good: bool) -> None:
    assert streams.is_id(name) is good
