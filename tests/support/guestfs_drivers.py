"""The drivers that the contract suite of guest files runs over.

A driver is a function from a directory to work in and a `Spec` to a context manager of a `GuestFS`, mounted.
To plug another one in, add it to `DRIVERS` with the marks it needs.
"""

from __future__ import annotations

import os
import shutil
import socket
import stat
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from guestwright.disk.memory import MemoryDevice
from guestwright.guestfs.drivers.memory import Content, Directory, File, HardLink, Link, Special, memory_guest
from guestwright.guestfs.port import FileKind, Filesystem, GuestFS
from guestwright.guestfs.tree import Tree
from tests.support.tools import needs

if TYPE_CHECKING:
    from guestwright.base.block import BlockDevice

NOW = 1_700_000_000
MIB = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """What a driver must show.

    Attributes:
        files: absolute path to content, as `memory_guest` takes it; symlinks are made first.
        mounts: paths (directories, parents first) that are filesystems of their own.
        other: filesystems that cannot be mounted.
        capacity: size of each filesystem in bytes.
    """

    files: Mapping[str, Content] = field(default_factory=dict)
    mounts: Sequence[str] = ()
    other: Sequence[Filesystem] = ()
    capacity: int = 8 * MIB


Driver = Callable[[Path, Spec], AbstractContextManager[GuestFS]]


@contextmanager
def memory(work: Path, spec: Spec) -> Iterator[GuestFS]:
    guest = memory_guest(spec.files, mounts=spec.mounts, other=spec.other, capacity=spec.capacity, now=NOW)
    yield guest
    guest.close()


@contextmanager
def ext(work: Path, spec: Spec) -> Iterator[GuestFS]:
    """ext4 made by mke2fs, read in this process."""
    from guestwright.guestfs.drivers.ext.volume import open_volume

    pairs = ext_devices(work, spec)
    with ExitStack() as stack:
        volumes = {}
        for filesystem, device in pairs:
            volumes[filesystem.id] = open_volume(device, filesystem, now=NOW)
            stack.callback(volumes[filesystem.id].close)
        guest = Tree(volumes, other=spec.other)
        prepare(guest, pairs, spec)
        yield guest
        guest.sync()
    check(work, pairs)


@contextmanager
def worker(work: Path, spec: Spec) -> Iterator[GuestFS]:
    """ext4 made by mke2fs, read in a confined child process."""
    from guestwright.guestfs.remote.client import start_worker

    pairs = ext_devices(work, spec)
    guest = start_worker(pairs, now=NOW, other=spec.other)
    try:
        prepare(guest, pairs, spec)
        yield guest
        guest.sync()
    finally:
        guest.close()
    check(work, pairs)


DRIVERS: dict[str, tuple[Driver, tuple[pytest.MarkDecorator, ...]]] = {
    "memory": (memory, ()),
    "ext": (ext, (needs("mke2fs", "e2fsck"),)),
    "worker": (worker, (needs("mke2fs", "e2fsck"),)),
}


def driver_params() -> list[Any]:
    """The drivers as parameters of a fixture."""
    return [pytest.param(driver, id=name, marks=marks) for name, (driver, marks) in DRIVERS.items()]


# -- real filesystems --------------------------------------------------------------------------------------


