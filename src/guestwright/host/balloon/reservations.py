"""Memory that is promised to domains that do not exist yet."""

from __future__ import annotations

from guestwright.base.record import record, replace
from guestwright.host.errors import BadReservation, NoSuchReservation


@record
class Reservation:
    """One promise, or a request for one.

    Attributes:
        name: given by who asks; unique.
        owner: on whose behalf; see `Reservations.login`.
        minimum: KiB, at least.
        maximum: KiB, at most; the fair share between the two is given.
        deadline: until then guests may take their time, seconds.
        granted: KiB that are kept free; None while it is asked for.
        domain: who takes it; "" while nobody does.
    """

    name: str
    owner: str
    minimum: int
    maximum: int
    deadline: float
    granted: int | None = None
    domain: str = ""


class Reservations:
    """All reservations of a host, oldest first.

    Args:
        known: those of before a restart.
    """

    def __init__(self, known: tuple[Reservation, ...] = ()) -> None:
        self._all = {one.name: one for one in known}

    @property
    def all(self) -> tuple[Reservation, ...]:
        """Every one; to be saved, and given to the next controller."""
        return tuple(self._all.values())

    @property
    def pending(self) -> tuple[Reservation, ...]:
        """Those that are asked for."""
        return tuple(one for one in self._all.values() if one.granted is None)

    @property
    def kept(self) -> int:
        """KiB that are granted, and not taken yet."""
        return sum(one.granted or 0 for one in self._all.values())

    def ask(self, wanted: Reservation) -> None:
        """Ask for one.

        Raises:
            BadReservation: the name is taken, or the amounts make no sense.
        """
        if wanted.name in self._all:
            raise BadReservation(reservation=wanted.name, problem="there is one of this name already")
        if not 0 < wanted.minimum <= wanted.maximum:
            problem = f"{wanted.minimum} to {wanted.maximum} KiB is no amount of memory"
            raise BadReservation(reservation=wanted.name, problem=problem)
        self._all[wanted.name] = wanted

    def grant(self, name: str, amount: int) -> Reservation:
        """Promise it."""
        self._all[name] = replace(self._get(name), granted=amount)
        return self._all[name]

    def drop(self, name: str) -> None:
        """Forget it, granted or not.

        Raises:
            NoSuchReservation: there is none.
        """
        del self._all[self._get(name).name]

    def transfer(self, name: str, domain: str) -> None:
        """A domain is being built that takes what was granted.

        It counts as reserved until the domain is seen, from then on as what is `Seen.promised` to it.

        Raises:
            NoSuchReservation: there is none.
            BadReservation: it was not granted, or belongs to another domain.
        """
        found = self._get(name)
        if found.granted is None or found.domain not in ("", domain):
            problem = "it is not granted" if found.granted is None else f"it belongs to {found.domain}"
            raise BadReservation(reservation=name, problem=problem)
        self._all[name] = replace(found, domain=domain)

    def login(self, owner: str) -> None:
        """An owner has started anew, and knows nothing of what it reserved and did not transfer."""
        self._all = {name: one for name, one in self._all.items() if one.owner != owner or one.domain}

    def seen(self, domains: frozenset[str]) -> None:
        """These domains exist now."""
        self._all = {
            name: one for name, one in self._all.items() if one.domain not in domains or not one.domain
        }

    def _get(self, name: str) -> Reservation:
        found = self._all.get(name)
        if found is None:
            raise NoSuchReservation(reservation=name)
        return found
