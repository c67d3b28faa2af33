"""Coroutines without a framework: what takes several steps is written as `async def`.

Theory of operation: a coroutine awaits `Wait` objects. The task that drives it hands each one a function to
be called with the outcome, once and later, never at once; then the coroutine goes on. `asyncio` would
double the agent's memory.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Generator, Sequence
    from typing import Any

    from guestwright.agent.loop import Loop


class TaskCancelled(BaseException):
    """The task is to end; whoever catches it cleans up and lets it pass."""


class Wait:
    """Something to await.

    Args:
        begin: is called with a function that takes the outcome: a value, or an exception to be raised.
    """

    __slots__ = ("begin",)

    def __init__(self, begin: Callable[[Callable[[Any], None]], object]) -> None:
        self.begin = begin

    def __await__(self) -> Generator[Wait, Any, Any]:
        outcome = yield self
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome


async def every(waits: Sequence[Wait]) -> list[Any]:
    """Begin all at once; the outcomes in order, exceptions among them as values."""
    if not waits:
        return []
    outcomes: list[Any] = [None] * len(waits)
    missing = [len(waits)]

    def begin(resume: Callable[[Any], None]) -> None:
        def part(place: int) -> Callable[[Any], None]:
            def done(outcome: Any) -> None:
                outcomes[place] = outcome
                missing[0] -= 1
                if not missing[0]:
                    resume(None)

            return done

        for place, wait in enumerate(waits):
            wait.begin(part(place))

    await Wait(begin)
    return outcomes


def sleep(loop: Loop, seconds: float) -> Wait:
    """Await time."""
    return Wait(lambda resume: loop.at(seconds, lambda: resume(None)))


class Task:
    """Drives a coroutine.

    Args:
        work: the coroutine; it starts at once.
        ended: is told the exception that ended it; None if nothing did. Without it, exceptions go to whoever
            runs the loop.

    Attributes:
        alive: it has not ended yet.
    """

    __slots__ = ("_ended", "_step", "_work", "alive")

    def __init__(
        self,
        work: Coroutine[Wait, Any, object],
        ended: Callable[[BaseException | None], object] | None = None,
    ) -> None:
        self._work = work
        self._ended = ended
        self._step = 0
        self.alive = True
        self._resume(None)

    def cancel(self) -> None:
        """Raise `TaskCancelled` where the coroutine waits."""
        if self.alive:
            self._run(lambda: self._work.throw(TaskCancelled()))

    def _resume(self, outcome: Any) -> None:
        self._run(lambda: self._work.send(outcome))

    def _run(self, go_on: Callable[[], Wait]) -> None:
        self._step += 1
        step = self._step
        try:
            wait = go_on()
        except StopIteration:
            self._end(None)
        except (Exception, TaskCancelled) as error:  # noqa: BLE001  # the boundary between tasks
            self._end(error)
        else:
            # A step that was overtaken by a cancellation has nothing to say any more.
            wait.begin(lambda outcome: self._resume(outcome) if self.alive and step == self._step else None)

    def _end(self, error: BaseException | None) -> None:
        self.alive = False
        if self._ended is not None:
            self._ended(error)
        elif error is not None and not isinstance(error, TaskCancelled):
            raise error
