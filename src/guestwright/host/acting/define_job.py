"""Jobs that make a domain known to the hypervisor, off, with disks from storage, and unknown again.

Theory of operation: the hypervisor takes a definition whole or not at all. A job that runs again after a kill
finds the domain that it defined, and is done. Only domains of our own are removed; their volumes stay.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Final

from guestwright.host.acting.definition import Description, Disk, Medium, read, spec_of
from guestwright.host.jobs.errors import BadJob
from guestwright.host.jobs.kind import Kind, Work
from guestwright.host.jobs.model import Restart
from guestwright.host.service.port import HostService
from guestwright.host.volumes.domain import Domain as Storage
from guestwright.host.volumes.errors import NoSuchDomain, WrongState
from guestwright.host.volumes.metadata import Kind as VolumeKind
from guestwright.host.volumes.rules import must_be_legal
from guestwright.hypervisor.domain import DomainId, Virtualisation
from guestwright.hypervisor.errors import DomainExists, DomainNotFound
from guestwright.hypervisor.port import Hypervisor
from guestwright.hypervisor.spec import DomainSpec, check_uuid

DEFINE: Final = "domain.define"
UNDEFINE: Final = "domain.undefine"
_KVM: Final = "/dev/kvm"


class DefineJobs:
    """Defines domains, and removes them.

    Args:
        service: knows the domains.
        hypervisor: has them.
        storages: name to storage domain; asked when a job runs.
        emulate: use no KVM, though there may be one.
    """

    def __init__(
        self,
        service: HostService,
        hypervisor: Hypervisor,
        storages: Callable[[], Mapping[str, Storage]],
        *,
        emulate: bool = False,
    ) -> None:
        self._emulate = emulate
        self._service = service
        self._hypervisor = hypervisor
        self._storages = storages

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The kinds of jobs."""
        return (
            Kind(name=DEFINE, run=self._define, restart=Restart.RESUME),
            Kind(name=UNDEFINE, run=self._undefine, restart=Restart.RESUME),
        )

    def _define(self, work: Work) -> Any:
        wanted = read(work.job.id, work.job.parameters)
        check_uuid(wanted.uuid)
        media = [self._medium(disk) for disk in wanted.disks]
        spec = spec_of(wanted, media, self._virtualisation(), platform.machine())
        work.commit()
        self._make(spec, wanted)
        self._service.refresh(wanted.uuid)  # knows it before anybody hears that it is there
        if self._service.about().store == "own":
            self._service.plug_channel(wanted.uuid)
        return {"uuid": wanted.uuid, "name": wanted.name}

    def _make(self, spec: DomainSpec, wanted: Description) -> None:
        try:
            self._hypervisor.define(spec)
        except DomainExists:
            try:
                there = self._hypervisor.get(spec.uuid)
            except DomainNotFound:
                there = None  # it is another one, of the same name
            if there is None or not there.owned or there.name != wanted.name:
                raise

    def _undefine(self, work: Work) -> Any:
        given = work.job.parameters
        if set(given) != {"uuid"} or not isinstance(given["uuid"], str):
            raise BadJob(job=work.job.id, problem="give the domain's uuid, and nothing else")
        uuid = DomainId(check_uuid(given["uuid"]))
        work.commit()
        there = True
        try:
            self._hypervisor.undefine(uuid)
        except DomainNotFound:
            there = False
        with suppress(DomainNotFound):
            self._service.refresh(uuid)  # sees that it is gone
        return {"undefined": there}

    def _medium(self, disk: Disk) -> Medium:
        storage = self._storages().get(disk.domain)
        if storage is None:
            raise NoSuchDomain(domain=disk.domain[:80])
        volume = storage.read(disk.volume)
        must_be_legal(volume)
        if volume.kind is not VolumeKind.LEAF:
            raise WrongState(volume=volume.id, state=volume.kind, problem="a machine writes to a leaf only")
        os.close(storage.open_data(volume))  # refuses what is no file
        return Medium(path=storage.data_path(volume), format=str(volume.format))

    def _virtualisation(self) -> Virtualisation:
        if self._service.about().hypervisor.lower() == "xen":
            return Virtualisation.XEN
        usable = not self._emulate and os.access(_KVM, os.R_OK | os.W_OK)
        return Virtualisation.KVM if usable else Virtualisation.QEMU
