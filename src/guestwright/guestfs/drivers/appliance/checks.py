"""The file systems' own checkers, run in the appliance over what would be committed."""

from __future__ import annotations

import time
from typing import Final

from guestwright.guestfs.drivers.appliance.bindings import OneFlag, XfsRepairOpts
from guestwright.guestfs.drivers.appliance.handle import CallFailed, Handle
from guestwright.guestfs.drivers.appliance.session import Session
from guestwright.guestfs.drivers.appliance.table import Found
from guestwright.guestfs.machine import FilesystemCheck

_SECONDS: Final = 3600.0
_EXT: Final = frozenset({"ext2", "ext3", "ext4"})
_OUTPUT: Final = 4000
TOOLS: Final = {"xfs": "xfs_repair -n", "btrfs": "btrfs check", **dict.fromkeys(_EXT, "e2fsck -fp")}


def check(session: Session) -> list[FilesystemCheck]:
    """Judge every filesystem that was mounted, each device once; others have no checker here.

    The filesystems are unmounted, and mounted again on their next use.
    """
    g = session.suspend()
    verdicts = []
    seen: set[str] = set()
    for found in session.used:
        kind = found.filesystem.type
        if found.device in seen or kind not in TOOLS:
            continue
        seen.add(found.device)
        started = time.perf_counter()
        output = _judge(g, found)
        verdicts.append(
            FilesystemCheck(
                filesystem=found.filesystem.id,
                tool=TOOLS[kind],
                clean=not output,
                output=output,
                seconds=time.perf_counter() - started,
            )
        )
    return verdicts


def _judge(g: Handle, found: Found) -> str:
    """What the checker complains of; "" when it is content."""
    try:
        if found.filesystem.type == "xfs":
            options = XfsRepairOpts(bitmask=XfsRepairOpts.NOMODIFY, nomodify=1)
            status = g.number("xfs_repair_argv", found.device, options, seconds=_SECONDS)
            return "xfs_repair -n found corruption" if status else ""
        if found.filesystem.type == "btrfs":
            g.run("btrfs_fsck_argv", found.device, OneFlag(), seconds=_SECONDS)
        else:
            # libguestfs has no "e2fsck -n" before 1.53. -p repairs what is safe to repair, which here becomes
            # part of the change, and fails on everything else.
            g.run("e2fsck_argv", found.device, OneFlag(bitmask=1, flag=1), seconds=_SECONDS)
    except CallFailed as problem:
        return problem.detail[:_OUTPUT] or "the checker failed without a word"
    return ""
