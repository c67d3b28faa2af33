"""A tool on a FUSE view: mounted where nobody else sees it, gone with the tool, even after kill -9.

Theory of operation: the child unshares its mount namespace, covers a directory with a tmpfs of its own, makes
an empty regular file there, and mounts FUSE on that file: the root of a FUSE mount may itself be a regular
file (rootmode). It hands the FUSE descriptor to us and goes on to confine itself and run the tool. The
namespace, and with it every mount, dies with the child; the child dies with us; and when we die, the
connection is aborted, so that the child cannot hang on it.
"""

from __future__ import annotations

import contextlib
import os
import socket
import stat
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Self

from guestwright.base.block import BlockDevice
from guestwright.confine import descriptors, libc
from guestwright.confine.held import Held
from guestwright.confine.limits import Limits
from guestwright.confine.privileges import NOBODY
from guestwright.confine.process import spawn
from guestwright.fileview import fuse_wire as wire
from guestwright.fileview.capture import Capture
from guestwright.fileview.fuse_server import FuseServer
from guestwright.fileview.result import ToolResult, access_to
from guestwright.fileview.watch import watch

DEVICE: Final = "/dev/fuse"
_PLACES: Final = ("/tmp", "/run", "/mnt")  # noqa: S108 - a mount point in a private namespace
_FILE_NAME: Final = "guest-filesystem"
NO_SETTINGS: Final[Mapping[str, bytes]] = {}


def available() -> bool:
    """Whether it is worth trying: /dev/fuse is there and may be opened."""
    return os.access(DEVICE, os.R_OK | os.W_OK)


class FuseView:
    """A tool that has been started on a view of `device`; parameters as `view.run_on_view`.

    What it asks of the view waits until `finish` answers. Use as a context manager to be sure that it ends.

    Raises:
        ToolNotStarted: with stage "setup" when mounting is not possible here.
    """

    def __init__(
        self,
        device: BlockDevice,
        argv_for: Callable[[str], Sequence[str]],
        *,
        writable: bool,
        limits: Limits,
        env: Mapping[str, str],
        settings: Mapping[str, bytes] = NO_SETTINGS,
    ) -> None:
        place = next(place for place in _PLACES if os.path.isdir(place))
        self._path = f"{place}/{_FILE_NAME}"
        self._device = device
        self._writable = writable
        self._closing = contextlib.ExitStack()
        try:
            self._start(argv_for, limits, env, settings)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def finish(self, timeout: float) -> ToolResult:
        """Serve the tool to its end; called once.

        Raises:
            ToolTimedOut: it was killed at its deadline.
            GuestwrightError, OSError: what the device raised.
        """
        server = FuseServer(self._connection, self._device, writable=self._writable)
        status = watch(self._child, (self._stdout, self._stderr), timeout, server)
        server.raise_device_error()
        return ToolResult(
            status=status,
            stdout=self._stdout.text(),
            stderr=self._stderr.text(),
            held=self._child.held,
            means="fuse",
            path=self._path,
        )

    def close(self) -> None:
        """End the tool if it runs still; may be called twice."""
        self._closing.close()

    def _start(
        self,
        argv_for: Callable[[str], Sequence[str]],
        limits: Limits,
        env: Mapping[str, str],
        settings: Mapping[str, bytes],
    ) -> None:
        path, writable, real_root = self._path, self._writable, os.geteuid() == 0
        place = os.path.dirname(path)
        files = {f"{place}/{name}": content for name, content in settings.items()}
        ours, theirs = socket.socketpair()
        self._stdout = self._closing.enter_context(Capture())
        self._stderr = self._closing.enter_context(Capture())
        with ours, theirs:
            self._child = spawn(
                list(argv_for(path)),
                access=access_to(path, writable=writable, read=files),
                limits=limits,
                env={**env, **{name: f"{place}/{name}" for name in settings}},
                stdout=self._stdout.write_end,
                stderr=self._stderr.write_end,
                setup=lambda held: _mount(
                    held, path, theirs, files=files, writable=writable, real_root=real_root
                ),
            )
            self._closing.enter_context(self._child)
            theirs.close()
            self._stdout.close_write_end()
            self._stderr.close_write_end()
            self._connection = descriptors.receive_descriptor(ours)
            self._closing.callback(os.close, self._connection)


def _mount(
    held: Held,
    path: str,
    channel: socket.socket,
    *,
    files: Mapping[str, bytes],
    writable: bool,
    real_root: bool,
) -> None:
    """In the child, privileged in its own namespaces: mount, and hand over the connection."""
    if not held.mount_namespace:
        raise PermissionError("no mount namespace of its own; the host would see the mounts")
    quiet = libc.MS_NOSUID | libc.MS_NODEV | libc.MS_NOEXEC
    pages = 1 + sum(-(-len(content) // 4096) for content in files.values())
    room = f"size={4 * pages}k,nr_inodes={3 + len(files)},mode=0755"
    libc.mount("guestwright", os.path.dirname(path), "tmpfs", quiet, room)
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600))
    for name, content in files.items():
        descriptor = os.open(name, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        os.fchmod(descriptor, 0o444)  # whatever our umask is: the tool is another user
        os.write(descriptor, content)
        os.close(descriptor)
    # Only the one user named here may enter the mount (fuse_allow_current_process): the tool's.
    user = NOBODY if real_root else 0
    connection = os.open(DEVICE, os.O_RDWR | os.O_CLOEXEC)
    mode = stat.S_IFREG | 0o600
    options = f"fd={connection},rootmode={mode:o},user_id={user},group_id={user},max_read={wire.MAX_TRANSFER}"
    libc.mount("guestwright", path, "fuse.guestwright", quiet | (0 if writable else libc.MS_RDONLY), options)
    descriptors.send_descriptor(channel, connection)
