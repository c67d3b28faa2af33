"""Operations on nodes, for synchronous code."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import TypeVar

from guestwright.base.errors import GuestwrightError
from guestwright.xenstore.client import operations as ops
from guestwright.xenstore.client.connection import Connection
from guestwright.xenstore.client.errors import Refused, TimedOut, describe
from guestwright.xenstore.client.operations import Node, Outcomes, Several, Steps
from guestwright.xenstore.client.session import Pending
from guestwright.xenstore.core import requests
from guestwright.xenstore.core.replies import Reply

T = TypeVar("T")


class Tree:
    """Operations on nodes, in a transaction or outside.

    All of them raise a `Refused` when the server says no (`NoSuchPath`, `AccessDenied`, ...), `TimedOut`,
    `ConnectionLost`, `TooBig` or `Closed`. Paths are absolute, or relative to the domain's own directory.

    Args:
        connection: to the server.
        timeout: for each operation, seconds; None to wait for ever.
        transaction: id of the transaction; 0 outside.
    """

    def __init__(self, connection: Connection, timeout: float | None, transaction: int = 0) -> None:
        self.connection = connection
        self.timeout = timeout
        self._transaction = transaction

    def read(self, path: str) -> bytes:
        """The value of a node."""
        return self.run(ops.read(path))

    def read_text(self, path: str) -> str:
        """The value of a node as UTF-8; what is not, is shown as U+FFFD."""
        return self.run(ops.read(path)).decode("utf-8", "replace")

    def get(self, path: str) -> bytes | None:
        """The value of a node, or None when there is no such node."""
        return self.run(ops.get(path))

    def exists(self, path: str) -> bool:
        """Whether there is such a node."""
        return self.run(ops.exists(path))

    def write(self, path: str, value: bytes | str) -> None:
        """Set a value (text as UTF-8); nodes above that are missing are made."""
        self.run(ops.write(path, value))

    def mkdir(self, path: str) -> None:
        """Make a node with an empty value unless it is there."""
        self.run(ops.mkdir(path))

    def rm(self, path: str) -> None:
        """Remove a node and all below it; if only the node itself is missing, that is no error."""
        self.run(ops.rm(path))

    def children(self, path: str) -> list[str]:
        """Names of the nodes directly below, in the server's order."""
        return self.run(ops.children(path))

    def get_perms(self, path: str) -> list[str]:
        """Permissions: entries such as `n0`, the owner's first."""
        return self.run(ops.get_perms(path))

    def set_perms(self, path: str, perms: Iterable[str]) -> None:
        """Replace the permissions."""
        self.run(ops.set_perms(path, perms))

    def tree(self, path: str, *, perms: bool = False) -> list[Node]:
        """A node and all below it, parents first; see `operations.tree`."""
        return self.run(ops.tree(path, perms=perms))

    def run(self, steps: Steps[T]) -> T:
        """Run an operation of `operations`; the timeout is for each of its requests."""
        try:
            request = next(steps)
            while True:
                try:
                    reply = self._ask(request)
                except GuestwrightError as error:
                    request = steps.throw(error)
                else:
                    request = steps.send(reply)
        except StopIteration as stop:
            result: T = stop.value
            return result

    def _ask(self, request: requests.Request | Several) -> Reply | Outcomes:
        if not isinstance(request, Several):
            return self.settled(self._submit(request))
        outcomes: list[Reply | Refused] = []
        for pending in [self._submit(one) for one in request.requests]:
            try:
                outcomes.append(self.settled(pending))
            except Refused as refused:
                outcomes.append(refused)
        return Outcomes(outcomes)

    def _submit(self, request: requests.Request) -> Pending:
        with self.connection.lock:
            self.connection.check()
            return self.connection.session.submit(request, self._transaction)

    def settled(self, pending: Pending) -> Reply:
        """The reply to a request that was queued."""
        deadline = None if self.timeout is None else time.monotonic() + self.timeout
        try:
            self.connection.wait(lambda: pending.done, deadline)
        finally:
            if not pending.done:
                with self.connection.lock:
                    self.connection.session.abandon(pending)
        if pending.error is not None:
            raise pending.error.with_traceback(None)
        if pending.reply is None:
            operation, subject = describe(pending.request)
            raise TimedOut(operation=operation, subject=subject, seconds=self.timeout)
        return pending.reply
