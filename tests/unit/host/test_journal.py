"""The journal between threads: nothing twice, nothing out of order, nobody sleeps on news."""

from __future__ import annotations

import json
import threading
from enum import StrEnum
from typing import Any

import pytest

from guestwright.base.record import record
from guestwright.host.event_ring import Batch, Token
from guestwright.host.journal import Journal

PATIENCE = 60.0


class Colour(StrEnum):
    RED = "red"


@record
class Inner:
    name: str
    parts: tuple[int, ...] = ()


@record
class Outer:
    inner: Inner
    colour: Colour


def test_what_is_published_is_read_with_its_data() -> None:
    journal = Journal("e", clock=lambda: 12.5)
    start = journal.token
    data: dict[str, Any] = {"fact": Outer(inner=Inner(name="x", parts=(1, 2)), colour=Colour.RED), "n": None}
    event = journal.publish("guest-changed", "uuid-1", data)
    data.clear()
    (found,) = journal.read(start).events
    assert found == event
    assert (found.sequence, found.time, found.kind, found.subject) == (1, 12.5, "guest-changed", "uuid-1")
    assert json.loads(found.body) == {
        "fact": {"inner": {"name": "x", "parts": [1, 2]}, "colour": "red"},
        "n": None,
    }


def test_what_cannot_be_written_is_a_mistake_of_the_publisher_and_leaves_no_hole() -> None:
    journal = Journal()
    with pytest.raises(NotImplementedError):
        journal.publish("x", data={"what": object()})
    assert journal.token.sequence == 0


def test_each_run_has_another_epoch() -> None:
    assert Journal().token.epoch != Journal().token.epoch


def test_many_publishers_and_a_thread_that_waits() -> None:
    journal = Journal()
    each, publishers = 300, 4
    found: list[int] = []

    def follow() -> None:
        with journal.reader(Token(journal.token.epoch, 0)) as reader:
            while len(found) < each * publishers:
                batch = reader.wait(PATIENCE, most=50)
                assert batch.whole
                assert batch.events
                found.extend(one.sequence for one in batch.events)

    def publish() -> None:
        for _ in range(each):
            journal.publish("x")

    threads = [
        threading.Thread(target=follow),
        *(threading.Thread(target=publish) for _ in range(publishers)),
    ]
    for one in threads:
        one.start()
    for one in threads:
        one.join(PATIENCE)
    assert found == list(range(1, each * publishers + 1))
    assert journal.readers == 0


def test_a_wake_is_called_once_for_all_that_comes_before_the_next_look() -> None:
    journal = Journal()
    woken: list[str] = []
    reader = journal.reader(wake=lambda: woken.append("x"))
    journal.publish("before the first look")
    assert woken == []  # it has not looked yet, so it will find this
    assert len(reader.take().events) == 1
    journal.publish("a")
    assert woken == []  # it got something, so it will look again
    assert len(reader.take().events) == 1
    assert reader.take().events == ()
    journal.publish("b")
    journal.publish("c")
    assert woken == ["x"]
    assert len(reader.take(most=1).events) == 1
    reader.close()
    journal.publish("d")
    assert woken == ["x"]


def test_the_unwanted_neither_comes_nor_hides_what_is_missed() -> None:
    journal = Journal(most=2)
    reader = journal.reader(wanted=lambda one: one.subject == "mine")
    for subject in ("mine", "other", "other", "other"):
        journal.publish("x", subject)
    batch = reader.take()
    assert (batch.events, batch.missed, batch.subjects) == ((), 2, frozenset({"mine", "other"}))
    assert reader.take() == Batch(events=(), token=journal.token)


def test_the_end_frees_who_waits() -> None:
    journal = Journal()
    reader = journal.reader()
    got: list[Batch] = []
    woken = threading.Event()
    other = journal.reader(wake=woken.set)
    other.take()
    waiting = threading.Thread(target=lambda: got.append(reader.wait(PATIENCE)))
    waiting.start()
    journal.close()
    journal.close()
    waiting.join(PATIENCE)
    assert got[0].events == ()
    assert journal.closed
    assert woken.is_set()


def test_waiting_has_an_end() -> None:
    assert Journal().reader().wait(0.01).events == ()
