"""Where an engine keeps its own, as somebody types it."""

from __future__ import annotations

import os


def absolute(directory: str | None) -> str | None:
    """A directory by its whole path; None for none."""
    return None if directory is None else os.path.abspath(os.path.expanduser(directory))
