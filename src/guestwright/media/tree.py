"""What is to stand on a medium: files with contents, and folders."""

from __future__ import annotations

from guestwright.base.record import record


@record
class FileSource:
    """Contents that stay in a file of the host until they are copied.

    Attributes:
        size: in bytes; exactly so many are copied.
        path: of the file on the host; used when `descriptor` is None.
        descriptor: an open, readable and seekable file; read from its beginning, never closed.
    """

    size: int
    path: str = ""
    descriptor: int | None = None


@record
class MediaFile:
    """One file of a medium.

    Attributes:
        path: absolute on the medium, parts joined by `/`.
        source: its contents, or where they are.
        mode: permission bits, for Rock Ridge.
    """

    path: str
    source: bytes | FileSource
    mode: int = 0o444

    @property
    def size(self) -> int:
        """Length of the contents in bytes."""
        return len(self.source) if isinstance(self.source, bytes) else self.source.size


@record
class MediaTree:
    """All of a medium.

    Attributes:
        files: in any order; the order does not change what is written.
        directories: further folders, absolute; the parents of files need not be named.
    """

    files: tuple[MediaFile, ...] = ()
    directories: tuple[str, ...] = ()
