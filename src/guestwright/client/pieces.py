"""What is sent to an engine piece by piece, gone on with after breaks.

Theory of operation: what the engine says is missing is sent; once a piece is answered it has arrived for
good, and after a break the engine is asked again. It is given up when nothing has moved for a while.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

from guestwright.base.record import field, record, replace
from guestwright.client.address import Server
from guestwright.client.call import Answer, Call, Json
from guestwright.client.errors import (
    EngineBusy,
    EngineLost,
    EngineRefused,
    EngineUnreachable,
    RemoteError,
)
from guestwright.client.flows import attempt
from guestwright.client.meaning import meaning
from guestwright.client.steps import Ask, Flow, Pause, Work

PIECE: Final = 8 << 20
PATIENCE: Final = 120.0
"""Seconds without any progress after which a transfer is given up."""
_PAUSE: Final = 0.5  # seconds, times the number of the break
_PAUSE_MAX: Final = 5.0
_LOST: Final = 504

Moved = Callable[[int, int], object]
"""Is told bytes so far, and in all."""


@record
class Course:
    """What is sent, and how.

    Attributes:
        show: asks for the upload of an id, with what is `missing`.
        write: sends bytes of it; its answer is the same.
        piece: the bytes from a place to another one.
        total: how many there are.
    """

    show: Callable[[str], Call[Json]]
    write: Callable[[str, bytes], Call[Json]]
    piece: Callable[[int, int], bytes] = field(repr=False)
    total: int


class Trying:
    """How long breaks go on without progress.

    Args:
        now: seconds, of a steady clock.
        patience: seconds.
    """

    def __init__(self, now: Callable[[], float], patience: float) -> None:
        self._now = now
        self._patience = patience
        self._moved = now()
        self._breaks = 0

    def moved(self) -> None:
        """There was progress."""
        self._moved, self._breaks = self._now(), 0

    def after(self, error: RemoteError) -> float:
        """Seconds to wait before the next attempt; raises the error when there shall be none."""
        away = isinstance(error, (EngineLost, EngineUnreachable, EngineBusy))
        lost = isinstance(error, EngineRefused) and error.status == _LOST
        if not (away or lost) or self._now() - self._moved >= self._patience:
            raise error
        self._breaks += 1
        return min(_PAUSE * self._breaks, _PAUSE_MAX)


def send(course: Course, made: Json, server: Server, trying: Trying, progress: Moved | None) -> Flow[None]:
    """Send what is missing, until nothing is.

    Args:
        course: see there.
        made: the upload, as the engine has told of it.
        server: where, for errors.
        trying: see there.
        progress: see `Moved`; None for nobody.

    Raises:
        RemoteError: the engine does not take it, or does not answer.
    """
    identity, missing = str(made["id"]), made["missing"]
    known = True
    while missing or not known:
        try:
            if not known:
                missing = (yield from attempt(course.show(identity), server, ""))["missing"]
                known = True
                continue
            start, end = missing[0][0], min(missing[0][1], missing[0][0] + PIECE)
            data: bytes = yield Work(partial(course.piece, start, end))
            missing = yield from _put(course, identity, data, start, server)
            trying.moved()
        except RemoteError as error:
            pause = trying.after(error)
            known = False
            yield Pause(pause)
        if progress is not None and known:
            left = sum(last - first for first, last in missing)
            progress(course.total - left, course.total)


def _put(course: Course, identity: str, data: bytes, start: int, server: Server) -> Flow[list[list[int]]]:
    call = course.write(identity, data)
    plain, place = call.request(""), f"bytes {start}-{start + len(data) - 1}/{course.total}"
    request = replace(plain, headers={**plain.headers, "Content-Range": place})
    answer: Answer = yield Ask(request)
    found: list[list[int]] = meaning(call, server, request, answer)["missing"]
    return found
