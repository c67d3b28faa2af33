"""All network interfaces of a Linux guest as facts."""

from __future__ import annotations

from guestwright.agent.linux import devices
from guestwright.base.record import replace

TYPE_CHECKING = False  # the module `typing` would cost a sixth of the agent's memory
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from guestwright.agent.core.facts import Address, Nic
    from guestwright.agent.linux.rtnetlink import Link
    from guestwright.agent.unix.files import Files


class Nics:
    """Joins what rtnetlink and /sys tell; /sys is read only for links that changed.

    Args:
        files: the guest's files.
    """

    def __init__(self, files: Files) -> None:
        self._files = files
        self._known: dict[int, tuple[Link, Nic]] = {}
        self._given: dict[int, str] = {}
        self._facts: dict[int, Nic] = {}

    def readdressed(
        self, indexes: Iterable[int], addresses: Mapping[tuple[int, int, str], Address]
    ) -> tuple[Nic, ...]:
        """The same as `facts`, when only addresses of some links are others than at the last time."""
        for index in indexes:
            nic = self._facts.get(index)
            if nic is not None:
                own = tuple([one for key, one in addresses.items() if key[0] == index])
                self._facts[index] = replace(nic, addresses=own)
        return tuple(self._facts.values())

    def facts(
        self, links: Mapping[int, Link], addresses: Mapping[tuple[int, int, str], Address]
    ) -> tuple[Nic, ...]:
        """The interfaces but `lo`, in the kernel's order."""
        self._known = {
            index: self._known[index]
            if index in self._known and self._known[index][0] == link
            else (link, devices.nic(link, self._files))
            for index, link in links.items()
            if not link.loopback
        }
        ids = self._ids()
        own: dict[int, list[Address]] = {}
        for (index, _, _), address in addresses.items():
            own.setdefault(index, []).append(address)
        below: dict[int, list[str]] = {}
        for index, (link, _) in self._known.items():
            if link.master in ids:
                below.setdefault(link.master, []).append(ids[index])
            if link.lower in ids and link.kind not in ("", "veth"):
                below.setdefault(index, []).append(ids[link.lower])
        self._facts = {
            index: replace(
                nic,
                id=ids[index],
                members=tuple(below.get(index, ())),
                master=ids.get(link.master, ""),
                addresses=tuple(own.get(index, ())),
            )
            for index, (link, nic) in self._known.items()
        }
        return tuple(self._facts.values())

    def _ids(self) -> dict[int, str]:
        """The id of each index; a card with two interfaces that nothing tells apart gets their numbers.

        Who has an id keeps it, also when the other one goes.
        """
        own = {index: nic.id for index, (_, nic) in self._known.items()}
        self._given = {
            index: ident
            for index, ident in self._given.items()
            if index in own and ident in (own[index], f"{own[index]}-if{index}")
        }
        taken = set(self._given.values())
        for index in sorted(own):
            if index not in self._given:
                self._given[index] = f"{own[index]}-if{index}" if own[index] in taken else own[index]
                taken.add(self._given[index])
        return self._given
