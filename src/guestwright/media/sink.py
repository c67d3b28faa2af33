"""Where an image goes: a file, a pipe, or memory.

Theory of operation: a writer lays out everything first, then gives the image from its first byte to its last.
Small pieces are gathered and written together. Files of the host are copied by the kernel where it can
(copy_file_range), and where the image is a fresh regular file, holes of the source and runs of zeros stay
holes.
"""

from __future__ import annotations

import errno
import os
import stat
from typing import Final, Protocol, Self

from guestwright.media.errors import MediaSourceError
from guestwright.media.tree import FileSource

_GATHER: Final = 1 << 20
_PIECE: Final = 1 << 20
_HOLE: Final = 1 << 15
_MAX_RANGE: Final = 1 << 30
_MAX_VECTOR: Final = 64
_ZEROS: Final = bytes(_HOLE)


class Sink(Protocol):
    """Takes an image in order."""

    def write(self, data: bytes) -> None:
        """The next bytes."""

    def zeros(self, count: int) -> None:
        """So many zero bytes."""

    def copy(self, source: FileSource) -> None:
        """The contents of a file of the host.

        Raises:
            MediaSourceError: it cannot be read, or is shorter than it was said to be.
        """

    def finish(self) -> None:
        """The image is complete."""


def give(source: bytes | FileSource, unit: int, sink: Sink) -> int:
    """Write the contents of a file, and zeros up to a multiple of `unit` bytes.

    Returns:
        How many bytes that was.

    Raises:
        MediaSourceError: as for `Sink.copy`.
    """
    if isinstance(source, FileSource):
        size = source.size
        if size:
            sink.copy(source)
    else:
        size = len(source)
        sink.write(source)
    rest = -size % unit
    if rest:
        sink.zeros(rest)
    return size + rest


class MemorySink:
    """Keeps the image in memory."""

    __slots__ = ("_chunks",)

    def __init__(self) -> None:
        self._chunks: list[bytes] = []

    def write(self, data: bytes) -> None:
        """The next bytes."""
        self._chunks.append(data)

    def zeros(self, count: int) -> None:
        """So many zero bytes."""
        self._chunks.append(bytes(count))

    def copy(self, source: FileSource) -> None:
        """The contents of a file of the host."""
        with opened(source) as file:
            at = 0
            while at < source.size:
                piece = _read(file, min(_PIECE, source.size - at), at)
                self._chunks.append(piece)
                at += len(piece)

    def finish(self) -> None:
        """Nothing is left to do."""

    def getvalue(self) -> bytes:
        """The image."""
        return b"".join(self._chunks)


class DescriptorSink:
    """Writes the image to a descriptor, from where it stands.

    Args:
        descriptor: open for writing; a file, pipe, socket or block device. Stays open.
    """

    __slots__ = ("_chunks", "_fd", "_gathered", "_hole_at_end", "_in_kernel", "_sparse")

    def __init__(self, descriptor: int) -> None:
        self._fd = descriptor
        self._chunks: list[bytes] = []
        self._gathered = 0
        about = os.fstat(descriptor)
        # Only past the end of a regular file is what was skipped sure to read as zeros.
        self._sparse = stat.S_ISREG(about.st_mode) and about.st_size <= os.lseek(descriptor, 0, os.SEEK_CUR)
        self._in_kernel = True
        self._hole_at_end = False

    def write(self, data: bytes) -> None:
        """The next bytes."""
        self._chunks.append(data)
        self._gathered += len(data)
        if self._gathered >= _GATHER:
            self._flush()

    def zeros(self, count: int) -> None:
        """So many zero bytes."""
        if self._sparse and count >= _HOLE:
            self._skip(count)
            return
        while count > 0:
            self.write(_ZEROS if count >= _HOLE else bytes(count))
            count -= _HOLE

    def copy(self, source: FileSource) -> None:
        """The contents of a file of the host."""
        self._flush()
        with opened(source) as file:
            at = 0
            while at < source.size:
                data, end = file.extent(at, source.size) if self._sparse else (at, source.size)
                if data > at:
                    self._skip(data - at)
                if end > data:
                    self._copy_range(file, data, end)
                at = end

    def finish(self) -> None:
        """Write what is gathered; a hole at the end becomes part of the file."""
        self._flush()
        if self._hole_at_end:
            os.ftruncate(self._fd, os.lseek(self._fd, 0, os.SEEK_CUR))

    def _skip(self, count: int) -> None:
        self._flush()
        os.lseek(self._fd, count, os.SEEK_CUR)
        self._hole_at_end = True

    def _copy_range(self, file: opened, at: int, end: int) -> None:
        self._hole_at_end = False
        while at < end:
            if self._in_kernel:
                done = self._kernel_copy(file.descriptor, at, min(end - at, _MAX_RANGE))
                if done:
                    at += done
                    continue
            piece = _read(file, min(_PIECE, end - at), at)
            self._all(piece)
            at += len(piece)

    def _kernel_copy(self, descriptor: int, at: int, count: int) -> int:
        """How many bytes the kernel copied; 0 when it cannot, or the source is at its end."""
        try:
            return os.copy_file_range(descriptor, self._fd, count, offset_src=at)
        except OSError as error:
            # Pipes, other file systems, append mode: each kernel has its own list and words for them.
            if error.errno not in {
                errno.EINVAL,
                errno.EXDEV,
                errno.EBADF,
                errno.ENOSYS,
                errno.EOPNOTSUPP,
                errno.EPERM,
            }:
                raise
            self._in_kernel = False
            return 0

    def _flush(self) -> None:
        if self._chunks:
            chunks, self._chunks = self._chunks, []
            self._gathered = 0
            self._hole_at_end = False
            if len(chunks) <= _MAX_VECTOR:
                self._rest(chunks, os.writev(self._fd, chunks))
            else:
                self._all(b"".join(chunks))

    def _rest(self, chunks: list[bytes], done: int) -> None:
        """Write what one call did not."""
        for chunk in chunks:
            if done < len(chunk):
                self._all(chunk[done:])
            done = max(0, done - len(chunk))

    def _all(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(self._fd, rest) :]


