"""The parts of the service that the API shows."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Protocol

from guestwright.base.record import record
from guestwright.host.jobs.jobs import Jobs
from guestwright.host.jobs.model import Job
from guestwright.host.journal import Journal
from guestwright.host.media.payloads import Payloads
from guestwright.host.service.port import HostService
from guestwright.host.volumes.domain import Domain as Storage
from guestwright.hypervisor.domain import DomainId
from guestwright.hypervisor.port import Hypervisor
from guestwright.xenstore.client.client import Client


class Submits(Protocol):
    """Who does syspreps: `host.acting.sysprep_job.SysprepJobs`."""

    def submit(
        self, jobs: Jobs, domain: DomainId, answers: bytes, *, filename: str, deadline: float, job: str
    ) -> Job:
        """Accept one."""


@record
class Parts:
    """All of them.

    Attributes:
        service: domains, guests, and what may be done.
        journal: events.
        jobs: of this host.
        submitted: kinds of jobs that a caller may submit as they are.
        storages: name to storage domain.
        hypervisor: with the domains' drives.
        connect: opens a connection to the store with the host's rights.
        payloads: of this host.
        syspreps: accepts them.
    """

    service: HostService
    journal: Journal
    jobs: Jobs
    submitted: Collection[str]
    storages: Mapping[str, Storage]
    hypervisor: Hypervisor
    connect: Callable[[], Client]
    payloads: Payloads
    syspreps: Submits
