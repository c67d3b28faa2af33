"""Verb: download a volume's file, by ranges; and its checksum."""

from __future__ import annotations

import os
from contextlib import ExitStack
from typing import Self

from guestwright.host.jobs.kind import Work
from guestwright.host.volumes import content
from guestwright.host.volumes.domain import Domain
from guestwright.host.volumes.errors import OutOfBounds
from guestwright.host.volumes.rules import must_be_legal
from guestwright.host.volumes.source import reading

READ_MAX = 64 << 20


class Download:
    """A volume that is being read: until it is closed nobody writes or deletes it. A context manager.

    Args:
        domain: where it is.
        volume: its id.

    Attributes:
        volume: its metadata. What stands on a parent holds only what differs from that.
        size: of its file, bytes.
        tag: changes when the content may have: for If-Range and ETag (RFC 9110, 8.8.3).

    Raises:
        NoSuchVolume, WrongState, VolumeHeld, VolumeDamaged: it is not fit for use.
        ImageInUse: a machine runs on it.
    """

    def __init__(self, domain: Domain, volume: str) -> None:
        self._domain = domain
        self._stack = ExitStack()
        self.volume = domain.read(volume)
        must_be_legal(self.volume)
        with self._stack as stack:
            self._fd = stack.enter_context(reading(domain, self.volume)).fd
            found = os.fstat(self._fd)
            self.size = found.st_size
            self.tag = f"{volume}-{self.volume.generation}-{found.st_ino:x}-{found.st_mtime_ns:x}"
            self._stack = stack.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of it; may be called twice."""
        self._stack.close()

    def read(self, offset: int, length: int) -> bytes:
        """A range of the file; shorter only at its end.

        Raises:
            OutOfBounds: it begins outside of the file, or is longer than 64 MiB.
            StorageFailed: it cannot be read.
        """
        if not 0 <= offset <= self.size or not 0 <= length <= READ_MAX:
            raise OutOfBounds(volume=self.volume.id, offset=offset, length=length, size=self.size)
        with self._domain.files.sound("reading a volume"):
            return os.pread(self._fd, length, offset)

    def extents(self, offset: int, length: int) -> list[tuple[int, int]]:
        """Where data lies in a range: (start, end) of each piece; what is between reads as zeros."""
        with self._domain.files.sound("reading a volume"):
            return list(content.extents(self._fd, max(0, offset), min(self.size, offset + length)))

    def sha256(self, work: Work) -> str:
        """The checksum of the whole file, 64 hexadecimal digits."""
        with self._domain.files.sound("reading a volume"):
            return content.sha256(self._fd, self.size, work)