class opened:  # noqa: N801 - a context manager that reads like a function
    """A source, open for reading.

    Raises:
        MediaSourceError: it cannot be opened or is no regular file.
    """

    __slots__ = ("descriptor", "source")

    def __init__(self, source: FileSource) -> None:
        self.source = source
        self.descriptor = -1

    def __enter__(self) -> Self:
        if self.source.descriptor is not None:
            self.descriptor = self.source.descriptor
            return self
        try:
            # O_NONBLOCK: a FIFO in place of the file must not stop us.
            self.descriptor = os.open(self.source.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except (OSError, ValueError) as error:
            raise MediaSourceError(path=self.source.path, problem=_why(error)) from error
        if not stat.S_ISREG(os.fstat(self.descriptor).st_mode):
            os.close(self.descriptor)
            raise MediaSourceError(path=self.source.path, problem="is not a regular file")
        return self

    def __exit__(self, *_: object) -> None:
        if self.source.descriptor is None:
            os.close(self.descriptor)

    @property
    def shown(self) -> str:
        """What to call it in an error."""
        return self.source.path or f"descriptor {self.source.descriptor}"

    def extent(self, at: int, end: int) -> tuple[int, int]:
        """Where the next data begins and ends, from `at`; both `end` when only a hole is left."""
        try:
            data = os.lseek(self.descriptor, at, os.SEEK_DATA)
            hole = os.lseek(self.descriptor, data, os.SEEK_HOLE)
        except OSError as error:
            if error.errno != errno.ENXIO:
                return at, end
            if os.fstat(self.descriptor).st_size < end:
                raise MediaSourceError(path=self.shown, problem=f"ended before byte {end}") from error
            return end, end
        return min(data, end), min(hole, end)


def measured(path: str) -> FileSource:
    """A file of the host as a source, with its present size.

    Raises:
        MediaSourceError: it cannot be looked at or is no regular file.
    """
    try:
        about = os.stat(path)
    except (OSError, ValueError) as error:
        raise MediaSourceError(path=path, problem=_why(error)) from error
    if not stat.S_ISREG(about.st_mode):
        raise MediaSourceError(path=path, problem="is not a regular file")
    return FileSource(path=path, size=about.st_size)


def _read(file: opened, count: int, at: int) -> bytes:
    try:
        data = os.pread(file.descriptor, count, at)
    except OSError as error:
        raise MediaSourceError(path=file.shown, problem=_why(error)) from error
    if not data:
        raise MediaSourceError(path=file.shown, problem=f"ended at byte {at}, before its size was reached")
    return data


def _why(error: OSError | ValueError) -> str:
    return (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
