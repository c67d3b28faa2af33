"""The client's side of the protocol, without I/O: which request waits for which reply, which watch saw what.

Theory of operation: requests go in with `submit` and come out as messages with `outgoing`; received bytes go
in with `feed`, which settles pending requests and gives events to watches. One session outlives many
connections: `lost` says that one has ended. What then happens to a request depends on what it was:

| request | after the loss |
|---|---|
| not sent yet, or only reads, outside transactions | sent again on the next connection |
| changes something and was sent | fails: nobody knows whether it was done |
| in a transaction | fails: the server has aborted the transaction |

Servers number transactions anew on every connection, so the ids given out here have the number of the
connection in their upper bits: one of a connection that has ended never means another transaction.

Watches are registered again before anything else is sent. The server answers a WATCH with a first event,
and that event is marked as `missed`: things may have happened in between.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final

from guestwright.base.errors import GuestwrightError
from guestwright.xenstore.client.errors import ConnectionLost, TooBig, describe, refusal
from guestwright.xenstore.client.watching import Events, Watched
from guestwright.xenstore.core import requests, wire
from guestwright.xenstore.core.errors import BadMessage
from guestwright.xenstore.core.parser import Parser
from guestwright.xenstore.core.replies import Done, Failure, Number, Reply, WatchEvent, parse_reply

REPLY_MAX: Final = 1 << 17  # oxenstored of Xen 4.17 sends directories of any length
_ID_BITS: Final = 32
_ID_MAX: Final = (1 << _ID_BITS) - 1
_READS: Final = frozenset(
    {
        wire.DIRECTORY,
        wire.READ,
        wire.GET_PERMS,
        wire.GET_DOMAIN_PATH,
        wire.IS_DOMAIN_INTRODUCED,
        wire.DIRECTORY_PART,
        wire.GET_FEATURE,
        wire.GET_QUOTA,
    }
)


class Pending:
    """A request and, some time later, what became of it.

    Attributes:
        reply: what the server answered; None until then.
        error: why there is no reply; None unless it failed.
        done: whether one of the two is set.
        wake: called once when it is done; may be called from another thread.
    """

    __slots__ = (
        "done",
        "error",
        "message",
        "reply",
        "request",
        "request_id",
        "transaction",
        "wake",
        "wanted",
    )

    def __init__(self, request: requests.Request, request_id: int, transaction: int) -> None:
        self.request = request
        self.request_id = request_id
        self.transaction = transaction
        self.message = requests.encode(request, request_id, transaction & _ID_MAX)
        self.reply: Reply | None = None
        self.error: GuestwrightError | None = None
        self.done = False
        self.wanted = True
        self.wake: Callable[[], None] | None = None

    def settle(self, reply: Reply | None, error: GuestwrightError | None = None) -> None:
        """Say what became of it."""
        self.reply, self.error, self.done = reply, error, True
        if self.wake is not None:
            self.wake()


class Session:
    """All requests and watches of one client.

    Args:
        message_max: longest message that the transport takes, bytes, header included.
        one_at_a_time: whether a request may leave only when the one before it has been answered.
    """

    def __init__(
        self, message_max: int = wire.HEADER_SIZE + wire.PAYLOAD_MAX, *, one_at_a_time: bool = False
    ) -> None:
        self.message_max = message_max
        self.one_at_a_time = one_at_a_time
        self._parser = Parser(REPLY_MAX)
        self._queue: deque[Pending] = deque()  # not sent
        self._sent: dict[int, Pending] = {}
        self._watches: dict[bytes, Watched] = {}
        self._unanswered: dict[bytes, Pending] = {}  # registrations cut off by a loss, by token
        self._epoch = 0  # number of the connection
        self._last_id = 0
        self._last_sent = 0
        self._last_token = 0

    def submit(self, request: requests.Request, transaction: int = 0) -> Pending:
        """Queue a request.

        Args:
            request: what to ask.
            transaction: id of the transaction that it belongs to; 0 outside.

        Raises:
            TooBig: it does not fit into one message.
            ConnectionLost: the transaction was of a connection that has ended.
        """
        if transaction and transaction >> _ID_BITS != self._epoch:
            raise ConnectionLost(detail="it was lost while the transaction was open")
        size = wire.HEADER_SIZE + len(request.payload())
        if size > self.message_max:
            operation, subject = describe(request)
            raise TooBig(
                operation=operation,
                subject=subject,
                size=size - wire.HEADER_SIZE,
                most=self.message_max - wire.HEADER_SIZE,
            )
        pending = Pending(request, self._next_id(), transaction)
        self._queue.append(pending)
        return pending

    def abandon(self, pending: Pending) -> None:
        """Nobody waits for a request any more. If it starts a transaction, that is aborted when it comes."""
        pending.wanted = False
        pending.wake = None
        if pending in self._queue:
            self._queue.remove(pending)

    def watch(self, path: bytes, events: Events, depth: int | None = None) -> tuple[Watched, Pending]:
        """Queue the registration of a watch; its events go to `events`."""
        self._last_token += 1
        watched = Watched(requests.Watch(path, b"gw%d" % self._last_token, depth), events)
        pending = self.submit(watched.request)
        self._watches[watched.request.token] = watched
        return watched, pending

    def unwatch(self, watched: Watched, *, tell: bool = True) -> None:
        """Forget a watch; events that are on their way go nowhere.

        Args:
            watched: what `watch` gave.
            tell: whether to tell the server too.
        """
        known = self._watches.pop(watched.request.token, None)
        if known is not None and tell:
            self.submit(requests.Unwatch(watched.request.path, watched.request.token)).wanted = False

    def forget_watches(self, error: GuestwrightError) -> None:
        """The server has dropped all watches (RESET_WATCHES); whoever listens gets an error."""
        for watched in self._watches.values():
            watched.events.fail(error)
        self._watches.clear()

    @property
    def has_output(self) -> bool:
        """Whether `outgoing` would give a message."""
        return bool(self._queue) and not (self.one_at_a_time and self._sent)

    @property
    def idle(self) -> bool:
        """Whether no answer is awaited."""
        return not self._sent

    def outgoing(self) -> bytes | None:
        """The next message to send; from now on it counts as sent. None when there is none."""
        if not self.has_output:
            return None
        pending = self._queue.popleft()
        self._sent[pending.request_id] = pending
        self._last_sent = pending.request_id
        return pending.message

    def declined(self, name: str) -> None:
        """The message that `outgoing` gave last was refused on its way, with the name of an error."""
        self._reply(wire.ERROR, self._last_sent, name.encode() + b"\0")

    def feed(self, data: bytes) -> None:
        """Take in received bytes.

        Raises:
            BadMessage: the server does not speak the protocol; drop the connection.
        """
        self._parser.feed(data)
        while (message := self._parser.next()) is not None:
            kind, request_id, _, payload = message
            if kind == wire.WATCH_EVENT:
                self._event(payload)
            else:
                self._reply(kind, request_id, payload)
        if self._parser.error is not None:
            raise BadMessage(kind="unknown", detail=self._parser.error)

    def lost(self, error: GuestwrightError, *, final: bool) -> None:
        """The connection has ended.

        Args:
            error: why; requests that fail get it.
            final: there will be no other connection; everything fails.
        """
        self._parser = Parser(REPLY_MAX)
        self._epoch += 1
        known = (*self._unanswered.values(), *self._sent.values(), *self._queue)
        old = [one for one in known if one.wanted]
        sent = set(self._sent)
        self._unanswered.clear()
        self._sent.clear()
        self._queue.clear()
        for one in old:
            if final or one.transaction:
                one.settle(None, error)
            elif isinstance(one.request, requests.Watch):
                self._unanswered[one.request.token] = one
            elif isinstance(one.request, requests.Unwatch):
                one.settle(Done())  # the next connection does not have that watch
            elif one.request_id in sent and one.request.kind not in _READS:
                one.settle(None, error)
            else:
                self._queue.append(one)
        for watched in self._watches.values():
            if final:
                watched.events.fail(error)
            else:
                watched.restored = True

    def restore(self) -> None:
        """There is a new connection: register the watches again, before everything else."""
        queue, self._queue = self._queue, deque()
        for one in queue:
            if isinstance(one.request, requests.Watch):
                self._unanswered[one.request.token] = one  # asked for while there was no connection
            else:
                self._queue.append(one)
        again = []
        for token, watched in self._watches.items():
            pending = self._unanswered.pop(token, None)
            if pending is None:
                pending = Pending(watched.request, self._next_id(), 0)
                pending.wake = self._check(watched, pending)
            again.append(pending)
        self._unanswered.clear()
        self._queue.extendleft(reversed(again))

    def _check(self, watched: Watched, pending: Pending) -> Callable[[], None]:
        """What happens when a watch has been registered again, or not."""

        def settled() -> None:
            if pending.error is not None:
                self._watches.pop(watched.request.token, None)
                watched.events.fail(pending.error)

        return settled

    def _next_id(self) -> int:
        self._last_id = self._last_id % _ID_MAX + 1
        while self._last_id in self._sent:
            self._last_id = self._last_id % _ID_MAX + 1
        return self._last_id

    def _event(self, payload: bytes) -> None:
        event = parse_reply(wire.WATCH_EVENT, payload)
        assert isinstance(event, WatchEvent)
        watched = self._watches.get(event.token)
        if watched is not None:
            watched.heard(event.path)

    def _reply(self, kind: int, request_id: int, payload: bytes) -> None:
        pending = self._sent.get(request_id)
        if pending is None:
            return  # some kernels answer with ids of their own; whoever waits for that reply times out
        if kind not in {pending.request.kind, wire.ERROR}:
            raise BadMessage(kind=kind, detail=f"it answers a request of type {pending.request.kind}")
        reply = parse_reply(kind, payload)
        del self._sent[request_id]
        if isinstance(reply, Number) and kind == wire.TRANSACTION_START:
            reply = Number(self._epoch << _ID_BITS | reply.value)
        if not pending.wanted:
            if kind == wire.TRANSACTION_START and isinstance(reply, Number):
                self.submit(requests.TransactionEnd(commit=False), reply.value).wanted = False
        elif isinstance(reply, Failure):
            pending.settle(None, refusal(pending.request, reply.name))
        else:
            pending.settle(reply)
