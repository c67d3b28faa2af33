"""Which agent this is."""

from __future__ import annotations

from guestwright import __version__


def version() -> tuple[int, int, int]:
    """The agent's version in three numbers."""
    numbers = [int(part) for part in __version__.split(".") if part.isdigit()]
    major, minor, micro = [*numbers, 0, 0, 0][:3]
    return major, minor, micro
