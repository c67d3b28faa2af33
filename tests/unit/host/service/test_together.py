from __future__ import annotations

from typing import Any

from guestwright.host.service.together import Asked, ask_round
from guestwright.host.service.touches import PATHS_MAX, Touches
from guestwright.xenstore.client import operations as ops
from guestwright.xenstore.client.client import Client
from guestwright.xenstore.client.errors import NoSuchPath
from guestwright.xenstore.client.operations import Several
from guestwright.xenstore.core import requests
from guestwright.xenstore.core.replies import Names, Value

STORE = {b"/a": b"1", b"/b": b"2", b"/b/c": b"3"}


class Counting(Client):
    """A client of a dictionary; counts how often it was asked."""

    def __init__(self) -> None:
        self.rounds: list[int] = []

    def run(self, steps: Any) -> Any:
        request = next(steps)
        assert isinstance(request, Several)
        self.rounds.append(len(request.requests))
        try:
            steps.send(ops.Outcomes([_answer(one) for one in request.requests]))
        except StopIteration as stop:
            return stop.value
        raise AssertionError


def _answer(request: Any) -> Any:
    if request.path not in STORE:
        return NoSuchPath(operation="read", subject="x", errno="ENOENT", attempts=1)
    if isinstance(request, requests.Directory):
        return Names(names=(b"c",) if request.path == b"/b" else ())
    return Value(value=STORE[request.path])


def test_many_are_asked_in_rounds_and_none_waits_for_the_longest() -> None:
    client = Counting()
    some: list[Asked[Any]] = [
        Asked(ops.read("/a")),
        Asked(ops.get("/nothing")),
        Asked(ops.tree("/b")),
        Asked(ops.exists("/b/c")),
    ]
    ask_round(client, some)
    assert [one.done for one in some] == [True, True, False, True]
    assert [some[0].result, some[1].result, some[3].result] == [b"1", None, True]
    ask_round(client, [some[2]])
    assert some[2].done
    found = some[2].result
    assert found is not None
    assert [node.path for node in found] == ["/b", "/b/c"]
    assert client.rounds == [5, 2]
    assert some[2].asked == 4


def test_what_asks_nothing_is_done_at_once() -> None:
    asked: Asked[int] = Asked(_seven())
    assert (asked.done, asked.result, asked.asked) == (True, 7, 0)


def _seven() -> Any:
    yield from ()
    return 7


def touches() -> tuple[Touches, list[Touches]]:
    told: list[Touches] = []
    return Touches("/local/domain/5", told.append), told


def test_a_touch_is_a_path_that_is_read() -> None:
    one, told = touches()
    assert one.taken() == (True, set())  # at first everything
    one.put("/local/domain/5/data/os_name", "w", missed=False)
    one.put("/local/domain/5/data/os_name", "w", missed=False)
    one.put("/local/domain/5/memory/target", "w", missed=False)
    one.put("/local/domain/5/data/guestwright/exec/in/1/2", "w", missed=False)
    one.put("/local/domain/5/attr", "w", missed=False)
    assert len(told) == 3
    assert one.taken() == (False, {"data/os_name", "attr"})
    assert one.taken() == (False, set())


def test_what_was_missed_or_too_much_is_all_of_it() -> None:
    one, told = touches()
    one.taken()
    one.put("/local/domain/5/data", "w", missed=True)
    assert one.taken()[0]
    for number in range(PATHS_MAX + 10):
        one.put(f"/local/domain/5/data/x{number}", "w", missed=False)
    whole, paths = one.taken()
    assert whole
    assert len(paths) == PATHS_MAX
    assert len(told) == PATHS_MAX + 11
