"""Start the confined process that reads a guest's filesystems, and talk to it.

Theory of operation: the child is forked, not executed: everything it will ever need is in its memory by then,
libext2fs included, for once confined it can open no file (worker.py). What it may ask for is answered by
connection.py. Either it does one errand and ends (`run_errand`), or it answers calls until it is closed
(`start_worker`); the methods of the port are in guest.py.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

from guestwright.base.block import BlockDevice
from guestwright.base.progress import Progress
from guestwright.confine import forking
from guestwright.confine.held import Held
from guestwright.confine.limits import WORKER_LIMITS, Limits
from guestwright.guestfs.drivers.ext import bindings
from guestwright.guestfs.errors import DriverFailed
from guestwright.guestfs.port import Filesystem
from guestwright.guestfs.remote.blocks import Shortcut
from guestwright.guestfs.remote.connection import CALL_TIMEOUT, Connection
from guestwright.guestfs.remote.failures import to_error
from guestwright.guestfs.remote.guest import RemoteGuestFS
from guestwright.guestfs.remote.wire import Malformed, Type, unpack
from guestwright.guestfs.remote.worker import DeviceFacts, Errand, Work, become_worker, run_ext, serve_ext

_BUFFER: Final = 1 << 20  # bytes; the kernel gives what net.core.wmem_max allows


def start_worker(
    devices: Sequence[tuple[Filesystem, BlockDevice]],
    *,
    now: int,
    other: Sequence[Filesystem] = (),
    limits: Limits = WORKER_LIMITS,
    call_timeout: float = CALL_TIMEOUT,
    require: bool = True,
) -> RemoteGuestFS:
    """Start a worker.

    Args:
        devices: the filesystems that the ext driver reads, each with the device that holds exactly it. They
            stay the caller's to close, after the worker. A filesystem is opened when it is first mounted.
        now: seconds since the epoch for all timestamps that change.
        other: filesystems and swap areas that cannot be mounted.
        limits: of the child's resources.
        call_timeout: seconds that one call may take before the child is killed.
        require: refuse to run a child that the kernel cannot confine.

    Returns:
        The guest's files, nothing mounted yet. The child ends with `close()`, and is killed when the thread
        that called this ends.

    Raises:
        DriverMissing: libext2fs is not installed.
        ConfinementMissing: see `require`.
        DriverFailed: the child did not come up.
    """
    bindings.load()  # into memory, before the child loses the files
    connection = fork(
        partial(serve_ext, _facts(devices), now=now, other=other),
        [device for _, device in devices],
        limits=limits,
        call_timeout=call_timeout,
        require=require,
    )
    held = _greeting(connection)
    return RemoteGuestFS(connection, filesystems=[*(each for each, _ in devices), *other], held=held)


def _nothing() -> None:
    """What there is to do meanwhile."""


def run_errand(
    errand: Errand,
    devices: Sequence[tuple[Filesystem, BlockDevice]],
    *,
    now: int,
    progress: Progress,
    other: Sequence[Filesystem] = (),
    shortcuts: Sequence[Shortcut | None] = (),
    meanwhile: Callable[[], object] = _nothing,
    step_timeout: float = CALL_TIMEOUT,
) -> tuple[Any, Callable[[], object]]:
    """Have a confined child do one errand with the guest's files; what it changed is on the devices then.

    Args:
        errand: called in the child with the guest's files, nothing mounted yet, and a progress to tell. All
            that it needs must be in this process's memory.
        devices: see `start_worker`.
        now: see `start_worker`.
        progress: told some of the steps.
        other: see `start_worker`.
        shortcuts: other ways to the devices' bytes, in the same order; () for none.
        meanwhile: called while the child does the first of its work.
        step_timeout: seconds without a step after which the child is killed.

    Returns:
        What the errand returned, plain JSON values, but for the rest unchecked; and what to call some time
        to wait for the end of the child, which has been killed.

    Raises:
        GuestwrightError: what the errand raised.
        DriverMissing, ConfinementMissing, DriverFailed: as for `start_worker`.
    """
    bindings.load()
    connection = fork(
        partial(run_ext, errand, _facts(devices, shortcuts), now=now, other=other),
        [device for _, device in devices],
        keep_fds=[way.fd for way in shortcuts if way is not None],
        call_timeout=step_timeout,
    )
    try:
        meanwhile()
        _greeting(connection)
        answer = connection.work(progress)
    except BaseException:
        connection.close()
        raise
    connection.leave()
    return answer, connection.close


def _facts(
    devices: Sequence[tuple[Filesystem, BlockDevice]], shortcuts: Sequence[Shortcut | None] = ()
) -> list[DeviceFacts]:
    ways = shortcuts or [None] * len(devices)
    return [
        DeviceFacts(filesystem, device.size, device.writable, way)
        for (filesystem, device), way in zip(devices, ways, strict=True)
    ]


def fork(
    work: Work,
    devices: Sequence[BlockDevice],
    *,
    keep_fds: Sequence[int] = (),
    limits: Limits = WORKER_LIMITS,
    call_timeout: float = CALL_TIMEOUT,
    require: bool = True,
) -> Connection:
    """Fork a confined child that runs `work` over its channel; see `start_worker`."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    for end in (ours, theirs):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER)
    try:
        pid = forking.fork()
    except OSError as error:
        ours.close()
        theirs.close()
        raise DriverFailed(driver="ext", detail=f"cannot start its process: {error.strerror}") from error
    if pid == 0:
        become_worker(theirs, work, keep_fds=keep_fds, limits=limits, require=require)
    theirs.close()
    return Connection(pid, ours, devices, call_timeout=call_timeout)


def _greeting(connection: Connection) -> Held:
    _, frame = connection.exchange(None)
    try:
        value: Any = unpack(frame.head)
        error = to_error(value) if frame.type is Type.ERROR else None
        held = Held.from_bytes(str(value).encode("ascii")) if error is None else Held()
    except (Malformed, ValueError) as nonsense:
        raise connection.fail(f"it greeted with nonsense: {nonsense}") from None
    if error is not None:
        connection.close()
        raise error
    return held
