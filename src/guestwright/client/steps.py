"""What a client does, in steps that know nothing of sockets: shared by the synchronous and asynchronous one.

Theory of operation: a flow is a generator that yields steps; whoever runs it does each step and gives back
what came of it, or throws in the error. Retries, pages, waiting and following are flows, written once.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any, Generic, TypeVar

from guestwright.base.record import record
from guestwright.client.call import Request
from guestwright.client.errors import RemoteError

T = TypeVar("T")


@record(kw_only=False)
class Ask:
    """Send a request; an `Answer` comes back."""

    request: Request


@record(kw_only=False)
class Open:
    """Send a request whose answer is a stream; a `Head` comes back. A stream that was open is closed."""

    request: Request


@record(kw_only=False)
class More:
    """Take more of the open stream; bytes come back, b"" at its end.

    Attributes:
        seconds: to wait for it.
    """

    seconds: float


@record(kw_only=False)
class Pause:
    """Wait.

    Attributes:
        seconds: how long.
    """

    seconds: float


@record(kw_only=False)
class Give:
    """Something for the caller, who iterates."""

    item: Any


@record(kw_only=False)
class Work:
    """Do something that may block, with a file for instance; what it returns comes back."""

    do: Callable[[], Any]


Step = Ask | Open | More | Pause | Work | Give
Flow = Generator[Step, Any, T]


class Running(Generic[T]):
    """A flow that is being run.

    Attributes:
        given: what came of the last step.
        failed: the error that came of it instead.
        result: of the flow, once `advance` has returned None.
    """

    def __init__(self, flow: Flow[T]) -> None:
        self.given: Any = None
        self.failed: RemoteError | None = None
        self.result: T
        self._flow = flow

    def advance(self) -> Step | None:
        """The next step; None when the flow has ended."""
        given, failed = self.given, self.failed
        self.given = self.failed = None
        try:
            return self._flow.send(given) if failed is None else self._flow.throw(failed)
        except StopIteration as end:
            self.result = end.value
            return None

    def close(self) -> None:
        """Give it up."""
        self._flow.close()
