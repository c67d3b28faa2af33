"""One connection to the store: bytes out, answers in, and beginning anew when it was lost.

Theory of operation: requests are queued, sent in one go before the loop sleeps, and answered by their ids. A
line is up or down. It comes up when the transport is open and, on a stream that others used before, when the
reply to one known request (RESET_WATCHES with a random id) was found among what arrives. When that reply does
not come, the host is waiting for the rest of a message that an earlier agent began: `_BREAK` completes any
such message and breaks the protocol, so that the host hangs up, and with the next connection all is new.

Going down fails everything under way with `Lost`. Nobody knows whether a change under way was done. Nothing
here raises into the loop: what the host says badly means going down.
"""

from __future__ import annotations

import os
from errno import errorcode

from guestwright.agent.channel import wire
from guestwright.agent.channel.errors import Lost, StoreError
from guestwright.agent.channel.transport import CHUNK
from guestwright.agent.channel.wire import HEADER_SIZE, OutOfStep, Stream, frame
from guestwright.agent.poller import HANG_UP, OUT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Final

    from guestwright.agent.channel.transport import Transport
    from guestwright.agent.loop import Loop, Timer

ANSWER_TIMEOUT: Final = 30.0  # seconds without any answer while one is due
SYNC_TIMEOUT: Final = 3.0  # seconds for the first reply
RETRY_MIN: Final = 0.1  # seconds between attempts to connect
RETRY_MAX: Final = 15.0
REOPEN: Final = 60.0  # seconds, after which a port without a host is opened anew
_QUEUE_MAX: Final = 4096  # requests waiting to be sent
_READS: Final = 16  # per turn of the loop
_BREAK: Final = b"\xff" * (wire.PAYLOAD_MAX + HEADER_SIZE)
_IDS: Final = 0x7FFFFFFF
# What Linux' device fails the write of a refused watch with, rather than answering.
_OF_THE_STORE: Final = frozenset(
    {"EINVAL", "EACCES", "EEXIST", "ENOENT", "ENOMEM", "ENOSPC", "ENOSYS", "EPERM", "E2BIG", "EBUSY"}
)


class Pending:
    """A request and who waits for its answer."""

    __slots__ = ("done", "kind", "payload", "transaction")

    def __init__(self, kind: int, transaction: int, payload: bytes, done: Callable[[Any], None]) -> None:
        self.kind = kind
        self.transaction = transaction
        self.payload = payload
        self.done = done


