"""Images of any format through qemu-nbd.

Theory of operation: qemu-nbd is started with systemd's socket activation (sd_listen_fds(3)): it inherits a
listening socket on which our connection already waits in the backlog, so there is nothing to poll for. The
socket's name lived in a private directory and is gone before qemu-nbd starts; nobody else can connect, and
nothing is left behind. qemu-nbd ends when its only client disconnects, so also when we are killed: it then
finishes what it was doing and closes the image cleanly. A client that goes before it has said hello does not
count, though: for those moments there are PR_SET_PDEATHSIG and a guardian (`confine.lifeline`).

The format is pinned with `-f`, and the path is absolute, which QEMU never takes for a protocol ("nbd:…").
Starting takes tens of milliseconds, so `QemuNbd` starts the process when it is made and waits for it in
`connect`: several images start side by side.
"""

from __future__ import annotations

import errno
import os
import socket
import time
from collections.abc import Sequence
from typing import Final

from guestwright.confine.child import Child
from guestwright.confine.errors import ToolMissing, ToolTimedOut
from guestwright.confine.forking import uninterrupted
from guestwright.confine.lifeline import Lifeline
from guestwright.confine.limits import Limits
from guestwright.confine.process import ENVIRONMENT, Access, find_tool, spawn
from guestwright.disk.errors import (
    DiskIO,
    ImageDenied,
    ImageInUse,
    ImageNotFound,
    ImageUnsupported,
    NbdFailed,
)
from guestwright.disk.nbd_client import TIMEOUT, NbdDevice

_PROGRAM: Final = "qemu-nbd"
_LISTEN_FD: Final = 3  # sd_listen_fds(3): the first inherited socket
_LIMITS: Final = Limits(cpu_seconds=None, memory=8 << 30, file_size=None, open_files=256, processes=None)
_RETRY_SECONDS: Final = 2.0
_RETRY_PAUSE: Final = 0.02
_END_SECONDS: Final = 60
_STDERR_LIMIT: Final = 1 << 14


class QemuNbd:
    """One qemu-nbd process and its single client.

    Starting happens at once, waiting for it in `connect`.

    Args:
        path: of the image. Its chain must have been checked before (`disk.chain`).
        image_format: QEMU's name of the format.
        writable: whether to open it for writing.
        others: files of its chain, and whether each is written.
        retry: how long to try again while another qemu-nbd holds the image, seconds.

    Raises:
        ToolMissing: qemu-nbd is not installed.
        ToolNotStarted, DiskIO: the host cannot start it.
    """

    def __init__(
        self,
        path: str,
        image_format: str,
        *,
        writable: bool = False,
        others: Sequence[tuple[str, bool]] = (),
        retry: float = _RETRY_SECONDS,
    ) -> None:
        self._path = os.path.abspath(path)
        self._argv = _command(self._path, image_format, writable=writable)
        written = tuple(path for path, write in ((self._path, True), *others) if write and writable)
        read = tuple(path for path, _ in ((self._path, True), *others) if path not in written)
        self._access = Access(read=read, write=written)
        self._retry = retry
        self._device: NbdDevice | None = None
        self._connection: socket.socket
        self._child: Child | None = None
        self._lifeline: Lifeline
        self._stderr = -1
        self._spawn()

    @property
    def pid(self) -> int:
        """Process id; 0 when it does not run."""
        return self._child.pid if self._child is not None else 0

    def connect(self) -> NbdDevice:
        """The device, waiting for qemu-nbd to be ready on the first call.

        Raises:
            ImageInUse: another program holds the image.
            ImageNotFound, ImageDenied, ImageUnsupported, NbdFailed: qemu-nbd cannot open it.
        """
        if self._device is not None:
            return self._device
        deadline = time.monotonic() + self._retry
        while True:
            try:
                self._device = NbdDevice(self._connection, path=self._path, timeout=TIMEOUT)
            except NbdFailed as error:
                self._connection.close()
                failure = self._explain(error)
            else:
                return self._device
            if not isinstance(failure, ImageInUse) or time.monotonic() > deadline or not _any_qemu_nbd():
                raise failure
            time.sleep(_RETRY_PAUSE)  # the qemu-nbd of a run that was killed is just ending
            self._spawn()

    def close(self) -> None:
        """Disconnect and wait until qemu-nbd has closed the image. May be called twice."""
        if self._device is not None:
            self._device.close()
        self._connection.close()
        if self._device is None:
            self._lifeline.close()  # it may not have seen the connection yet: its guardian ends it
        self._wait()
        if self._stderr >= 0:
            os.close(self._stderr)
            self._stderr = -1

    def _spawn(self) -> None:
        self._stderr = os.memfd_create("qemu-nbd-stderr", os.MFD_CLOEXEC)
        self._lifeline = Lifeline()
        try:
            with uninterrupted():
                listener, self._connection = _private_pair()
            with listener:
                self._child = _start(
                    self._argv, self._access, listener.fileno(), self._stderr, self._lifeline
                )
        except BaseException:
            self._lifeline.close()
            raise
        finally:
            self._lifeline.started()

    def _explain(self, error: NbdFailed) -> Exception:
        """What really happened, from the messages of the process that ended."""
        ended = self._wait(patient=False)
        text = os.pread(self._stderr, _STDERR_LIMIT, 0).decode(errors="replace")
        os.close(self._stderr)
        self._stderr = -1
        if not ended:
            return error
        return _failure(self._path, text) or error

    def _wait(self, *, patient: bool = True) -> bool:
        """Wait for the process to end; it is killed when it does not. Returns whether it ended by itself."""
        if self._child is None:
            return True
        child, self._child = self._child, None
        try:
            child.wait(_END_SECONDS if patient else 1)
        except ToolTimedOut:
            return False
        finally:
            self._lifeline.close()
        return True


