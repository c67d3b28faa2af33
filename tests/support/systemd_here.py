"""A real systemd, as the first process of a small machine of namespaces, with units of a test's own.

    with systemd([Path("packaging/guestwright-host.service")], {"etc/x.toml": text}) as machine:
        machine.run("systemctl", "start", "guestwright-host")
        machine.show("guestwright-host", "MainPID")

Theory of operation: its file system is this machine's below an overlay in memory, so whatever systemd and
the units write is gone with it; /run, /tmp and its processes, network and control groups are its own. Only
the given units and the targets that all of them need are there. `guestwright` is this checkout's. The machine
ends with the block, or with the test's process.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from tests.support.program import running

_PATIENCE: Final = 60.0
_TOP: Final = Path(__file__).parents[2]
_SYSTEMD: Final = "/lib/systemd/systemd"
_UNITS: Final = "opt/units"
_TARGETS: Final = (
    "sysinit",
    "basic",
    "shutdown",
    "multi-user",
    "sockets",
    "timers",
    "paths",
    "slices",
    "network",
)
_ALONE: Final = (
    "unshare",
    "--cgroup",
    "--mount",
    "--pid",
    "--net",
    "--uts",
    "--ipc",
    "--fork",
    "--kill-child",
)
_BEGIN: Final = """\
set -e
cd "$1"
mount --make-rprivate /
mount -t overlay overlay -o lowerdir=/,upperdir=$1/upper,workdir=$1/work root
cp -r files/. root/
for pair in "$2:src" "$3:site"; do
    mkdir -p root/opt/guestwright/${pair##*:}
    mount --bind "${pair%:*}" root/opt/guestwright/${pair##*:}
done
mount -t proc proc root/proc
mount -t sysfs sysfs root/sys
mount -t cgroup2 cgroup2 root/sys/fs/cgroup
mount --rbind /dev root/dev
mount -t tmpfs -o mode=755 tmpfs root/run
mount -t tmpfs -o mode=1777 tmpfs root/tmp
exec env -i container=test PATH=/usr/sbin:/usr/bin:/sbin:/bin SYSTEMD_UNIT_PATH=/opt/units \
    chroot root /lib/systemd/systemd --system --unit=basic.target --log-target=console
"""


def _cgroups() -> str | None:
    """Where the unified hierarchy of control groups is mounted."""
    with open("/proc/mounts") as file:
        found = [line.split()[1] for line in file if line.split()[2] == "cgroup2"]
    return found[0] if found else None


def _possible() -> bool:
    if (
        os.geteuid() != 0
        or not os.path.exists(_SYSTEMD)
        or not all(map(shutil.which, ("unshare", "nsenter")))
    ):
        return False
    with open("/proc/filesystems") as file:
        overlay = "\toverlay\n" in file.read()
    tried = subprocess.run([*_ALONE, "true"], check=False, capture_output=True, timeout=_PATIENCE)
    return overlay and _cgroups() is not None and tried.returncode == 0


needs_systemd = pytest.mark.skipif(
    "CI" not in os.environ and not _possible(), reason="needs root, systemd, overlayfs and cgroup2"
)
"""Skips where no systemd can be started; never on CI."""


@dataclass(frozen=True, slots=True)
class Machine:
    """The machine.

    Attributes:
        pid: of its systemd, as this machine counts.
        log: what it printed.
    """

    pid: int
    log: Path

    def run(self, *argv: str, check: bool = True) -> str:
        """Run a program there; its output."""
        there = ["nsenter", f"--target={self.pid}", "--all", f"--root=/proc/{self.pid}/root", "--wd=/", *argv]
        done = subprocess.run(there, check=False, capture_output=True, text=True, timeout=2 * _PATIENCE)
        assert done.returncode == 0 or not check, (done, self.log.read_text()[-3000:])
        return done.stdout

    def show(self, unit: str, name: str) -> str:
        """A property of a unit."""
        return self.run("systemctl", "show", "--value", f"--property={name}", unit).strip()

    def until(self, what: Callable[[], bool]) -> None:
        """Wait until something is so."""
        end = time.monotonic() + _PATIENCE
        while not what():
            assert time.monotonic() < end, self.log.read_text()[-3000:]
            time.sleep(0.1)


@contextmanager
def systemd(units: Sequence[Path], files: Mapping[str, str]) -> Iterator[Machine]:
    """Start it.

    Args:
        units: files of units.
        files: further ones, path without the first "/" to content.
    """
    top = Path(tempfile.mkdtemp(prefix="gw-systemd-", dir="/dev/shm"))
    group = Path(_cgroups() or "/sys/fs/cgroup", top.name)
    try:
        for name in ("upper", "work", "root", f"files/{_UNITS}"):
            (top / name).mkdir(parents=True)
        group.mkdir()
        _fill(top / "files", units, files)
        log = top / "log"
        join = f'echo $$ > {group}/cgroup.procs; exec "$@"'
        begin = ["sh", "-c", _BEGIN, "sh", str(top), str(_TOP / "src"), sysconfig.get_paths()["purelib"]]
        argv = ["setpriv", "--pdeathsig=KILL", "sh", "-c", join, "sh", *_ALONE, *begin]
        with (
            open(log, "wb") as out,
            running(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out) as process,
        ):
            try:
                yield _begun(process, log)
            finally:
                process.kill()
    finally:
        _remove(group)
        shutil.rmtree(top, ignore_errors=True)


def _fill(files: Path, units: Sequence[Path], more: Mapping[str, str]) -> None:
    for unit in units:
        shutil.copy(unit, files / _UNITS)
    for name in _TARGETS:
        shutil.copy(f"/lib/systemd/system/{name}.target", files / _UNITS)
    for name, text in more.items():
        (files / name).parent.mkdir(parents=True, exist_ok=True)
        (files / name).write_text(text)
    program = files / "usr/bin/guestwright"
    program.parent.mkdir(parents=True)
    python = os.path.realpath(sys.executable)
    paths = "/opt/guestwright/src:/opt/guestwright/site"
    program.write_text(f'#!/bin/sh\nPYTHONPATH={paths} exec {python} -m guestwright.cli "$@"\n')
    program.chmod(0o755)


def _begun(process: subprocess.Popen[bytes], log: Path) -> Machine:
    """The machine, once its systemd answers."""
    end = time.monotonic() + _PATIENCE
    while True:
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < end, log.read_text()
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        if children:
            machine = Machine(int(children[0]), log)
            state = machine.run("systemctl", "is-system-running", check=False).strip()
            if state in {"running", "degraded"}:
                return machine
        time.sleep(0.1)


def _remove(group: Path) -> None:
    end = time.monotonic() + _PATIENCE
    while group.exists() and time.monotonic() < end:  # processes that were killed are there for a moment
        for base, _, _ in os.walk(group, topdown=False):
            with suppress(OSError):
                os.rmdir(base)
        time.sleep(0.05)
