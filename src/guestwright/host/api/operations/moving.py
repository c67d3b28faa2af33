"""Operations for a domain that goes to another host: a job that moves it, and its payloads before it."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec

from guestwright.host.acting.migration_job import MigrationJobs
from guestwright.host.api.endpoint import Call, Endpoint
from guestwright.host.api.operations.domains import uuid_of
from guestwright.host.api.operations.handing import handing_endpoints
from guestwright.host.api.operations.jobs import JobReply, show_job
from guestwright.host.capabilities import Operation
from guestwright.host.enrol.roles import Role
from guestwright.host.jobs.errors import TooManyJobs
from guestwright.host.jobs.jobs import Jobs
from guestwright.host.media.payloads import Payloads
from guestwright.host.service.errors import OperationRefused
from guestwright.host.service.port import HostService
from guestwright.hypervisor.domain import DomainId
from guestwright.hypervisor.errors import BadDomainSpec, DomainNotFound
from guestwright.hypervisor.spec import BANDWIDTH_MAX, Migration

_TAG: Final = "moving"
_Uri = Annotated[str, msgspec.Meta(min_length=1, max_length=1024)]


class MigrateBody(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """How a domain moves.

    Attributes:
        destination: URI of the hypervisor there, as this host's daemon reaches it.
        data: URI on which memory is sent; "" leaves the choice to the hypervisor.
        live: whether the guest runs meanwhile.
        tls: whether memory is sent over TLS, with the daemons' certificates.
        unsafe: go on although a disk may be cached on this side.
        bandwidth: MiB of memory that are sent a second at most; 0 leaves it to the hypervisor.
    """

    destination: _Uri
    data: Annotated[str, msgspec.Meta(max_length=1024)] = ""
    live: bool = True
    tls: bool = False
    unsafe: bool = False
    bandwidth: Annotated[int, msgspec.Meta(ge=0, le=BANDWIDTH_MAX)] = 0


def moving_endpoints(service: HostService, payloads: Payloads, jobs: Jobs) -> tuple[Endpoint, ...]:
    """The table.

    Args:
        service: judges, and knows the domains.
        payloads: of this host.
        jobs: likewise.
    """
    moves = MigrationJobs(service)

    def migrate(call: Call) -> JobReply:
        uuid = uuid_of(call)
        how = Migration(**msgspec.structs.asdict(call.body))
        with service.claim(uuid, Operation.MIGRATE):
            pass  # what is not possible is refused at once; the job judges again
        return show_job(moves.submit(jobs, DomainId(uuid), how))

    return (
        Endpoint(
            name="migrate",
            method="POST",
            path="/v1/domains/{uuid}/migrate",
            role=Role.OPERATOR,
            summary="Move a domain to another host; a job. Payloads go first.",
            handle=migrate,
            reply=JobReply,
            body=MigrateBody,
            status=202,
            errors=(DomainNotFound, OperationRefused, BadDomainSpec, TooManyJobs),
            tag=_TAG,
        ),
        *handing_endpoints(service, payloads),
    )
