"""Catches what a child prints, bounded."""

from __future__ import annotations

import os
from types import TracebackType
from typing import Final, Self

LIMIT: Final = 1 << 20
_CHUNK: Final = 65536


class Capture:
    """A pipe whose read end never blocks. What exceeds `LIMIT` bytes is read and dropped.

    Use as a context manager; leaving closes both ends.
    """

    def __init__(self) -> None:
        self.read_end, self.write_end = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(self.read_end, False)
        self.ended = False
        self._parts: list[bytes] = []
        self._held = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close_write_end()
        os.close(self.read_end)

    def close_write_end(self) -> None:
        """Leave the write end to the child alone; may be called twice."""
        if self.write_end >= 0:
            os.close(self.write_end)
            self.write_end = -1

    def take(self) -> bool:
        """Read what is there now; True when there will be no more."""
        while not self.ended:
            try:
                part = os.read(self.read_end, _CHUNK)
            except BlockingIOError:
                return False
            if not part:
                self.ended = True
                break
            room = LIMIT - self._held
            if room > 0:
                self._parts.append(part[:room])
                self._held += min(room, len(part))
        return True

    def text(self) -> bytes:
        """All that was kept."""
        return b"".join(self._parts)
