"""Operations on CD and floppy drives: an image from storage goes in, and comes out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from guestwright.host.api.endpoint import Call, Endpoint
from guestwright.host.api.operations.domains import uuid_of
from guestwright.host.api.operations.images import IMAGE_ERRORS, ForceQuery, MediumBody, image_path
from guestwright.host.capabilities import Operation
from guestwright.host.enrol.roles import Role
from guestwright.host.service.errors import OperationRefused
from guestwright.host.service.port import HostService
from guestwright.host.volumes.domain import Domain as Storage
from guestwright.hypervisor.domain import DomainId, Drive
from guestwright.hypervisor.errors import DomainNotFound, DriveNotEmpty, DriveNotFound, TrayLocked
from guestwright.hypervisor.port import Hypervisor
from guestwright.hypervisor.spec import When

_DRIVE: Final = "/v1/domains/{uuid}/drives/{target}"
_ERRORS: Final = (DomainNotFound, DriveNotFound, TrayLocked, OperationRefused)


class _Operations:
    """What the table calls."""

    def __init__(self, service: HostService, hypervisor: Hypervisor, storages: Mapping[str, Storage]) -> None:
        self._service = service
        self._hypervisor = hypervisor
        self._storages = storages

    def insert(self, call: Call) -> Drive:
        body: MediumBody = call.body
        uuid, target = self._known(call), call.path["target"]
        path = image_path(self._storages, body)
        with self._service.claim(uuid, Operation.CD_EJECT if body.change else Operation.CD_INSERT):
            when = self._when(uuid)
            if body.change:
                self._hypervisor.change(uuid, target, path, force=body.force, when=when)
            else:
                self._hypervisor.insert(uuid, target, path, when=when)
            return self._hypervisor.get(uuid).drive(target)

    def eject(self, call: Call) -> Drive:
        uuid, target = self._known(call), call.path["target"]
        with self._service.claim(uuid, Operation.CD_EJECT):
            self._hypervisor.eject(uuid, target, force=call.query.force, when=self._when(uuid))
            return self._hypervisor.get(uuid).drive(target)

    def _when(self, uuid: DomainId) -> When:
        """The run, or where there is none the definition."""
        return When.NOW if self._hypervisor.get(uuid).active else When.NEXT_START

    def _known(self, call: Call) -> DomainId:
        """The domain, whose drives the service looks at anew: it judges by what is in them."""
        return DomainId(self._service.refresh(uuid_of(call)).domain.uuid)


def drive_endpoints(
    service: HostService, hypervisor: Hypervisor, storages: Mapping[str, Storage]
) -> tuple[Endpoint, ...]:
    """The table.

    Args:
        service: judges, and knows the domains.
        hypervisor: with their drives.
        storages: name to storage domain, where images lie.
    """
    do = _Operations(service, hypervisor, storages)
    return (
        Endpoint(
            name="medium-insert",
            method="PUT",
            path=_DRIVE,
            role=Role.OPERATOR,
            summary="An image from storage into a CD or floppy drive.",
            handle=do.insert,
            reply=Drive,
            body=MediumBody,
            errors=(*_ERRORS, DriveNotEmpty, *IMAGE_ERRORS),
            tag="media",
        ),
        Endpoint(
            name="medium-eject",
            method="DELETE",
            path=_DRIVE,
            role=Role.OPERATOR,
            summary="Empty a CD or floppy drive.",
            handle=do.eject,
            reply=Drive,
            query=ForceQuery,
            errors=_ERRORS,
            tag="media",
        ),
    )
