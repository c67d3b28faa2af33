"""Namespaces of one's own: mounts, network, System V IPC, host name, and for ordinary users the user ids.

Facts: namespaces(7), user_namespaces(7), mount_namespaces(7), pivot_root(2).
"""

from __future__ import annotations

import errno
import os
from typing import Final

from guestwright.confine import libc
from guestwright.confine.held import Held

CLONE_NEWNS: Final = 0x00020000
CLONE_NEWUTS: Final = 0x04000000
CLONE_NEWIPC: Final = 0x08000000
CLONE_NEWUSER: Final = 0x10000000
CLONE_NEWNET: Final = 0x40000000

_FIELDS: Final = {
    CLONE_NEWNS: "mount_namespace",
    CLONE_NEWNET: "network_namespace",
    CLONE_NEWIPC: "ipc_namespace",
    CLONE_NEWUTS: "uts_namespace",
}
_REFUSED: Final = (errno.EPERM, errno.EINVAL, errno.ENOSPC, errno.ENOSYS, errno.EUSERS, errno.EACCES)
_EMPTY_ROOT_PLACES: Final = ("/tmp", "/run", "/proc", "/usr", "/etc")  # noqa: S108 - a mount point, no file is made


def enter(*, network: bool = False) -> Held:
    """Move the calling single-threaded process into namespaces of its own.

    Root unshares directly. Others first get a user namespace, in which they are called root (a FUSE mount
    needs that, as its files belong to root until the server was asked) and hold all capabilities until they
    drop them; towards the host they stay who they are.

    Args:
        network: stay in the host's network namespace.

    Returns:
        The namespace part of a `Held`. What the kernel or a container's policy refuses is simply not held.
    """
    wanted = CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS | (0 if network else CLONE_NEWNET)
    got = _unshare(wanted)
    user = False
    if not got and os.geteuid() != 0:
        user = _enter_user_namespace()
        got = _unshare(wanted) if user else 0
    if got & CLONE_NEWNS and not _make_private():
        got &= ~CLONE_NEWNS
    held = {name: True for flag, name in _FIELDS.items() if got & flag}
    return Held(user_namespace=user, **held)


def empty_root() -> bool:
    """Make an empty read-only tmpfs the root of the calling process; needs its own mount namespace.

    Returns:
        Whether it worked.
    """
    for place in _EMPTY_ROOT_PLACES:
        try:
            libc.mount(
                "none",
                place,
                "tmpfs",
                libc.MS_RDONLY | libc.MS_NOSUID | libc.MS_NODEV | libc.MS_NOEXEC,
                "size=4k,nr_inodes=1,mode=0555",
            )
            os.chdir(place)
        except OSError:
            continue
        return _pivot()
    return False


_PIVOT_ROOT: Final = {"x86_64": 155, "aarch64": 41}


def _pivot() -> bool:
    """Swap the root for the current directory and let go of the old one (pivot_root(2), last example)."""
    number = _PIVOT_ROOT.get(os.uname().machine)
    try:
        if number is None:
            os.chroot(".")
        else:
            libc.syscall(number, b".", b".")
            libc.umount(".", libc.MNT_DETACH)
        os.chdir("/")
    except OSError:
        return False
    return True


def _unshare(wanted: int) -> int:
    """Unshare all of `wanted` at once, or failing that each by itself; returns what was got."""
    try:
        libc.unshare(wanted)
    except OSError as problem:
        if problem.errno not in _REFUSED:
            raise
    else:
        return wanted
    got = 0
    for flag in _FIELDS:
        if wanted & flag:
            try:
                libc.unshare(flag)
            except OSError:
                continue
            got |= flag
    return got


def _enter_user_namespace() -> bool:
    uid, gid = os.geteuid(), os.getegid()
    try:
        # A process that changed its uid is not dumpable, and its /proc/self then belongs to root (proc(5)).
        libc.prctl(libc.PR_SET_DUMPABLE, 1)
        libc.unshare(CLONE_NEWUSER)
        _put("/proc/self/setgroups", "deny")  # needed before an ordinary user may write gid_map
        _put("/proc/self/uid_map", f"0 {uid} 1")
        _put("/proc/self/gid_map", f"0 {gid} 1")
    except OSError:
        return False
    return True


def _put(path: str, text: str) -> None:
    target = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(target, text.encode())
    finally:
        os.close(target)


def _make_private() -> bool:
    try:
        libc.mount("none", "/", None, libc.MS_REC | libc.MS_PRIVATE)
    except OSError:
        return False
    return True
