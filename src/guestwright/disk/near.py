"""Reading an image where it lies, on a descriptor that cannot write: what may be given to a confined process.

It knows nothing of writes, neither those in an overlay nor those by way of QEMU: see `qcow2_reader`.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress

from guestwright.disk.qcow2 import Qcow2Header
from guestwright.disk.qcow2_reader import Qcow2Map, readable

Peek = Callable[[int, int], bytes | None]


class Near:
    """An image's disk on a read-only descriptor of its own.

    Args:
        fd: of the image; the descriptor made from it is another open file.
        header: None for a raw image.

    Raises:
        OSError: the host gives no such descriptor.
    """

    def __init__(self, fd: int, header: Qcow2Header | None) -> None:
        self.fd = os.open(f"/proc/self/fd/{fd}", os.O_RDONLY | os.O_CLOEXEC)
        self.peek: Peek = self._peek if header is None else Qcow2Map(self.fd, header).peek

    def close(self) -> None:
        """Close the descriptor; may be called twice."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1

    def _peek(self, offset: int, length: int) -> bytes | None:
        with suppress(OSError):
            data = os.pread(self.fd, length, offset)
            if len(data) == length:
                return data
        return None


def open_near(fd: int, *, raw: bool, header: Qcow2Header | None) -> Near | None:
    """An image's `Near`, None where it has to be read by way of QEMU, or the host gives no descriptor."""
    if raw or (header is not None and readable(header)):
        with suppress(OSError):
            return Near(fd, header)
    return None
