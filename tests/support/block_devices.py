"""Every driver of the block device port, each made over the same content."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from guestwright.base.block import BlockDevice
from guestwright.disk.image import open_image
from guestwright.disk.memory import MemoryDevice
from guestwright.disk.overlay import Overlay
from guestwright.disk.qcow2_reader import Qcow2Reader
from guestwright.disk.qemu_nbd import QemuNbd
from guestwright.disk.raw import RawDevice
from guestwright.disk.window import Window
from tests.support.tools import needs

Make = Callable[[Path, bytes, bool], Iterator[BlockDevice]]


def memory(_work: Path, content: bytes, writable: bool) -> Iterator[BlockDevice]:
    yield MemoryDevice(content, writable=writable)


def raw(work: Path, content: bytes, writable: bool) -> Iterator[BlockDevice]:
    path = work / "disk.raw"
    path.write_bytes(content)
    device = RawDevice.open(str(path), writable=writable)
    yield device
    device.close()


def window(_work: Path, content: bytes, writable: bool) -> Iterator[BlockDevice]:
    yield Window(MemoryDevice(bytes(777) + content + bytes(99), writable=writable), 777, len(content))


def overlay(_work: Path, content: bytes, _writable: bool) -> Iterator[BlockDevice]:
    device = Overlay(MemoryDevice(content, writable=False))
    yield device
    device.close()


def spilled_overlay(_work: Path, content: bytes, _writable: bool) -> Iterator[BlockDevice]:
    device = Overlay(MemoryDevice(content, writable=False), spill_after=8192)
    yield device
    device.close()


def _qemu(work: Path, content: bytes, writable: bool, image_format: str) -> Iterator[BlockDevice]:
    source, path = work / "source.raw", work / f"disk.{image_format}"
    source.write_bytes(content)
    subprocess.run(["qemu-img", "convert", "-f", "raw", "-O", image_format, source, path], check=True)
    server = QemuNbd(str(path), image_format, writable=writable)
    yield server.connect()
    server.close()


def nbd_raw(work: Path, content: bytes, writable: bool) -> Iterator[BlockDevice]:
    yield from _qemu(work, content, writable, "raw")


def nbd_qcow2(work: Path, content: bytes, writable: bool) -> Iterator[BlockDevice]:
    yield from _qemu(work, content, writable, "qcow2")


def overlay_on_qcow2(work: Path, content: bytes, _writable: bool) -> Iterator[BlockDevice]:
    """What sealing reads a qcow2 image through."""
    source, path = work / "source.raw", work / "disk.qcow2"
    source.write_bytes(content)
    subprocess.run(["qemu-img", "convert", "-f", "raw", "-O", "qcow2", source, path], check=True)
    with open_image(str(path)) as image:
        assert isinstance(image.reader, Qcow2Reader)
        yield Overlay(image.reader)


def driver_params() -> list[object]:
    """One pytest parameter per driver."""
    pure: list[Make] = [memory, raw, window, overlay, spilled_overlay]
    qemu: list[Make] = [nbd_raw, nbd_qcow2, overlay_on_qcow2]
    marks = [needs("qemu-nbd", "qemu-img"), pytest.mark.system]
    return [
        *(pytest.param(contextmanager(make), id=make.__name__) for make in pure),
        *(pytest.param(contextmanager(make), id=make.__name__, marks=marks) for make in qemu),
    ]
