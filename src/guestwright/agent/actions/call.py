"""One call: its streams, and the work behind them.

Theory of operation: `look` and `flush` may be called at any time; one coroutine at a time reads what the
host has sent, hands it to the work, and writes what the work has produced. The work (`Work`) is a process
or a file. When the host does not take what was produced, the work is not asked for more; when the work does
not take its input, the host's chunks stay unacknowledged. So nothing grows.
"""

from __future__ import annotations

from guestwright.agent.actions.stage import NotAllowed, Stage, Work
from guestwright.agent.actions.work import work_for
from guestwright.agent.channel.errors import Lost, StoreError
from guestwright.agent.exchange import streams
from guestwright.agent.exchange.streams import OutOfOrder, Receiving, Sending
from guestwright.agent.tasks import Task, every

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Final

    from guestwright.agent.actions.action import Context
    from guestwright.agent.loop import Timer

ABANDONED_AFTER: Final = 600.0  # seconds in which the host takes nothing of what waits for it


class Call(Stage):
    """A call of the host.

    Args:
        context: see there.
        name: of the call.
        refusal: why it is refused whatever it asks for; "" if it is not.
        over: called when the host has removed its word.

    Attributes:
        name: see above.
        begin: starts the work, or refuses it.
    """

    begin = staticmethod(work_for)

    def __init__(self, context: Context, name: str, refusal: str, over: Callable[[Call], object]) -> None:
        self._context = context
        self.name = name
        self._refusal = refusal
        self._over = over
        self._sending = Sending()
        self._receiving = Receiving()
        self._request = b""
        self._work: Work | None = None
        self._done = False  # the last chunk is in the queue
        self._gone = self._lost = False
        self._busy = False
        self._look = self._flush = self._again = False
        self._told = (-1, -1)
        self._timer: Timer | None = None

    def look(self) -> None:
        """The host's word may have changed."""
        self._look = True
        self._run()

    def flush(self) -> None:
        """The work has produced something, or can take input again."""
        self._look = self._look or (self._work is not None and self._work.ready)
        self._flush = True
        self._run()

    def again(self) -> None:
        """The connection was lost and is back: the store may have forgotten what was not taken."""
        self._again = self._look = True
        self._run()

    def kill(self) -> None:
        """End the work."""
        if self._work is not None:
            self._work.kill()

    def produce(self, tag: bytes, data: bytes) -> bool:
        """Queue output of the work; whether it may go on at once."""
        self._sending.put(tag, data)
        self.flush()
        return not self._sending.full

    def finish(self, how: str) -> None:
        """The work has ended."""
        if not self._done:
            self._done = True
            self._sending.put(streams.ENDED, how.encode("utf-8", "replace")[: streams.CHUNK])
            self._context.log.audit(f"call {self.name} ended: {how}")
            self.flush()

    def _run(self) -> None:
        if not self._busy and not self._gone:
            self._busy = True
            # Later, so that what happens in one turn of the loop goes out together.
            self._context.loop.soon(lambda: Task(self._exchange(), self._ended))

    def _ended(self, error: BaseException | None) -> None:
        self._busy = False
        if error is None:
            return
        if isinstance(error, Lost):
            return  # `again` follows
        self._context.log.say(f"call {self.name}: {type(error).__name__}: {error}", 4)
        self.kill()
        self._lost = self._look = True  # what is left to say is that
        self._run()

    def _end(self) -> None:
        if not self._gone:
            self._gone = True
            if self._timer is not None:
                self._timer.cancel()
            self.kill()
            self._over(self)

    async def _exchange(self) -> None:
        while (self._look or self._flush or self._again) and not self._gone:
            if self._lost:
                self._look = self._flush = self._again = False
                await self._give_up()
                continue
            if self._look:
                self._look = False
                await self._take()
            if not self._gone:
                self._flush = False
                await self._give()

    async def _give_up(self) -> None:
        """Tell the host that nothing comes of the call, until it goes away."""
        session = self._context.session
        if await session.get(streams.host_word(self.name).encode()) is None:
            self._end()
            return
        try:
            await session.write(streams.guest_word(self.name).encode(), streams.word(0, 0, streams.LOST))
        except Lost:
            raise
        except StoreError:
            self._end()

    async def _take(self) -> None:
        """Read the host's word and what it has sent."""
        session = self._context.session
        value = await session.get(streams.host_word(self.name).encode())
        if value is None:
            self._end()
            return
        sent, taken, wish = streams.parse_word(value)
        if self._sending.acknowledged(taken):
            self._watch_over()
        if wish == streams.CANCEL and not self._done:
            self.kill()
            self.finish("cancelled")
        if self._work is not None and not self._work.ready and not self._done:
            return  # its input is full; `flush` comes
        numbers = self._receiving.waiting(sent)
        directory = streams.slots(self.name, "in")
        for outcome in await every([session.read(f"{directory}/{number}".encode()) for number in numbers]):
            if isinstance(outcome, BaseException):
                raise outcome
            self._receiving.taken += 1
            self._chunk(outcome[:1], outcome[1:])
        if self._work is not None:
            self._work.go_on(full=self._sending.full)

    async def _give(self) -> None:
        """Write what waits, then our word."""
        session = self._context.session
        resend, self._again = self._again, False
        due = (self._sending.again() if resend else []) + self._sending.due()
        told = (self._sending.sent, self._receiving.taken)
        if not due and told == self._told:
            return
        directory = streams.slots(self.name, "out")
        place, writes = streams.guest_word(self.name).encode(), []
        for left, (number, chunk) in zip(range(len(due) - 1, -1, -1), due):  # noqa: B905 - Python 3.8
            writes.append(session.write(f"{directory}/{number}".encode(), chunk))
            if left and left % streams.BATCH == 0:
                writes.append(session.write(place, streams.word(told[0] - left, told[1])))
        writes.append(session.write(place, streams.word(*told)))
        for outcome in await every(writes):
            if isinstance(outcome, Lost):
                self._told = (-1, -1)
                raise outcome
            if isinstance(outcome, BaseException):
                raise outcome
        self._told = told
        self._watch_over()
        if self._work is not None:
            self._work.go_on(full=self._sending.full)

    def _chunk(self, tag: bytes, data: bytes) -> None:
        if self._done:
            return
        if tag in {streams.REQUEST_PART, streams.REQUEST_END} and self._work is None:
            self._request += data
            if len(self._request) > streams.REQUEST_MAX:
                self.finish("refused the request is too long")
            elif tag == streams.REQUEST_END:
                self._begin()
        elif tag == streams.INPUT and self._work is not None:
            self._work.input(data)
        elif tag == streams.INPUT_END and self._work is not None:
            self._work.input_end()
        else:
            raise OutOfOrder

    def _begin(self) -> None:
        try:
            request = streams.unpack(self._request)
        except OutOfOrder:
            self.finish("refused the request has no fields")
            return
        self._request = b""
        shown = " ".join(
            f"{key}={value}" for key, values in request.items() for value in values if key != "env"
        )
        try:
            self._work = self.begin(self._context, request, self, self._refusal)
        except NotAllowed as refused:
            self._context.log.audit(f"call {self.name} refused ({refused}): {shown}")
            self.finish(f"refused {refused}")
        except OSError as error:
            self._context.log.audit(f"call {self.name} failed ({error.strerror}): {shown}")
            self.finish(f"failed {error.strerror}")
        else:
            self._context.log.audit(f"call {self.name}: {shown}")

    def _watch_over(self) -> None:
        """A host that takes nothing for long has gone."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self._sending.finished:
            self._timer = self._context.loop.at(ABANDONED_AFTER, self._end)
