"""What a job is, what happens to it, and of which steps it is made. Pure.

Theory of operation: a job is a saga declared as data: named steps in order, each with what takes its effect
away again. When all steps are done the job is `done`; when one fails, or somebody cancels, the steps that
were begun are undone in reverse, and the job is `compensated`. There is no other end. What a compensation
cannot take away it leaves where it does no harm, and says so in `leftovers`.

Names of kinds and steps are kept in databases: they are only ever added, and a kind whose steps change gets
a new version, while the old one stays until the last of its jobs has ended.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, Final, Protocol

from guestwright.base.record import field, record
from guestwright.engine.jobs.errors import BadDurableJob

JSON_MAX: Final = 256 << 10
"""Bytes of a job's parameters, of what one step returns, and of the job's result, each as JSON."""
KEY_MAX: Final = 200
"""Characters of an idempotency key."""
NOTE_MAX: Final = 200
"""Characters of the line that tells what a job does now."""


class Status(StrEnum):
    """Where a job is."""

    PENDING = "pending"
    RUNNING = "running"
    COMPENSATING = "compensating"
    DONE = "done"
    COMPENSATED = "compensated"

    @property
    def ended(self) -> bool:
        """Whether nothing happens any more."""
        return self in {Status.DONE, Status.COMPENSATED}


@record
class Job:
    """One job.

    Attributes:
        id: its own; sorts by age.
        kind: name of the work; `version` of its steps.
        version: see `kind`.
        parameters: plain JSON.
        key: the submitter's idempotency key; "" for none.
        group: id of the job that submitted it; "" for none.
        status: see `Status`.
        step: name of the step that runs or ran last.
        done, total: units of work; `total` is 0 while it is not known.
        note: one line about what it does now.
        cancelling: whether somebody has cancelled it.
        epoch: how often it was taken up; whoever took it up earlier may not touch anything for it any more.
        result: plain JSON, once it is done.
        error: code, message, hint and parameters of what made it fail; None when nothing has.
        leftovers: what compensation could not take away, each with `what` and `reason`.
        created, started, ended: seconds since 1970 by the database's clock; 0 for what has not happened.
    """

    id: str
    kind: str
    version: int
    parameters: Mapping[str, Any]
    key: str = ""
    group: str = ""
    status: Status = Status.PENDING
    step: str = ""
    done: int = 0
    total: int = 0
    note: str = ""
    cancelling: bool = False
    epoch: int = 0
    result: Any = None
    error: Mapping[str, Any] | None = None
    leftovers: tuple[Mapping[str, Any], ...] = ()
    created: float = 0.0
    started: float = 0.0
    ended: float = 0.0


@record
class JobEvent:
    """Something that happened to a job, kept for ever; `seq` grows, so that a reader can go on where it was.

    Attributes:
        seq: number of the event, over all jobs.
        job: id.
        at: seconds since 1970.
        what: submitted, taken, step, cancelling, compensating, waiting, left, done or compensated.
        data: plain JSON.
    """

    seq: int
    job: str
    at: float
    what: str
    data: Mapping[str, Any] = field(default_factory=dict)


class Context(Protocol):
    """What a step may ask and tell. To be used by the one thread that runs the step."""

    @property
    def job(self) -> Job:
        """The job as it was taken up. Its epoch goes with every order to a host, which refuses older ones."""

    @property
    def results(self) -> Mapping[str, Any]:
        """What the steps so far returned, by name of the step."""

    @property
    def undoing(self) -> bool:
        """Whether the step is being undone."""

    def request(self, part: str = "") -> str:
        """An id for an order to another service: the same each time that this step runs for this job."""

    def progress(self, done: int, total: int, note: str = "") -> None:
        """Tell where the step is. Cheap; kept now and then. Never raises."""

    def check(self) -> None:
        """To be called often.

        Raises:
            DurableJobStopped: somebody cancelled (never while compensating).
            DurableJobTaken, EngineEnding: nothing may be touched any more by this attempt.
        """

    def leave(self, what: str, reason: str) -> None:
        """While compensating: say what could not be taken away, and why."""


def _always(parameters: Mapping[str, Any]) -> bool:
    del parameters
    return True


@record
class Step:
    """One step.

    Attributes:
        name: kebab-case, unique in the kind.
        run: does it; returns plain JSON. It may run again after a crash, with the same `Context.request`:
            then it finds what it did and returns the same.
        undo: takes its effect away; also after only a part of it, or nothing, has happened. None where there
            is nothing to take away.
        wanted: whether a job of these parameters has this step at all. Pure.
    """

    name: str
    run: Callable[[Context], Any]
    undo: Callable[[Context], None] | None = None
    wanted: Callable[[Mapping[str, Any]], bool] = _always


def _accept(parameters: Mapping[str, Any]) -> None:
    del parameters


def _everything(results: Mapping[str, Any]) -> Any:
    return dict(results)


@record
class Kind:
    """A kind of job.

    Attributes:
        name: "template.create": what it is about, a dot, what is done.
        version: of the steps, from 1.
        steps: in order.
        check: refuses parameters that make no sense, with a `GuestwrightError`. Pure.
        result: what the job returns, of what its steps returned. Pure.
        patience: seconds for which a step is tried again after `TryAgain`.
        undo_patience: likewise for what takes its effect away; then it is a leftover.
    """

    name: str
    version: int
    steps: tuple[Step, ...]
    check: Callable[[Mapping[str, Any]], None] = _accept
    result: Callable[[Mapping[str, Any]], Any] = _everything
    patience: float = 600.0
    undo_patience: float = 600.0


def encode(kind: str, value: Any) -> str:
    """Plain JSON of bounded size, always the same text for the same value.

    Raises:
        BadDurableJob: it is something else, or larger than `JSON_MAX`.
    """
    try:
        text = json.dumps(value, separators=(",", ":"), sort_keys=True, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise BadDurableJob(kind=kind, problem=f"not plain JSON ({error})") from error
    if len(text) > JSON_MAX:
        raise BadDurableJob(kind=kind, problem=f"{len(text)} bytes of JSON; {JSON_MAX} are the most")
    return text
