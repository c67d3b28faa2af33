"""A command of the caller on this host, over the guest's files mounted by FUSE.

Theory of operation: libguestfs serves the FUSE mount from the thread that calls `mount_local_run`, which
returns when the mount is gone. So the command runs from a second thread, which unmounts afterwards.

The shell enters the mount by itself. `subprocess` would do so between fork and exec, while it holds the
interpreter's lock; that waits until the mount is served, and the thread that is about to serve it waits for
the lock: for ever.

The command is the caller's and runs with the caller's rights. Absolute symlinks in the guest lead to the
host's files there, as in any mount: scripts must not follow links that a guest made.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from guestwright.guestfs.drivers.appliance.bindings import OneFlag
from guestwright.guestfs.drivers.appliance.handle import CallFailed, Handle
from guestwright.guestfs.drivers.appliance.session import Session
from guestwright.guestfs.errors import DriverFailed, DriverMissing, ScriptFailed

SCRIPT_SECONDS: Final = 3600.0
_ENTER: Final = 'cd -- "$0" || exit; exec /bin/bash -c "$1"'
_UNMOUNT_TRIES: Final = 10


def run_script(session: Session, mounts: Mapping[str, str], command: str, directory: str) -> None:
    """Run `/bin/bash -c` with `set -e`, its working directory the guest's root.

    Args:
        session: the appliance; its filesystems are unmounted and will be mounted again on the next use.
        mounts: mount point to filesystem id.
        command: for bash. Its output goes to our standard error.
        directory: an empty directory on the host to mount at; "" for a fresh one.

    Raises:
        DriverMissing: no FUSE on this host.
        ScriptFailed: it ended with another status than 0, or did not end within an hour.
        DriverFailed: the mount could not be made.
    """
    tool = shutil.which("fusermount") or shutil.which("fusermount3")
    if tool is None or not os.access("/dev/fuse", os.R_OK | os.W_OK):
        raise DriverMissing(
            driver="appliance",
            needs="/dev/fuse and fusermount",
            advice="install fuse3, and let the container have /dev/fuse",
        )
    g = session.suspend()
    with _mountpoint(directory) as top:
        try:
            for path in sorted(mounts, key=len):
                found = session.found[mounts[path]]
                g.run("mount_options", found.options, found.device, path)
            g.run("mount_local_argv", top, OneFlag())
            outcome = _serve(g, tool, top, command)
            g.run("sync")
        except CallFailed as problem:
            raise DriverFailed(driver="appliance", detail=f"FUSE mount: {problem.detail}") from problem
        finally:
            g.run("umount_all")
    if outcome:
        raise ScriptFailed(command=command, outcome=outcome)


def _serve(g: Handle, tool: str, top: str, command: str) -> str:
    outcome = ["was not run"]
    thread = threading.Thread(target=_run, args=(tool, top, command, outcome))
    thread.start()
    try:
        g.run("mount_local_run", seconds=SCRIPT_SECONDS + 60)
    finally:
        thread.join()
    return outcome[0]


def _run(tool: str, top: str, command: str, outcome: list[str]) -> None:
    try:
        done = subprocess.run(
            ["/bin/bash", "-c", _ENTER, top, f"set -e\n{command}"],
            stdin=subprocess.DEVNULL,
            stdout=2,
            timeout=SCRIPT_SECONDS,
            check=False,
        )
        outcome[0] = f"ended with status {done.returncode}" if done.returncode else ""
    except (OSError, subprocess.TimeoutExpired) as problem:
        outcome[0] = f"failed: {problem}"
    finally:
        _unmount(tool, top)


def _unmount(tool: str, top: str) -> None:
    for attempt in range(_UNMOUNT_TRIES):
        lazy = ["-z"] if attempt == _UNMOUNT_TRIES - 1 else []
        if not subprocess.run([tool, "-u", *lazy, top], capture_output=True, check=False).returncode:
            return
        time.sleep(0.1 * attempt)  # something the script left running may still be leaving


@contextmanager
def _mountpoint(directory: str) -> Iterator[str]:
    if directory:
        yield os.path.abspath(directory)
        return
    top = tempfile.mkdtemp(prefix="guestwright-script-")
    try:
        yield top
    finally:
        os.rmdir(top)
