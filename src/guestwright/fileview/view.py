"""Runs a host tool on a block device as if it were a file, by FUSE where that works, else on a copy."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from guestwright.base.block import BlockDevice
from guestwright.confine.errors import ToolNotStarted
from guestwright.confine.limits import Limits
from guestwright.confine.process import ENVIRONMENT, TOOL_LIMITS
from guestwright.fileview import copy_view, fuse_view
from guestwright.fileview.fuse_view import FuseView
from guestwright.fileview.result import ToolResult

CHOICE: Final = "GUESTWRIGHT_FILEVIEW"
"""Environment variable: "fuse" or "copy" forces one, anything else chooses."""


def run_on_view(
    device: BlockDevice,
    argv_for: Callable[[str], Sequence[str]],
    *,
    writable: bool,
    limits: Limits = TOOL_LIMITS,
    timeout: float = 600,
    env: Mapping[str, str] = ENVIRONMENT,
) -> ToolResult:
    """Run a tool that expects a file, confined, on what `device` holds.

    Args:
        device: its content is the file's content; what the tool writes is written to it at once.
        argv_for: gives the command line for the path of the file. The program is absolute (`find_tool`).
        writable: whether the tool may write.
        limits: resource limits of the tool.
        timeout: seconds it may take.
        env: its whole environment.

    Returns:
        Exit status and output; a failure of the tool is for the caller to judge.

    Raises:
        ToolTimedOut: it was killed at its deadline.
        ToolNotStarted, ConfinementMissing, ViewFailed: it never ran.
        GuestwrightError, OSError: what the device raised while the tool ran.
    """
    view = start_view(device, argv_for, writable=writable, limits=limits, env=env)
    if view is not None:
        with view:
            return view.finish(timeout)
    return copy_view.run(device, argv_for, writable=writable, limits=limits, timeout=timeout, env=env)


def start_view(
    device: BlockDevice,
    argv_for: Callable[[str], Sequence[str]],
    *,
    writable: bool,
    limits: Limits = TOOL_LIMITS,
    env: Mapping[str, str] = ENVIRONMENT,
    settings: Mapping[str, bytes] = fuse_view.NO_SETTINGS,
) -> FuseView | None:
    """Start a tool ahead of time: it has loaded and waits for its first bytes when `finish` is called.

    Args:
        device: see `run_on_view`. It is not looked at before `finish`.
        argv_for: see `run_on_view`.
        writable: see `run_on_view`.
        limits: see `run_on_view`.
        env: see `run_on_view`.
        settings: variables of the environment that are to name a file with this content instead.

    Returns:
        The started tool, to be closed; None where only `run_on_view` can run it, on a copy.

    Raises:
        ToolNotStarted, ConfinementMissing: it cannot be run.
    """
    choice = os.environ.get(CHOICE, "")
    if choice != "copy" and (choice == "fuse" or fuse_view.available()):
        try:
            return FuseView(device, argv_for, writable=writable, limits=limits, env=env, settings=settings)
        except ToolNotStarted as problem:
            if choice == "fuse" or problem.params["stage"] != "setup":
                raise
    return None
