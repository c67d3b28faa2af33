"""Transactions, for synchronous code."""

from __future__ import annotations

import random
from contextlib import suppress
from types import TracebackType
from typing import Final, Self

from guestwright.base.errors import GuestwrightError
from guestwright.xenstore.client import operations as ops
from guestwright.xenstore.client.errors import Closed, Conflict
from guestwright.xenstore.client.session import Pending
from guestwright.xenstore.client.tree import Tree
from guestwright.xenstore.core import requests

ATTEMPTS: Final = 16
_LONGEST_PAUSE: Final = 0.1


class Transaction(Tree):
    """A transaction as a context manager; made by `Client.transaction` and `Client.attempts`.

    Args:
        outside: the client.
        attempt: number of this attempt, from 1.
        most: number of the last one, whose conflict is raised.

    Attributes:
        conflicted: whether it ended in vain and is to be tried again.
    """

    def __init__(self, outside: Tree, attempt: int = 1, most: int = 1) -> None:
        super().__init__(outside.connection, outside.timeout)
        self._attempt = attempt
        self._most = most
        self.conflicted = False

    def __enter__(self) -> Self:
        self._transaction = self.run(ops.start())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        del error, trace
        if kind is not None:
            self.abort()
        elif self._transaction:
            try:
                self._end(commit=True)
            except Conflict:
                self.conflicted = self._attempt < self._most
                if not self.conflicted:
                    raise too_many(self._attempt) from None
        return self.conflicted

    def abort(self) -> None:
        """Undo it all now; nothing else can be done in the block."""
        if self._transaction:
            with suppress(GuestwrightError):  # without a connection, the server has aborted it
                self._end(commit=False)

    def _end(self, *, commit: bool) -> None:
        try:
            self.run(ops.simple(requests.TransactionEnd(commit=commit)))
        finally:
            self._transaction = 0

    def _submit(self, request: requests.Request) -> Pending:
        if not self._transaction and not isinstance(request, requests.TransactionStart):
            raise Closed
        return super()._submit(request)


def pause(attempt: int) -> float:
    """Seconds before the next attempt of a transaction; random, so that two clients do not stay in step."""
    return random.random() * min(_LONGEST_PAUSE, 0.001 * (1 << attempt))  # noqa: S311 - not about secrets


def too_many(attempts: int) -> Conflict:
    """What to raise when the last attempt of a transaction met changes by others."""
    return Conflict(operation="end a transaction in", subject="xenstore", errno="EAGAIN", attempts=attempts)
