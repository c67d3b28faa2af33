"""Brings the store to what the facts say: asks `Following` what to do and does it.

Theory of operation: `changed` may be called any number of times; one coroutine at a time plans and writes,
each batch in a transaction. What changes meanwhile is planned afterwards. The first change after a quiet
moment is written at once, a flood of them is gathered.

An address is on its way to the host in two round trips: the transaction is asked for before it is known what
it will hold (`urgent`), and committed together with its operations. Only for a small change of what the store
has taken before is it trusted like that; if it refuses that, nothing is known about it any more. Where the
channel has no transactions, only the keys of a refused batch are not known any more.
"""

from __future__ import annotations

from guestwright.agent.channel.errors import Lost, StoreError
from guestwright.agent.channel.transaction import Opening, abandon, transact
from guestwright.agent.core.follow import Following
from guestwright.agent.core.layout import Layout
from guestwright.agent.core.publish import REMOVE
from guestwright.agent.tasks import Task, Wait

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Final

    from guestwright.agent.channel.session import Session
    from guestwright.agent.core.facts import Facts
    from guestwright.agent.core.publish import Batch
    from guestwright.agent.log import Log
    from guestwright.agent.loop import Loop, Timer

CHECK: Final = 30.0  # seconds between two looks whether the host is still the same, with something to write
CHECK_ALONE: Final = 240.0  # the same, without
GATHER: Final = 0.02  # seconds between two publications


class Publisher:
    """Writes what has changed.

    Args:
        loop: runs it.
        session: the store.
        log: for people.
        facts: what is known now.
        offers: what the actions offer now.
        told: what the host wrote and the agent has read.
        settled: called once, when everything is written.

    Attributes:
        published: what the store holds.
    """

    def __init__(
        self,
        loop: Loop,
        session: Session,
        log: Log,
        *,
        facts: Callable[[], Facts],
        offers: Callable[[], dict[str, str]],
        told: Callable[[], dict[str, str]],
        settled: Callable[[], object] = lambda: None,
    ) -> None:
        self._loop = loop
        self._session = session
        self._log = log
        self._facts = facts
        self._offers = offers
        self._told = told
        self._settled: Callable[[], object] | None = settled
        self.published = Following()
        self._layout = Layout()
        self._opening: Opening | None = None
        self._dirty = False
        self._busy = False
        self._timer: Timer | None = None
        self._last = self._checked = float("-inf")

    def lost(self) -> None:
        """It is not known any more what the store holds."""
        self._opening = None
        self.published.lost()

    def changed(self) -> None:
        """Facts or offers may have changed."""
        self._dirty = True
        if not self._busy:
            self._after(self._last + GATHER - self._loop.clock())

    def urgent(self) -> None:
        """Facts have changed, very probably such that are published."""
        quiet = self._loop.clock() - self._last > GATHER
        if quiet and not self._busy and not self._dirty and self._session.up and self.published.calm:
            self._opening = Opening(self._session)
        self.changed()

    async def farewell(self) -> None:
        """Take back what would be untrue without the agent."""
        for batch in self.published.farewell():
            if not await self._apply(batch):
                return

    def _after(self, seconds: float) -> None:
        """Work then, and not before."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if seconds > 0:
            self._timer = self._loop.at(seconds, self._begin)
        else:
            self._loop.soon(self._begin)

    def _begin(self) -> None:
        if not self._busy and self._session.up:
            self._busy = True
            Task(self._work(), self._ended)

    async def _work(self) -> None:
        for _ in range(_ROUNDS):
            self._dirty = False
            self._last = self._loop.clock()
            self._layout.update(self._facts(), self._offers(), self._told())
            batches = self.published.plan_layout(self._layout, self._last)
            refused = False
            self._check(CHECK if batches else CHECK_ALONE)
            if self._opening is not None and not batches:
                opening, self._opening = self._opening, None
                await abandon(self._session, opening)
            for batch in batches:
                refused = not await self._apply(batch)
                if refused:
                    break
            if not refused:
                return

    def _check(self, after: float) -> None:
        """Have a look whether the host is still the same; it costs nothing together with a change."""
        if self._last - self._checked > after:
            self._checked = self._last
            self._session.check()

    def _ended(self, error: BaseException | None) -> None:
        self._busy = False
        if self._opening is not None:
            Task(abandon(self._session, self._opening), lambda _error: None)
            self._opening = None
        if isinstance(error, Lost):
            return  # everything is written again when the connection is back
        if error is not None:
            self._log.say(f"publishing: {type(error).__name__}: {error}", 3)
        elif self._settled is not None and not self._dirty:
            settled, self._settled = self._settled, None
            settled()
        retry = self.published.next_retry()
        if self._dirty:
            self._after(GATHER)
        elif retry is not None:
            self._after(max(GATHER, retry - self._loop.clock()))

    async def _apply(self, batch: Batch) -> bool:
        """Do a batch; whether to go on with the next one."""
        opening, self._opening = self._opening, None
        try:
            if len(batch.ops) == 1 and opening is None:  # what happens each minute: not three
                await self._session.alone(self._operation(*batch.ops[0], 0))
            else:
                await transact(
                    self._session,
                    lambda number: [self._operation(*op, number) for op in batch.ops],
                    opening=opening,
                    trusting=self.published.small,
                )
        except Lost:
            raise
        except StoreError as error:
            if error.partial and self._session.transactions:
                self.published.lost()
                return False
            if error.partial:
                self.published.unsure(batch)
            now = self._loop.clock()
            if error.place < 0:
                if self.published.postponed(batch, now, error.errno):
                    self._log.say(
                        f"the store does not take what is new about {batch.subject}: {error.errno}", 4
                    )
                return False
            path = batch.ops[error.place][1]
            if self.published.refused(batch, path, error.errno, now):
                self._log.say(f"the store refuses {path}: {error.errno}", 4)
            return False
        self.published.done(batch)
        return True

    def _operation(self, kind: str, path: str, value: bytes, number: int) -> Wait:
        if kind == REMOVE:
            return self._session.rm(path.encode(), number)
        return self._session.write(path.encode(), value, number)


_ROUNDS: Final = 64  # refusals in a row until the rest waits for its turn
