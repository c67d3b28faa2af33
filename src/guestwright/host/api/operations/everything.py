"""All operations of the API, from the parts of the service."""

from __future__ import annotations

from guestwright.host.api.endpoint import Endpoint
from guestwright.host.api.operations.domains import domain_endpoints
from guestwright.host.api.operations.drives import drive_endpoints
from guestwright.host.api.operations.exec_streams import reaching_endpoints
from guestwright.host.api.operations.host import event_endpoints, host_endpoints
from guestwright.host.api.operations.images import image_path
from guestwright.host.api.operations.jobs import job_endpoints
from guestwright.host.api.operations.memory import memory_endpoints
from guestwright.host.api.operations.moving import moving_endpoints
from guestwright.host.api.operations.payloads import payload_endpoints
from guestwright.host.api.operations.sysprep import sysprep_endpoints
from guestwright.host.api.operations.volumes import volume_endpoints
from guestwright.host.api.parts import Parts
from guestwright.host.api.reach import Reach
from guestwright.host.api.tally import Tally


def all_endpoints(parts: Parts, tally: Tally) -> tuple[Endpoint, ...]:
    """Every operation, in the order in which they are documented.

    Args:
        parts: of the service.
        tally: counters of the API.
    """
    service = parts.service
    return (
        *host_endpoints(service),
        *event_endpoints(parts.journal, tally),
        *domain_endpoints(service),
        *memory_endpoints(service, parts.hypervisor),
        *reaching_endpoints(Reach(service, parts.connect)),
        *sysprep_endpoints(service, parts.jobs, parts.syspreps),
        *payload_endpoints(
            service,
            parts.payloads,
            lambda body: image_path(parts.storages, body),
            parts.jobs,
        ),
        *moving_endpoints(service, parts.payloads, parts.jobs),
        *drive_endpoints(service, parts.hypervisor, parts.storages),
        *job_endpoints(parts.jobs, parts.submitted),
        *volume_endpoints(parts.storages),
    )
