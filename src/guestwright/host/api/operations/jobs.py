"""Operations on jobs: list, look, wait, cancel, collect."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Annotated, Any, Final

import msgspec

from guestwright.base.record import record
from guestwright.host.api.endpoint import Call, Endpoint
from guestwright.host.api.operations.ordering import ORDER_ERRORS, OrderBody, order_of
from guestwright.host.enrol.roles import Role
from guestwright.host.jobs.errors import (
    BadJob,
    CancelRefused,
    JobExists,
    JobNotActive,
    JobNotEnded,
    NoSuchJob,
    NoSuchKind,
    TooManyJobs,
)
from guestwright.host.jobs.jobs import Jobs
from guestwright.host.jobs.model import Job, Status, check_id

WAIT_MAX: Final = 50  # seconds
_TAG: Final = "jobs"


@record
class JobReply:
    """A job.

    Attributes:
        id: its own.
        kind: name of the work.
        parameters: of the work.
        status: where it is.
        percent: how much is done; None while nobody knows.
        done: units of work.
        total: units of work in all; 0 while it is not known.
        text: what it does now.
        result: of the work, once it is done.
        error: code, message, hint and parameters of what made it fail.
        attempt: how often it was begun.
        created: seconds since 1970, as the next two.
        started: 0 before.
        ended: 0 before.
    """

    id: str
    kind: str
    parameters: Mapping[str, Any]
    status: Status
    percent: int | None
    done: int
    total: int
    text: str
    result: Any
    error: Mapping[str, Any] | None
    attempt: int
    created: float
    started: float
    ended: float


@record
class JobsReply:
    """Jobs, oldest first.

    Attributes:
        jobs: each of them.
    """

    jobs: tuple[JobReply, ...]


class JobsQuery(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Which jobs.

    Attributes:
        status: only those; all without it.
    """

    status: Status | None = None


class JobQuery(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """How to look at a job.

    Attributes:
        wait: seconds to wait for its end before the answer.
    """

    wait: Annotated[int, msgspec.Meta(ge=0, le=WAIT_MAX)] = 0


class JobBody(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A job to be done.

    Attributes:
        kind: name of the work.
        parameters: for it; nothing secret, as they are kept and shown.
        id: its own; a new one without it. The same submission again gets the job that is there.
        order: whose order it is; nobody's without it.
    """

    kind: Annotated[str, msgspec.Meta(max_length=80)]
    parameters: dict[str, Any]
    id: Annotated[str, msgspec.Meta(max_length=64)] = ""
    order: OrderBody | None = None


def show_job(job: Job) -> JobReply:
    """A job as the API shows it: without what only the work itself needs."""
    values = {name: getattr(job, name) for name in _SHOWN}
    return JobReply(percent=job.percent, **values)


_SHOWN: Final = (
    *("id", "kind", "parameters", "status", "done", "total", "text", "result", "error", "attempt"),
    *("created", "started", "ended"),
)


def job_endpoints(jobs: Jobs, submitted: Collection[str] = ()) -> tuple[Endpoint, ...]:
    """The table.

    Args:
        jobs: of this host.
        submitted: kinds that a caller may submit as they are; others have operations of their own.
    """

    def listed(call: Call) -> JobsReply:
        statuses = () if call.query.status is None else (call.query.status,)
        return JobsReply(jobs=tuple(show_job(one) for one in jobs.all(*statuses)))

    def looked_at(call: Call) -> JobReply:
        name = _id(call)
        return show_job(jobs.wait(name, call.query.wait) if call.query.wait else jobs.get(name))

    one = "/v1/jobs/{job}"
    return (
        Endpoint(
            name="jobs",
            method="GET",
            path="/v1/jobs",
            role=Role.VIEWER,
            summary="All jobs, those that ended and were not collected included.",
            handle=listed,
            reply=JobsReply,
            query=JobsQuery,
            tag=_TAG,
        ),
        Endpoint(
            name="job",
            method="GET",
            path=one,
            role=Role.VIEWER,
            summary="One job; on demand, when it has ended.",
            handle=looked_at,
            reply=JobReply,
            query=JobQuery,
            errors=(NoSuchJob,),
            tag=_TAG,
        ),
        *_ends(jobs, one),
        _submit(jobs, frozenset(submitted)),
    )


def _submit(jobs: Jobs, kinds: frozenset[str]) -> Endpoint:
    def handle(call: Call) -> JobReply:
        body: JobBody = call.body
        if body.kind not in kinds:
            raise NoSuchKind(kind=body.kind, known=", ".join(sorted(kinds)))
        return show_job(jobs.submit(body.kind, body.parameters, job=body.id, order=order_of(body.order)))

    return Endpoint(
        name="job-submit",
        method="POST",
        path="/v1/jobs",
        role=Role.OPERATOR,
        summary="Begin a job: one of the verbs of volumes, or to define a domain.",
        handle=handle,
        reply=JobReply,
        body=JobBody,
        body_max=256 << 10,
        status=202,
        errors=(NoSuchKind, BadJob, JobExists, TooManyJobs, *ORDER_ERRORS),
        tag=_TAG,
    )


def _ends(jobs: Jobs, one: str) -> tuple[Endpoint, ...]:
    return (
        Endpoint(
            name="job-cancel",
            method="POST",
            path=f"{one}/cancel",
            role=Role.OPERATOR,
            summary="Have a job given up.",
            handle=lambda call: show_job(jobs.cancel(_id(call))),
            reply=JobReply,
            errors=(NoSuchJob, JobNotActive, CancelRefused),
            tag=_TAG,
        ),
        Endpoint(
            name="job-collect",
            method="POST",
            path=f"{one}/collect",
            role=Role.OPERATOR,
            summary="The job with its result, for the last time: it is forgotten.",
            handle=lambda call: show_job(jobs.collect(_id(call))),
            reply=JobReply,
            errors=(NoSuchJob, JobNotEnded),
            tag=_TAG,
        ),
    )


def _id(call: Call) -> str:
    return check_id(call.path["job"])
