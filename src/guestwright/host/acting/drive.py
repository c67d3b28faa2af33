"""The drive for the medium of one sysprep, on a real hypervisor.

Theory of operation: a drive that is empty is taken first, then the payload's own when it can be spared, then
one that is plugged in. What was lent is given back and what was plugged in is unplugged when the medium goes.
Nothing of it touches the definition, so the end of the run is the end of it in any case.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Final, Protocol

from guestwright.base.errors import GuestwrightError
from guestwright.base.record import replace
from guestwright.host.media.drives import Choice, choose
from guestwright.host.media.model import Place
from guestwright.host.media.showing import spec_of
from guestwright.hypervisor.domain import Bus, Device, Domain, DomainId
from guestwright.hypervisor.errors import DomainNotFound, DriveNotEmpty, DriveNotFound, WrongDomainState
from guestwright.hypervisor.port import Hypervisor

_ATTEMPTS: Final = 3


class Lender(Protocol):
    """Who has a drive that may be spared: `host.media.payloads.Payloads`."""

    def lend(self, domain: DomainId) -> str:
        """Empty the payload's CD drive; its target, or "" when it cannot be spared."""

    def give_back(self, domain: DomainId) -> None:
        """It is empty again."""


class HypervisorDrive:
    """A CD drive, or a labelled disk in its place, of one domain; `host.sysprep.medium.Drive`.

    Args:
        hypervisor: whose.
        domain: that runs.
        lender: who may spare a drive; None for nobody.
        drivers: buses whose drivers the guest is known to have.
        say: is told which drive was chosen, and why.

    Attributes:
        place: where the medium is; None before.
    """

    def __init__(
        self,
        hypervisor: Hypervisor,
        domain: DomainId,
        *,
        lender: Lender | None = None,
        drivers: frozenset[Bus] = frozenset(),
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._hypervisor = hypervisor
        self._domain = domain
        self._lender = lender
        self._drivers = drivers
        self._say = say
        self._plugged = False
        self._lent = False
        self.place: Place | None = None

    def insert(self, path: str) -> None:
        """Put an image in.

        Raises:
            NoPlacement: there is no drive, and none can be plugged in.
            HypervisorError: the drive does not take it.
        """
        for attempt in range(_ATTEMPTS):
            chosen = self._choose()
            self._say(chosen.place.reason)
            try:
                self._put(chosen, path)
            except DriveNotEmpty:  # somebody was faster
                if attempt == _ATTEMPTS - 1:
                    raise
            else:
                return

    def eject(self, path: str, *, force: bool) -> None:
        """Take the image out, if it is in; a domain that is gone is no error.

        Raises:
            TrayLocked, DetachUnanswered: the guest keeps it. Other errors of the hypervisor.
        """
        place = self.place
        if place is None:
            return
        with suppress(DomainNotFound, DriveNotFound, WrongDomainState):
            if place.device is not Device.DISK:
                self._hypervisor.eject(self._domain, place.target, only=path, force=force)
            if self._plugged:
                self._hypervisor.detach_drive(self._domain, place.target)
        self.place, self._plugged = None, False
        if self._lent and self._lender is not None:
            self._lent = False
            with suppress(GuestwrightError):  # the payload says itself what is wrong with it
                self._lender.give_back(self._domain)

    def _choose(self) -> Choice:
        domain = self._hypervisor.get(self._domain)
        if self._lender is not None and not any(_empty(domain)):
            target = self._lender.lend(self._domain)
            self._lent = bool(target)
            if target:
                domain = self._hypervisor.get(self._domain)
                return choose(domain, Device.CD, own=target, drivers=self._drivers)
        return choose(domain, Device.CD, drivers=self._drivers)

    def _put(self, chosen: Choice, path: str) -> None:
        if chosen.plug:
            self._plugged, self.place = True, chosen.place
            drive = self._hypervisor.attach_drive(self._domain, spec_of(chosen.place, path))
            self.place = replace(chosen.place, target=drive.target)
            self._say(f"plugged in as {drive.target}")
        else:
            self._hypervisor.insert(self._domain, chosen.place.target, path)
            self.place = chosen.place


def eject_everywhere(hypervisor: Hypervisor, path: str) -> None:
    """Take an image out of whichever drives of runs have it, by force; for `host.sysprep.sweep`.

    Raises:
        HypervisorError: a drive keeps it.
    """
    for domain in hypervisor.list():
        for drive in domain.drives if domain.active else ():
            if drive.medium == path:
                if drive.device is Device.DISK:
                    hypervisor.detach_drive(domain.uuid, drive.target)
                else:
                    hypervisor.eject(domain.uuid, drive.target, only=path, force=True)


def _empty(domain: Domain) -> list[str]:
    return [one.target for one in domain.drives if one.device is Device.CD and not one.medium]
