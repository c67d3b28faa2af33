"""Landlock: a process gives up access to files, TCP, abstract sockets and outside signals, for good.

Facts: Linux, Documentation/userspace-api/landlock.rst and include/uapi/linux/landlock.h (system call numbers
444 to 446 on every architecture). What each ABI version added: 1 files; 2 REFER; 3 TRUNCATE; 4 TCP bind and
connect; 5 IOCTL_DEV; 6 scopes for abstract unix sockets and signals; 7 audit flags only.
"""

from __future__ import annotations

import errno
import os
import struct
from collections.abc import Iterable
from typing import Final

from guestwright.confine import libc
from guestwright.confine.held import Held

_CREATE_RULESET: Final = 444
_ADD_RULE: Final = 445
_RESTRICT_SELF: Final = 446
_CREATE_VERSION: Final = 1
_RULE_PATH_BENEATH: Final = 1

EXECUTE: Final = 1 << 0
WRITE_FILE: Final = 1 << 1
READ_FILE: Final = 1 << 2
READ_DIR: Final = 1 << 3
REMOVE_DIR: Final = 1 << 4
REMOVE_FILE: Final = 1 << 5
MAKE_REG: Final = 1 << 8
MAKE_SOCK: Final = 1 << 9
TRUNCATE: Final = 1 << 14
IOCTL_DEV: Final = 1 << 15

_READ: Final = READ_FILE | READ_DIR
_WRITE: Final = _READ | WRITE_FILE | TRUNCATE | MAKE_REG | MAKE_SOCK | REMOVE_FILE
_RUN: Final = EXECUTE | _READ
_ON_FILES: Final = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV

_TCP_ABI: Final = 4
_SCOPE_ABI: Final = 6
_NEWEST_KNOWN: Final = 7


def abi() -> int:
    """The version of Landlock that the running kernel offers; 0 when it is not built in or not enabled."""
    try:
        return libc.syscall(_CREATE_RULESET, None, 0, _CREATE_VERSION)
    except OSError as problem:
        if problem.errno in (errno.ENOSYS, errno.EOPNOTSUPP, errno.EPERM):
            return 0
        raise


def handled_file_rights(version: int) -> int:
    """All file rights that ABI `version` can take away."""
    if version >= 5:
        return (1 << 16) - 1
    return (1 << {1: 13, 2: 14}.get(version, 15)) - 1


def restrict(
    *,
    read: Iterable[str] = (),
    write: Iterable[str] = (),
    execute: Iterable[str] = (),
    network: bool = False,
) -> Held:
    """Leave the calling thread and all it starts only these files. Cannot be taken back.

    no_new_privs must be set before, or the process must hold CAP_SYS_ADMIN.

    Args:
        read: files and directory trees that may be read.
        write: files and directory trees that may be read and written; in trees, regular files and sockets
            may also be made and removed.
        execute: files and directory trees that may be read and executed.
        network: leave TCP as it is.

    Returns:
        The Landlock part of a `Held`; its `landlock` is 0 when the kernel has none.

    Raises:
        OSError: the kernel refused a rule. A path that does not exist is passed over: there is nothing to
            allow.
    """
    version = min(abi(), _NEWEST_KNOWN)
    if version == 0:
        return Held()
    rights = handled_file_rights(version)
    tcp = version >= _TCP_ABI and not network
    scope = version >= _SCOPE_ABI
    attributes = struct.pack("=QQQ", rights, 3 if tcp else 0, 3 if scope else 0)
    size = 24 if version >= _SCOPE_ABI else 16 if version >= _TCP_ABI else 8
    ruleset = libc.syscall(_CREATE_RULESET, attributes, size, 0)
    try:
        for paths, allowed in ((read, _READ), (write, _WRITE), (execute, _RUN)):
            for path in paths:
                _allow(ruleset, path, allowed & rights)
        libc.syscall(_RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)
    return Held(landlock=version, landlock_network=tcp, landlock_scope=scope)


def _allow(ruleset: int, path: str, allowed: int) -> None:
    try:
        target = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        _add_rule(ruleset, target, allowed)
    except OSError as problem:
        # Rights on directories do not apply to a file. Asking first, by fstat, could wait for whoever serves
        # a FUSE file.
        if problem.errno != errno.EINVAL:
            raise
        _add_rule(ruleset, target, allowed & _ON_FILES)
    finally:
        os.close(target)


def _add_rule(ruleset: int, target: int, allowed: int) -> None:
    libc.syscall(_ADD_RULE, ruleset, _RULE_PATH_BENEATH, struct.pack("=Qi", allowed, target), 0)
