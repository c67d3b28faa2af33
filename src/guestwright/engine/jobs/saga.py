"""In which order the steps of a job run, and what follows from how they end. Pure.

Theory of operation: every outcome is kept before the next step begins, so that whoever takes the job up next
finds it and does not run that step again; an outcome is plain JSON, never an exception. A step whose outcome
was not kept runs again: steps are idempotent. An attempt that must not go on (`AGAIN`) keeps nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final, Protocol

from guestwright.engine.jobs.model import Kind, Step

Outcome = dict[str, Any]
AGAIN: Final = "again"
DONE: Final = "done"
FAILED: Final = "failed"


class Keep(Protocol):
    """Runs what makes an outcome, unless one is kept under that name, and keeps it."""

    def __call__(self, name: str, body: Callable[[], Outcome], /) -> Outcome:
        """The outcome, kept on return; one that says `AGAIN` is as if it had not been."""


class Doing(Protocol):
    """What an attempt does with one step."""

    def forward(self, step: Step, number: int, total: int, results: Mapping[str, Any], /) -> Outcome:
        """Run a step: `DONE` with its value, `FAILED` with an error, or `AGAIN`."""

    def backward(self, step: Step, number: int, total: int, results: Mapping[str, Any], /) -> Outcome:
        """Undo a step: `DONE` with a list of what is left as value, or `AGAIN`."""

    def end(
        self,
        result: Any,
        error: Mapping[str, Any] | None,
        leftovers: Sequence[Mapping[str, Any]],
        /,
    ) -> None:
        """The job is over."""


def done(value: Any) -> Outcome:
    """The outcome of what went well."""
    return {"is": DONE, "value": value}


def failed(error: Mapping[str, Any]) -> Outcome:
    """The outcome of what did not."""
    return {"is": FAILED, "error": dict(error)}


def again() -> Outcome:
    """The outcome of what somebody else, or somebody later, has to do again."""
    return {"is": AGAIN}


def run_saga(kind: Kind, parameters: Mapping[str, Any], keep: Keep, doing: Doing) -> bool:
    """Run a job from where it is to its end.

    Args:
        kind: its steps.
        parameters: of the job.
        keep: knows what was done, and keeps what is.
        doing: does it.

    Returns:
        Whether the job has ended; if not, somebody has to take it up again.
    """
    steps = [step for step in kind.steps if step.wanted(parameters)]
    results: dict[str, Any] = {}
    for number, step in enumerate(steps):
        outcome = keep(f"do:{step.name}", partial(doing.forward, step, number, len(steps), dict(results)))
        if outcome["is"] == AGAIN:
            return False
        if outcome["is"] == FAILED:
            return _compensate(steps[: number + 1], results, outcome["error"], keep, doing)
        results[step.name] = outcome["value"]
    doing.end(kind.result(results), None, ())
    return True


def _compensate(
    begun: Sequence[Step],
    results: Mapping[str, Any],
    error: Mapping[str, Any],
    keep: Keep,
    doing: Doing,
) -> bool:
    """Undo the steps that were begun, the failed one included, the last one first."""
    leftovers: list[Mapping[str, Any]] = []
    undone = [step for step in reversed(begun) if step.undo is not None]
    for number, step in enumerate(undone):
        outcome = keep(f"undo:{step.name}", partial(doing.backward, step, number, len(undone), results))
        if outcome["is"] == AGAIN:
            return False
        leftovers += outcome["value"]
    doing.end(None, error, leftovers)
    return True