def _command(path: str, image_format: str, *, writable: bool) -> list[str]:
    program = find_tool(_PROGRAM, "qemu-utils")
    mode = [] if writable else ["--read-only"]
    # Writeback: QEMU flushes when we ask, and we ask at the commit. No discards: apply only ever writes.
    command = [
        program,
        f"--format={image_format}",
        "--cache=writeback",
        "--discard=ignore",
        *mode,
        "--",
        path,
    ]
    try:
        # Our children die of SIGKILL when we do; setpriv(1) makes that SIGTERM, on which qemu-nbd tidies up.
        return [find_tool("setpriv", "util-linux"), "--pdeathsig", "TERM", "--", *command]
    except ToolMissing:
        return command


def _private_pair() -> tuple[socket.socket, socket.socket]:
    """A listening socket without a name, and a connection waiting in its backlog."""
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    usable = os.path.isabs(runtime) and len(runtime) < 60 and os.path.isdir(runtime)
    parent = runtime if usable else "/tmp"  # noqa: S108 - a 0700 directory with an unguessable name is made in it
    directory = os.path.join(parent, f"guestwright-{os.urandom(12).hex()}")
    name = os.path.join(directory, "s")
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        os.mkdir(directory, 0o700)
        try:
            listener.bind(name)
            try:
                listener.listen(1)
                connection.connect(name)
            finally:
                os.unlink(name)
        finally:
            os.rmdir(directory)
    except OSError as error:
        listener.close()
        connection.close()
        raise DiskIO(path=directory, action="make a socket", detail=error.strerror or str(error)) from error
    return listener, connection


def _start(argv: list[str], access: Access, listener: int, stderr: int, lifeline: Lifeline) -> Child:
    """Start qemu-nbd, confined to the image's files, with the listening socket as descriptor 3."""
    # As far as the kernel can: the image's metadata is the host's word, not the guest's.
    return spawn(
        argv,
        access=access,
        limits=_LIMITS,
        pass_fds={_LISTEN_FD: listener},
        stderr=stderr,
        env=_environment,
        setup=lifeline.guard,
        drop_user=False,
        require=False,
    )


def _environment() -> dict[str, str]:
    """Called in the child: socket activation wants to know that it is meant."""
    return {**ENVIRONMENT, "LISTEN_FDS": "1", "LISTEN_PID": str(os.getpid())}


def _failure(path: str, text: str) -> Exception | None:
    """Our error for qemu-nbd's last words (QEMU's wording, util/error and block/file-posix.c)."""
    lines = [line.removeprefix(f"{_PROGRAM}: ") for line in text.splitlines() if line.strip()]
    said = "; ".join(lines)[:500]
    if not said:
        return None
    if " lock" in said and ("Failed to get" in said or "Is another process using the image" in said):
        return ImageInUse(path=path, detail="another program (a running machine?) has it locked")
    if os.strerror(errno.EBUSY) in said:
        return ImageInUse(path=path, detail="the host's kernel or another program uses it")
    if os.strerror(errno.ENOENT) in said:
        return ImageNotFound(path=path)
    if os.strerror(errno.EACCES) in said or os.strerror(errno.EPERM) in said:
        return ImageDenied(path=path)
    if "blk_new_open" in said:
        return ImageUnsupported(path=path, detail=f"qemu-nbd cannot open it: {said}")
    return NbdFailed(path=path, detail=said)


def _any_qemu_nbd() -> bool:
    """Whether another qemu-nbd runs on this host."""
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/comm", "rb") as file:
                    if file.read(32) == b"qemu-nbd\n":
                        return True
            except OSError:
                continue  # it ended meanwhile
    return False
