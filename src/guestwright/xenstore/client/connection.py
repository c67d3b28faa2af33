"""One connection to a xenstored, for any number of threads and for asyncio at once.

Theory of operation: `turn` does all that can be done without waiting: connect again if that is due, send,
receive, settle. `interest` says what to wait for until the next turn. Synchronous callers wait in `wait`:
one of the waiting threads polls for all, the others sleep until it has taken a turn. An asyncio loop instead
registers the same descriptor (`aio`). No thread is started, and both ways work on one connection at the
same time; whoever changes what there is to wait for tells the others (`_nudge`, `listeners`).

A lost connection is opened again with growing pauses, as long as `patience` lasts. `session` says what
becomes of requests and watches meanwhile.
"""

from __future__ import annotations

import os
import select
import threading
import time
from collections.abc import Callable
from io import FileIO
from typing import Final

from guestwright.base.errors import GuestwrightError
from guestwright.base.record import record
from guestwright.xenstore.client.errors import Closed, ConnectionLost, NoServer
from guestwright.xenstore.client.session import Session
from guestwright.xenstore.client.transport import CHUNK, Declined, Opener, Transport, open_transport
from guestwright.xenstore.core.errors import BadMessage

PATIENCE: Final = 30.0  # seconds
BUSY: Final = 5.0  # seconds
_FIRST_PAUSE: Final = 0.02
_LONGEST_PAUSE: Final = 1.0
_TURN_MAX: Final = 64  # pieces received in one turn, so that a busy watch cannot hold it for ever


@record
class Interest:
    """What a connection waits for.

    Attributes:
        fd: descriptor to watch for input; None while there is no connection.
        epoch: number of the connection; a descriptor's number may be used again, this is not.
        write: whether to watch for room to write too.
        at: time (monotonic, seconds) at which something is to be done in any case; None for never.
    """

    fd: int | None
    epoch: int
    write: bool
    at: float | None


