"""guestfish, scripted: builds images without mounting anything on this host."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Disk:
    """An image to be.

    Attributes:
        path: where.
        size: bytes; the file is sparse.
    """

    path: Path
    size: int


def run(disks: Sequence[Disk], commands: Sequence[str]) -> str:
    """Start one appliance over new raw images and run commands in it; disk n is /dev/sda, /dev/sdb, ….

    Args:
        disks: made anew.
        commands: lines for guestfish(1), after `run`.

    Returns:
        What they printed.
    """
    arguments = ["guestfish"]
    for disk in disks:
        with disk.path.open("wb") as file:
            file.truncate(disk.size)
        arguments += ["--format=raw", "-a", str(disk.path)]
    # emulation works everywhere; a KVM that is there but does not run a kernel would make it hang or abort
    environment = {"LIBGUESTFS_BACKEND": "direct", "LIBGUESTFS_BACKEND_SETTINGS": "force_tcg", **os.environ}
    script = "\n".join(["run", *commands, ""])
    done = subprocess.run(
        arguments, input=script, capture_output=True, text=True, env=environment, timeout=900, check=False
    )
    if done.returncode:
        raise RuntimeError(f"guestfish: {done.stderr[-2000:]}")
    return done.stdout


def quoted(path: Path | str) -> str:
    """A path for guestfish's own parser."""
    return '"' + str(path).replace("\\", "\\\\").replace('"', '\\"') + '"'
