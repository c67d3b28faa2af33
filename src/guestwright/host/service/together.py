"""Several questions to a store at once, without one of them keeping the others waiting.

Theory of operation: an operation (`client.operations`) is a generator of requests. Here many are asked in
rounds: one round sends what each of them wants to know next, all in one go, and hands out the answers. Who is
done leaves; who is new joins with the next round. A guest that has very much to read takes part in many
rounds and makes each a little longer, and that is all.
"""

from __future__ import annotations

from typing import Generic, TypeVar

from guestwright.xenstore.client.client import Client
from guestwright.xenstore.client.errors import Refused
from guestwright.xenstore.client.operations import Outcomes, Several, Steps
from guestwright.xenstore.core import requests

T = TypeVar("T")


class Asked(Generic[T]):
    """One operation under way.

    Attributes:
        requests: what it wants to know next.
        asked: how many requests it has made so far.
        done: whether it has ended.
        result: what it returned; only when it is done.

    Args:
        steps: the operation, not begun.
    """

    __slots__ = ("_alone", "_steps", "asked", "done", "requests", "result")

    def __init__(self, steps: Steps[T]) -> None:
        self._steps = steps
        self._alone = False
        self.asked = 0
        self.done = False
        self.result: T | None = None
        self.requests: tuple[requests.Request, ...] = ()
        try:
            self._wants(next(steps))
        except StopIteration as stop:
            self.done, self.result = True, stop.value

    def answer(self, outcomes: Outcomes) -> None:
        """Give it what it wanted to know."""
        try:
            if not self._alone:
                self._wants(self._steps.send(outcomes))
                return
            (only,) = outcomes.each
            if isinstance(only, Refused):
                self._wants(self._steps.throw(only))
            else:
                self._wants(self._steps.send(only))
        except StopIteration as stop:
            self.done, self.result, self.requests = True, stop.value, ()

    def _wants(self, next_: requests.Request | Several) -> None:
        self._alone = not isinstance(next_, Several)
        self.requests = tuple(next_.requests) if isinstance(next_, Several) else (next_,)
        self.asked += len(self.requests)


def ask_round(client: Client, some: list[Asked[T]]) -> None:
    """One round for operations that are not done.

    Raises:
        XenstoreError: the connection failed; all of them are void.
    """
    found = client.run(_round([one for asked in some for one in asked.requests]))
    start = 0
    for asked in some:
        size = len(asked.requests)
        asked.answer(Outcomes(found.each[start : start + size]))
        start += size


def _round(wanted: list[requests.Request]) -> Steps[Outcomes]:
    outcome = yield Several(wanted)
    assert isinstance(outcome, Outcomes)
    return outcome
