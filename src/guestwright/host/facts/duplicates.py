"""An alarm when two domains claim to be the same machine: clones that were not sealed.

A machine id, an SSH host key or a MAC address that a second domain has too means that DHCP gives both one
address, or that either can pose as the other. Only hashes of the first two ever leave a guest.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from guestwright.base.record import record
from guestwright.host.facts.decode import Told

EACH_MAX: Final = 64  # of one kind that one domain may claim
NO_MACS: Final = frozenset(("", "00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff"))
"""Addresses that are nobody's."""
SHARED_KINDS: Final = frozenset(("bridge", "bond", "team", "vlan", "macvlan", "vrf"))
"""Of cards whose address is lent by another one."""


class IdentityKind(StrEnum):
    """What should be unique."""

    MACHINE_ID = "machine-id"
    SSH_KEY = "ssh-host-key"
    MAC = "mac-address"


@record
class Duplicate:
    """One identity that several domains claim.

    Attributes:
        kind: of what.
        value: the hash, fingerprint or address.
        domains: who claims it, sorted.
    """

    kind: IdentityKind
    value: str
    domains: tuple[str, ...]


@record
class Alarm:
    """A change.

    Attributes:
        duplicate: as it is now, or as it was last when it is over.
        over: whether at most one domain is left that claims it.
    """

    duplicate: Duplicate
    over: bool


Claim = tuple[IdentityKind, str]


class Identities:
    """Who claims what. A domain is named by what stays through migration and reboot: its UUID."""

    def __init__(self) -> None:
        self._claims: dict[str, frozenset[Claim]] = {}
        self._holders: dict[Claim, set[str]] = {}

    @property
    def duplicates(self) -> list[Duplicate]:
        """All at present."""
        found = [_duplicate(claim, holders) for claim, holders in self._holders.items() if len(holders) > 1]
        return sorted(found, key=lambda one: (one.kind, one.value))

    def update(self, domain: str, told: Told | None) -> list[Alarm]:
        """Take note of what a domain claims now.

        Args:
            domain: whose.
            told: what it says; None when it is gone.

        Returns:
            Duplicates that have come, changed or gone because of it.
        """
        before = self._claims.pop(domain, frozenset())
        after = frozenset() if told is None else claims(told)
        if after:
            self._claims[domain] = after
        alarms = []
        for claim in sorted(before - after):
            holders = self._holders[claim]
            alarm = Alarm(duplicate=_duplicate(claim, holders), over=True)
            holders.discard(domain)
            if len(holders) > 1:
                alarm = Alarm(duplicate=_duplicate(claim, holders), over=False)
            if len(alarm.duplicate.domains) > 1:
                alarms.append(alarm)
            if not holders:
                del self._holders[claim]
        for claim in sorted(after - before):
            holders = self._holders.setdefault(claim, set())
            holders.add(domain)
            if len(holders) > 1:
                alarms.append(Alarm(duplicate=_duplicate(claim, holders), over=False))
        return alarms


def claims(told: Told) -> frozenset[Claim]:
    """What a guest claims to be."""
    found = [(IdentityKind.SSH_KEY, one) for one in told.identity.ssh[:EACH_MAX]]
    if told.identity.machine_id:
        found.append((IdentityKind.MACHINE_ID, told.identity.machine_id))
    cards = [nic for nic in told.nics if nic.kind not in SHARED_KINDS and nic.mac not in NO_MACS]
    found.extend((IdentityKind.MAC, nic.mac) for nic in cards[:EACH_MAX])
    return frozenset(found)


def _duplicate(claim: Claim, holders: set[str]) -> Duplicate:
    return Duplicate(kind=claim[0], value=claim[1], domains=tuple(sorted(holders)))
