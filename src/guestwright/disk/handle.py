"""An open disk image: its header believed, its locks held.

Theory of operation: the order matters. The file is opened and our own lock taken before anything is
believed; then the header and its chain are checked; then the image is opened, by us (raw) or by qemu-nbd.
Whether a change to it was interrupted is for `disk.image` to find out.
"""

from __future__ import annotations

import fcntl
import os
import stat
import struct
from collections.abc import Callable
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Final, Protocol, Self

from guestwright.base.block import BlockDevice
from guestwright.base.record import record
from guestwright.disk.chain import Checked, check_image
from guestwright.disk.formats import Choice, ImageFormat
from guestwright.disk.locks import lock_as_qemu, lock_guard
from guestwright.disk.raw import RawDevice, device_size, open_image_file

if TYPE_CHECKING:
    from guestwright.disk.near import Near
    from guestwright.disk.qemu_nbd import QemuNbd

_FS_IOC_GETVERSION: Final = 0x80087601  # linux/fs.h: the inode's generation, another one when it is reused


@record
class Identity:
    """Which file an image is, and in which state.

    Attributes:
        size: of the file or block device, bytes.
        device: number of the filesystem's device; of the block device itself if it is one.
        inode, generation: of the file; 0 for block devices, generation 0 where the filesystem has none.
        mtime_ns: last modification, nanoseconds since the epoch; 0 for block devices.
    """

    size: int
    device: int
    inode: int
    generation: int
    mtime_ns: int


class Source(Protocol):
    """Where the disk of an image comes from."""

    def start(self) -> None:
        """Begin to open it."""

    def connect(self) -> BlockDevice:
        """The disk."""


class Image:
    """An open, locked disk image. Use it as a context manager, or call `close`.

    Made by `disk.image.open_image`.
    """

    def __init__(
        self,
        *,
        path: str,
        choice: Choice,
        writable: bool,
        fd: int,
        checked: Checked,
        allowed: tuple[bool, bool],
        source: Source,
        closers: tuple[Callable[[], object], ...],
    ) -> None:
        self.path: Final = path
        self.format: Final = choice.format
        self.stated: Final = choice.stated
        self.writable: Final = writable
        self.warnings: Final = checked.warnings
        self.allow_backing, self.allow_snapshots = allowed
        self._fd = fd
        self._header = checked.header
        self._source = source
        self._closers = closers
        self._device: BlockDevice | None = None
        self._reader: BlockDevice | None = None
        self._near: Near | None = None

    def start(self) -> None:
        """Start qemu-nbd, if the format needs it, without waiting for it; `device` does both.

        Raises:
            ToolMissing, ToolNotStarted, DiskError: the host cannot start it.
        """
        self._source.start()

    @property
    def device(self) -> BlockDevice:
        """The disk that the image holds. The first use waits for qemu-nbd, if the format needs it.

        Raises:
            DiskError: qemu-nbd cannot open the image (in use, damaged, …).
            ToolMissing, ToolNotStarted: as for `start`.
        """
        if self._device is None:
            self._device = self._source.connect()
        return self._device

    @property
    def reader(self) -> BlockDevice:
        """The same disk for reading as long as nobody writes to it, faster where it can be.

        Whoever believes what it reads asks for `device` sooner or later: only that tells that nobody else has
        the image open.
        """
        if self._reader is None:
            self._reader = self._make_reader()
        return self._reader

    def _make_reader(self) -> BlockDevice:
        if self._header is None:
            return self.device
        from guestwright.disk import qcow2_reader  # noqa: PLC0415 - raw images never get here

        if not qcow2_reader.readable(self._header):
            return self.device
        return qcow2_reader.Qcow2Reader(self._fd, self._header, lambda: self.device)

    @property
    def near(self) -> Near | None:
        """The same, on a read-only descriptor that may be given away; None where there is no such way."""
        if self._near is None:
            from guestwright.disk.near import open_near  # noqa: PLC0415 - for who gives it away only

            self._near = open_near(self._fd, raw=self.format is ImageFormat.RAW, header=self._header)
        return self._near

    def identity(self) -> Identity:
        """Which file it is and in which state, as of now."""
        return identify(self._fd)

    def close(self) -> None:
        """Release the image and its locks; waits until qemu-nbd has closed it. May be called twice."""
        if self._near is not None:
            self._near.close()
        closers, self._closers = self._closers, ()
        for close in closers:
            close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_unrecovered(
    path: str, choice: Choice, *, writable: bool, allow_backing: bool, allow_snapshots: bool
) -> Image:
    """Open an image without looking for a redo log: for the code that works on the log itself."""
    real = os.path.realpath(path)
    fd = open_image_file(real, writable=writable)
    closers: list[Callable[[], object]] = []
    try:
        closers.append(lambda: os.close(fd))
        lock_guard(fd, path=path, writable=writable)
        checked = check_image(fd, real, choice, allow_backing=allow_backing, allow_snapshots=allow_snapshots)
        for file in checked.files:
            other = open_image_file(file.path, writable=writable and file.written)
            closers.append(partial(os.close, other))
            lock_guard(other, path=file.path, writable=writable and file.written)
        source: Source
        if choice.format is ImageFormat.RAW:
            source = raw = _Raw(fd, path, writable=writable)
            closers[0] = raw.close
        else:
            source = served = _ThroughQemu(real, choice.format, checked, writable=writable)
            closers.append(served.close)
    except BaseException:
        for close in reversed(closers):
            close()
        raise
    return Image(
        path=real,
        choice=choice,
        writable=writable,
        fd=fd,
        checked=checked,
        allowed=(allow_backing, allow_snapshots),
        source=source,
        closers=tuple(reversed(closers)),
    )


