"""A tool on a temporary copy, where FUSE is missing: slower, and as private.

The copy is a sparse file without a name, on the host's /var/tmp (or TMPDIR): all-zero pieces take no room,
and nothing stays after a crash. The tool reaches it as /proc/self/fd/3, under Landlock like any other. What
the tool changed is found by comparison and written back to the device when the tool has ended by itself.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from guestwright.base.block import BlockDevice
from guestwright.confine.limits import Limits
from guestwright.confine.privileges import NOBODY
from guestwright.confine.process import spawn
from guestwright.fileview.capture import Capture
from guestwright.fileview.errors import ViewFailed
from guestwright.fileview.result import ToolResult, access_to
from guestwright.fileview.watch import watch

_PIECE: Final = 1 << 20
_BLOCK: Final = 4096
_NUMBER: Final = 3
PATH: Final = f"/proc/self/fd/{_NUMBER}"


def run(
    device: BlockDevice,
    argv_for: Callable[[str], Sequence[str]],
    *,
    writable: bool,
    limits: Limits,
    timeout: float,
    env: Mapping[str, str],
) -> ToolResult:
    """Run a tool on a copy of `device`; parameters as `view.run_on_view`.

    Raises:
        ViewFailed: no room for the copy.
    """
    argv = list(argv_for(PATH))
    with contextlib.ExitStack() as closing:
        copy = _nameless_file(argv[0])
        closing.callback(os.close, copy)
        try:
            fill(copy, device)
        except OSError as problem:
            raise ViewFailed(tool=os.path.basename(argv[0]), detail=f"temporary copy: {problem}") from problem
        stdout = closing.enter_context(Capture())
        stderr = closing.enter_context(Capture())
        child = spawn(
            argv,
            access=access_to(PATH, writable=writable),
            limits=limits,
            env=env,
            pass_fds={_NUMBER: copy},
            stdout=stdout.write_end,
            stderr=stderr.write_end,
        )
        with child:
            stdout.close_write_end()
            stderr.close_write_end()
            status = watch(child, (stdout, stderr), timeout)
        if writable:
            write_back(copy, device)
            device.flush()
    return ToolResult(
        status=status, stdout=stdout.text(), stderr=stderr.text(), held=child.held, means="copy", path=PATH
    )


def fill(copy: int, device: BlockDevice) -> None:
    """Make the empty file `copy` hold what `device` holds, with holes for pieces that are all zero."""
    os.ftruncate(copy, device.size)
    zero = bytes(_PIECE)
    for offset, length in _pieces(device.size, _PIECE):
        data = device.read(offset, length)
        if data != zero[:length]:
            _write_all(copy, data, offset)


def write_back(copy: int, device: BlockDevice) -> int:
    """Write the blocks of `copy` that differ to `device`; returns how many bytes those were."""
    written = 0
    for offset, length in _pieces(device.size, _PIECE):
        old, new = device.read(offset, length), os.pread(copy, length, offset)
        if old == new:
            continue
        for start, size in _pieces(length, _BLOCK):
            part = new[start : start + size]
            if part != old[start : start + size]:
                device.write(offset + start, part)
                written += size
    return written


def _pieces(total: int, size: int) -> Iterator[tuple[int, int]]:
    for offset in range(0, total, size):
        yield offset, min(size, total - offset)


def _write_all(target: int, data: bytes, offset: int) -> None:
    view = memoryview(data)
    while view:
        done = os.pwrite(target, view, offset)
        view, offset = view[done:], offset + done


def _nameless_file(program: str) -> int:
    """An open file of mode 0600 without a name, which the user that the tool runs as may open."""
    directory = os.environ.get("TMPDIR", "/var/tmp")  # noqa: S108 - the file has no name there
    try:
        copy = _open_nameless(directory)
        if os.geteuid() == 0:
            os.fchown(copy, NOBODY, NOBODY)
    except OSError as problem:
        raise ViewFailed(tool=os.path.basename(program), detail=f"temporary file: {problem}") from problem
    return copy


def _open_nameless(directory: str) -> int:
    with contextlib.suppress(OSError):
        return os.open(directory, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600)
    path = f"{directory}/.guestwright-{os.getpid()}-{os.urandom(8).hex()}"  # a filesystem without O_TMPFILE
    copy = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    os.unlink(path)
    return copy
