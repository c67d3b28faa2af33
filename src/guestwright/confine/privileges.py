"""Giving up identity and capabilities, for good. Facts: capabilities(7), credentials(7)."""

from __future__ import annotations

import os
import struct
from typing import Final

from guestwright.confine import libc

NOBODY: Final = 65534
CAP_DAC_OVERRIDE: Final = 1

_CAPSET: Final = {"x86_64": 126, "aarch64": 91}
_CAPABILITY_VERSION_3: Final = 0x20080522
_LAST_POSSIBLE: Final = 63


def drop_user(uid: int = NOBODY, gid: int = NOBODY) -> bool:
    """Turn root into `uid` and `gid` with no further groups.

    Returns:
        Whether it worked; False for an ordinary user, who has nothing to drop.
    """
    if os.geteuid() != 0:
        return False
    try:
        os.setgroups([])
        os.setresgid(gid, gid, gid)
        os.setresuid(uid, uid, uid)
    except PermissionError:  # a container without CAP_SETUID, or a user namespace that maps one uid
        return False
    return True


def shrink_bounding_set(keep: int = 0) -> None:
    """Drop capabilities from the bounding set, as far as that is permitted; `keep` is a bit mask.

    With no_new_privs this is the second lock on the same door.
    """
    for capability in range(_LAST_POSSIBLE + 1):
        if keep >> capability & 1:
            continue
        try:
            libc.prctl(libc.PR_CAPBSET_DROP, capability)
        except OSError:  # past the last one, or without CAP_SETPCAP
            return


def drop_capabilities(keep: int = 0) -> bool:
    """Empty all capability sets.

    Args:
        keep: bit mask of capabilities to leave in the permitted, effective and bounding sets.

    Returns:
        Whether exactly `keep` is left.
    """
    shrink_bounding_set(keep)
    number = _CAPSET.get(os.uname().machine)
    if number is None:
        return False
    low, high = keep & 0xFFFFFFFF, keep >> 32
    header = struct.pack("=Ii", _CAPABILITY_VERSION_3, 0)
    try:
        libc.prctl(libc.PR_CAP_AMBIENT, libc.PR_CAP_AMBIENT_CLEAR_ALL)
        libc.syscall(number, header, struct.pack("=6I", low, low, 0, high, high, 0))
    except OSError:
        return False
    return True


def forbid_new_privileges() -> bool:
    """Set no_new_privs: no set-uid program raises this process or its children any more."""
    try:
        libc.prctl(libc.PR_SET_NO_NEW_PRIVS, 1)
    except OSError:
        return False
    return True


def die_with_parent(parent: int) -> None:
    """Have the kernel kill this process when its parent dies.

    Must come after the last change of identity, which clears the setting (prctl(2)).

    Args:
        parent: process id of the parent at the time of the fork; when it is gone already, this process ends.
    """
    libc.prctl(libc.PR_SET_PDEATHSIG, 9)
    if os.getppid() != parent:
        os._exit(1)


def hide() -> None:
    """No core dump, no ptrace by others of the same uid, /proc/self belongs to root."""
    libc.prctl(libc.PR_SET_DUMPABLE, 0)
