"""Runs e2fsck and tune2fs on a block device: the verdict on what we write, and the work we leave to them.

The tools run confined on a view of the device (`fileview`); nothing of the host is in their reach, and no
guest-chosen text is in their command lines. e2fsck(8) gives the exit status: 0 clean, 1 errors corrected,
2 reboot wanted, 4 errors left, 8 operational error, 16 usage, 32 cancelled, 128 library error, summed.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Final, Self

from guestwright.base.block import BlockDevice
from guestwright.base.errors import UsageError
from guestwright.base.printable import printable
from guestwright.base.record import record
from guestwright.confine.limits import Limits
from guestwright.confine.process import ENVIRONMENT, find_tool
from guestwright.fileview.result import ToolResult
from guestwright.fileview.view import run_on_view, start_view
from guestwright.guestfs.errors import Corrupt, DriverFailed
from guestwright.guestfs.ext_effects import checked_uuid
from guestwright.guestfs.ext_superblock import Compat, ExtSuperblock, Incompat, RoCompat, read_superblock

_PACKAGE: Final = "e2fsprogs"
_SECONDS: Final = 25  # and one more for each GiB: a check of 4 GiB takes a tenth of a second here
_MEMORY: Final = 2 << 30
_ENVIRONMENT: Final = {**ENVIRONMENT, "E2FSCK_CONFIG": "/dev/null", "MKE2FS_CONFIG": "/dev/null"}
_READ_AHEAD: Final = b"[options]\nreadahead_kb = 1024\n"
"""Of the inode tables; left alone, e2fsck reads two groups ahead (e2fsck.conf(5)), a sixth slower by FUSE."""
_FAST_BITMAPS: Final = b"[bitmaps]\nall = 1\n"
"""Bit arrays instead of trees, a fifth less work: EXT2FS_BMAP64_BITARRAY of ext2fs.h; e2fsck/util.c."""
_BITMAPS_FIT: Final = 64 << 30  # bytes of a filesystem; at 4 KiB a block such an array has 2 MiB
_CORRECTED: Final = (0, 1)
_TAIL_LINES: Final = 12
_TAIL_CHARS: Final = 200
_NOISE: Final = re.compile(r"(e2fsck|tune2fs) \d\.\d|\s*Using EXT2FS Library|Pass \d: Checking ")


@record
class CheckReport:
    """What e2fsck found.

    Attributes:
        clean: it found nothing at all.
        tail: its last words, printable, lines joined by newlines.
        seconds: how long it took.
    """

    clean: bool
    tail: str
    seconds: float


class Check:
    """A check of a whole filesystem that changes nothing (`e2fsck -fn`).

    The checker is started when this is made, and has loaded by the time it is needed; what it checks is what
    the device holds when `finish` is called. Use as a context manager, or call `close`.

    Args:
        device: the filesystem.
        name: its `Filesystem.id`, for errors.

    Raises:
        ToolMissing, ToolNotStarted, ConfinementMissing: it could not be started.
    """

    def __init__(self, device: BlockDevice, *, name: str) -> None:
        self._device = device
        self._name = name
        self._view = start_view(
            device,
            _command("e2fsck", ["-fn"]),
            writable=False,
            limits=_limits(device),
            env=_ENVIRONMENT,
            settings={"E2FSCK_CONFIG": _READ_AHEAD + (_FAST_BITMAPS if device.size <= _BITMAPS_FIT else b"")},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def finish(self) -> CheckReport:
        """Let it run to its end; called once.

        Raises:
            DriverFailed: e2fsck crashed.
            ToolTimedOut: it took too long.
        """
        started = time.monotonic()
        if self._view is None:
            result = _run(self._device, "e2fsck", ["-fn"], writable=False)
        else:
            result = _ended("e2fsck", self._view.finish(_seconds(self._device)))
        clean = result.status == 0
        return CheckReport(clean=clean, tail=_tail(result, self._name), seconds=time.monotonic() - started)

    def close(self) -> None:
        """End it if it has not; may be called twice."""
        if self._view is not None:
            self._view.close()


def check(device: BlockDevice, *, name: str) -> CheckReport:
    """Check a whole filesystem without changing it; see `Check`."""
    with Check(device, name=name) as one:
        return one.finish()


def replay(device: BlockDevice, *, name: str) -> bool:
    """Finish what a crashed guest left: replay the journal, delete orphans (`e2fsck -p`).

    Args:
        device: the filesystem, writable; usually an overlay.
        name: its `Filesystem.id`, for errors.

    Returns:
        Whether there was something to finish.

    Raises:
        Corrupt: no ext filesystem, or one that needs a person to repair it.
        DriverFailed, ToolMissing, ToolTimedOut, ConfinementMissing: as for `check`.
    """
    superblock = read_superblock(device, name=name)
    if not superblock.is_unfinished:
        return False
    _repair(device, "-p", name=name)
    return True


def set_uuid(device: BlockDevice, uuid: str, *, name: str = "ext") -> None:
    """Give the filesystem another UUID (`tune2fs -U`), after a full check when tune2fs will ask for one.

    Where metadata checksums are seeded by the UUID (metadata_csum without csum_seed), tune2fs rewrites them
    all, and only on a freshly checked filesystem.

    Args:
        device: the filesystem, writable.
        uuid: lower case hexadecimal with hyphens.
        name: its `Filesystem.id`, for errors.

    Raises:
        UsageError: not a UUID.
        Corrupt: the filesystem needs repair, or tune2fs refused it.
        DriverFailed, ToolMissing, ToolTimedOut, ConfinementMissing: as for `check`.
    """
    try:
        checked_uuid(uuid)
    except ValueError:
        raise UsageError(problem=f"{uuid} is not a UUID (8-4-4-4-12 lower case hexadecimal digits)") from None
    superblock = read_superblock(device, name=name)
    if superblock.uuid == uuid:
        return
    if _wants_check(superblock):
        _repair(device, "-fp", name=name)
    result = _run(device, "tune2fs", ["-U", uuid], writable=True)
    if result.status != 0 or read_superblock(device, name=name).uuid != uuid:
        raise Corrupt(filesystem=name, detail=f"tune2fs could not set the UUID: {_tail(result, name)}")
    if _loses_orphan_file(superblock):
        _repair(device, "-fp", name=name)


def _loses_orphan_file(superblock: ExtSuperblock) -> bool:
    """Whether tune2fs leaves the checksums of the orphan file as they were (seen with e2fsprogs 1.47.0).

    e2fsck then says "Orphan file block 0 is not clean" and makes a new one, which is empty as the old was.
    """
    checksums = superblock.ro_compat & RoCompat.METADATA_CSUM and not superblock.incompat & Incompat.CSUM_SEED
    return bool(superblock.compat & Compat.ORPHAN_FILE and checksums)


def _wants_check(superblock: ExtSuperblock) -> bool:
    if superblock.is_unfinished:
        return True
    checksums = superblock.ro_compat & (RoCompat.METADATA_CSUM | RoCompat.GDT_CSUM)
    return bool(checksums) and not superblock.freshly_checked


def _repair(device: BlockDevice, how: str, *, name: str = "ext") -> None:
    result = _run(device, "e2fsck", [how], writable=True)
    if result.status not in _CORRECTED:
        raise Corrupt(filesystem=name, detail=f"e2fsck {how} says: {_tail(result, name)}")


def _run(device: BlockDevice, tool: str, options: list[str], *, writable: bool) -> ToolResult:
    result = run_on_view(
        device,
        _command(tool, options),
        writable=writable,
        limits=_limits(device),
        timeout=_seconds(device),
        env=_ENVIRONMENT,
    )
    return _ended(tool, result)


def _command(tool: str, options: list[str]) -> Callable[[str], list[str]]:
    program = find_tool(tool, _PACKAGE)
    return lambda path: [program, *options, path]


def _seconds(device: BlockDevice) -> int:
    return _SECONDS + (device.size >> 30)


def _limits(device: BlockDevice) -> Limits:
    return Limits(cpu_seconds=_seconds(device), memory=_MEMORY, file_size=None, open_files=64, processes=None)


def _ended(tool: str, result: ToolResult) -> ToolResult:
    if result.status < 0:
        raise DriverFailed(driver=tool, detail=f"ended by signal {-result.status}")
    return result


def _tail(result: ToolResult, name: str) -> str:
    """The last lines that matter; the path of the view, which means nothing to anybody, becomes `name`."""
    text = (result.stdout + b"\n" + result.stderr).decode("utf-8", "surrogateescape")
    text = text.replace(result.path, name)
    lines = [line.strip() for line in re.split(r"[\n\r]", text) if line.strip() and not _NOISE.match(line)]
    return "\n".join(printable(line)[:_TAIL_CHARS] for line in lines[-_TAIL_LINES:])
