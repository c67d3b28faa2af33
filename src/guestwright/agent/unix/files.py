"""Small files of the system, read without ever failing: what is not there is empty."""

from __future__ import annotations

import os

SIZE_MAX = 65536
NAMES_MAX = 1024


class Files:
    """The guest's files.

    Args:
        root: of the file system; "/" but in tests.
    """

    def __init__(self, root: str = "/") -> None:
        self._root = root.rstrip("/")

    def path(self, path: str) -> str:
        """The path for the kernel."""
        return self._root + path

    def data(self, path: str, size: int = SIZE_MAX) -> bytes:
        """The first bytes of a file; b"" when it cannot be read."""
        try:
            fd = os.open(self._root + path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except (OSError, ValueError):
            return b""
        try:
            parts = []
            while size > 0:
                part = os.read(fd, size)
                if not part:
                    break
                parts.append(part)
                size -= len(part)
            return b"".join(parts)
        except OSError:
            return b""
        finally:
            os.close(fd)

    def text(self, path: str, size: int = SIZE_MAX) -> str:
        """The same as text, without blanks around it."""
        return self.data(path, size).decode("utf-8", "replace").strip()

    def number(self, path: str) -> int | None:
        """A decimal number in a file; None when there is none."""
        found = self.text(path, 32)
        sign = found[:1] == "-"
        return int(found) if found[sign:].isdigit() and found.isascii() else None

    def link(self, path: str) -> str:
        """Where a symbolic link points to; "" when it is none."""
        try:
            return os.readlink(self._root + path)
        except (OSError, ValueError):
            return ""

    def resolved(self, path: str) -> str:
        """The path without symbolic links, below the root."""
        return os.path.realpath(self._root + path)

    def names(self, path: str) -> list[str]:
        """What is in a directory, sorted; at most `NAMES_MAX`."""
        try:
            return sorted(os.listdir(self._root + path))[:NAMES_MAX]
        except (OSError, ValueError):
            return []
