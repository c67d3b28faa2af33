r"""Read and write regular files of a Windows guest, as the work of a call.

Theory of operation: the directory of a path is resolved before the owner's list is asked, and what lies at
its end is opened without following a link (`FILE_FLAG_OPEN_REPARSE_POINT`). Names that mean something else to
Windows are refused: alternate streams (`a:b`), devices (`NUL`), names that it would cut (`a.`, `a `). What is
written goes beside its place, and has the rights of the directory; the host's mode means nothing here.

Source: Microsoft's "Naming files, paths, and namespaces", CreateFileW, "Reparse points".
"""

from __future__ import annotations

import os

from guestwright.agent.actions.file_work import ReadFile, WriteFile
from guestwright.agent.actions.stage import NotAllowed, Stage
from guestwright.agent.windows.commands import absolute

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, Final

    from guestwright.agent.windows.native import Native

_READ: Final = 0x80000000  # GENERIC_READ
_SHARED: Final = 7  # others may read, write and delete it meanwhile
_EXISTING: Final = 3
_LINK_ITSELF: Final = 0x00200000  # FILE_FLAG_OPEN_REPARSE_POINT
_IS_LINK: Final = 0x400  # FILE_ATTRIBUTE_REPARSE_POINT
_BINARY: Final[int] = getattr(os, "O_BINARY", 0)
_DEVICES: Final = frozenset(
    [
        "con",
        "prn",
        "aux",
        "nul",
        "conin$",
        "conout$",
        *(f"{kind}{n}" for kind in ("com", "lpt") for n in "0123456789¹²³"),
    ]
)


def place(path: str, allowed: Sequence[str], resolved: Callable[[str], str] = os.path.realpath) -> str:
    r"""Where a path leads to.

    Args:
        path: of the host.
        allowed: directories and files; `C:\` for all of a drive.
        resolved: a directory without links.

    Raises:
        NotAllowed: not to one of those.
    """
    plain = path.replace("/", "\\")
    if not absolute(plain) or "\0" in plain or plain.endswith("\\"):
        raise NotAllowed("a path of a file has a drive, is absolute, and does not end in \\")
    if any(_odd(part) for part in plain[3:].split("\\")):
        raise NotAllowed("a part of the path is no plain name")
    directory, _, name = plain.rpartition("\\")
    found = resolved(f"{directory}\\").rstrip("\\") + f"\\{name}"
    if not absolute(found) or not any(_within(found, resolved(one)) for one in allowed):
        raise NotAllowed("the file is not on the list of the guest's owner")
    return found


def _odd(part: str) -> bool:
    """Whether Windows takes a name for something else than a name."""
    if part != part.rstrip(" .") or not part or ":" in part or not part.isprintable():
        return True
    return part.partition(".")[0].rstrip(" ").lower() in _DEVICES


def _within(path: str, top: str) -> bool:
    path, top = path.lower(), top.replace("/", "\\").rstrip("\\").lower()
    return path == top or path.startswith(f"{top}\\")


class WindowsRead(ReadFile):
    """Gives the contents of a regular file."""

    def __init__(self, native: Native, path: str, stage: Stage) -> None:
        self._native = native
        super().__init__(path, stage)

    def _open(self, path: str) -> int:
        handle = self._native.winapi.CreateFile(path, _READ, _SHARED, 0, _EXISTING, _LINK_ITSELF, 0)
        runtime: Any = __import__("msvcrt")
        fd: int = runtime.open_osfhandle(handle, os.O_RDONLY | _BINARY)
        if getattr(os.fstat(fd), "st_file_attributes", 0) & _IS_LINK:
            os.close(fd)
            raise NotAllowed("it is a link")
        return fd


class WindowsWrite(WriteFile):
    """Takes the contents of a file."""

    def _open(self, path: str, mode: int) -> int:
        del mode
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY, 0o600)

    def _put(self) -> None:
        # Windows does not rename what is open.
        fd, self._fd = self._fd, -1
        os.close(fd)
        try:
            os.replace(self._beside, self._path)
        except OSError:
            os.unlink(self._beside)
            raise
