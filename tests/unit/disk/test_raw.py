"""Raw files: what is refused, exactness, reserved space, locks between openers."""

from __future__ import annotations

import fcntl
import os
import socket
import struct
from pathlib import Path

import pytest

from guestwright.disk.errors import (
    DiskIO,
    HostNoSpace,
    ImageDenied,
    ImageInUse,
    ImageNotFound,
    ImageUnusable,
    NotWritable,
)
from guestwright.disk.image import open_image
from guestwright.disk.locks import lock_as_qemu, lock_guard
from guestwright.disk.raw import RawDevice


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "disk.raw"
    with path.open("wb") as file:
        file.truncate(1 << 20)
    return path


def test_what_is_no_image_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "empty").touch()
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(tmp_path / "socket"))
    server.close()
    for name, found in (
        (str(tmp_path), "a directory"),
        (str(tmp_path / "pipe"), "a named pipe"),
        (str(tmp_path / "empty"), "empty"),
        (str(tmp_path / "socket"), "a socket"),
        ("/dev/null", "a character device"),
    ):
        for writable in (False, True):
            with pytest.raises(ImageUnusable, match=found):
                RawDevice.open(name, writable=writable)


@pytest.mark.parametrize("name", ["missing", "disk.raw/below"])
def test_missing_image(image: Path, name: str) -> None:
    with pytest.raises(ImageNotFound):
        RawDevice.open(str(image.parent / name))


def test_failed_open_leaks_no_descriptor(tmp_path: Path) -> None:
    before = os.listdir("/proc/self/fd")
    (tmp_path / "x.qcow2").write_bytes(bytes(4096))
    (tmp_path / "empty.raw").touch()
    for name in ("x.qcow2", "empty.raw", "missing.raw"):
        with pytest.raises(Exception, match=name):
            open_image(str(tmp_path / name), writable=True)
    assert os.listdir("/proc/self/fd") == before


def test_file_that_became_shorter(image: Path) -> None:
    device = RawDevice.open(str(image))
    os.truncate(image, 100)
    with pytest.raises(DiskIO, match="shorter"):
        device.read(0, 4096)
    device.close()


def test_reserve_fills_holes_and_changes_no_content(image: Path) -> None:
    device = RawDevice.open(str(image), writable=True)
    device.write(8192, b"data" * 1024)
    before = image.read_bytes()
    device.reserve([(0, 4096), (8192, 4096), (65536, 65536), ((1 << 20) - 512, 512), (5, 0)])
    assert image.read_bytes() == before
    assert image.stat().st_blocks * 512 >= 4096 + 4096 + 65536 + 512
    device.close()


def test_closed_device_fails_clearly(image: Path) -> None:
    device = RawDevice.open(str(image), writable=True)
    device.close()
    assert device.fd == -1
    for action in (lambda: device.read(0, 1), lambda: device.write(0, b"x"), device.flush):
        with pytest.raises(DiskIO):
            action()


def test_full_device() -> None:
    fd = os.open("/dev/full", os.O_RDWR | os.O_CLOEXEC)
    device = RawDevice(fd, path="full", writable=True)
    device._size = 4096
    with pytest.raises(HostNoSpace):
        device.write(0, b"x")
    device.close()


def test_readers_share_and_writers_exclude(image: Path) -> None:
    path = str(image)
    with open_image(path), open_image(path), pytest.raises(ImageInUse):
        open_image(path, writable=True)
    with open_image(path, writable=True):
        for writable in (False, True):
            with pytest.raises(ImageInUse):
                open_image(path, writable=writable)
    open_image(path, writable=True).close()


def test_device_for_reading_says_so(image: Path) -> None:
    with open_image(str(image)) as opened, pytest.raises(NotWritable, match=r"disk\.raw"):
        opened.device.write(0, b"x")


@pytest.mark.parametrize(
    ("byte", "reader", "writer"),
    [
        (100, True, True),
        (101, False, False),
        (102, True, True),
        (103, False, False),
        (200, False, False),
        (201, True, False),
        (203, True, True),
    ],
)
def test_qemus_bytes(image: Path, byte: int, reader: bool, writer: bool) -> None:
    other = os.open(image, os.O_RDWR)
    fcntl.fcntl(other, fcntl.F_OFD_SETLK, struct.pack("hhqqi4x", fcntl.F_RDLCK, 0, byte, 1, 0))
    for writable, allowed in ((False, reader), (True, writer)):
        fd = os.open(image, os.O_RDWR)
        if allowed:
            assert lock_as_qemu(fd, path="x", writable=writable)
        else:
            with pytest.raises(ImageInUse):
                lock_as_qemu(fd, path="x", writable=writable)
        os.close(fd)
    os.close(other)


def test_refused_lock_leaves_nothing_locked(image: Path) -> None:
    first, second, third = (os.open(image, os.O_RDWR) for _ in range(3))
    lock_as_qemu(first, path="x", writable=True)
    with pytest.raises(ImageInUse):
        lock_as_qemu(second, path="x", writable=True)
    os.close(first)
    assert lock_as_qemu(third, path="x", writable=True)
    os.close(second)
    os.close(third)


def test_guard(image: Path) -> None:
    first, second = os.open(image, os.O_RDWR), os.open(image, os.O_RDWR)
    assert lock_guard(first, path="x", writable=False)
    assert lock_guard(second, path="x", writable=False)
    with pytest.raises(ImageInUse, match="another Guestwright run"):
        lock_guard(second, path="x", writable=True)
    os.close(first)
    assert lock_guard(second, path="x", writable=True)
    os.close(second)


def test_permissions(image: Path) -> None:
    if os.geteuid() != 0:
        image.chmod(0)
        with pytest.raises(ImageDenied):
            RawDevice.open(str(image))
    else:
        with pytest.raises((ImageDenied, DiskIO)):
            RawDevice.open("/proc/1/mem", writable=True)


def test_identity_changes_with_the_file(image: Path) -> None:
    with open_image(str(image)) as opened:
        before = opened.identity()
        assert before == opened.identity()
        assert before.size == 1 << 20
        assert before.inode == image.stat().st_ino
    os.utime(image, ns=(1, 1))
    with open_image(str(image)) as opened:
        assert opened.identity() != before
