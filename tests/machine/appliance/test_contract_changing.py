"""The contract of guest files over the appliance, on ext4."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from guestwright.guestfs.drivers.memory import File, Link
from guestwright.guestfs.errors import GuestFSError, NotFound
from guestwright.guestfs.port import GuestFS
from tests.contract.test_guestfs_changing import *  # noqa: F403 - the same suite, with this directory's `guest`
from tests.support.tools import needs

pytestmark = [pytest.mark.machine, needs("guestfish", "mke2fs", "e2fsck", "sfdisk")]
LABEL = {"security.selinux": b"system_u:object_r:etc_t:s0\0", "user.note": b"n"}
CAPABILITY = bytes.fromhex("0100000200200000000000000000000000000000")  # linux/capability.h: revision 2


def test_xattrs(guest: Callable[..., GuestFS]) -> None:  # type: ignore[no-redef]  # instead of the suite's
    """As in the suite, but with real capabilities: a kernel refuses others."""
    made = guest({"/f\n": File("x", xattrs=LABEL), "/d/": None, "/l": Link("f\n")})
    assert made.xattrs("/f\n") == LABEL
    made.set_xattr("/f\n", "user.note", b"")
    made.set_xattr("/f\n", "security.capability", CAPABILITY)
    made.set_xattr("/f\n", "user.$(x)'\"", b"\0a\0")
    made.set_xattr("/l", "security.selinux", b"link\0")
    expected = {**LABEL, "user.note": b"", "security.capability": CAPABILITY, "user.$(x)'\"": b"\0a\0"}
    assert made.xattrs("/f\n") == expected
    assert made.xattrs("/l") == {"security.selinux": b"link\0"}
    made.remove_xattr("/f\n", "security.selinux")
    with pytest.raises(NotFound):
        made.remove_xattr("/f\n", "security.selinux")
    for name in ("", "noprefix", ".x", "user.", "user.a\0b", "user." + "n" * 255):
        with pytest.raises(GuestFSError):
            made.set_xattr("/f\n", name, b"")
    with pytest.raises(NotFound):
        made.set_xattr("/no", "user.x", b"")
