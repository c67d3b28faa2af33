"""Listening sockets in the event loop."""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable
from select import EPOLLIN
from typing import Final

from guestwright.xenstore.server.listener import Listener

_ACCEPTS: Final = 32  # per turn and listener
_NO_MORE: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


class Doors:
    """All listening sockets of a server.

    Args:
        watch: registers a descriptor and what to do when it is readable.
        modify: changes what a registered descriptor is polled for.
        welcome: takes each new connection, and the domain it belongs to (None: a privileged client).

    Attributes:
        paused: sockets on which nothing can be accepted for the moment.
    """

    __slots__ = ("_listeners", "_modify", "_watch", "_welcome", "paused")

    def __init__(
        self,
        watch: Callable[[int, Callable[[], object]], object],
        modify: Callable[[int, int], object],
        welcome: Callable[[socket.socket, int | None], object],
    ) -> None:
        self._watch = watch
        self._modify = modify
        self._welcome = welcome
        self._listeners: list[Listener] = []
        self.paused: list[Listener] = []

    def open(self, path: str, *, mode: int, domid: int | None) -> Listener:
        """Listen at a path; see `Listener`."""
        listener = Listener(path, mode=mode, domid=domid)
        self._listeners.append(listener)
        self._watch(listener.sock.fileno(), lambda: self._accept(listener))
        return listener

    def resume(self) -> None:
        """Try again where nothing could be accepted."""
        for listener in self.paused:
            self._modify(listener.sock.fileno(), EPOLLIN)
        self.paused.clear()

    def close(self) -> None:
        """Stop listening and remove the files."""
        for listener in self._listeners:
            listener.close()
        self._listeners.clear()
        self.paused.clear()

    def _accept(self, listener: Listener) -> None:
        for _ in range(_ACCEPTS):
            try:
                sock = listener.accept()
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno in _NO_MORE:
                    # For want of descriptors or memory; to go on polling would only spin.
                    self._modify(listener.sock.fileno(), 0)
                    self.paused.append(listener)
                return
            self._welcome(sock, listener.domid)
