"""Permission lists apart from a store."""

from __future__ import annotations

import pytest

from guestwright.xenstore.core.domain import Domain
from guestwright.xenstore.core.permissions import ALL, MAY_READ, MAY_WRITE, Permissions, parse
from guestwright.xenstore.core.quota import Limits
from guestwright.xenstore.core.wire import Errno

DOMAINS = {one: Domain(one, Limits()) for one in range(5)}


@pytest.mark.parametrize(
    ("texts", "rights"),
    [
        ([b"n1"], [0, ALL, 0, 0]),
        ([b"r1"], [MAY_READ, ALL, MAY_READ, MAY_READ]),
        ([b"w1", b"n2"], [MAY_WRITE, ALL, 0, MAY_WRITE]),
        ([b"n1", b"r2", b"b2"], [0, ALL, MAY_READ, 0]),  # the first match counts
        ([b"n1", b"n1", b"b3"], [0, ALL, 0, ALL]),  # entries for the owner do not matter
        ([b"n1", b"b77"], [0, ALL, 0, 0]),
    ],
)
def test_rights(texts: list[bytes], rights: list[int]) -> None:
    perms = parse(texts, DOMAINS.get)
    assert isinstance(perms, Permissions)
    assert [perms.rights(DOMAINS[one]) for one in range(4)] == rights
    assert perms.wire == b"".join(text + b"\0" for text in texts)
    assert perms.owned_by(DOMAINS[1]) is perms
    assert perms.owned_by(DOMAINS[4]).rights(DOMAINS[4]) == ALL


def test_no_entries() -> None:
    assert parse([], DOMAINS.get) is Errno.EINVAL


def test_no_owner() -> None:
    with pytest.raises(ValueError, match="owner"):
        Permissions([(0, 9, None)])
