"""Which rights each ABI can take away (Documentation/userspace-api/landlock.rst)."""

from __future__ import annotations

import pytest

from guestwright.confine.landlock import IOCTL_DEV, TRUNCATE, handled_file_rights

REFER = 1 << 13


@pytest.mark.parametrize(
    ("version", "has", "lacks"),
    [
        (1, 1 << 12, REFER),
        (2, REFER, TRUNCATE),
        (3, TRUNCATE, IOCTL_DEV),
        (4, TRUNCATE, IOCTL_DEV),
        (5, IOCTL_DEV, 1 << 16),
    ],
)
def test_rights_by_version(version: int, has: int, lacks: int) -> None:
    assert handled_file_rights(version) & has
    assert not handled_file_rights(version) & lacks


def test_newer_versions_keep_the_rights_we_know() -> None:
    assert handled_file_rights(7) == handled_file_rights(5)
