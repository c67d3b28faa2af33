"""The child's side: the confined process in which a guest's filesystems are parsed.

It has no way to a file, to the network, or to another process. It holds a socket to the parent, over which it
asks for blocks, and descriptors of the images that it may read but not write. A hostile filesystem that takes
it over gains what it could write to the disk image anyway.
"""

from __future__ import annotations

import gc
import os
import signal
import socket
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final, NamedTuple, NoReturn

from guestwright.base.errors import GuestwrightError
from guestwright.base.progress import Progress, Step
from guestwright.confine.limits import Limits
from guestwright.confine.process import confine_worker
from guestwright.guestfs.drivers.ext.volume import open_volume
from guestwright.guestfs.errors import DriverFailed
from guestwright.guestfs.port import Filesystem, GuestFS
from guestwright.guestfs.remote.blocks import ChannelDevice, Shortcut, ShortcutDevice
from guestwright.guestfs.remote.forms import from_step
from guestwright.guestfs.remote.server import guarded, send_error, serve
from guestwright.guestfs.remote.wire import Channel, Type, pack
from guestwright.guestfs.tree import Tree

_ENDED: Final = 0
_FAILED: Final = 70  # sysexits.h: EX_SOFTWARE
_STEP_PAUSE: Final = 0.1  # seconds from one step that is told to the next
_CHUNK: Final = 1 << 20

Work = Callable[[Channel], object]
Errand = Callable[[GuestFS, Progress], Any]
"""What the child may do with the guest's files before it ends; returns plain JSON values."""


class DeviceFacts(NamedTuple):
    """What the child knows of a device.

    Attributes:
        filesystem: what is on it.
        size: in bytes.
        writable: whether it takes writes.
        shortcut: another way to its bytes.
    """

    filesystem: Filesystem
    size: int
    writable: bool
    shortcut: Shortcut | None = None


def serve_ext(
    facts: Sequence[DeviceFacts], channel: Channel, *, now: int, other: Sequence[Filesystem]
) -> None:
    """Answer calls on ext filesystems, each opened when it is first mounted. See `start_worker`."""
    serve(channel, _tree(facts, channel, now=now, other=other))


def run_ext(
    errand: Errand,
    facts: Sequence[DeviceFacts],
    channel: Channel,
    *,
    now: int,
    other: Sequence[Filesystem],
) -> None:
    """Do one errand on ext filesystems, write everything that it changed, and tell what it returned."""

    def answer() -> None:
        tree = _tree(facts, channel, now=now, other=other)
        result = errand(tree, _Teller(channel))
        tree.sync()
        body = pack(result)
        for start in range(0, len(body) - _CHUNK, _CHUNK):
            channel.send(Type.CHUNK, body[start : start + _CHUNK])
        channel.send(Type.REPLY, body[max(0, (len(body) - 1) // _CHUNK * _CHUNK) :])

    guarded(channel, answer)


class _Teller:
    """Progress by way of the channel, now and then."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._next = time.monotonic() + _STEP_PAUSE

    def __call__(self, step: Step, /) -> None:
        """Tell `step`, or leave it out."""
        now = time.monotonic()
        if now >= self._next:
            self._next = now + _STEP_PAUSE
            self._channel.send(Type.STEP, pack(from_step(step)))


def _tree(facts: Sequence[DeviceFacts], channel: Channel, *, now: int, other: Sequence[Filesystem]) -> Tree:
    openers = []
    for number, (filesystem, size, writable, shortcut) in enumerate(facts):
        if shortcut is None:
            device = ChannelDevice(channel, number, size=size, writable=writable)
        else:
            device = ShortcutDevice(channel, number, size=size, writable=writable, shortcut=shortcut)
        openers.append((filesystem, partial(open_volume, device, filesystem, now=now)))
    return Tree({}, other=other, late=openers)


def become_worker(
    sock: socket.socket, work: Work, *, keep_fds: Sequence[int] = (), limits: Limits, require: bool
) -> NoReturn:
    """Turn a fresh child into a worker: confine, greet, work, end. Nothing of the parent's clean-up runs.

    Args:
        sock: the child's end of the socket pair.
        work: what to do on the channel, until it raises EOFError.
        keep_fds: what stays open besides; nothing that can be written to.
        limits: of resources.
        require: refuse to go on where the kernel cannot confine us.
    """
    status = _FAILED
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends us
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.set_wakeup_fd(-1)
        gc.freeze()  # what the parent made stays out of collections, and its pages stay shared
        channel = Channel(sock, patient=True)
        try:
            held = confine_worker(keep_fds=[sock.fileno(), *keep_fds], limits=limits, require=require)
        except GuestwrightError as error:
            send_error(channel, error)
        except OSError as error:
            send_error(channel, DriverFailed(driver="ext", detail=f"cannot confine its process: {error}"))
        else:
            channel.send(Type.REPLY, pack(held.to_bytes().decode("ascii")))
            work(channel)
    except EOFError:
        status = _ENDED
    except BaseException:  # noqa: BLE001, S110 - the child ends here whatever happened; the status tells
        pass
    finally:
        os._exit(status)
