"""What the agent says, on standard error; a service manager keeps it.

Theory of operation: lines begin with the priority that journald and syslog know (`<6>`). What the host can
cause is bounded: the same line is not said twice in a row, and no more than `_BURST` lines go out per
minute. Audit lines are never held back.
"""

from __future__ import annotations

import os
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

_BURST: Final = 60
_LINE_MAX: Final = 2000
_AUDIT_MODE: Final = 0o600
_NOT_WINDOWS: Final[int] = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0)
_APPEND: Final = os.O_WRONLY | os.O_APPEND | os.O_CREAT | _NOT_WINDOWS


class Log:
    """Writes lines.

    Args:
        fd: where to.
    """

    def __init__(self, fd: int = 2) -> None:
        self._fd = fd
        self._audit = ""
        self._last = ""
        self._held: list[bytes] | None = None
        self._since = 0.0
        self._said = 0

    def keep(self, audit: str) -> None:
        """Write audit lines to this file as well; "" for none."""
        self._audit = audit

    def say(self, text: str, priority: int = 6) -> None:
        """One line: 3 is an error, 4 a warning, 6 information."""
        now = time.monotonic()
        if now - self._since > 60:
            self._since, self._said = now, 0
        self._said += 1
        if text == self._last or self._said > _BURST:
            return
        self._last = text
        self._put(f"<{priority}>{_one_line(text)}\n")

    def audit(self, text: str) -> None:
        """One line about something done at the host's request."""
        line = _one_line(text)
        self._put(f"<5>audit: {line}\n")
        if not self._audit:
            return
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        data = f"{stamp} {line}\n".encode("utf-8", "replace")
        if self._held is None:
            self._append(data)
        elif len(self._held) < _BURST:
            self._held.append(data)

    def hold(self, *, on: bool) -> None:
        """Have lines for the audit file wait, because writing might block, or write them now."""
        waiting, self._held = self._held or [], [] if on else None
        if waiting and not on:
            self._append(b"".join(waiting))

    def _append(self, data: bytes) -> None:
        try:
            fd = os.open(self._audit, _APPEND, _AUDIT_MODE)
        except OSError as error:
            self._put(f"<3>{self._audit}: {error.strerror}\n")
            return
        try:
            os.write(fd, data)
        except OSError as error:
            self._put(f"<3>{self._audit}: {error.strerror}\n")
        finally:
            os.close(fd)

    def _put(self, line: str) -> None:
        try:
            os.write(self._fd, line.encode("utf-8", "replace"))
        except OSError:
            return  # nobody listens


def _one_line(text: str) -> str:
    text = text[:_LINE_MAX]
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text)
