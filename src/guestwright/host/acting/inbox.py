"""Input of a program in a guest, as it comes: bounded, from any thread."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator
from typing import Final

SIZE_MAX: Final = 4 << 20  # bytes that wait for the guest


class Inbox:
    """An iterator of pieces; an empty one while there is nothing yet (see `exec_channel.host.Call`)."""

    def __init__(self) -> None:
        self._pieces: deque[bytes] = deque()
        self._size = 0
        self._ended = False
        self._changed = threading.Condition()

    def put(self, data: bytes, seconds: float) -> bool:
        """Add a piece; False when there was no room for it in time, or the end was told before.

        Args:
            data: at most `SIZE_MAX` bytes.
            seconds: to wait for room.
        """
        end = time.monotonic() + seconds
        with self._changed:
            while self._size + len(data) > SIZE_MAX and not self._ended:
                if not self._changed.wait(end - time.monotonic()):
                    return False
            if self._ended:
                return False
            if data:
                self._pieces.append(data)
                self._size += len(data)
            return True

    def end(self) -> None:
        """There is no more. May be called twice."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        with self._changed:
            if self._pieces:
                piece = self._pieces.popleft()
                self._size -= len(piece)
                self._changed.notify_all()
                return piece
            if self._ended:
                raise StopIteration
            return b""
