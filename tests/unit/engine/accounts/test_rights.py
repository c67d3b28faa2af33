"""The table of rights, spelled out once more: a change here is a change of who may do what."""

from __future__ import annotations

import pytest

from guestwright.engine.accounts.errors import MayNot
from guestwright.engine.accounts.rights import ROLES, Principal, Right, covers, lesser
from guestwright.engine.inventory.choices import Role

VIEWER = {"read", "own-tokens"}
OPERATOR = VIEWER | {
    "vm-power",
    "vm-change",
    "template-change",
    "disk-change",
    "payload-change",
    "job-cancel",
}
ADMIN = OPERATOR | {"host-change", "users", "audit"}


@pytest.mark.parametrize(("role", "rights"), [("viewer", VIEWER), ("operator", OPERATOR), ("admin", ADMIN)])
@pytest.mark.parametrize("contents", [False, True])
@pytest.mark.parametrize("execute", [False, True])
def test_each_role_has_exactly_these(role: str, rights: set[str], *, contents: bool, execute: bool) -> None:
    one = Principal(user="u", name="ann", role=Role(role), payload_contents=contents, guest_exec=execute)
    apart = {name for name, has in (("payload-contents", contents), ("guest-exec", execute)) if has}
    assert one.rights == rights | apart
    for right in Right:
        if right in one.rights:
            one.require(right)
        else:
            with pytest.raises(MayNot):
                one.require(right)


def test_every_right_is_in_the_table() -> None:
    assert set(ROLES) == set(Right)


def test_roles_are_in_order() -> None:
    assert lesser(Role.ADMIN, Role.VIEWER) is Role.VIEWER
    assert covers(Role.ADMIN, Role.OPERATOR)
    assert not covers(Role.VIEWER, Role.OPERATOR)
    for lower, higher in ((Role.VIEWER, Role.OPERATOR), (Role.OPERATOR, Role.ADMIN)):
        assert {right for right, roles in ROLES.items() if lower in roles} < {
            right for right, roles in ROLES.items() if higher in roles
        }
