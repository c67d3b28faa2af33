"""What acts on guests, for the service of a host: who may, and what it knows of memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from guestwright.host.acting.host_memory import (
    BalloonFacts,
    HostMemory,
    QemuMemory,
    Ranges,
    XenMemory,
    available,
)
from guestwright.host.acting.sysprep_job import Claimed
from guestwright.host.capabilities import Operation
from guestwright.host.service.port import Guest, HostService
from guestwright.hypervisor.domain import DomainId
from guestwright.hypervisor.errors import DomainNotFound
from guestwright.hypervisor.port import Hypervisor
from guestwright.xenstore.client.client import Client


def claims(service: HostService) -> Callable[[DomainId], AbstractContextManager[Claimed]]:
    """Keeps domains for syspreps; see `sysprep_job.Claim`.

    Args:
        service: judges whether it is possible now.
    """

    @contextmanager
    def claim(domain: DomainId) -> Iterator[Claimed]:
        with service.claim(domain, Operation.SYSPREP) as known:
            if known.domid is None:
                raise DomainNotFound(domain=domain)  # it has stopped since the service judged
            yield Claimed(name=known.domain.name, domid=known.domid)

    return claim


def memory_of(
    service: HostService,
    hypervisor: Hypervisor,
    store: Client,
    ranges: Ranges | None = None,
    free: Callable[[], int] | None = None,
) -> HostMemory:
    """The memory of the service's host, for `ballooning.Ballooning`.

    Args:
        service: knows what guests say.
        hypervisor: with the domains.
        store: client with the host's rights.
        ranges: between what a domain may have; None on Xen asks the store, elsewhere leaves all alone.
        free: memory that may be handed out, KiB; None asks the hypervisor on Xen, elsewhere the kernel.
    """

    def facts(domain: DomainId) -> BalloonFacts | None:
        try:
            return _facts(service.guest(domain))
        except DomainNotFound:
            return None

    def domid(domain: DomainId) -> int | None:
        try:
            return service.domain(domain).domid
        except DomainNotFound:
            return None

    if service.about().hypervisor.lower() == "xen":
        return XenMemory(
            hypervisor, store, domid, facts, free or (lambda: hypervisor.free_memory() >> 10), ranges
        )
    return QemuMemory(hypervisor, ranges or (lambda _: None), facts, free or available)


def _facts(guest: Guest | None) -> BalloonFacts | None:
    if guest is None:
        return None
    memory = guest.facts["memory"].value if "memory" in guest.facts else None
    balloon = guest.facts["balloon"].value if "balloon" in guest.facts else None
    return BalloonFacts(
        total=None if memory is None else memory.total,
        free=None if memory is None else memory.free,
        reports=balloon is not None,
        settled=None if balloon is None else balloon.settled,
        stuck="" if balloon is None else balloon.stuck,
        supported="balloon" in guest.features if balloon is None else balloon.supported,
    )
