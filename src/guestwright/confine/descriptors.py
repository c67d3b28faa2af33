"""File descriptors of a fresh child: which stay, under which numbers, and that no other does."""

from __future__ import annotations

import fcntl
import os
import socket
from collections.abc import Iterable, Mapping
from typing import Final

from guestwright.confine import libc

_CLOSE_RANGE: Final = 436  # on every architecture
_HIGHEST: Final = (1 << 31) - 1
_OUT_OF_THE_WAY: Final = 200


def close_all_but(keep: Iterable[int]) -> None:
    """Close every file descriptor of this process that is not in `keep`."""
    start = 0
    for number in sorted(set(keep)):
        if start < number:
            _close_range(start, number - 1)
        start = number + 1
    _close_range(start, _HIGHEST)


def arrange(wanted: Mapping[int, int]) -> None:
    """Give each descriptor its number in the program to come and let it live through exec.

    Args:
        wanted: number in the program, to descriptor here. The same descriptor may serve twice; numbers that
            are in use here for something else are taken over.
    """
    aside = {
        number: fcntl.fcntl(here, fcntl.F_DUPFD_CLOEXEC, _OUT_OF_THE_WAY) for number, here in wanted.items()
    }
    for number, here in aside.items():
        os.dup2(here, number, inheritable=True)
        os.close(here)


def send_descriptor(channel: socket.socket, descriptor: int) -> None:
    """Hand a descriptor to the process at the other end of a unix socket."""
    socket.send_fds(channel, [b"D"], [descriptor])


def receive_descriptor(channel: socket.socket) -> int:
    """Take a descriptor that `send_descriptor` sent; EOFError when the other side ended instead."""
    data, descriptors, _, _ = socket.recv_fds(channel, 1, 1)
    if not data or len(descriptors) != 1:
        raise EOFError
    os.set_inheritable(descriptors[0], False)
    return descriptors[0]


def _close_range(first: int, last: int) -> None:
    try:
        libc.syscall(_CLOSE_RANGE, first, last, 0)
    except OSError:  # Linux before 5.9
        os.closerange(first, min(last, os.sysconf("SC_OPEN_MAX")) + 1)
