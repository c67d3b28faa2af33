"""A non-blocking xenstore client for one thread: requests, transactions, watches.

Theory of operation: `Line` is the connection beneath; transactions are in `transaction`. What can be awaited
is a `Wait`; the methods that take several steps are coroutines. Watches are registered again with each
connection, before all else.
"""

from __future__ import annotations

from guestwright.agent.channel import wire
from guestwright.agent.channel.errors import Lost, StoreError
from guestwright.agent.channel.line import Line, Pending
from guestwright.agent.tasks import Wait

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from guestwright.agent.channel.transport import Transport
    from guestwright.agent.loop import Loop


class Session:
    """A connection to the store that comes back when it was lost.

    Args:
        loop: runs it.
        open_: opens the transport; None or OSError when that is not possible now.
        home: directory that relative paths are in, with a slash at its end; empty where the store knows.
        on_up: called each time the connection has come up.
        on_down: called each time it was lost.

    Attributes:
        line: the connection beneath.
    """

    def __init__(
        self,
        loop: Loop,
        open_: Callable[[], Transport | None],
        *,
        home: bytes = b"",
        on_up: Callable[[], object] = lambda: None,
        on_down: Callable[[], object] = lambda: None,
    ) -> None:
        self.loop = loop
        self.home = home
        self.on_up = on_up
        self.line = Line(loop, open_, on_up=self._came_up, on_down=on_down, on_event=self._event)
        self._watches: dict[bytes, tuple[bytes, Callable[[bytes], object]]] = {}
        self._tokens = 0

    @property
    def up(self) -> bool:
        """Whether requests are answered now."""
        return self.line.up

    @property
    def transactions(self) -> bool:
        """Whether the store may be asked for transactions."""
        transport = self.line.transport
        return transport is None or transport.transactions

    def start(self) -> None:
        """Begin to connect."""
        self.line.connect()

    def close(self) -> None:
        """End it; whoever waits gets `Lost`."""
        self.line.close()

    def request(self, kind: int, payload: bytes, transaction: int = 0) -> Wait:
        """A request; the outcome is the payload of the reply or a `StoreError`.

        Args:
            kind: number of the operation.
            payload: as the operation wants it.
            transaction: number that `transact` gave; 0 outside.
        """
        return Wait(lambda done: self.line.submit(Pending(kind, transaction, payload, done)))

    def read(self, path: bytes, transaction: int = 0) -> Wait:
        """The value of a node."""
        return self.request(wire.READ, self.home + path + b"\0", transaction)

    def listing(self, path: bytes, transaction: int = 0) -> Wait:
        """The names of the children of a node, each with a NUL behind it."""
        return self.request(wire.DIRECTORY, self.home + path + b"\0", transaction)

    def write(self, path: bytes, value: bytes, transaction: int = 0) -> Wait:
        """Set the value of a node; those above are made."""
        return self.request(wire.WRITE, self.home + path + b"\0" + value, transaction)

    def rm(self, path: bytes, transaction: int = 0) -> Wait:
        """Remove a node with all below; what is not there counts as removed."""
        payload = self.home + path + b"\0"

        def begin(resume: Callable[[Any], None]) -> None:
            def done(outcome: object) -> None:
                absent = isinstance(outcome, StoreError) and outcome.errno == "ENOENT"
                resume(b"" if absent else outcome)

            self.line.submit(Pending(wire.RM, transaction, payload, done))

        return Wait(begin)

    async def get(self, path: bytes, transaction: int = 0) -> bytes | None:
        """The value of a node; None when there is none that this guest may read."""
        try:
            value: bytes = await self.read(path, transaction)
        except Lost:
            raise
        except StoreError:
            return None
        return value

    async def children(self, path: bytes) -> list[bytes]:
        """The names of the children; none when the node is not there."""
        try:
            names: bytes = await self.listing(path)
        except Lost:
            raise
        except StoreError:
            return []
        return names.split(b"\0")[:-1]

    async def discard(self, path: bytes) -> None:
        """Remove a node if it is there and may be removed."""
        try:
            await self.rm(path)
        except Lost:
            raise
        except StoreError:
            return

    async def alone(self, operation: Wait) -> None:
        """Make one change, which is all or nothing by itself; raises as `transact` does."""
        try:
            await operation
        except StoreError as error:
            error.place = 0
            raise

    def watch(self, path: bytes, heard: Callable[[bytes], object]) -> None:
        """Call `heard(path)` after every change at or below a path, and each time the connection has come up.

        Args:
            path: relative ones as `home` says.
            heard: gets the changed path, relative as the watched one was.
        """
        self._tokens += 1
        token = b"%d" % self._tokens
        self._watches[token] = (path, heard)
        if self.up:
            self._register(token)

    def check(self) -> None:
        """Find out whether the host still knows this session, where it could have changed unseen.

        A port tells when the host's side closes and opens, but a guest that was stopped meanwhile sees one
        change only, or none. A host that knows a watch refuses to register it again; another one does not.
        """
        transport = self.line.transport
        token = next(iter(self._watches), None)
        if transport is None or not transport.resync or token is None:
            return
        payload = self.home + self._watches[token][0] + b"\0" + token + b"\0"

        def checked(outcome: object) -> None:
            if not isinstance(outcome, StoreError):
                self.line.renew()

        self.line.submit(Pending(wire.WATCH, 0, payload, checked))

    def _came_up(self) -> None:
        for token in self._watches:
            self._register(token)
        self.on_up()

    def _register(self, token: bytes) -> None:
        payload = self.home + self._watches[token][0] + b"\0" + token + b"\0"
        self.line.submit(Pending(wire.WATCH, 0, payload, lambda _: None))

    def _event(self, payload: bytes) -> None:
        path, _, rest = payload.partition(b"\0")
        watched = self._watches.get(rest.partition(b"\0")[0])
        if watched is not None:
            home = self.home
            watched[1](path[len(home) :] if home and path.startswith(home) else path)
