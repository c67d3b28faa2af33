"""What a tool left behind."""

from __future__ import annotations

from collections.abc import Iterable

from guestwright.base.record import record
from guestwright.confine.held import Held
from guestwright.confine.process import Access


@record
class ToolResult:
    """Outcome of one tool on one view.

    Attributes:
        status: exit status 0..255, or minus the signal that ended it.
        stdout: what it printed, at most 1 MiB.
        stderr: likewise.
        held: which protections held while it ran.
        means: "fuse" or "copy".
        path: the name that the tool knew the file by.
    """

    status: int
    stdout: bytes
    stderr: bytes
    held: Held
    means: str
    path: str


def access_to(path: str, *, writable: bool, read: Iterable[str] = ()) -> Access:
    """What a tool may use: the view, and the list of mounts, without which tune2fs refuses to work."""
    known = ("/proc/self/mounts", *read)
    return Access(read=known, write=(path,)) if writable else Access(read=(*known, path))
