"""What exports and imports of packages have in common."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from guestwright.client.errors import LocalImageBad

Told = Callable[[str, int, int], object]
"""Is told what is being done, bytes so far, and in all."""


def beside(path: Path) -> Path | None:
    """Where large files may go: beside the package, else where the system has temporary ones."""
    return path.absolute().parent if os.access(path.absolute().parent, os.W_OK) else None


def guarded(path: str, work: Callable[[], Any]) -> Any:
    """Do something with files of a package; `LocalImageBad` names the package when they cannot be used."""
    try:
        return work()
    except OSError as error:
        raise LocalImageBad(path=path, problem=error.strerror or str(error)) from error


class Sum:
    """Adds up what was moved, and tells of it."""

    def __init__(self, told: Told, what: str, total: int) -> None:
        self._told = told
        self._what = what
        self._total = total
        self._done = 0

    def __call__(self, count: int) -> None:
        """So many bytes more."""
        self._done += count
        self._told(self._what, min(self._done, self._total), self._total)
