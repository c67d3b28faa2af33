"""Disks of other products' packages, made qcow2 before they are uploaded: hosts keep raw and qcow2 only.

Theory of operation: whoever made the package is a stranger. So a file has to be what the descriptor calls it,
one that names no other file, and qemu-img reads it confined to it alone (`host.volumes.errand`).
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Final

from guestwright.client.errors import LocalImageBad
from guestwright.client.images import look_at
from guestwright.disk.formats import HEAD_SIZE, Choice, ImageFormat, check_format
from guestwright.disk.vmdk import HEADER_BYTES, SPARSE, STREAM, check_header
from guestwright.ovf.errors import UnsupportedPackage
from guestwright.ovf.model import Disk, Format

_FORMATS: Final = {
    Format.VMDK: ImageFormat.VMDK,
    Format.VHD: ImageFormat.VPC,
    Format.VDI: ImageFormat.VDI,
}
_VHD_KIND: Final = slice(60, 64)  # of the footer: Virtual Hard Disk Image Format Specification, "Disk Type"
_VHD_ON_ANOTHER: Final = 4


def must_be_convertible(disk: Disk) -> None:
    """Before gigabytes are read.

    Raises:
        UnsupportedPackage: the format is none that is converted, or qemu-img is not here.
    """
    what = f"disk {disk.id} in the format {disk.format}"
    if disk.format not in _FORMATS:
        advice = "convert its file with `qemu-img convert -O qcow2`, and say so in the descriptor"
        raise UnsupportedPackage(what=what, problem=advice)
    if shutil.which("qemu-img") is None:
        advice = "it is made qcow2 by qemu-img, which is not installed here: apt install qemu-utils"
        raise UnsupportedPackage(what=what, problem=advice)


def made_qcow2(source: Path, disk: Disk, target: Path) -> int:
    """Convert a disk.

    Args:
        source: its file.
        disk: as the descriptor has it.
        target: file to be made.

    Returns:
        What a machine sees of it, bytes.

    Raises:
        FormatMismatch, ImageUnsupported, ImageCorrupt, LocalImageBad: it is not what it is called, or needs
            other files.
        ToolFailed: qemu-img cannot read it.
        OSError: it cannot be read or written.
    """
    from guestwright.host.jobs.alone import Alone  # noqa: PLC0415 - as the next
    from guestwright.host.volumes.errand import qemu_img  # noqa: PLC0415 - rare, and loads much

    form = _FORMATS[disk.format]
    _check(source, form)
    target.touch(mode=0o600, exist_ok=False)  # the confined process may write to what is there
    arguments = ["convert", "-f", str(form), "-O", "qcow2", str(source), str(target)]
    status, _ = qemu_img(arguments, Alone("import"), read=(str(source),), write=(str(target),))
    if status:
        raise LocalImageBad(path=source.name, problem=f"qemu-img ended with status {status}")
    return look_at(str(target), "qcow2", None).size


def _check(source: Path, form: ImageFormat) -> None:
    with source.open("rb") as file:
        head = file.read(HEADER_BYTES)
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - HEAD_SIZE))
        tail = file.read(HEAD_SIZE)
    check_format(source.name, Choice(form, stated=True), head[:HEAD_SIZE], tail)
    if form is ImageFormat.VMDK:
        check_header(head, source.name, (SPARSE, STREAM))
    if form is ImageFormat.VPC and int.from_bytes(tail[_VHD_KIND], "big") == _VHD_ON_ANOTHER:
        raise LocalImageBad(path=source.name, problem="a VHD that stands on another one")