class Connection:
    """A connection that comes back.

    Args:
        address: socket or device; None for the usual places.
        patience: how long to try to connect again after a loss, seconds; 0 gives up at once.
        busy: how long to wait for a server that is there but busy accepting others, seconds.
        opener: opens transports.

    Raises:
        NoServer: there is no server.

    Attributes:
        session: requests and watches; touch it only while holding `lock`.
        listeners: called, perhaps from another thread, when `interest` has changed.
        losses: how many times the connection has ended so far.
        through_kernel: whether others, and the kernel itself, use the connection to the server too.
    """

    def __init__(
        self,
        address: str | None = None,
        *,
        patience: float = PATIENCE,
        busy: float = BUSY,
        opener: Opener = open_transport,
    ) -> None:
        self._address = address
        self._opener = opener
        self._patience = patience
        self._transport: Transport | None = _open_first(address, opener, busy)
        self._rest = b""  # of a message that went out in part
        self._pause = _FIRST_PAUSE
        self._retry_at = 0.0
        self._give_up_at = time.monotonic() + patience
        self._reason: GuestwrightError | None = None  # why it is over for good
        self._received = self._received_before = 0  # bytes
        self._poller = select.poll()
        self._poller_key: tuple[int, bool, bool] | None = None
        self._leading = False
        self._condition = threading.Condition(threading.RLock())
        self._nudger = FileIO(os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC), "r+")
        self.through_kernel = self._transport.through_kernel
        self.session = Session(self._transport.message_max, one_at_a_time=self.through_kernel)
        self.listeners: list[Callable[[], None]] = []
        self.losses = 0

    @property
    def lock(self) -> threading.Condition:
        """Held by everybody who touches the session."""
        return self._condition

    @property
    def over(self) -> GuestwrightError | None:
        """Why there will be no answers any more; None as long as there may be."""
        return self._reason

    def check(self) -> None:
        """Raise what ended the connection for good, if something has."""
        if self._reason is not None:
            raise self._reason.with_traceback(None)

    def close(self) -> None:
        """End it; whoever waits gets `Closed`. May be called from any thread, and again."""
        with self._condition:
            if not isinstance(self._reason, Closed):
                over = self._reason is not None
                self._reason = Closed()
                if not over:
                    self._hang_up()
                    self.session.lost(self._reason, final=True)
            self._tell()
            if not self._leading:
                self._nudger.close()

    def turn(self) -> None:
        """Do all that can be done without waiting."""
        with self._condition:
            before = self._state()
            self._step()
            if before != self._state():
                self._tell()

    def interest(self) -> Interest:
        """What to wait for before the next turn."""
        with self._condition:
            if self._transport is None:
                at = None if self._reason is not None else self._retry_at
                return Interest(fd=None, epoch=self.losses, write=False, at=at)
            return Interest(fd=self._transport.fileno(), epoch=self.losses, write=self._has_output(), at=None)

    def wait(self, done: Callable[[], bool], deadline: float | None) -> bool:
        """Take turns until something is done.

        Args:
            done: called with the lock held.
            deadline: monotonic time, seconds; None to wait for ever.

        Returns:
            False when the deadline has passed.
        """
        with self._condition:
            if self._has_output() or self._transport is None:
                self.turn()
            while not done():
                left = None if deadline is None else deadline - time.monotonic()
                if left is not None and left <= 0:
                    return False
                if self._leading:
                    self._condition.wait(left)
                else:
                    self._lead(left)
            return True

    def _lead(self, left: float | None) -> None:
        """Poll once for everybody who waits; the lock is held, but not while polling."""
        poller = self._poller_now()
        if self._transport is None and self._reason is None:
            pause = max(0.0, self._retry_at - time.monotonic())
            left = pause if left is None else min(left, pause)
        ready: list[tuple[int, int]] = []
        self._leading = True
        self._condition.release()
        try:
            ready = poller.poll(None if left is None else left * 1000 + 0.5)
        finally:
            self._condition.acquire()
            self._leading = False
            if isinstance(self._reason, Closed):
                self.close()
            elif any(fd == self._nudger.fileno() for fd, _ in ready):
                os.eventfd_read(self._nudger.fileno())
            self._condition.notify_all()
        self.turn()

    def _poller_now(self) -> select.poll:
        """What to wait for, for `_lead`; kept from one time to the next."""
        write = self._has_output()
        key = (self.losses, self._transport is None, write)
        if key != self._poller_key:
            self._poller = select.poll()
            self._poller.register(self._nudger, select.POLLIN)
            if self._transport is not None:
                self._poller.register(self._transport, select.POLLIN | (select.POLLOUT if write else 0))
            self._poller_key = key
        return self._poller

    def _tell(self) -> None:
        """Something has arrived or changed: tell the thread that polls, the others, and event loops."""
        if self._leading:
            os.eventfd_write(self._nudger.fileno(), 1)
        self._condition.notify_all()
        for listener in self.listeners:
            listener()

    def _state(self) -> tuple[int, int, bool, bool]:
        """What others want to hear of when it changes."""
        return self._received, self.losses, self._transport is None, self._has_output()

    def _has_output(self) -> bool:
        return bool(self._rest) or self.session.has_output

    def _step(self) -> None:
        if self._reason is not None:
            return
        if self._transport is None and not self._open_again():
            return
        assert self._transport is not None
        try:
            self._send(self._transport)
            self._receive(self._transport)
            self._send(self._transport)
        except (OSError, BadMessage) as error:
            self._drop(str(error))

    def _send(self, transport: Transport) -> None:
        while self._rest or self.session.has_output:
            if not self._rest:
                self._rest = self.session.outgoing() or b""
                while self.session.has_output and len(self._rest) < CHUNK and not transport.through_kernel:
                    self._rest += self.session.outgoing() or b""
            try:
                count = transport.send(self._rest)
            except Declined as declined:
                self.session.declined(declined.name)
                self._received += 1  # something to tell
                count = len(self._rest)
            if not count:
                return
            self._rest = self._rest[count:]

    def _receive(self, transport: Transport) -> None:
        for _ in range(_TURN_MAX):
            data = transport.receive()
            if data is None:
                return
            if not data:
                raise ConnectionResetError("xenstored closed it")
            self._received += len(data)
            self.session.feed(data)
            if len(data) < CHUNK and not transport.through_kernel:
                return  # that was all; if not, the descriptor stays readable

    def renew(self) -> None:
        """Open a device again: the kernel drops the watches and transactions of the old descriptor alone."""
        with self._condition:
            self.check()
            self._hang_up()
            self.losses += 1
            self._retry_at, self._pause = 0.0, _FIRST_PAUSE
            self._give_up_at = time.monotonic() + self._patience
            self.session.lost(ConnectionLost(detail="it was reset"), final=False)
            self.turn()
            self._tell()

    def _hang_up(self) -> None:
        if self._transport is not None:
            self._transport.close()
            self._transport = None
        self._rest = b""

    def _drop(self, detail: str) -> None:
        """The connection is gone."""
        self._hang_up()
        self.losses += 1
        now = time.monotonic()
        if self._received != self._received_before:  # else it hung up at once, as it may do for ever
            self._pause = _FIRST_PAUSE
            self._give_up_at = now + self._patience
        self._received_before = self._received
        self._retry_at = now + self._pause
        self._pause = min(self._pause * 2, _LONGEST_PAUSE)
        error = ConnectionLost(detail=detail)
        final = now >= self._give_up_at
        if final:
            self._reason = error
        self.session.lost(error, final=final)

    def _open_again(self) -> bool:
        now = time.monotonic()
        if now < self._retry_at:
            return False
        try:
            self._transport = self._opener(self._address)
        except NoServer as error:
            if now >= self._give_up_at:
                self._reason = error
                self.session.lost(error, final=True)
                return False
            self._pause = min(self._pause * 2, _LONGEST_PAUSE)
            self._retry_at = now + self._pause
            return False
        self.session.message_max = self._transport.message_max
        self.session.one_at_a_time = self.through_kernel = self._transport.through_kernel
        self.session.restore()
        return True


def _open_first(address: str | None, opener: Opener, busy: float) -> Transport:
    give_up_at = time.monotonic() + busy
    while True:
        try:
            return opener(address)
        except NoServer as error:
            if not isinstance(error.__cause__, BlockingIOError) or time.monotonic() >= give_up_at:
                raise
            time.sleep(_FIRST_PAUSE)
