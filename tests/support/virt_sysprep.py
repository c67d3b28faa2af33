"""Runs the real virt-sysprep, the tool that Guestwright is measured against."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass

_DEADLINE = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """How virt-sysprep went: its output and the seconds it took."""

    output: str
    seconds: float


def appliance_environment() -> dict[str, str]:
    """Environment in which libguestfs works without KVM: straight QEMU, by emulation (else it hangs here)."""
    return {
        **os.environ,
        "LIBGUESTFS_BACKEND": "direct",
        "LIBGUESTFS_BACKEND_SETTINGS": "force_tcg",
        "LC_ALL": "C.UTF-8",
    }


def version() -> str:
    """The version text, such as "virt-sysprep 1.48.2"."""
    done = subprocess.run(["virt-sysprep", "--version"], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def virt_sysprep(
    images: Sequence[str],
    *,
    disk_format: str = "raw",
    arguments: Sequence[str] = (),
    deadline: float = _DEADLINE,
) -> Run:
    """Seal a guest's disks in place with the default operations.

    Args:
        images: all disks of the guest.
        disk_format: "raw" or "qcow2".
        arguments: more arguments, such as ["--operations", "defaults,-customize"].
        deadline: seconds.

    Raises:
        RuntimeError: it failed; the text ends with its own last words.
        subprocess.TimeoutExpired: it hung.
    """
    argv = ["virt-sysprep", "--format", disk_format]
    argv += [piece for image in images for piece in ("-a", image)]
    start = time.monotonic()
    done = subprocess.run(
        [*argv, *arguments],
        check=False,
        capture_output=True,
        text=True,
        timeout=deadline,
        env=appliance_environment(),
    )
    if done.returncode:
        raise RuntimeError(f"virt-sysprep: exit status {done.returncode}: {done.stderr[-2000:]}")
    return Run(output=done.stdout + done.stderr, seconds=time.monotonic() - start)
