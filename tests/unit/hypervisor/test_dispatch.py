"""Events to listeners."""

from __future__ import annotations

import threading

from guestwright.hypervisor.dispatch import Dispatcher
from guestwright.hypervisor.events import Event, EventKind


def test_in_order_to_each() -> None:
    dispatcher = Dispatcher()
    first: list[Event] = []
    second: list[Event] = []
    done = threading.Event()

    def last(event: Event) -> None:
        if event.detail == "99":
            done.set()

    for each in (first.append, second.append, last):
        dispatcher.subscribe(each)
    for number in range(100):
        dispatcher.put(Event(kind=EventKind.MEMORY, detail=str(number)))
    assert done.wait(10)
    dispatcher.close()
    assert [each.detail for each in first] == [str(number) for number in range(100)]
    assert first == second


def test_a_slow_listener_is_told_that_it_missed_some() -> None:
    dispatcher = Dispatcher(room=10)
    heard: list[Event] = []
    begun, go, done = threading.Event(), threading.Event(), threading.Event()

    def slow(event: Event) -> None:
        begun.set()
        go.wait(10)
        heard.append(event)
        if event.kind is EventKind.UNDEFINED:
            done.set()

    dispatcher.subscribe(slow)
    dispatcher.put(Event(kind=EventKind.DEFINED))
    assert begun.wait(10)
    for _ in range(1000):
        dispatcher.put(Event(kind=EventKind.MEMORY))
    dispatcher.put(Event(kind=EventKind.UNDEFINED))
    go.set()
    assert done.wait(10)
    dispatcher.close()
    assert len(heard) <= 12
    assert heard[0].kind is EventKind.DEFINED
    assert heard[1].kind is EventKind.MISSED


def test_closes_twice_and_from_a_listener() -> None:
    dispatcher = Dispatcher()
    done = threading.Event()

    def close(event: Event) -> None:
        dispatcher.close()
        done.set()

    dispatcher.subscribe(close)
    dispatcher.put(Event(kind=EventKind.DEFINED))
    assert done.wait(10)
    dispatcher.close()
    dispatcher.close()


def test_who_comes_later_or_has_left_hears_nothing_of_it() -> None:
    dispatcher = Dispatcher()
    begun, go, done = threading.Event(), threading.Event(), threading.Event()
    heard: list[tuple[str, str]] = []

    def slow(event: Event) -> None:
        begun.set()
        go.wait(10)
        if event.detail == "late":
            done.set()

    dispatcher.subscribe(slow)
    left = dispatcher.subscribe(lambda event: heard.append(("left", event.detail)))
    dispatcher.put(Event(kind=EventKind.MEMORY, detail="first"))
    assert begun.wait(10)
    dispatcher.put(Event(kind=EventKind.MEMORY, detail="early"))
    dispatcher.subscribe(lambda event: heard.append(("later", event.detail)))
    left.close()
    dispatcher.put(Event(kind=EventKind.MEMORY, detail="late"))
    dispatcher.put(Event(kind=EventKind.MEMORY, detail="last"))
    go.set()
    assert done.wait(10)
    dispatcher.close()
    assert heard[:2] == [("left", "first"), ("later", "late")]
