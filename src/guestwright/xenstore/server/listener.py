"""A listening unix socket at a path.

Theory of operation: the socket has its mode from the moment it exists (`fchmod` before `bind`, which Linux
honours; the umask belongs to the whole process and is not touched). A file that is in the way is removed only
when it is a socket on which nobody listens. At the end the file is removed only when it still is the one that
was made here.
"""

from __future__ import annotations

import errno
import os
import socket
import stat

from guestwright.xenstore.server.errors import AlreadyServed, BadSocket

BACKLOG = 128


class Listener:
    """A listening socket.

    Args:
        path: where; at most 107 bytes.
        mode: permission bits of the file.
        domid: whose connections come in here; None for privileged clients.

    Raises:
        AlreadyServed: somebody listens there.
        BadSocket: it cannot be made.
    """

    __slots__ = ("_identity", "domid", "path", "sock")

    def __init__(self, path: str, *, mode: int, domid: int | None) -> None:
        self.path = path
        self.domid = domid
        _make_room(path)
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        try:
            os.fchmod(self.sock.fileno(), mode)
            self.sock.bind(path)
            self.sock.listen(BACKLOG)
            self._identity = _identity(path)
        except OSError as error:
            self.sock.close()
            raise BadSocket(path=path, detail=error.strerror or str(error)) from error

    def accept(self) -> socket.socket:
        """The next client; OSError as `socket.accept`."""
        return self.sock.accept()[0]

    def close(self) -> None:
        """Stop listening and remove the file."""
        self.sock.close()
        try:
            if _identity(self.path) == self._identity:
                os.unlink(self.path)
        except OSError:
            return  # somebody was quicker


def _identity(path: str) -> tuple[int, int]:
    status = os.lstat(path)
    return status.st_dev, status.st_ino


def _make_room(path: str) -> None:
    """Remove a stale socket."""
    try:
        if not stat.S_ISSOCK(os.lstat(path).st_mode):
            raise BadSocket(path=path, detail="something that is no socket is in the way")
    except FileNotFoundError:
        return
    except OSError as error:
        raise BadSocket(path=path, detail=error.strerror or str(error)) from error
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK) as probe:
        found = probe.connect_ex(path)
    if found in {0, errno.EAGAIN}:
        raise AlreadyServed(path=path, detail="somebody listens on the socket")
    if found not in {errno.ECONNREFUSED, errno.ENOENT}:
        raise BadSocket(path=path, detail=os.strerror(found))
    try:
        os.unlink(path)
    except FileNotFoundError:
        return
    except OSError as error:
        raise BadSocket(path=path, detail=error.strerror or str(error)) from error
