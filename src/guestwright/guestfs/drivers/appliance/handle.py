"""One libguestfs handle: calls by name with Python values, deadlines, and the last words of a crash.

Theory of operation: `Handle.run("rm", path)` looks the call up in `bindings.CALLS`, converts, calls (ctypes
gives up the interpreter lock meanwhile), converts and frees the result. libguestfs has no time limits of its
own: a kernel that a hostile image sent into an endless loop would hang us. So one watchdog thread per handle
kills the hypervisor when a call passes its deadline; the call then fails at once.
"""

from __future__ import annotations

import ctypes
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from guestwright.base.printable import printable
from guestwright.guestfs.drivers.appliance import bindings
from guestwright.guestfs.errors import DriverFailed

CALL_SECONDS: Final = 600.0
_LOG_LINES: Final = 40
_LOG_LINE_BYTES: Final = 400
_TICK_SECONDS: Final = 0.5


class CallFailed(Exception):
    """A call returned an error; the appliance lives on.

    Attributes:
        errno: as the appliance's kernel gave it; 0 when there was none.
        detail: libguestfs' text, printable.
    """

    def __init__(self, errno: int, detail: str) -> None:
        super().__init__(detail)
        self.errno = errno
        self.detail = detail


class Watchdog:
    """A thread that runs `kill` when the deadline that is set passes."""

    def __init__(self, kill: Callable[[], None]) -> None:
        self.deadline: float | None = None
        self.expired = False
        self._kill = kill
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="appliance-watchdog", daemon=True)
        self._thread.start()

    @contextmanager
    def limit(self, seconds: float) -> Iterator[None]:
        """Whatever runs inside may take this long."""
        self.deadline = time.monotonic() + seconds
        try:
            yield
        finally:
            self.deadline = None

    def stop(self) -> None:
        """End the thread."""
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(_TICK_SECONDS):
            deadline = self.deadline
            if deadline is not None and time.monotonic() > deadline:
                self.expired = True
                self._kill()


class Handle:
    """A libguestfs handle.

    Args:
        kill: ends the hypervisor from another thread.
        environment: let libguestfs read its LIBGUESTFS_* variables.
    """

    def __init__(self, *, kill: Callable[[], None], environment: bool = True) -> None:
        self._library = bindings.load()
        self._g: int | None = self._library.guestfs_create_flags(bindings.CREATE_NO_ENVIRONMENT)
        if not self._g:
            raise DriverFailed(driver="appliance", detail="libguestfs could not create a handle")
        self._lines: deque[str] = deque(maxlen=_LOG_LINES)
        self._library.guestfs_set_error_handler(self._g, None, None)
        self._callback = bindings.EventCallback(self._event)
        events = bindings.EVENT_APPLIANCE | bindings.EVENT_LIBRARY | bindings.EVENT_WARNING
        self._library.guestfs_set_event_callback(self._g, self._callback, events, 0, None)
        self._watchdog = Watchdog(kill)
        if environment and self._library.guestfs_parse_environment(self._g) == -1:
            raise self._dead("parse_environment")

    # -- calls ---------------------------------------------------------------------------------------------

    def run(self, name: str, *args: Any, seconds: float = CALL_SECONDS) -> None:
        """A call that returns nothing."""
        self._call(name, args, seconds)

    def number(self, name: str, *args: Any, seconds: float = CALL_SECONDS) -> int:
        """A call that returns an integer."""
        return int(self._call(name, args, seconds))

    def text(self, name: str, *args: Any) -> str:
        """A call that returns a string."""
        value = self._call(name, args, CALL_SECONDS)
        assert isinstance(value, str)
        return value

    def data(self, name: str, *args: Any) -> bytes:
        """A call that returns bytes."""
        value = self._call(name, args, CALL_SECONDS)
        assert isinstance(value, bytes)
        return value

    def texts(self, name: str, *args: Any) -> list[str]:
        """A call that returns strings; of a hash table, key and value in turn."""
        value = self._call(name, args, CALL_SECONDS)
        assert isinstance(value, list)
        return value

    def stat(self, path: str) -> bindings.StatNS:
        """`lstatns`."""
        value = self._call("lstatns", (path,), CALL_SECONDS)
        assert isinstance(value, bindings.StatNS)
        return value

    def stats(self, directory: str, names: Sequence[str]) -> list[bindings.StatNS]:
        """`lstatnslist`: one per name, with `ino` -1 where there is none."""
        value = self._call("lstatnslist", (directory, names), CALL_SECONDS)
        assert isinstance(value, list)
        return value

    def names(self, directory: str) -> list[str]:
        """All names in a directory, "." and ".." left out."""
        value = self._call("readdir", (directory,), CALL_SECONDS)
        assert isinstance(value, list)
        return [name for name in value if name not in (".", "..")]

    def xattrs(self, path: str) -> dict[str, bytes]:
        """`lgetxattrs`."""
        value = self._call("lgetxattrs", (path,), CALL_SECONDS)
        assert isinstance(value, dict)
        return value

    def subvolumes(self, device: str) -> dict[str, int]:
        """`btrfs_subvolume_list`: path from the top of the filesystem, to id."""
        value = self._call("btrfs_subvolume_list", (device,), CALL_SECONDS)
        assert isinstance(value, dict)
        return value

    def space(self, path: str) -> bindings.StatVFS:
        """`statvfs`."""
        value = self._call("statvfs", (path,), CALL_SECONDS)
        assert isinstance(value, bindings.StatVFS)
        return value

    # -- life ----------------------------------------------------------------------------------------------

    @property
    def log(self) -> Sequence[str]:
        """The last lines that hypervisor, appliance and library said."""
        return tuple(self._lines)

    @property
    def expired(self) -> bool:
        """Whether the watchdog had to end the hypervisor."""
        return self._watchdog.expired

    def close(self) -> None:
        """Kill the appliance if it still runs and free everything."""
        if self._g:
            self._watchdog.stop()
            handle, self._g = self._g, None
            self._library.guestfs_close(handle)

    def _call(self, name: str, args: Sequence[Any], seconds: float) -> Any:
        if not self._g:
            raise DriverFailed(driver="appliance", detail="it is closed already")
        returns, takes = bindings.CALLS[name]
        native = [part for letter, arg in zip(takes, args, strict=True) for part in _native(letter, arg)]
        size = ctypes.c_size_t()
        if returns == "b":
            native.append(ctypes.byref(size))
        with self._watchdog.limit(seconds):
            result = getattr(self._library, f"guestfs_{name}")(self._g, *native)
        if (result == -1) if returns in "vil" else not result:
            self._fail(name)
        if returns == "b":
            return _taken(result, size.value)
        return _python(self._library, returns, result)

    def _fail(self, name: str) -> None:
        if name == "launch" or self._watchdog.expired or not self._library.guestfs_is_ready(self._g):
            raise self._dead(name)
        raise CallFailed(self._library.guestfs_last_errno(self._g), self._last_error())

    def _last_error(self) -> str:
        raw = self._library.guestfs_last_error(self._g) or b""
        said = b" ".join(raw.split())[: 2 * _LOG_LINE_BYTES]
        return printable(said.decode("utf-8", "surrogateescape"))

    def _dead(self, name: str) -> DriverFailed:
        why = "took too long and was ended" if self._watchdog.expired else self._last_error()
        heard = " | ".join(self._lines) or "nothing"
        more = "LIBGUESTFS_DEBUG=1 shows more; libguestfs-test-tool tests the installation"
        return DriverFailed(driver="appliance", detail=f"{name}: {why} (last heard: {heard}; {more})")

    def _event(self, _g: Any, _o: Any, event: int, _h: int, _f: int, text: Any, size: int, *_: Any) -> None:
        raw = ctypes.string_at(text, size)
        if "LIBGUESTFS_DEBUG" in os.environ:
            os.write(2, raw if event == bindings.EVENT_APPLIANCE else raw + b"\n")
        for line in raw[-_LOG_LINES * _LOG_LINE_BYTES :].splitlines():
            if line.strip():
                shown = line[:_LOG_LINE_BYTES].decode("utf-8", "surrogateescape").strip()
                self._lines.append(printable(shown))


