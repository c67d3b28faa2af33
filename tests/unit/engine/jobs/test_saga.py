"""The order of steps, and what follows from how they end."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from guestwright.engine.jobs.model import Context, Kind, Step
from guestwright.engine.jobs.saga import AGAIN, Outcome, again, done, failed, run_saga


def nothing(context: Context) -> None:
    del context


KIND = Kind(
    name="test",
    version=1,
    steps=(
        Step(name="a", run=nothing, undo=nothing),
        Step(name="b", run=nothing, undo=nothing, wanted=lambda parameters: bool(parameters["b"])),
        Step(name="c", run=nothing),
        Step(name="d", run=nothing, undo=nothing),
    ),
    result=sorted,
)


class Recorded:
    """A `Doing` that breaks off where it is told to, and a journal."""

    def __init__(self, fails: str = "", breaks: Sequence[int] = ()) -> None:
        self.did: list[str] = []
        self.kept: dict[str, Outcome] = {}
        self.ends: list[tuple[Any, Any, Any]] = []
        self._fails = fails
        self._breaks = list(breaks)
        self._calls = 0

    def keep(self, name: str, body: Callable[[], Outcome], /) -> Outcome:
        if name not in self.kept:
            outcome = body()
            if outcome["is"] == AGAIN:
                return outcome
            self.kept[name] = outcome
        return self.kept[name]

    def forward(self, step: Step, number: int, total: int, results: Mapping[str, Any], /) -> Outcome:
        if self._broken():
            return again()
        self.did.append(step.name)
        return failed({"code": "asked"}) if step.name == self._fails else done(number)

    def backward(self, step: Step, number: int, total: int, results: Mapping[str, Any], /) -> Outcome:
        if self._broken():
            return again()
        self.did.append(f"-{step.name}")
        return done([{"what": step.name}] if step.name == "a" else [])

    def end(
        self, result: Any, error: Mapping[str, Any] | None, leftovers: Sequence[Mapping[str, Any]], /
    ) -> None:
        self.ends.append((result, error, list(leftovers)))

    def _broken(self) -> bool:
        self._calls += 1
        return self._calls in self._breaks


def run(recorded: Recorded, *, b: bool = True) -> None:
    for _ in range(20):
        if run_saga(KIND, {"b": b}, recorded.keep, recorded):
            return
    raise AssertionError("does not end")


def test_all_steps_in_order() -> None:
    recorded = Recorded()
    run(recorded)
    assert recorded.did == ["a", "b", "c", "d"]
    assert recorded.ends == [(["a", "b", "c", "d"], None, [])]


def test_a_step_that_is_not_wanted_is_neither_run_nor_undone() -> None:
    recorded = Recorded(fails="d")
    run(recorded, b=False)
    assert recorded.did == ["a", "c", "d", "-d", "-a"]
    assert recorded.ends == [(None, {"code": "asked"}, [{"what": "a"}])]


@given(st.sampled_from(["", "a", "b", "c", "d"]), st.lists(st.integers(1, 12), max_size=8))
def test_breaking_off_anywhere_changes_nothing(fails: str, breaks: list[int]) -> None:
    whole, broken = Recorded(fails), Recorded(fails, breaks)
    run(whole)
    run(broken)
    assert (broken.did, broken.ends) == (whole.did, whole.ends)
