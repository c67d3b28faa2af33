"""The saved state of a store in a file.

Theory of operation: a line that names the format and its version, then one JSON value (`core.dump`). A file
is written beside the old one, forced to disk and renamed over it, so that there is always a whole one.
"""

from __future__ import annotations

import json
import os
from typing import Any, Final

from guestwright.xenstore.core.dump import State
from guestwright.xenstore.server.errors import StateNotSaved, UnusableState

FORMAT: Final = b"guestwright-xenstore-state"
VERSION: Final = 1
_SIZE_MAX: Final = 4 << 30


def write_state(path: str, state: State, *, number: int = 0) -> None:
    """Replace a file by one with this state.

    Args:
        path: the file; its directory must exist.
        state: what `dump.save` gave.
        number: of the checkpoint; a journal that goes with it carries the same.

    Raises:
        StateNotSaved: nothing was changed.
    """
    head = b"%s %d %d\n" % (FORMAT, VERSION, number)
    replace_file(path, head + json.dumps(state, separators=(",", ":")).encode("ascii") + b"\n")


def read_state(path: str) -> tuple[State, int] | None:
    """The state in a file and the number of its checkpoint; None when there is no such file.

    Raises:
        UnusableState: the file cannot be read or is none of these.
    """
    data = read_whole(path)
    if data is None:
        return None
    head, _, body = data.partition(b"\n")
    words = head.split()
    if len(words) != 3 or words[0] != FORMAT or not words[2].isdigit():
        raise UnusableState(path=path, detail="it is not a saved xenstore")
    if words[1] != b"%d" % VERSION:
        raise UnusableState(path=path, detail=f"its version is {words[1].decode('ascii', 'replace')}")
    try:
        state: Any = json.loads(body)
    except ValueError as error:
        raise UnusableState(path=path, detail=str(error)) from error
    return state, int(words[2])


def read_whole(path: str) -> bytes | None:
    """All bytes of a regular file; None when it is not there.

    Raises:
        UnusableState: it cannot be read.
    """
    try:
        with open(path, "rb") as stream:
            return stream.read(_SIZE_MAX)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UnusableState(path=path, detail=error.strerror or str(error)) from error


def replace_file(path: str, data: bytes) -> None:
    """Put a file with this content in the place of another, or where none is.

    Raises:
        StateNotSaved: nothing was changed.
    """
    part = f"{path}.{os.getpid()}.part"
    try:
        fd = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            with open(fd, "wb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(fd)
            os.rename(part, path)
        except OSError:
            os.unlink(part)
            raise
        force_directory(os.path.dirname(path) or ".")
    except OSError as error:
        raise StateNotSaved(path=path, detail=error.strerror or str(error)) from error


def force_directory(path: str) -> None:
    """Have the names in a directory on disk."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
