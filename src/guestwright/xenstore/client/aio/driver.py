"""Ties a connection to an asyncio event loop.

Theory of operation: the loop watches a duplicate of the connection's descriptor. Any thread may find that the
connection is lost and close it; its number may then be somebody else's before the loop has heard of it.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
from io import FileIO

from guestwright.xenstore.client.connection import Connection, Interest


class Driver:
    """Takes turns of a connection whenever its loop finds something to do.

    Args:
        connection: which may be used by threads too.
        loop: the running loop; all methods are for its thread.

    Attributes:
        users: how many `close` calls end it; see `attach`.
    """

    def __init__(self, connection: Connection, loop: asyncio.AbstractEventLoop) -> None:
        self._connection = connection
        self.loop = loop
        self.users = 1
        self._file: FileIO | None = None
        self._epoch = -1
        self._writing = False
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False
        self._thread = threading.get_ident()
        self._turning = self._scheduled = False
        connection.listeners.append(self)
        self.turn()

    def turn(self) -> None:
        """Take a turn and wait for the next one."""
        self._scheduled = False
        if not self._closed:
            self._turning = True
            self._connection.turn()
            self._turning = False
            self._register()

    def soon(self) -> None:
        """Take a turn now or, when answers are awaited anyway, once this round of the loop has asked all."""
        if self._connection.session.idle:
            self.turn()
        elif not self._scheduled:
            self._scheduled = True
            self.loop.call_soon(self.turn)

    def close(self) -> None:
        """Leave the connection to others."""
        self.users -= 1
        if self.users == 0:
            self._closed = True
            self._connection.listeners.remove(self)
            self._unregister()

    def __call__(self) -> None:
        """Any thread: what there is to wait for has changed."""
        ours = self._turning and threading.get_ident() == self._thread  # registers when it is through
        if not ours and not self.loop.is_closed():
            self.loop.call_soon_threadsafe(self._refresh)

    def _refresh(self) -> None:
        if not self._closed:
            self._register()

    def _register(self) -> None:
        with self._connection.lock:  # nobody closes the descriptor before it is duplicated
            self._register_now(self._connection.interest())

    def _register_now(self, interest: Interest) -> None:
        if interest.epoch != self._epoch or interest.fd is None:
            self._unregister()
        if interest.fd is not None:
            if self._file is None:
                self._file = FileIO(os.dup(interest.fd))
                self._epoch = interest.epoch
                self.loop.add_reader(self._file, self.turn)
            if interest.write and not self._writing:
                self.loop.add_writer(self._file, self.turn)
            elif self._writing and not interest.write:
                self.loop.remove_writer(self._file)
            self._writing = interest.write
        elif interest.at is not None:
            self._timer = self.loop.call_later(max(0.0, interest.at - time.monotonic()), self.turn)

    def _unregister(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._file is not None:
            self.loop.remove_reader(self._file)
            self.loop.remove_writer(self._file)
            self._file.close()
        self._file, self._writing = None, False


def attach(connection: Connection, loop: asyncio.AbstractEventLoop) -> Driver:
    """The driver of a connection in a loop; a loop can watch a descriptor once only, so users share it."""
    for one in connection.listeners:
        if isinstance(one, Driver) and one.loop is loop:
            one.users += 1
            return one
    return Driver(connection, loop)
