"""The operation that generalises a guest, as a job."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec

from guestwright.host.acting.sysprep import DEFAULT_NAME
from guestwright.host.api.endpoint import Call, Endpoint
from guestwright.host.api.operations.domains import uuid_of
from guestwright.host.api.operations.jobs import JobReply, show_job
from guestwright.host.api.parts import Submits
from guestwright.host.capabilities import Operation
from guestwright.host.enrol.roles import Role
from guestwright.host.errors import AnswersTooBig
from guestwright.host.jobs.errors import JobExists, TooManyJobs
from guestwright.host.jobs.jobs import Jobs
from guestwright.host.service.errors import OperationRefused
from guestwright.host.service.port import HostService
from guestwright.hypervisor.domain import DomainId
from guestwright.hypervisor.errors import DomainNotFound

DEADLINE_MAX: Final = 7200


class SysprepBody(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """How to generalise a guest.

    Attributes:
        answers: what is in the answer file; secret, kept in memory only.
        filename: of it, on the medium.
        deadline: seconds for all of it, up to the guest's power-off.
        id: of the job; a new one without it. One that is taken is refused.
    """

    answers: Annotated[str, msgspec.Meta(min_length=1, max_length=64 << 10)]
    filename: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")] = DEFAULT_NAME
    deadline: Annotated[float, msgspec.Meta(ge=1, le=DEADLINE_MAX)] = 600.0
    id: Annotated[str, msgspec.Meta(pattern=r"^([a-z0-9][a-z0-9-]{0,39})?$")] = ""


def sysprep_endpoints(service: HostService, jobs: Jobs, syspreps: Submits) -> tuple[Endpoint, ...]:
    """The table.

    Args:
        service: judges.
        jobs: of this host.
        syspreps: accepts them.
    """

    def handle(call: Call) -> JobReply:
        body: SysprepBody = call.body
        uuid = uuid_of(call)
        with service.claim(uuid, Operation.SYSPREP):
            pass  # what is not possible is refused at once; the job judges again
        job = syspreps.submit(
            jobs,
            DomainId(uuid),
            body.answers.encode(),
            filename=body.filename,
            deadline=body.deadline,
            job=body.id,
        )
        return show_job(job)

    return (
        Endpoint(
            name="sysprep",
            method="POST",
            path="/v1/domains/{uuid}/sysprep",
            role=Role.OPERATOR,
            summary="Generalise the guest with an answer file on a medium; a job.",
            handle=handle,
            reply=JobReply,
            body=SysprepBody,
            body_max=256 << 10,
            status=202,
            errors=(DomainNotFound, OperationRefused, AnswersTooBig, JobExists, TooManyJobs),
            tag="domains",
        ),
    )
