"""What commands that run a program in a guest share: its output, its exit status, its variables and input."""

from __future__ import annotations

import sys
from typing import BinaryIO, Final

from guestwright.base.errors import EXIT_FAILED, UsageError
from guestwright.base.printable import printable
from guestwright.cli.output import warn

INPUT_MAX: Final = 16 << 20
_SIGNALLED: Final = 128


def status_of(how: str, status: int | None, signal: int | None) -> int:
    """Our exit status for a program's end.

    Args:
        how: as the guest says it.
        status: its own; None when it did not exit.
        signal: that ended it; None without one.
    """
    if status is not None:
        return status & 0xFF if status & 0xFF or not status else EXIT_FAILED
    if signal is not None:
        return min(255, _SIGNALLED + signal)
    warn(f"guestwright: the program did not end by itself: {printable(how)}")
    return EXIT_FAILED


def show(stream: BinaryIO, data: bytes, *, raw: bool) -> None:
    """Write what a program wrote; control characters are shown, not obeyed, unless it is to be `raw`."""
    if not raw:
        text = data.decode("utf-8", "surrogateescape")
        pieces = ("\t".join(map(printable, line.split("\t"))) for line in text.split("\n"))
        data = "\n".join(pieces).encode("utf-8", "surrogateescape")
    stream.write(data)
    stream.flush()


def standard_input() -> bytes:
    """All of our standard input.

    Raises:
        UsageError: it is too much.
    """
    data = sys.stdin.buffer.read(INPUT_MAX + 1)
    if len(data) > INPUT_MAX:
        raise UsageError(problem=f"standard input has more than {INPUT_MAX} bytes")
    return data


def variable(text: str) -> tuple[str, str]:
    """NAME=VALUE as a pair.

    Raises:
        UsageError: it is none.
    """
    name, found, value = text.partition("=")
    if not found or not name:
        raise UsageError(problem=f"--env {name}: expected NAME=VALUE")
    return name, value
