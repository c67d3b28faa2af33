"""Operations on durable jobs: list, look, wait, cancel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Final

import msgspec

from guestwright.engine.accounts.rights import Right
from guestwright.engine.api.endpoint import Answer, Call, Endpoint, Later
from guestwright.engine.api.lists import Limit, shown
from guestwright.engine.jobs.errors import DurableJobEnded, JobBookUnreachable, NoSuchDurableJob
from guestwright.engine.jobs.jobs import Jobs
from guestwright.engine.jobs.model import Job, Status

_TAG: Final = "jobs"
_ONE: Final = "/jobs/{id}"


class JobReply(msgspec.Struct, frozen=True):
    """A job.

    Attributes:
        id: its own; sorts by age.
        kind: name of the work.
        parameters: of the work; nothing secret.
        group: id of the job that submitted it.
        status: where it is.
        step: that runs or ran last.
        done: units of work.
        total: units in all; 0 while it is not known.
        note: what it does now.
        cancelling: whether somebody has cancelled it.
        result: of the work, once it is done.
        error: code, message, hint and parameters of what made it fail.
        leftovers: what could not be taken away again.
        created: seconds since 1970, as the next two.
        started: 0 before.
        ended: 0 before.
    """

    id: str
    kind: str
    parameters: dict[str, Any]
    group: str
    status: Status
    step: str
    done: int
    total: int
    note: str
    cancelling: bool
    result: Any
    error: dict[str, Any] | None
    leftovers: tuple[dict[str, Any], ...]
    created: float
    started: float
    ended: float


class Accepted(msgspec.Struct, frozen=True):
    """What takes long has been accepted.

    Attributes:
        job: that does it.
    """

    job: JobReply


class JobList(msgspec.Struct, frozen=True):
    """A page of jobs, the oldest first; `next` is the cursor of the next one."""

    items: tuple[JobReply, ...]
    next: str | None


class JobsQuery(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Which jobs.

    Attributes:
        limit: jobs in a page.
        cursor: `next` of the page before.
        status: only such.
        group: only those that this job submitted.
    """

    limit: Limit = 100
    cursor: Annotated[str, msgspec.Meta(max_length=64, pattern=r"^[0-9a-zA-Z-]*$")] = ""
    status: Status | None = None
    group: Annotated[str, msgspec.Meta(max_length=64, pattern=r"^[0-9a-zA-Z-]+$")] | None = None


class JobQuery(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """How to look at a job.

    Attributes:
        wait: seconds to wait for its end before the answer.
    """

    wait: Annotated[float, msgspec.Meta(ge=0, le=50)] = 0.0


def show_job(job: Job) -> JobReply:
    """A job as the API shows it."""
    return shown(JobReply, job)


def accepted(job: Job) -> Answer:
    """The answer to what a job does."""
    return Answer(value=Accepted(job=show_job(job)), location=f"/jobs/{job.id}")


def key_of(call: Call, operation: str) -> str:
    """The key of a job for a call: the caller's own, so that nobody meets another's; "" for none.

    Args:
        call: with its Idempotency-Key.
        operation: that makes the job.
    """
    return f"{call.who.user}/{operation}/{call.key}" if call.key else ""


def job_endpoints(jobs: Jobs) -> tuple[Endpoint, ...]:
    """The table.

    Args:
        jobs: of the engine.
    """

    def listing(call: Call) -> JobList:
        asked: JobsQuery = call.query
        found = jobs.find(status=asked.status, group=asked.group, after=asked.cursor, limit=asked.limit)
        following = found[-1].id if len(found) == asked.limit else None
        return JobList(items=tuple(map(show_job, found)), next=following)

    def look(call: Call) -> JobReply | Later:
        job = jobs.get(_id(call))
        return show_job(job) if job.status.ended else Later(value=show_job(job))

    return (*_looks(listing, look), _cancel(jobs))


def _looks(listing: Callable[[Call], Any], look: Callable[[Call], Any]) -> tuple[Endpoint, ...]:
    return (
        Endpoint(
            name="jobs",
            method="GET",
            path="/jobs",
            right=Right.READ,
            summary="Jobs, the oldest first.",
            handle=listing,
            reply=JobList,
            query=JobsQuery,
            errors=(JobBookUnreachable,),
            tag=_TAG,
        ),
        Endpoint(
            name="job",
            method="GET",
            path=_ONE,
            right=Right.READ,
            summary="One job; on demand, when it has ended.",
            handle=look,
            reply=JobReply,
            query=JobQuery,
            wait=lambda call: float(call.query.wait),
            errors=(NoSuchDurableJob, JobBookUnreachable),
            tag=_TAG,
        ),
    )


def _cancel(jobs: Jobs) -> Endpoint:
    return Endpoint(
        name="job-cancel",
        method="POST",
        path=f"{_ONE}/cancel",
        right=Right.JOB_CANCEL,
        summary="Have a job given up: what was begun is undone.",
        handle=lambda call: show_job(jobs.cancel(_id(call))),
        reply=JobReply,
        status=202,
        errors=(NoSuchDurableJob, DurableJobEnded, JobBookUnreachable),
        tag=_TAG,
    )


def _id(call: Call) -> str:
    """The id in the path.

    Raises:
        NoSuchDurableJob: it is none.
    """
    text = call.path["id"]
    if not text.isascii() or not text.isprintable() or len(text) > 64:
        raise NoSuchDurableJob(job=text[:64])
    return text