def encode(text: str) -> bytes:
    """Text for libguestfs: UTF-8, with lone surrogates as the bytes they stand for.

    Raises:
        ValueError: there is a NUL in it, which no path or name can hold.
    """
    raw = text.encode("utf-8", "surrogateescape")
    if b"\0" in raw:
        raise ValueError("a NUL in a guest path or name")
    return raw


def _native(letter: str, value: Any) -> Sequence[Any]:
    if letter == "s":
        return (encode(value),)
    if letter in "bB":
        return (value, len(value))
    if letter == "S":
        return ((ctypes.c_char_p * (len(value) + 1))(*map(encode, value), None),)
    if letter == "o":
        return (ctypes.cast(ctypes.pointer(value), ctypes.c_void_p),)
    return (value,)


def _python(library: ctypes.CDLL, returns: str, result: Any) -> Any:
    if returns in "vil":
        return result
    if returns == "c":
        return os.fsdecode(result)
    if returns == "s":
        return _text(result)
    if returns in "SH":
        return _texts(result)
    try:
        return _structure(returns, result.contents)
    finally:
        getattr(library, f"guestfs_free_{returns}")(result)


def _structure(returns: str, found: Any) -> Any:
    if returns == "xattr_list":
        return {_decode(one.name): ctypes.string_at(one.value, one.length) for one in found.val[: found.len]}
    if returns == "btrfssubvolume_list":
        return {_decode(one.path): int(one.id) for one in found.val[: found.len]}
    if returns == "dirent_list":
        return [_decode(one.name) for one in found.val[: found.len]]
    if returns == "statns_list":
        return [bindings.StatNS.from_buffer_copy(one) for one in found.val[: found.len]]
    return type(found).from_buffer_copy(found)


def _decode(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


def _taken(pointer: int, size: int) -> bytes:
    try:
        return ctypes.string_at(pointer, size)
    finally:
        bindings.free(pointer)


def _text(pointer: int) -> str:
    try:
        return _decode(ctypes.string_at(pointer))
    finally:
        bindings.free(pointer)


def _texts(pointers: Any) -> list[str]:
    found: list[str] = []
    while pointers[len(found)]:
        found.append(_text(pointers[len(found)]))
    bindings.free(pointers)
    return found
