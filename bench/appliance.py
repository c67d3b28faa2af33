"""`guestwright seal run` against virt-sysprep on what needs an appliance: xfs on LVM, and btrfs.

    python bench/appliance.py [--runs 3]

Both start one appliance (Linux in QEMU, here without KVM), which is nearly all of the time. They take
turns on fresh copies of the same image; a time is the wall time of the whole process. Prints medians and the
ratio, which is to be at most 1.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, ROOT)

from lab import small
from lab.images import btrfs, xfs_lvm
from tests.support.virt_sysprep import appliance_environment

PROGRAM = os.path.join(os.path.dirname(sys.executable), "guestwright")
KINDS = {"xfs on LVM": ("rhel9", xfs_lvm.build), "btrfs": ("leap15", btrfs.build)}


def wall(argv: Sequence[str]) -> float:
    """Seconds that a whole process takes."""
    started = time.perf_counter()
    done = subprocess.run(argv, env=appliance_environment(), capture_output=True, check=False)
    if done.returncode:
        raise SystemExit(f"{argv[0]} failed ({done.returncode}): {done.stderr.decode()[-2000:]}")
    return time.perf_counter() - started


def measure(kind: str, runs: int, work: Path) -> tuple[list[float], list[float]]:
    """Seconds of each run of ours and of virt-sysprep's, taken in turns."""
    system, build = KINDS[kind]
    top, tar, image, copy = work / "tree", work / "tree.tar", work / "x.img", work / "copy.img"
    small.pack(top, small.plant_tree(str(top), system, beyond=False), tar)
    build(image, tar)
    ours: list[float] = []
    theirs: list[float] = []
    commands = (
        (ours, [PROGRAM, "seal", "run", "--json", "--no-manifest", str(copy)]),
        (theirs, ["virt-sysprep", "--format", "raw", "-a", str(copy)]),
    )
    for _ in range(runs):
        for times, argv in commands:
            subprocess.run(["cp", "--sparse=always", image, copy], check=True)
            times.append(wall(argv))
    return ours, theirs


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=3, help="runs of each program per image")
    args = parser.parse_args()
    print(f"{'image':12} {'guestwright':>12} {'virt-sysprep':>13} {'ratio':>6}")
    for kind in KINDS:
        work = Path(tempfile.mkdtemp(prefix="guestwright-bench-", dir="/var/tmp"))
        try:
            ours, theirs = measure(kind, args.runs, work)
        finally:
            shutil.rmtree(work)
        mine, other = statistics.median(ours), statistics.median(theirs)
        print(f"{kind:12} {mine:10.1f} s {other:11.1f} s {mine / other:6.2f}", flush=True)


if __name__ == "__main__":
    main()
