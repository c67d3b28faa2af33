"""Transactions, for asyncio."""

from __future__ import annotations

from contextlib import suppress
from types import TracebackType
from typing import Self

from guestwright.xenstore.client import operations as ops
from guestwright.xenstore.client.aio.link import Link
from guestwright.xenstore.client.aio.tree import AsyncTree
from guestwright.xenstore.client.errors import Closed, Conflict, ConnectionLost
from guestwright.xenstore.client.session import Pending
from guestwright.xenstore.client.transaction import too_many
from guestwright.xenstore.core import requests


class AsyncTransaction(AsyncTree):
    """A transaction as an asynchronous context manager; see `client.transaction.Transaction`.

    Attributes:
        conflicted: whether it ended in vain and is to be tried again.
    """

    def __init__(self, outside: AsyncTree, attempt: int = 1, most: int = 1) -> None:
        super().__init__(outside.timeout)
        self._outside = outside
        self._attempt = attempt
        self._most = most
        self._transaction = 0
        self.conflicted = False

    @property
    def link(self) -> Link:
        """The connection, for this loop."""
        return self._outside.link

    async def __aenter__(self) -> Self:
        self._transaction = await self._outside.run(ops.start())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        del error, trace
        if kind is not None:
            self.abort()
        elif self._transaction:
            transaction, self._transaction = self._transaction, 0
            try:
                end = self.link.submit(requests.TransactionEnd(commit=True), transaction)
                await self.link.settled(end, self.timeout)
            except Conflict:
                self.conflicted = self._attempt < self._most
                if not self.conflicted:
                    raise too_many(self._attempt) from None
        return self.conflicted

    def abort(self) -> None:
        """Undo it all now, without waiting for the answer; nothing else can be done in the block."""
        transaction, self._transaction = self._transaction, 0
        if transaction and self.link.connection.over is None:
            with suppress(ConnectionLost):  # then the server has aborted it
                self.link.submit(requests.TransactionEnd(commit=False), transaction).wanted = False
            self.link.turn()

    def _submit(self, request: requests.Request) -> Pending:
        if not self._transaction:
            raise Closed
        return self.link.submit(request, self._transaction)
