"""What every agent does when its connection to the host comes up, goes down, or shows another store.

Theory of operation: after a suspension, a migration or a restart of the store, its contents may be others. A
lost connection shows that; where the kernel keeps the connection, its watches fire anew. Watches on keys that
never change otherwise tell of it, and everything is written again.
"""

from __future__ import annotations

from guestwright.agent.tasks import Task

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from guestwright.agent.actions.offering import Registry
    from guestwright.agent.channel.session import Session
    from guestwright.agent.log import Log
    from guestwright.agent.loop import Loop
    from guestwright.agent.publisher import Publisher

_SENTINELS: Final = (b"domid", b"unique-domain-id")
_FAREWELL: Final = 3.0  # seconds for the last words


class Connected:
    """An agent as its connection sees it; who inherits sets the attributes, and calls `listen` at last.

    Attributes:
        loop: runs it. log: for people. session: the connection. publisher: of facts. registry: of actions.
    """

    loop: Loop
    log: Log
    session: Session
    publisher: Publisher
    registry: Registry
    _fresh: set[bytes]

    def listen(self) -> None:
        """Notice when the store is another one."""
        self._fresh = set()
        for sentinel in _SENTINELS:
            self.session.watch(sentinel, self._refired)

    def changed(self) -> None:
        """Facts or offers may have changed."""
        self.publisher.changed()

    def stop(self) -> None:
        """Take leave of the host, then end the loop."""
        if not self.session.up:
            self.loop.stop()
            return
        Task(self.publisher.farewell(), lambda _error: self.loop.stop())
        self.loop.at(_FAREWELL, self.loop.stop)

    def _down(self) -> None:
        if not self.loop.stopping:
            self.log.say("the connection to the host is lost", 4)

    def _up(self) -> None:
        transport = self.session.line.transport
        self.log.say(f"connected to the host: {transport.name if transport is not None else ''}")
        self._fresh = set(_SENTINELS)
        self.publisher.lost()
        self.registry.started()
        self.changed()

    def _refired(self, path: bytes) -> None:
        """A key that never changes is said to have; once for each connection that is only the greeting."""
        if path in self._fresh:
            self._fresh.discard(path)
            return
        self.publisher.lost()
        self.changed()