def identify(fd: int) -> Identity:
    """The identity of an open file or block device."""
    info = os.fstat(fd)
    if stat.S_ISBLK(info.st_mode):
        return Identity(size=device_size(fd), device=info.st_rdev, inode=0, generation=0, mtime_ns=0)
    try:
        answer = fcntl.ioctl(fd, _FS_IOC_GETVERSION, bytes(8))
        generation = struct.unpack("=I4x", answer)[0]
    except OSError:
        generation = 0
    return Identity(
        size=info.st_size,
        device=info.st_dev,
        inode=info.st_ino,
        generation=generation,
        mtime_ns=info.st_mtime_ns,
    )


class _Raw:
    """The file itself."""

    def __init__(self, fd: int, path: str, *, writable: bool) -> None:
        lock_as_qemu(fd, path=path, writable=writable)
        self._device = RawDevice(fd, path=path, writable=writable)

    def start(self) -> None:
        """Nothing is to be started."""

    def connect(self) -> BlockDevice:
        """The device."""
        return self._device

    def close(self) -> None:
        """Close the file."""
        self._device.close()


class _ThroughQemu:
    """A qemu-nbd, started when somebody wants it: who only reads may do without for a while."""

    def __init__(self, path: str, image_format: ImageFormat, checked: Checked, *, writable: bool) -> None:
        self._path = path
        self._format = image_format
        self._others = tuple((file.path, file.written) for file in checked.files)
        self._writable = writable
        self._server: QemuNbd | None = None

    def start(self) -> None:
        """Start it, once."""
        self._running()

    def connect(self) -> BlockDevice:
        """The device, when qemu-nbd is ready."""
        return self._running().connect()

    def close(self) -> None:
        """End it."""
        if self._server is not None:
            self._server.close()

    def _running(self) -> QemuNbd:
        if self._server is None:
            from guestwright.disk import qemu_nbd  # noqa: PLC0415 - raw images do not pay for sockets and ctypes

            self._server = qemu_nbd.QemuNbd(
                self._path, str(self._format), writable=self._writable, others=self._others
            )
        return self._server
