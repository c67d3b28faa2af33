"""What others than our agent say of a guest, as the hypervisor passes it on: claims, not checked here."""

from __future__ import annotations

from enum import StrEnum

from guestwright.base.record import record


class Witness(StrEnum):
    """Who can be asked."""

    GUEST_AGENT = "guest-agent"  # qemu-ga in the guest
    LEASES = "leases"  # of the DHCP servers that the hypervisor runs
    NEIGHBOURS = "neighbours"  # the host's table of who answered for which address


@record
class SeenCard:
    """A network card.

    Attributes:
        mac: its address, as it was said.
        addresses: IP addresses.
    """

    mac: str
    addresses: tuple[str, ...] = ()


@record
class Statement:
    """What one of them says now.

    Attributes:
        hostname: of the guest; "" when nothing is said about it.
        system: its name for people, likewise.
        cards: those about which something is said.
    """

    hostname: str = ""
    system: str = ""
    cards: tuple[SeenCard, ...] = ()
