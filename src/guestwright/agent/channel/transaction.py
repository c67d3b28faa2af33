"""Transactions: several changes of the store, all or none of them.

Where the channel has none, the operations are done one after the other, outside any; see `Transport`. Then a
refusal leaves those that were done, and the error is `partial`.
"""

from __future__ import annotations

from guestwright.agent.channel import wire
from guestwright.agent.channel.errors import Lost, StoreError
from guestwright.agent.channel.line import Pending
from guestwright.agent.tasks import Wait, every

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Final

    from guestwright.agent.channel.session import Session

ATTEMPTS: Final = 12  # of a transaction that others interfere with
_NONE: Final = 0  # number of no transaction


class Opening:
    """A transaction that the store is asked for at once, for `transact` or `abandon`.

    Args:
        session: the store.

    Attributes:
        epoch: of the line.
    """

    __slots__ = ("_loop", "_outcome", "_resume", "epoch")

    def __init__(self, session: Session) -> None:
        self.epoch = session.line.epoch
        self._loop = session.loop
        self._outcome: object = None
        self._resume: Callable[[Any], object] | None = None
        if not session.transactions:
            self._outcome = b"%d\0" % _NONE
            return
        session.line.submit(Pending(wire.TRANSACTION_START, 0, b"\0", self._done))
        session.line.flush()

    async def number(self, session: Session) -> int:
        """The number of the transaction; to be awaited once. Raises `StoreError`."""

        def begin(resume: Callable[[Any], None]) -> None:
            if self._outcome is None:
                self._resume = resume
            else:
                self._loop.soon(lambda: resume(self._outcome))

        number = int((await Wait(begin)).rstrip(b"\0"))
        if self.epoch != session.line.epoch:
            raise Lost
        return number

    def _done(self, outcome: object) -> None:
        self._outcome = outcome
        if self._resume is not None:
            self._resume(outcome)


async def abandon(session: Session, opening: Opening) -> None:
    """End a transaction in which nothing was done."""
    number = await opening.number(session)
    if number != _NONE:
        await _end(session, number, b"F\0")


async def transact(
    session: Session,
    operations: Callable[[int], list[Wait]],
    *,
    opening: Opening | None = None,
    trusting: bool = False,
) -> None:
    """Make changes, all or none of them.

    Args:
        session: the store.
        operations: the requests, made anew for each attempt with the number of its transaction.
        opening: one that was made for this, if there is one.
        trusting: have the first attempt committed without waiting for what the store says of the
            operations. If it refuses one, contrary to what is expected, the others may be done: then the
            error is `partial`.

    Raises:
        StoreError: the first refusal, with its place among the operations in `place`; EAGAIN when others
            interfered each time. It is `partial` as well where the channel has no transactions.
    """
    for attempt in range(ATTEMPTS):
        number = await (opening or Opening(session)).number(session)
        opening = None
        trusts = trusting and not attempt and number != _NONE
        waits = operations(number)
        if trusts:
            waits.append(_end(session, number, b"T\0"))
        outcomes = await every(waits)
        ended = outcomes.pop() if trusts else None
        refused = _refusal(outcomes)
        try:
            if not trusts and number != _NONE:
                await _end(session, number, b"F\0" if refused else b"T\0")
            elif isinstance(ended, StoreError):
                raise ended
        except StoreError as error:
            if error.errno != "EAGAIN" or attempt == ATTEMPTS - 1:
                raise
            continue
        if refused is not None:
            refused.partial = trusts or number == _NONE
            raise refused
        return


def _end(session: Session, number: int, how: bytes) -> Wait:
    return session.request(wire.TRANSACTION_END, how, number)


def _refusal(outcomes: list[Any]) -> StoreError | None:
    """The first refusal, with its place; raises `Lost` if the connection was."""
    for place, outcome in enumerate(outcomes):
        if isinstance(outcome, Lost):
            raise outcome
        if isinstance(outcome, StoreError):
            outcome.place = place
            return outcome
    return None
