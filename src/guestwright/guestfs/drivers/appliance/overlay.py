"""What the appliance writes on: one throw-away qcow2 file per disk, and what it holds in the end.

Theory of operation: the appliance never gets a user's image to write. Each disk is a qcow2 overlay in a
private directory; the image is its backing file, opened read-only by qemu, with image locking off, because
Guestwright itself holds the writer's lock on the image for the whole run (a second writer is still refused:
the lock is on the file, whoever holds it). After the appliance has ended, `changes` yields what differs from
the base. The caller puts that through the redo log.

The backing file is described as a `json:` node, with its format stated. A path that is too long for a qcow2
header (1023 bytes) or not ASCII is named through a symlink in the private directory.

qemu may be in the hands of a hostile image by then. So the overlay is not trusted either: its header must be
what we made, only data inside the overlay file is read, by us, and everything is bounded by the disk's size.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from typing import Any, Final

from guestwright.base.block import BlockDevice
from guestwright.base.printable import printable
from guestwright.base.record import record
from guestwright.guestfs.errors import DriverFailed, DriverMissing

_PREFIX: Final = "guestwright-appliance-"
_CHUNK: Final = 1 << 20
_GRAIN: Final = 4096
_HEADER: Final = 4096
_LONG_PATH: Final = 700
_REFCOUNTS: Final = slice(48, 60)  # qcow2 specification: refcount_table_offset, _clusters; grow with the file
_TOOL_SECONDS: Final = 300
_FORMATS: Final = frozenset({"raw", "qcow2", "vmdk", "vdi", "vpc", "vhdx", "qed"})


@record
class ApplianceDisk:
    """A disk for the appliance.

    Attributes:
        path: of the image or block device, on the host.
        format: never guessed: "raw", "qcow2", ….
    """

    path: str
    format: str


@record
class Overlay:
    """A disk's overlay file.

    Attributes:
        path: of the qcow2 file.
        size: of the disk in bytes.
        header: its first bytes as we made them.
    """

    path: str
    size: int
    header: bytes


class Workspace:
    """The private directory of one run; removed at the end, or by the next run if we were killed."""

    def __init__(self) -> None:
        parent = os.environ.get("GUESTWRIGHT_STATE") or os.environ.get("TMPDIR") or "/var/tmp"  # noqa: S108 - 0700 directory below, made with mkdtemp
        _sweep(parent)
        self.path = tempfile.mkdtemp(prefix=_PREFIX, dir=parent)
        self._lock = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        self.jail = os.path.join(self.path, "empty")
        os.mkdir(self.jail, 0o555)

    def overlay(self, index: int, disk: ApplianceDisk) -> Overlay:
        """Make the overlay of one disk.

        Raises:
            DriverFailed: qemu-img refuses the image.
            DriverMissing: no qemu-img.
        """
        if disk.format not in _FORMATS:
            raise DriverFailed(driver="appliance", detail=f"{disk.path}: unknown image format {disk.format}")
        base, path = (os.path.join(self.path, f"{name}{index}") for name in ("base", "overlay"))
        _qemu_img("create", "-q", "-f", "qcow2", "-b", _node(base, disk), "-F", disk.format, path)
        with open(path, "rb") as file:
            header = file.read(_HEADER)
        return Overlay(path=path, size=int.from_bytes(header[24:32], "big"), header=header)

    def close(self) -> None:
        """Remove it; may be called twice."""
        shutil.rmtree(self.path, ignore_errors=True)
        lock, self._lock = self._lock, -1
        if lock >= 0:
            os.close(lock)


def changes(overlay: Overlay, base: BlockDevice | None = None) -> Iterator[tuple[int, bytes]]:
    """What the overlay holds.

    Args:
        overlay: of an appliance that has ended.
        base: the image as it is without the overlay; what equals it (by blocks of 4096 bytes) is left out.

    Returns:
        Offset on the disk and content, at most 1 MiB each, in ascending order.

    Raises:
        DriverFailed: the overlay is not what we made.
    """
    with open(overlay.path, "rb") as file:
        _check_header(overlay, file.read(_HEADER))
        for start, length, offset in _extents(overlay):
            for step in range(0, length, _CHUNK):
                count = min(_CHUNK, length - step)
                data = bytes(count) if offset is None else os.pread(file.fileno(), count, offset + step)
                if len(data) != count:
                    raise DriverFailed(driver="appliance", detail="the overlay is shorter than its own map")
                yield from _differing(start + step, data, base)


def _differing(start: int, data: bytes, base: BlockDevice | None) -> Iterator[tuple[int, bytes]]:
    if base is None:
        yield start, data
        return
    old = base.read(start, len(data))
    if old == data:
        return
    first = -1
    for at in range(0, len(data), _GRAIN):
        same = old[at : at + _GRAIN] == data[at : at + _GRAIN]
        if same and first >= 0:
            yield start + first, data[first:at]
            first = -1
        elif not same and first < 0:
            first = at
    if first >= 0:
        yield start + first, data[first:]


def _extents(overlay: Overlay) -> Iterator[tuple[int, int, int | None]]:
    end = 0
    for one in json.loads(_qemu_img("map", "-f", "qcow2", "--output=json", overlay.path)):
        start, length, offset = _extent(one)
        if start < end or length <= 0 or start + length > overlay.size:
            raise DriverFailed(driver="appliance", detail="the overlay's map makes no sense")
        end = start + length
        if one.get("depth") == 0 and (one.get("data") or one.get("zero")):
            yield start, length, offset if one.get("data") else None


def _extent(one: Any) -> tuple[int, int, int]:
    values = (one.get("start"), one.get("length"), one.get("offset", 0))
    if not all(isinstance(value, int) for value in values):
        raise DriverFailed(driver="appliance", detail="qemu-img map answered in an unknown form")
    if one.get("data") and one.get("depth") == 0 and "offset" not in one:
        raise DriverFailed(driver="appliance", detail="the overlay has compressed or foreign data")
    return values


def _check_header(overlay: Overlay, now: bytes) -> None:
    if _fixed(now) != _fixed(overlay.header):
        raise DriverFailed(
            driver="appliance", detail="the header of the overlay was changed or is marked dirty"
        )


def _fixed(header: bytes) -> bytes:
    return header[: _REFCOUNTS.start] + header[_REFCOUNTS.stop :]


def _node(link: str, disk: ApplianceDisk) -> str:
    path = os.path.abspath(disk.path)
    kind = "host_device" if os.path.exists(path) and not os.path.isfile(path) else "file"
    if not path.isascii() or len(path) > _LONG_PATH:
        os.symlink(path, link)
        path = link
    file = {"driver": kind, "filename": path, "locking": "off"}
    return "json:" + json.dumps({"driver": disk.format, "file": file})


def _qemu_img(*args: str) -> bytes:
    try:
        done = subprocess.run(
            ["qemu-img", *args],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_TOOL_SECONDS,
            check=False,
        )
    except FileNotFoundError as problem:
        raise DriverMissing(driver="appliance", needs="qemu-img", advice="install qemu-utils") from problem
    except subprocess.TimeoutExpired as problem:
        raise DriverFailed(driver="appliance", detail=f"qemu-img {args[0]} took too long") from problem
    if done.returncode:
        said = printable(done.stderr[:1000].decode("utf-8", "surrogateescape").strip())
        raise DriverFailed(driver="appliance", detail=f"qemu-img {args[0]}: {said}")
    return done.stdout


def _sweep(parent: str) -> None:
    """Remove what killed runs left: directories of ours that nobody holds a lock on."""
    for name in _ours(parent):
        path = os.path.join(parent, name)
        with contextlib.suppress(OSError):
            held = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                if os.fstat(held).st_uid == os.geteuid():
                    fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    shutil.rmtree(path, ignore_errors=True)
            finally:
                os.close(held)


def _ours(parent: str) -> Sequence[str]:
    try:
        return [name for name in os.listdir(parent) if name.startswith(_PREFIX)]
    except OSError as problem:
        raise DriverFailed(driver="appliance", detail=f"{parent}: {problem.strerror}") from problem