def ext_devices(work: Path, spec: Spec) -> list[tuple[Filesystem, BlockDevice]]:
    """One ext4 image in memory for "/" and for each mount, populated by mke2fs from a host directory."""
    points = ["/", *spec.mounts]
    stages = {point: work / f"stage{number}" for number, point in enumerate(points)}
    for stage in stages.values():
        stage.mkdir()
        stage.chmod(0o755)
    if spec.mounts:
        for point in spec.mounts:
            _stage(stages, point).mkdir(parents=True, exist_ok=True)
    for path, content in spec.files.items():
        if isinstance(content, Link):
            place = _stage(stages, path)
            place.parent.mkdir(parents=True, exist_ok=True)
            os.symlink(content.target, os.fsencode(place))
            os.lchown(os.fsencode(place), content.uid, content.gid)
    for path, content in spec.files.items():
        if not isinstance(content, Link):
            _put(stages, path, content)
    pairs: list[tuple[Filesystem, BlockDevice]] = []
    for number, stage in enumerate(stages.values(), 1):
        image = work / f"image{number}"
        with image.open("wb") as file:
            file.truncate(spec.capacity)
        subprocess.run(
            [
                "/sbin/mke2fs",
                "-q",
                "-F",
                "-t",
                "ext4",
                "-b",
                "4096",
                "-I",
                "256",
                "-d",
                str(stage),
                str(image),
            ],
            check=True,
            capture_output=True,
        )
        shutil.rmtree(stage)
        filesystem = Filesystem(
            id=f"disk0/p{number}",
            type="ext4",
            size=spec.capacity,
            disk=0,
            partition=number,
            mountable=True,
        )
        pairs.append((filesystem, MemoryDevice(image.read_bytes())))
    return pairs


def prepare(guest: GuestFS, pairs: Sequence[tuple[Filesystem, BlockDevice]], spec: Spec) -> None:
    """Mount everything and set the attributes that a host directory cannot carry."""
    for (filesystem, _), point in zip(pairs, ["/", *spec.mounts], strict=True):
        guest.mount(filesystem.id, point)
    for path, content in spec.files.items():
        if isinstance(content, (File, Directory)):
            for name, value in content.xattrs.items():
                guest.set_xattr(path.rstrip("/") or "/", name, value)


def check(work: Path, pairs: Sequence[tuple[Filesystem, BlockDevice]]) -> None:
    """e2fsck has the last word on what we wrote."""
    for number, (_, device) in enumerate(pairs, 1):
        image = work / f"image{number}"
        image.write_bytes(device.read(0, device.size))
        done = subprocess.run(
            ["/sbin/e2fsck", "-fn", str(image)], capture_output=True, text=True, errors="replace", check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr


def _stage(stages: Mapping[str, Path], path: str) -> Path:
    """Where a guest path lies among the host directories; its directories must not be symlinks."""
    best = max(
        (point for point in stages if path != point and (path + "/").startswith(point.rstrip("/") + "/")),
        key=len,
    )
    return stages[best] / path[len(best) :].strip("/")


def _put(stages: Mapping[str, Path], path: str, content: Content) -> None:
    place = _stage(stages, path.rstrip("/"))
    raw = os.fsencode(place)
    place.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, (str, bytes)):
        content = File(content)
    if content is None:
        content = Directory()
    match content:
        case Directory(mode, uid, gid):
            place.mkdir(exist_ok=True)
            os.chown(raw, uid, gid)
            os.chmod(raw, mode)
        case File(data, mode, uid, gid):
            body = data.encode("utf-8", "surrogateescape") if isinstance(data, str) else data
            place.write_bytes(body)
            os.chown(raw, uid, gid)
            os.chmod(raw, mode)
        case HardLink(other):
            os.link(os.fsencode(_stage(stages, other)), raw)
        case Special(kind, mode):
            _put_special(raw, kind, mode)
        case Link():
            raise AssertionError("made before")


def _put_special(raw: bytes, kind: FileKind, mode: int) -> None:
    if kind is FileKind.SOCKET:
        directory = os.open(os.path.dirname(raw), os.O_PATH)
        try:  # the path of a socket is at most 107 bytes
            with socket.socket(socket.AF_UNIX) as sock:
                sock.bind(b"/proc/self/fd/%d/%s" % (directory, os.path.basename(raw)))
        finally:
            os.close(directory)
        os.chmod(raw, mode)
        return
    formats = {
        FileKind.FIFO: (stat.S_IFIFO, 0),
        FileKind.CHARACTER_DEVICE: (stat.S_IFCHR, os.makedev(1, 3)),
        FileKind.BLOCK_DEVICE: (stat.S_IFBLK, os.makedev(8, 0)),
    }
    bits, device = formats[kind]
    os.mknod(raw, bits | mode, device)
    os.chmod(raw, mode)
