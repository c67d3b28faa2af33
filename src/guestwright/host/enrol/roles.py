"""What a caller of the service may do. Each role may do all that those before it may."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

_PREFIX: Final = "urn:guestwright:role:"


class Role(StrEnum):
    """Of a caller; in rising order."""

    VIEWER = "viewer"  # reads: domains, facts, jobs, events, metrics
    OPERATOR = "operator"  # changes: power, media, sysprep, jobs, volumes
    ADMIN = "admin"  # reaches into guests: commands, files, clipboard

    def covers(self, needed: Role) -> bool:
        """Whether who has this role may do what `needed` may."""
        return _RANK[self] >= _RANK[needed]


_RANK: Final = {role: number for number, role in enumerate(Role)}


def role_uri(role: Role) -> str:
    """How a role is written into a certificate: a URI among the subject's alternative names."""
    return _PREFIX + role


def role_of_uri(text: str) -> Role | None:
    """The role that a URI of a certificate names; None for anything else."""
    name = text.removeprefix(_PREFIX)
    return Role(name) if name != text and name in _RANK else None
