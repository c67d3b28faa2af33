"""What a host's memory looks like, and how it is moved: the eyes and hands of `ballooning`.

Theory of operation: on QEMU the hypervisor tells what a guest has and moves the balloon; nothing but the
guest's driver enforces a cap there. On Xen the target stands in the store as `memory/target`, and what a
domain has differs from it by an offset that is taken once the balloon has settled. It is set through the
toolstack, which moves Xen's own limit (maxmem) with it: a guest that wants more than its target gets 1 MiB
of it. What a guest says of itself (free memory, `stuck`) comes in as facts.

Source: Xen's docs/misc/xenstore-paths.pandoc, "~/memory/target" (KiB); libxl_set_memory_target with `enforce`
(libxl_mem.c), as libvirt calls it; squeezed for dynamic-min and -max.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Final, Protocol

from guestwright.base.record import record
from guestwright.host.balloon.calibration import STEADY, Sample, offset
from guestwright.host.balloon.model import Move, Seen, View
from guestwright.hypervisor.domain import Domain, DomainId, State
from guestwright.hypervisor.errors import DomainNotFound, WrongDomainState
from guestwright.hypervisor.port import Hypervisor
from guestwright.xenstore.client.client import Client

_KIB: Final = 1024
_MEMINFO: Final = "/proc/meminfo"


@record
class Range:
    """Between what a domain may have; KiB.

    Attributes:
        minimum: it is never asked to go below.
        maximum: it is never given more.
    """

    minimum: int
    maximum: int


@record
class BalloonFacts:
    """What a guest says; KiB.

    Attributes:
        total: memory that it has; None when it does not say.
        free: to be had without swapping.
        reports: whether it reports on its balloon.
        settled: whether the balloon has settled; None when it does not report.
        stuck: why the target will not be met; "".
        supported: whether it has a balloon driver.
    """

    total: int | None = None
    free: int | None = None
    reports: bool = False
    settled: bool | None = None
    stuck: str = ""
    supported: bool = True


class HostMemory(Protocol):
    """Eyes and hands. Calls may raise a `GuestwrightError`."""

    def view(self, now: float) -> View:
        """The host as it is."""

    def move(self, move: Move) -> None:
        """Make one move; a domain that has gone meanwhile is no error."""


Ranges = Callable[[Domain], Range | None]
Facts = Callable[[DomainId], BalloonFacts | None]


class QemuMemory:
    """Memory of domains of QEMU.

    Args:
        hypervisor: with the domains.
        ranges: of a domain; None for one that is to be left alone.
        facts: what its guest says; None for nothing.
        free: memory that may be handed out on this host, KiB.
    """

    def __init__(
        self, hypervisor: Hypervisor, ranges: Ranges, facts: Facts, free: Callable[[], int] | None = None
    ) -> None:
        self._hypervisor = hypervisor
        self._ranges = ranges
        self._facts = facts
        self._free = available if free is None else free
        self._targets: dict[str, tuple[int | None, int]] = {}

    def view(self, now: float) -> View:
        """See `HostMemory`."""
        del now
        guests = []
        for domain in self._hypervisor.list():
            found = self._ranges(domain) if domain.state is State.RUNNING else None
            if found is not None:
                one = self._seen(domain, found)
                if one is not None:
                    guests.append(one)
        present = {one.domain for one in guests}
        self._targets = {name: one for name, one in self._targets.items() if name in present}
        return View(free=self._free(), guests=tuple(guests))

    def move(self, move: Move) -> None:
        """See `HostMemory`."""
        domain = DomainId(move.domain)
        try:
            self._hypervisor.set_memory_target(domain, move.target * _KIB)
            run = self._hypervisor.get(domain).run
        except (DomainNotFound, WrongDomainState):
            return
        self._targets[move.domain] = (run, move.target)

    def _seen(self, domain: Domain, limits: Range) -> Seen | None:
        try:
            memory = self._hypervisor.memory(domain.uuid)
        except (DomainNotFound, WrongDomainState):
            return None
        facts = self._facts(domain.uuid) or BalloonFacts()
        actual = memory.actual // _KIB
        run, target = self._targets.get(domain.uuid, (None, actual))
        if run != domain.run:  # another run begins with what its definition says
            target = actual
        used = _used(facts)
        if memory.usable is not None:
            used = max(0, actual - memory.usable // _KIB)
        return Seen(
            domain=domain.uuid,
            actual=actual,
            target=target,
            cap=target,
            minimum=limits.minimum,
            maximum=min(limits.maximum, memory.maximum // _KIB),
            balloons=domain.balloon and facts.supported,
            used=used,
            reports=facts.reports,
            stuck=facts.stuck,
        )


class XenMemory:
    """Memory of domains of Xen.

    Args:
        hypervisor: with the domains.
        store: client with the host's rights.
        domids: number of a domain's directory in the store; None when it does not run.
        facts: what a guest says; None for nothing.
        free: memory that no domain has, KiB.
        ranges: of a domain; None asks the store for `memory/dynamic-min` and `-max`, as squeezed does.
    """

    def __init__(
        self,
        hypervisor: Hypervisor,
        store: Client,
        domids: Callable[[DomainId], int | None],
        facts: Facts,
        free: Callable[[], int],
        ranges: Ranges | None = None,
    ) -> None:
        self._hypervisor = hypervisor
        self._store = store
        self._domids = domids
        self._facts = facts
        self._free = free
        self._ranges = ranges
        self._offsets: dict[tuple[str, int], int] = {}
        self._still: dict[tuple[str, int], tuple[int, float]] = {}

    def view(self, now: float) -> View:
        """See `HostMemory`."""
        guests = []
        present = set()
        for domain in self._hypervisor.list():
            domid = self._domids(domain.uuid) if domain.active else None
            if domid is None:
                continue
            present.add((str(domain.uuid), domid))
            one = self._seen(domain, domid, now)
            if one is not None:
                guests.append(one)
        self._offsets = {key: one for key, one in self._offsets.items() if key in present}
        self._still = {key: one for key, one in self._still.items() if key in present}
        return View(free=self._free(), guests=tuple(guests))

    def move(self, move: Move) -> None:
        """See `HostMemory`."""
        domain = DomainId(move.domain)
        domid = self._domids(domain)
        if domid is None:
            return
        video = self._number(domid, "videoram") or 0  # libxl's targets count it in, the key does not
        with suppress(DomainNotFound, WrongDomainState):
            self._hypervisor.set_memory_target(domain, (move.target + video) * _KIB)

    def _seen(self, domain: Domain, domid: int, now: float) -> Seen | None:
        target = self._number(domid, "target")
        limits = self._range(domain, domid)
        if target is None or limits is None:
            return None
        try:
            memory = self._hypervisor.memory(domain.uuid)
        except (DomainNotFound, WrongDomainState):
            return None
        pages = memory.actual // _KIB
        video = self._number(domid, "videoram") or 0
        facts = self._facts(domain.uuid) or BalloonFacts(supported=False)
        more = self._offset((str(domain.uuid), domid), pages, target, facts, now)
        return Seen(
            domain=domain.uuid,
            actual=pages - (more or 0),
            target=target,
            cap=target,
            minimum=limits.minimum,
            maximum=min(limits.maximum, memory.maximum // _KIB - video),
            balloons=facts.supported and more is not None,
            used=_used(facts),
            reports=facts.reports,
            stuck=facts.stuck,
        )

    def _range(self, domain: Domain, domid: int) -> Range | None:
        if self._ranges is not None:
            return self._ranges(domain)
        least, most = self._number(domid, "dynamic-min"), self._number(domid, "dynamic-max")
        return None if least is None or most is None else Range(minimum=least, maximum=most)

    def _offset(
        self, key: tuple[str, int], pages: int, target: int, facts: BalloonFacts, now: float
    ) -> int | None:
        if key not in self._offsets:
            before, since = self._still.get(key, (pages, now))
            if before != pages:
                since = now
            self._still[key] = (pages, since)
            sample = Sample(
                pages=pages,
                target=target,
                ballooning=facts.supported,
                settled=facts.settled,
                steady=min(now - since, STEADY),
            )
            found = offset(sample)
            if found is not None:
                self._offsets[key] = found
        return self._offsets.get(key)

    def _number(self, domid: int, name: str) -> int | None:
        value = self._store.get(f"/local/domain/{domid}/memory/{name}") or b""
        return int(value) if value.isdigit() and len(value) < 16 else None


def available(path: str = _MEMINFO) -> int:
    """Memory that this host can give to a new process without swapping, KiB; 0 when it is not known.

    Source: Linux, Documentation/filesystems/proc.rst, MemAvailable.
    """
    with open(path, encoding="ascii") as file:
        for line in file:
            name, _, value = line.partition(":")
            if name == "MemAvailable":
                return int(value.split()[0])
    return 0


def fixed_ranges(known: Mapping[DomainId, Range]) -> Ranges:
    """Ranges of domains that somebody has listed; all others are left alone."""
    return lambda domain: known.get(domain.uuid)


def _used(facts: BalloonFacts) -> int | None:
    if facts.total is None or facts.free is None:
        return None
    return max(0, facts.total - facts.free)
