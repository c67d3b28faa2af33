"""A bounded pool of threads for what waits, so that the event loop only moves bytes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, TypeVar

from guestwright.http_api.errors import Busy, TookTooLong

T = TypeVar("T")

THREADS: Final = 32
WAITING_MAX: Final = 128


class Workers:
    """Threads for operations. Used by the event loop only.

    Args:
        threads: at work at once.
        waiting: operations under way or in the queue for a thread; None: `WAITING_MAX`.
        name: of the threads.
    """

    def __init__(self, threads: int = THREADS, waiting: int | None = None, name: str = "api") -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._most = WAITING_MAX if waiting is None else waiting
        self._busy = 0

    async def run(self, do: Callable[[], T], operation: str, seconds: float) -> T:
        """Do something in a thread.

        Args:
            do: what; it may block.
            operation: its name.
            seconds: to wait for it.

        Raises:
            Busy: too much is under way.
            TookTooLong: it goes on without an answer.
        """
        if self._busy >= self._most:
            raise Busy(what="requests", most=self._most)
        self._busy += 1
        work = asyncio.get_running_loop().run_in_executor(self._pool, do)
        work.add_done_callback(self._done)
        try:
            return await asyncio.wait_for(asyncio.shield(work), seconds)
        except TimeoutError:
            raise TookTooLong(operation=operation, seconds=f"{seconds:g}") from None

    def _done(self, work: asyncio.Future[Any]) -> None:
        self._busy -= 1
        if not work.cancelled():
            work.exception()  # whoever waited has seen it; after a time-out nobody does

    def close(self) -> None:
        """Start no more; what is under way goes on."""
        self._pool.shutdown(wait=False, cancel_futures=True)
