"""The ring against a model that forgets nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guestwright.host import event_ring
from guestwright.host.event_ring import Event, EventRing, Token, parse_token

EPOCH = "e1"
SUBJECTS = st.sampled_from(["", "a", "b", "c", "d"])


def filled(subjects: list[str], most: int) -> tuple[EventRing, list[Event]]:
    ring = EventRing(EPOCH, most=most)
    return ring, [ring.append(float(number), "x", one, b"{}") for number, one in enumerate(subjects)]


@given(st.lists(SUBJECTS, max_size=60), st.integers(1, 30), st.integers(0, 70), st.integers(1, 40))
def test_a_reader_gets_each_event_once_or_is_told(
    subjects: list[str], most: int, start: int, batch: int
) -> None:
    ring, events = filled(subjects, most)
    start = min(start, len(events))
    found = ring.after(Token(EPOCH, start), batch)
    kept = max(0, len(events) - most)
    assert found.missed == max(0, kept - start)
    lost = events[start:kept]
    assert found.subjects == frozenset(one.subject for one in lost)
    expected = events[max(start, kept) :]
    assert list(found.events) == expected[:batch]
    assert found.behind == len(expected) - len(found.events)
    assert found.token == Token(EPOCH, start + len(lost) + len(found.events))


@given(st.lists(SUBJECTS, max_size=40), st.integers(1, 30), st.integers(1, 7))
def test_reading_on_from_token_to_token_is_reading_at_once(
    subjects: list[str], most: int, batch: int
) -> None:
    ring, _ = filled(subjects, most)
    whole = ring.after(Token(EPOCH, 0), 1000, lambda one: one.subject == "a").events
    found: list[Event] = []
    token, rounds = Token(EPOCH, 0), 0
    while True:
        part = ring.after(token, batch, lambda one: one.subject == "a")
        found += part.events
        assert part.token.sequence >= token.sequence
        token = part.token
        rounds += 1
        if not part.behind:
            break
        assert rounds < 1000
    assert tuple(found) == whole


@pytest.mark.parametrize("token", [Token("other", 0), Token("other", 3), Token(EPOCH, 99)], ids=str)
def test_a_strange_token_gets_what_is_kept_and_missed_nobody_knows_what(token: Token) -> None:
    ring, events = filled(["a", "b", "c"], 2)
    found = ring.after(token)
    assert (found.missed, found.subjects, found.whole) == (None, None, False)
    assert list(found.events) == events[1:]


def test_bytes_are_bounded_and_one_event_is_always_kept() -> None:
    ring = EventRing(EPOCH, most_bytes=2000)
    for _ in range(10):
        ring.append(0.0, "x", "a", b"y" * 500)
    assert len(ring.after(Token(EPOCH, 0)).events) == 2
    ring.append(0.0, "x", "a", b"y" * 5000)
    assert [len(one.body) for one in ring.after(Token(EPOCH, 0)).events] == [5000]


def test_of_very_many_subjects_the_oldest_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_ring, "SUBJECTS_MAX", 3)
    ring, _ = filled(list("abcdef"), 1)
    assert ring.after(Token(EPOCH, 0)).subjects is None
    assert ring.after(Token(EPOCH, 2)).subjects == frozenset("cde")


@given(st.text(max_size=30))
def test_no_text_breaks_the_reading_of_tokens(text: str) -> None:
    token = parse_token(text)
    if token is not None:
        assert parse_token(str(token)) == token


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "e1",
        "e1.",
        ".5",
        "E1.5",
        "e1.-5",
        "e1.5.6",
        "e1.٣",
        "e 1.5",
        f"{'e' * 65}.1",
        f"e.{'1' * 19}",
    ],
)
def test_bad_tokens(text: str) -> None:
    assert parse_token(text) is None


@pytest.mark.parametrize(("epoch", "most"), [("", 1), ("A", 1), ("a.b", 1), ("a", 0)])
def test_a_ring_that_makes_no_sense(epoch: str, most: int) -> None:
    with pytest.raises(ValueError, match="epoch"):
        EventRing(epoch, most=most)
