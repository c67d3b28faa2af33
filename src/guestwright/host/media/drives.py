"""Which drive a medium goes into: one that is free, one of its own, or a new one.

Theory of operation: a running guest gets a medium in the payload's own drive when that is empty, else in any
empty drive of the kind, else in one that is plugged in, a labelled disk where no CD can be. Every choice
explains itself, for the job's log.
"""

from __future__ import annotations

from guestwright.base.record import record
from guestwright.host.media.model import Place
from guestwright.hypervisor.domain import Bus, Device, Domain
from guestwright.hypervisor.placement import place
from guestwright.hypervisor.targets import free_target


@record
class Choice:
    """Where a medium goes.

    Attributes:
        place: device, bus and target; the target is "" when the hypervisor shall choose it.
        plug: whether the drive is to be plugged in, and taken out again afterwards.
    """

    place: Place
    plug: bool


def choose(domain: Domain, wanted: Device, *, own: str = "", drivers: frozenset[Bus] = frozenset()) -> Choice:
    """A drive for a medium in the run of a domain.

    Args:
        domain: as it runs.
        wanted: CD or floppy.
        own: target of the payload's drive; "" without one.
        drivers: buses whose drivers the guest is known to have (from its agent).

    Raises:
        NoPlacement: there is no drive that is free, and none can be plugged in.
    """
    free = [one for one in domain.drives if one.device is wanted and not one.medium]
    ours = next((one for one in free if one.target == own), None)
    if ours is not None:
        reason = f"{ours.target} is the payload's drive, and empty"
        return Choice(place=Place(device=wanted, bus=ours.bus, target=ours.target, reason=reason), plug=False)
    if free:
        one = free[0]
        reason = f"{one.target} is an empty {wanted} drive"
        return Choice(place=Place(device=wanted, bus=one.bus, target=one.target, reason=reason), plug=False)
    found = place(wanted, domain, running=True, drivers=drivers)
    reason = f"no {wanted} drive is empty; {found.reason}"
    return Choice(place=Place(device=found.device, bus=found.bus, target="", reason=reason), plug=True)


def for_start(
    defined: Domain, wanted: Device, *, kept: Place | None = None, drivers: frozenset[Bus] = frozenset()
) -> Choice:
    """A drive for a medium in the next run of a domain.

    Args:
        defined: as its next start finds it.
        wanted: CD or floppy.
        kept: where the payload was before; taken again when it still can be.
        drivers: see `choose`.

    Raises:
        NoPlacement: there is no place.
    """
    if kept is not None:
        there = next((one for one in defined.drives if one.target == kept.target), None)
        if there is None:
            return Choice(place=kept, plug=True)
        if there.device is kept.device and not there.medium and there.device is not Device.DISK:
            return Choice(place=kept, plug=False)
    found = place(wanted, defined, running=False, drivers=drivers)
    target = free_target(found.bus, [one.target for one in defined.drives]) or ""
    return Choice(
        place=Place(device=found.device, bus=found.bus, target=target, reason=found.reason), plug=True
    )
