"""The operation that moves a domain's memory target."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec

from guestwright.host.api.endpoint import Call, Endpoint
from guestwright.host.api.operations.domains import uuid_of
from guestwright.host.capabilities import Operation
from guestwright.host.enrol.roles import Role
from guestwright.host.service.errors import OperationRefused
from guestwright.host.service.port import HostService, Known
from guestwright.hypervisor.domain import DomainId
from guestwright.hypervisor.errors import BadDomainSpec, DomainNotFound, NoBalloon
from guestwright.hypervisor.port import Hypervisor

_MOST: Final = 1 << 50
_KIB: Final = 1024


class MemoryBody(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """How much memory a guest is asked to have from now on.

    Attributes:
        target: bytes, whole KiB, at most the domain's maximum.
    """

    target: Annotated[int, msgspec.Meta(ge=_KIB, le=_MOST, multiple_of=_KIB)]


def memory_endpoints(service: HostService, hypervisor: Hypervisor) -> tuple[Endpoint, ...]:
    """The table.

    Args:
        service: judges.
        hypervisor: with the domain.
    """

    def handle(call: Call) -> Known:
        uuid = DomainId(uuid_of(call))
        with service.claim(uuid, Operation.MEMORY_TARGET):
            hypervisor.set_memory_target(uuid, call.body.target)
        return service.refresh(uuid)

    return (
        Endpoint(
            name="memory-target",
            method="PUT",
            path="/v1/domains/{uuid}/memory",
            role=Role.OPERATOR,
            summary="Ask the guest to have so much memory; whether it follows shows in the domain.",
            handle=handle,
            reply=Known,
            body=MemoryBody,
            errors=(DomainNotFound, OperationRefused, BadDomainSpec, NoBalloon),
            tag="domains",
        ),
    )
