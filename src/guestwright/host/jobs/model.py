"""What a job is, and by which steps it gets from one status to the next. Pure.

The statuses are those of oVirt's host jobs (vdsm, lib/vdsm/jobs.py): pending, running, aborting, and the ends
done, failed and aborted.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

from guestwright.base.record import record
from guestwright.host.jobs.errors import BadJob

PARAMETERS_MAX: Final = 256 << 10
"""Bytes of a job's parameters, of its saved state and of its result, each as JSON."""
_ID: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z-]{0,63}")


class Status(StrEnum):
    """Where a job is."""

    PENDING = "pending"
    RUNNING = "running"
    ABORTING = "aborting"
    DONE = "done"
    FAILED = "failed"
    ABORTED = "aborted"

    @property
    def ended(self) -> bool:
        """Whether nothing happens any more."""
        return self in _ENDS


_ENDS: Final = frozenset({Status.DONE, Status.FAILED, Status.ABORTED})


class Restart(StrEnum):
    """What becomes of a job that ran when the service ended.

    Attributes:
        RESUME: it is run again, with the state that it has saved: its steps do no harm twice.
        FAIL: it is not run again; what it left is undone, and it has failed.
    """

    RESUME = "resume"
    FAIL = "fail"


@record
class Job:
    """One job.

    Attributes:
        id: its own; the submitter's choice, or one that sorts by age.
        kind: name of the work.
        parameters: of the work, plain JSON.
        status: see `Status`.
        done, total: units of work; `total` is 0 while it is not known.
        text: one line about what it does now.
        state: what the work has saved for its next attempt, plain JSON; None before.
        result: plain JSON, once it is done.
        error: code, message, hint and parameters of what made it fail.
        epoch: number of the owner that last began it.
        attempt: how often it was begun; a write for another attempt than the present one is refused.
        created, started, ended: seconds since 1970; 0 for what has not happened.
    """

    id: str
    kind: str
    parameters: Mapping[str, Any]
    status: Status = Status.PENDING
    done: int = 0
    total: int = 0
    text: str = ""
    state: Any = None
    result: Any = None
    error: Mapping[str, Any] | None = None
    epoch: int = 0
    attempt: int = 0
    created: float = 0.0
    started: float = 0.0
    ended: float = 0.0

    @property
    def percent(self) -> int | None:
        """How much is done, 0 to 100; None while nobody knows."""
        if self.status is Status.DONE:
            return 100
        return min(100, self.done * 100 // self.total) if self.total > 0 else None


def check_id(job: str) -> str:
    """An id that is fit to be one.

    Raises:
        BadJob: not 1 to 64 letters, digits and "-", the first of them no "-".
    """
    if not _ID.fullmatch(job):
        raise BadJob(job=job[:80], problem="an id has 1 to 64 letters, digits and -, and starts with no -")
    return job


def encode(job: str, value: Any) -> str:
    """Plain JSON of bounded size.

    Raises:
        BadJob: it is something else, or larger than `PARAMETERS_MAX`.
    """
    try:
        text = json.dumps(value, separators=(",", ":"), sort_keys=True, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise BadJob(job=job, problem=f"not plain JSON ({error})") from error
    if len(text) > PARAMETERS_MAX:
        raise BadJob(job=job, problem=f"{len(text)} bytes of JSON; {PARAMETERS_MAX} are the most")
    return text
