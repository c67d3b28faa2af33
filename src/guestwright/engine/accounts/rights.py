"""Who may do what: one table. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from guestwright.base.record import record
from guestwright.engine.accounts.errors import MayNot
from guestwright.engine.inventory.choices import Role


class Right(StrEnum):
    """What somebody may do."""

    READ = (
        "read"  # hosts, storage, disks, machines, templates, guests, jobs, events; payloads without contents
    )
    OWN_TOKENS = "own-tokens"  # their own password and tokens
    VM_POWER = "vm-power"  # start, stop, pause
    VM_CHANGE = "vm-change"  # create, change, remove, sysprep
    TEMPLATE_CHANGE = "template-change"  # create, seal, import, export, remove
    DISK_CHANGE = "disk-change"  # upload, download, create, remove
    PAYLOAD_CHANGE = "payload-change"  # create, replace, attach, remove
    JOB_CANCEL = "job-cancel"
    HOST_CHANGE = "host-change"  # add, remove, maintenance; storage domains
    USERS = "users"  # users, their rights and tokens
    AUDIT = "audit"  # read the audit log
    PAYLOAD_CONTENTS = "payload-contents"  # read what is in a payload
    GUEST_EXEC = "guest-exec"  # commands, files and clipboard in guests


_ALL: Final = frozenset(Role)
_WORK: Final = frozenset((Role.OPERATOR, Role.ADMIN))
_RULE: Final = frozenset((Role.ADMIN,))

ROLES: Final[Mapping[Right, frozenset[Role]]] = {
    Right.READ: _ALL,
    Right.OWN_TOKENS: _ALL,
    Right.VM_POWER: _WORK,
    Right.VM_CHANGE: _WORK,
    Right.TEMPLATE_CHANGE: _WORK,
    Right.DISK_CHANGE: _WORK,
    Right.PAYLOAD_CHANGE: _WORK,
    Right.JOB_CANCEL: _WORK,
    Right.HOST_CHANGE: _RULE,
    Right.USERS: _RULE,
    Right.AUDIT: _RULE,
    # No role has these: they are given to each user apart, and each token apart.
    Right.PAYLOAD_CONTENTS: frozenset(),
    Right.GUEST_EXEC: frozenset(),
}
_RANK: Final = {role: number for number, role in enumerate(Role)}


@record
class Principal:
    """Who is calling.

    Attributes:
        user: id of the user.
        name: of the user.
        role: the lesser of the user's and the token's.
        payload_contents: whether both have this right.
        guest_exec: likewise.
        token: id of the token; "" for a login by password.
        remote: address of the caller, for the audit log; "" for this machine.
    """

    user: str
    name: str
    role: Role
    payload_contents: bool = False
    guest_exec: bool = False
    token: str = ""
    remote: str = ""

    @property
    def rights(self) -> frozenset[Right]:
        """All that they may do."""
        given = {right for right, roles in ROLES.items() if self.role in roles}
        if self.payload_contents:
            given.add(Right.PAYLOAD_CONTENTS)
        if self.guest_exec:
            given.add(Right.GUEST_EXEC)
        return frozenset(given)

    def require(self, right: Right) -> None:
        """Raise `MayNot` unless they may."""
        if right not in self.rights:
            raise MayNot(name=self.name, right=right)


def lesser(one: Role, other: Role) -> Role:
    """The role of the two that may do less."""
    return min(one, other, key=_RANK.__getitem__)


def covers(role: Role, needed: Role) -> bool:
    """Whether who has `role` may do all that `needed` may."""
    return _RANK[role] >= _RANK[needed]
