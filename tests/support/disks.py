"""What the system tests ask of disk images: their content, and machines of two disks."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from lab import ext, small

VAR_UUID = "e1e1e1e1-0000-4000-8000-000000000001"
CLOCK = {"SOURCE_DATE_EPOCH": "1700000000"}
"""Environment in which the same seal gives the same bytes."""


def digest(image: Path) -> str:
    """Of the disk's content, whatever the format."""
    if image.suffix != ".qcow2":
        with image.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    with tempfile.NamedTemporaryFile(suffix=".raw") as raw:  # elsewhere: the image's own place may be full
        subprocess.run(["qemu-img", "convert", "-f", "qcow2", "-O", "raw", str(image), raw.name], check=True)
        return digest(Path(raw.name))


def converted(raw: Path, image: Path) -> Path:
    """A raw image as qcow2, or just copied, by the suffix of the new one; holes are kept."""
    if image.suffix == ".qcow2":
        subprocess.run(["qemu-img", "convert", "-f", "raw", "-O", "qcow2", raw, image], check=True)
    else:
        subprocess.run(["cp", "--sparse=always", raw, image], check=True)
    return image


def complaint(image: Path) -> str:
    """What e2fsck says of a raw image, or qemu-img of a qcow2 one; "" when they are content."""
    if image.suffix != ".qcow2":
        return ext.check(str(image))
    done = subprocess.run(
        ["qemu-img", "check", "-f", "qcow2", image], capture_output=True, text=True, check=False
    )
    return "" if done.returncode == 0 else done.stdout + done.stderr


def two_disks(directory: Path, spec: str) -> tuple[Path, Path]:
    """A dirty Debian whose /var is a filesystem on another disk, named in fstab by `spec`."""
    tree = directory / "tree"
    items = small.plant_tree(str(tree))
    var = directory / "var"
    os.rename(tree / "var", var)
    (tree / "var").mkdir()
    with (tree / "etc/fstab").open("a") as stream:
        stream.write(f"{spec} /var ext4 defaults 0 2\n")
    root_image, var_image = directory / "root.img", directory / "var.img"
    ext.make(str(root_image), str(tree), size=16 << 20)
    ext.make(str(var_image), str(var), size=16 << 20, uuid=VAR_UUID)
    ext.set_xattrs(str(root_image), [one for one in items if not one.path.startswith("/var")])
    shutil.rmtree(tree)
    shutil.rmtree(var)
    return root_image, var_image
