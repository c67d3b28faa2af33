"""A volume whose content is read: locked against writers, and believed in nothing that its file says.

A qcow2 file can name any file of the host as its backing file (`disk.chain`); here it may name the file of
the parent that its metadata names, and no other.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from guestwright.base.record import record
from guestwright.disk.errors import ImageNotFound
from guestwright.disk.image import open_image
from guestwright.disk.locks import lock_as_qemu, lock_guard
from guestwright.disk.qcow2 import HEADER_BYTES, Qcow2Header, parse_header
from guestwright.host.volumes.domain import Domain
from guestwright.host.volumes.errors import NoSuchVolume, VolumeDamaged
from guestwright.host.volumes.metadata import Format, Metadata
from guestwright.host.volumes.rules import must_be_legal

_DEPTH_MAX = 32


@record
class Source:
    """A volume that may be read.

    Attributes:
        volume: its metadata.
        fd: of its content, for reading.
        paths: of its content and that of the volumes below it, itself first.
    """

    volume: Metadata
    fd: int
    paths: tuple[str, ...]


@contextmanager
def reading(domain: Domain, volume: Metadata, *, locked: bool = True) -> Iterator[Source]:
    """Keep a volume's content from being changed or deleted while it is read.

    A change to it that was interrupted is finished or discarded first (`disk.image`).

    Args:
        domain: where it is.
        volume: its metadata, legal.
        locked: take QEMU's locks too; otherwise leave that to a tool which does.

    Raises:
        NoSuchVolume, WrongState, VolumeHeld: it is not what it was when its metadata was read.
        VolumeDamaged: its content is not what its metadata says.
        DiskError: it is in use by a machine, or cannot be read.
    """
    with ExitStack() as stack:
        try:
            fd = domain.open_data(volume)
            stack.callback(os.close, fd)
            path = domain.data_path(volume)
            backing = bool(volume.parent)
            stack.enter_context(
                open_image(path, format=volume.format, allow_backing=backing, allow_snapshots=True)
            )
        except (VolumeDamaged, ImageNotFound):
            now = domain.read(volume.id)  # that it was deleted meanwhile explains more
            must_be_legal(now)
            if now != volume:
                raise NoSuchVolume(volume=volume.id) from None
            raise
        if locked:
            lock_as_qemu(fd, path=path, writable=False)
        must_be_legal(domain.read(volume.id))
        confirm(domain, volume, fd)
        check_content(domain, volume, fd)
        yield Source(volume=volume, fd=fd, paths=(path, *below(domain, volume)))


def confirm(domain: Domain, volume: Metadata, fd: int) -> None:
    """Refuse a file that is not the volume's any more. Once it is locked and confirmed, it stays that.

    Raises:
        NoSuchVolume: the volume was deleted; perhaps there is another of its name.
    """
    now, ours = domain.files.look(domain.data_name(volume)), os.fstat(fd)
    if now is None or (now.st_dev, now.st_ino) != (ours.st_dev, ours.st_ino):
        raise NoSuchVolume(volume=volume.id)


@contextmanager
def unused(domain: Domain, volume: Metadata) -> Iterator[None]:
    """Make sure that nobody has a volume's content open, and keep it so. One without content has no user.

    Raises:
        ImageInUse: a machine runs on it, or somebody reads it.
    """
    try:
        fd = domain.open_data(volume, writable=True)
    except VolumeDamaged:
        yield
        return
    try:
        path = domain.data_path(volume)
        lock_guard(fd, path=path, writable=True)
        lock_as_qemu(fd, path=path, writable=True)
        yield
    finally:
        os.close(fd)


def below(domain: Domain, volume: Metadata) -> list[str]:
    """Paths of the volumes that one stands on, from the top down.

    Raises:
        VolumeDamaged: they stand on each other, or one is missing.
    """
    paths: list[str] = []
    while volume.parent:
        if len(paths) >= _DEPTH_MAX:
            raise VolumeDamaged(volume=volume.id, problem="its chain of parents does not end")
        volume = domain.read(volume.parent)
        os.close(domain.open_data(volume))
        paths.append(domain.data_path(volume))
    return paths


def check_content(domain: Domain, volume: Metadata, fd: int) -> None:
    """Refuse a content that is not what the metadata says, before any tool opens it.

    Raises:
        VolumeDamaged: says what differs.
        ImageCorrupt, ImageUnsupported: not a sound qcow2 header.
    """
    if volume.format is Format.RAW:
        size = os.fstat(fd).st_size
        problem = f"its file has {size} bytes" if size != volume.size else ""
    else:
        header = parse_header(os.pread(fd, HEADER_BYTES, 0), domain.data_path(volume))
        problem = _header_problem(domain, volume, header)
    if problem:
        raise VolumeDamaged(volume=volume.id, problem=f"{problem}, its metadata says otherwise")


def _header_problem(domain: Domain, volume: Metadata, header: Qcow2Header) -> str:
    if header.size != volume.size:
        return f"its image has {header.size} bytes"
    if header.has_data_file:
        return "its image keeps the data in another file"
    if not volume.parent:
        return "its image has a backing file" if header.backing_file is not None else ""
    parent = domain.read(volume.parent)
    if header.backing_file != os.fsencode(domain.data_name(parent)) or header.backing_format != parent.format:
        return "its image has another backing file"
    return ""
