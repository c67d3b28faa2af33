"""Contents of a payload in memory, to be sent to a service."""

from __future__ import annotations

from guestwright.base.errors import UsageError
from guestwright.media.errors import MediaSourceError
from guestwright.media.sources.model import Payload
from guestwright.media.tree import FileSource


def contents_of(payload: Payload, most: int, total: int) -> dict[str, bytes]:
    """The files on the medium, by their names from its root.

    Args:
        payload: checked.
        most: bytes of one file.
        total: bytes of all files.

    Raises:
        MediaSourceError: a file cannot be read.
        UsageError: a file is larger, or they are together.
    """
    size = sum(one.size for one in payload.tree.files)
    if size > total:  # before any is read
        raise UsageError(problem=f"the files have {size} bytes; {total} are the most")
    found = {}
    for one in payload.tree.files:
        source = one.source
        data = _read(source.path, most) if isinstance(source, FileSource) else bytes(source)
        if len(data) > most:
            raise UsageError(problem=f"{one.path} has more than {most} bytes")
        found[one.path.lstrip("/")] = data
    return found


def _read(path: str, most: int) -> bytes:
    try:
        with open(path, "rb") as opened:
            return opened.read(most + 1)
    except OSError as error:
        raise MediaSourceError(path=path, problem=error.strerror or str(error)) from error
