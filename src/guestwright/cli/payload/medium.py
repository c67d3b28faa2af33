"""Opens a medium and reads what stands on it, never more than the image holds."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from guestwright.media.errors import DamagedMedium, MediaSourceError
from guestwright.media.image import Found, FoundKind, ImageFile, Medium, contents
from guestwright.media.read import read_medium
from guestwright.media.sources.model import MIB

_MAX_IN_MEMORY: Final = 64 * MIB


@contextmanager
def opened_medium(path: str) -> Iterator[Medium]:
    """A medium in a file or block device.

    Raises:
        MediaSourceError: it cannot be opened.
        DamagedMedium: it is no medium.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except (OSError, ValueError) as error:
        problem = getattr(error, "strerror", None) or "is no name of a file"
        raise MediaSourceError(path=path, problem=problem) from error
    try:
        yield read_medium(ImageFile(descriptor))
    except OSError as error:
        raise MediaSourceError(path=path, problem=error.strerror or "cannot be read") from error
    finally:
        os.close(descriptor)


def checked_files(medium: Medium) -> tuple[Found, ...]:
    """Its files and folders, if the files together fit on it.

    Raises:
        DamagedMedium: files share their contents and are together larger than the medium.
    """
    found = medium.found()
    if sum(one.size for one in found if one.kind is FoundKind.FILE) > medium.image.size:
        raise DamagedMedium(problem="its files are together larger than the image")
    return found


def all_contents(medium: Medium) -> dict[str, bytes]:
    """Paths and contents of all files of a small medium.

    Raises:
        DamagedMedium: it contradicts itself, or holds more than 64 MiB.
    """
    files = [one for one in checked_files(medium) if one.kind is FoundKind.FILE]
    if sum(one.size for one in files) > _MAX_IN_MEMORY:
        raise DamagedMedium(problem=f"it holds more than the {_MAX_IN_MEMORY} bytes of any payload")
    return {one.path: b"".join(contents(medium, one)) for one in files}