class Line:
    """A connection that comes back when it was lost.

    Args:
        loop: runs it.
        open_: opens the transport; None or OSError when that is not possible now.
        on_up: called each time the connection has come up.
        on_down: called each time it was lost.
        on_event: gets the payload of each watch event.

    Attributes:
        up: whether requests are answered.
        epoch: how often it came up.
        transport: the open transport, or None.
    """

    def __init__(
        self,
        loop: Loop,
        open_: Callable[[], Transport | None],
        *,
        on_up: Callable[[], object],
        on_down: Callable[[], object],
        on_event: Callable[[bytes], object],
    ) -> None:
        self._loop = loop
        self._open = open_
        self._on_up = on_up
        self._on_down = on_down
        self._on_event = on_event
        self.up = False
        self.epoch = 0
        self.transport: Transport | None = None
        self._closed = False
        self._pause = RETRY_MIN
        self._timer: Timer | None = None
        self._reopening = False
        self._reset()

    def renew(self) -> None:
        """Begin anew on the same transport: the host is another one than before."""
        transport = self.transport
        if transport is not None and self.up:
            self._down(hang_up=not transport.edge)
            if self.transport is not None:
                self._sync()

    def close(self) -> None:
        """End it; whoever waits gets `Lost`."""
        self._closed = True
        self._down(hang_up=True)

    # -- connecting

    def _reset(self) -> None:
        self._stream = Stream()
        self._queue: list[Pending] = []
        self._sent: dict[int, Pending] = {}
        self._out: list[tuple[int, bytes]] = []  # id of a request, and what is left of its message
        self._flushing = False
        self._last_id = int.from_bytes(os.urandom(4), "little") & _IDS
        self._patient_until = 0.0

    def connect(self) -> None:
        """Begin to connect, unless that has been done."""
        if self._closed or self.transport is not None:
            return
        try:
            transport = self._open()
        except OSError:
            transport = None
        if transport is None:
            self._pause = min(RETRY_MAX, self._pause * 2)
            self._loop.at(self._pause, self.connect)
            return
        self.transport = transport
        self._loop.add(transport.fd, self._ready, transport.interest)
        if not transport.resync:
            self._come_up()
        # A port reports its state at once; see `_port_state`.

    def _come_up(self) -> None:
        self.up = True
        self.epoch += 1
        self._pause = RETRY_MIN
        if self.transport is not None:
            self.transport.attend(self._loop, out=bool(self._out))
        self._on_up()

    def _sync(self) -> None:
        """Ask for the reply that says where messages begin."""
        self._last_id += 1
        request_id = self._last_id
        self._stream = Stream()
        self._stream.hunt(wire.RESET_WATCHES, request_id)
        self._sent[request_id] = Pending(wire.RESET_WATCHES, 0, b"\0", lambda _: self._come_up())
        self._out.append((request_id, frame(wire.RESET_WATCHES, request_id, 0, b"\0")))
        self._arm(SYNC_TIMEOUT)
        self._push()

    def _down(self, *, hang_up: bool) -> None:
        """The connection is of no use any more."""
        transport = self.transport
        if transport is not None and (hang_up or not transport.edge):
            self._loop.remove(transport.fd)
            transport.close()
            self.transport = None
        waiting = [*self._sent.values(), *self._queue] if self.up else []
        was_up, self.up = self.up, False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._reset()
        if self.transport is not None:
            self.transport.attend(self._loop, out=True)
        for one in waiting:
            one.done(Lost())
        if was_up:
            self._on_down()
        if not self._closed and self.transport is None:
            self._loop.at(self._pause, self.connect)

    # -- sending

    def submit(self, pending: Pending) -> None:
        """Send a request, and tell it how it ends; never at once."""
        size = HEADER_SIZE + len(pending.payload)
        if not self.up or len(self._queue) >= _QUEUE_MAX:
            self._loop.soon(lambda: pending.done(Lost()))
        elif self.transport is None or size > self.transport.message_max:
            self._loop.soon(lambda: pending.done(StoreError("E2BIG")))
        else:
            self._queue.append(pending)
            if not self._flushing:
                self._flushing = True
                self._loop.soon(self.flush)

    def flush(self) -> None:
        """Send what is queued, as far as that may be under way; happens by itself before the loop sleeps."""
        self._flushing = False
        transport = self.transport
        if transport is None or not self.up:
            return
        count = min(len(self._queue), transport.window - len(self._sent))
        if count <= 0:
            return
        taken = self._queue[:count]
        del self._queue[:count]
        for one in taken:
            self._last_id = (self._last_id + 1) & _IDS
            self._sent[self._last_id] = one
            self._out.append((self._last_id, frame(one.kind, self._last_id, one.transaction, one.payload)))
        self._arm(ANSWER_TIMEOUT)
        self._push()

    def _push(self) -> None:
        """Send what the transport takes."""
        transport = self.transport
        if transport is None or not self._out:
            return
        if not transport.whole and len(self._out) > 1:
            self._out = [(0, b"".join([data for _, data in self._out]))]
        while self._out:
            request_id, data = self._out[0]
            try:
                count = transport.send(data)
            except OSError as error:
                if not self._failed(transport, error, request_id):
                    return
                count = len(data)
            if not count:
                break
            if count < len(data):
                self._out[0] = request_id, data[count:]
            else:
                del self._out[0]
        transport.attend(self._loop, out=bool(self._out) or (transport.edge and not self.up))

    def _failed(self, transport: Transport, error: OSError, request_id: int) -> bool:
        """Writing failed; whether only this one did: the kernel's device says so what the store refuses."""
        name = errorcode.get(error.errno or 0, "")
        if transport.whole and name in _OF_THE_STORE and request_id in self._sent:
            pending = self._sent.pop(request_id)
            self._loop.soon(lambda: pending.done(StoreError(name)))
            self._loop.soon(self.flush)
            return True
        self._loop.soon(lambda: self._down(hang_up=True) if self.transport is transport else None)
        return False

    # -- waiting for answers

    def _arm(self, seconds: float) -> None:
        self._patient_until = self._loop.clock() + seconds
        if self._timer is None:
            self._timer = self._loop.at(seconds, self._overdue)

    def _overdue(self) -> None:
        self._timer = None
        if not self._sent or self.transport is None:
            return
        left = self._patient_until - self._loop.clock()
        if left > 0:
            self._timer = self._loop.at(left, self._overdue)
        elif self.up:
            self._down(hang_up=True)
        else:
            # Part of a message of a former agent lies at the host, or nobody is there. Either way: once more,
            # more slowly each time.
            self._pause = min(RETRY_MAX, self._pause * 2)
            self._reset()
            self._out = [(0, _BREAK)]
            self._push()
            self._timer = self._loop.at(self._pause, self._resync)

    def _resync(self) -> None:
        self._timer = None
        if self.transport is not None and not self.up and not self._sent and not self._out:
            self._sync()

    # -- receiving

    def _ready(self, events: int) -> None:
        transport = self.transport
        if transport is None:
            return
        if transport.edge and not self._port_state(events):
            return
        if events & OUT:
            self._push()
        for _ in range(_READS if not transport.edge else 1 << 16):
            if self.transport is not transport:
                return
            try:
                data = transport.receive()
            except OSError:
                self._down(hang_up=True)
                return
            if data is None:
                break
            if not data:
                self._down(hang_up=not transport.edge)
                return
            if not self._take(data):
                return
            if len(data) < CHUNK and not transport.edge:
                break  # that was probably all; if not, the descriptor is still ready

    def _port_state(self, events: int) -> bool:
        """Whether the host's side of a port is open; goes down, or begins anew, when that has changed."""
        if events & HANG_UP:
            if self.up or self._sent or self._out or self._timer is not None:
                self._down(hang_up=False)
            self._reopen_later()
            return False
        if not self.up and not self._sent and not self._out and self._timer is None:
            self._sync()
        return True

    def _reopen_later(self) -> None:
        """A port that was pulled out says the same as one whose host is away, but never comes back."""
        transport = self.transport
        if transport is None or self._reopening:
            return
        self._reopening = True

        def reopen() -> None:
            self._reopening = False
            if self.transport is transport and not self.up and self._timer is None:
                self._down(hang_up=True)

        self._loop.at(REOPEN, reopen)

    def _take(self, data: bytes) -> bool:
        """Deal with what arrived; whether the connection is still good."""
        stream = self._stream
        stream.feed(data)
        try:
            while (message := stream.next()) is not None:
                kind, request_id, _, payload = message
                if kind == wire.WATCH_EVENT:
                    self._on_event(payload)
                else:
                    self._answer(kind, request_id, payload)
                if self._stream is not stream:
                    return False
        except OutOfStep:
            self._down(hang_up=True)
            return False
        return True

    def _answer(self, kind: int, request_id: int, payload: bytes) -> None:
        if request_id == 0 and kind in {wire.WATCH, wire.UNWATCH}:
            # Linux before 4.10 answers these with id 0, in their order.
            request_id = next((number for number, one in self._sent.items() if one.kind == kind), 0)
        pending = self._sent.get(request_id)
        if pending is None:
            return  # to something that was asked on a former connection
        if kind not in {pending.kind, wire.ERROR}:
            raise OutOfStep
        del self._sent[request_id]
        if self._sent:
            self._patient_until = self._loop.clock() + ANSWER_TIMEOUT
        elif self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if kind == wire.ERROR and pending.kind != wire.RESET_WATCHES:
            pending.done(StoreError(payload.rstrip(b"\0").decode("ascii", "replace")))
        else:
            pending.done(payload)
        if self._queue and not self._flushing:
            self._flushing = True
            self._loop.soon(self.flush)
