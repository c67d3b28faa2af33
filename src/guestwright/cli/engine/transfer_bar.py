"""A transfer's progress on a terminal's standard error; nothing anywhere else."""

from __future__ import annotations

import sys
import time
from typing import Final

from guestwright.cli.output import human

_WIDTH: Final = 28
_EVERY: Final = 0.2  # seconds between two drawings


class TransferBar:
    """Draws bytes so far, in all, and how fast they come."""

    def __init__(self) -> None:
        self._on = sys.stderr.isatty()
        self._began: tuple[float, int] | None = None
        self._drawn = 0.0

    def __call__(self, done: int, total: int) -> None:
        """Draw how far it is."""
        now = time.monotonic()
        if self._began is None:
            self._began = (now, done)
        if not self._on or (done < total and now - self._drawn < _EVERY):
            return
        self._drawn = now
        part = done / total if total else 1.0
        began, first = self._began
        speed = f"{human(int((done - first) / (now - began)))}/s" if now > began else ""
        bar = "█" * int(part * _WIDTH) + "·" * (_WIDTH - int(part * _WIDTH))
        sys.stderr.write(f"\r\x1b[K{bar} {human(done)} of {human(total)} {speed}")
        sys.stderr.flush()

    def close(self) -> None:
        """Wipe it."""
        if self._drawn:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
            self._drawn = 0.0
