"""Which files an image consists of: the image itself, and what it names, if that is allowed.

An image's header can name any file of the host as its backing file or as the place of its data
(CVE-2015-5163, CVE-2022-47951, CVE-2024-32498, CVE-2024-40767). So we read the headers ourselves before QEMU
may. Names with a protocol ("nbd:", "json:") are never followed, and each format in the chain must be stated.
"""

from __future__ import annotations

import os
from typing import Final

from guestwright.base.record import record
from guestwright.disk import qcow2, vmdk
from guestwright.disk.errors import ImageCorrupt, ImageHasSnapshots, ImageNotAlone, ImageUnsupported
from guestwright.disk.formats import HEAD_SIZE, Choice, ImageFormat, check_format
from guestwright.disk.raw import device_size, open_image_file

MAX_CHAIN: Final = 32


@record(kw_only=False)
class ChainFile:
    """A file that an image depends on: its path, its format, and whether a commit writes it."""

    path: str
    format: ImageFormat
    written: bool


@record(kw_only=False)
class Checked:
    """An image that may be opened: the other files it depends on, what its owner should know, its header."""

    files: tuple[ChainFile, ...] = ()
    warnings: tuple[str, ...] = ()
    header: qcow2.Qcow2Header | None = None


def check_image(
    fd: int, path: str, choice: Choice, *, allow_backing: bool = False, allow_snapshots: bool = False
) -> Checked:
    """Look through an image's header, and the headers of its chain, before anybody opens it as that format.

    Args:
        fd: of the image.
        path: of the image.
        choice: its format.
        allow_backing: whether it may depend on other files.
        allow_snapshots: whether it may hold internal snapshots, which keep what is erased in the disk.

    Raises:
        FormatMismatch, ImageCorrupt, ImageUnsupported: see `formats`, `qcow2`, `vmdk`.
        ImageNotAlone: it depends on other files and may not.
        ImageHasSnapshots: it holds snapshots and may not.
    """
    size = device_size(fd)
    check_format(path, choice, os.pread(fd, HEAD_SIZE, 0), os.pread(fd, HEAD_SIZE, max(0, size - HEAD_SIZE)))
    if choice.format is ImageFormat.VMDK:
        vmdk.check_header(os.pread(fd, vmdk.HEADER_BYTES, 0), path)
    if choice.format is not ImageFormat.QCOW2:
        return Checked()
    header = qcow2.parse_header(os.pread(fd, qcow2.HEADER_BYTES, 0), path)
    if header.snapshots and not allow_snapshots:
        raise ImageHasSnapshots(path=path, count=header.snapshots)
    if header.encryption:
        raise ImageUnsupported(path=path, detail="an encrypted qcow2 image")
    files = _data_file(header, path, allowed=allow_backing, written=True)
    if header.backing_file is not None:
        if not allow_backing:
            raise ImageNotAlone(path=path, kind="backing file", other=header.backing_file)
        info = os.fstat(fd)
        files += _walk(path, header, {(info.st_dev, info.st_ino)})
    return Checked(files, _warnings(header), header)


def _walk(top: str, header: qcow2.Qcow2Header, seen: set[tuple[int, int]]) -> tuple[ChainFile, ...]:
    """The backing files of an image, from the top down."""
    files: tuple[ChainFile, ...] = ()
    path = top
    for _ in range(MAX_CHAIN):
        if header.backing_file is None:
            return files
        below = _resolve(path, header.backing_file, "backing file")
        try:
            image_format = ImageFormat(header.backing_format)
        except ValueError as error:
            raise ImageUnsupported(
                path=path,
                detail=f"backing file {below} without a stated format (qemu-img rebase -u -F states it)",
            ) from error
        files += (ChainFile(below, image_format, written=False),)
        fd = open_image_file(below, writable=False)
        try:
            info = os.fstat(fd)
            if (info.st_dev, info.st_ino) in seen:
                raise ImageCorrupt(path=top, detail=f"its chain of backing files comes back to {below}")
            seen.add((info.st_dev, info.st_ino))
            if image_format is ImageFormat.RAW:
                return files
            if image_format is not ImageFormat.QCOW2:
                raise ImageUnsupported(path=top, detail=f"a backing file of format {image_format}")
            header = qcow2.parse_header(os.pread(fd, qcow2.HEADER_BYTES, 0), below)
        finally:
            os.close(fd)
        if header.encryption:
            raise ImageUnsupported(path=below, detail="an encrypted qcow2 image")
        files += _data_file(header, below, allowed=True, written=False)
        path = below
    raise ImageUnsupported(path=top, detail=f"more than {MAX_CHAIN} backing files")


def _data_file(
    header: qcow2.Qcow2Header, path: str, *, allowed: bool, written: bool
) -> tuple[ChainFile, ...]:
    if not header.has_data_file:
        return ()
    if not header.data_file:
        raise ImageUnsupported(path=path, detail="external data in a file that the image does not name")
    if not allowed:
        raise ImageNotAlone(path=path, kind="external data file", other=header.data_file)
    return (ChainFile(_resolve(path, header.data_file, "data file"), ImageFormat.RAW, written=written),)


def _resolve(path: str, name: bytes, kind: str) -> str:
    """Path of a file that image `path` names, relative to the image as QEMU takes it."""
    text = os.fsdecode(name)
    # QEMU's path_has_protocol: a colon before the first slash.
    if "\0" in text or ":" in text.split("/", 1)[0]:
        raise ImageUnsupported(path=path, detail=f"{kind} {text!r}, which is not the path of a file")
    return os.path.join(os.path.dirname(os.path.abspath(path)), text)


def _warnings(header: qcow2.Qcow2Header) -> tuple[str, ...]:
    found: list[str] = []
    if header.bitmaps:
        found.append("the image holds dirty bitmaps for incremental backups of the old machine")
    if header.dirty:
        found.append("the image was not closed properly; QEMU repairs it when it is opened for writing")
    if header.snapshots:
        found.append(f"{header.snapshots} internal snapshot(s) keep what is erased in the disk")
    return tuple(found)
