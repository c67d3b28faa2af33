"""A directory as the root of a guest, for tests of the agent's collectors."""

from __future__ import annotations

from pathlib import Path

from guestwright.agent.unix.files import Files


class Guest:
    """A directory as the root of a guest."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.files = Files(str(root))

    def write(self, path: str, content: str | bytes) -> None:
        """Make a file."""
        place = self.root / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content.encode() if isinstance(content, str) else content)

    def link(self, path: str, target: str) -> None:
        """Make a symbolic link."""
        place = self.root / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(target)
