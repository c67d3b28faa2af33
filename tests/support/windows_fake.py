"""A Windows that is not there: the functions that the agent calls, on a few tables.

Handles are numbers; events are handles with a state; files are objects that a test puts at a path.
"""

from __future__ import annotations

import ctypes
from collections import deque
from collections.abc import Callable
from typing import Any

from guestwright.agent.windows.native import Native

TIMEOUT = 258
INCOMPLETE = 996
PENDING = 997


class Broken(OSError):
    """What reading from and writing to a file without another end come to."""


class Pipe:
    """A file that another side fills and empties.

    Attributes:
        arriving: parts that are read one by one.
        written: all that was written.
        room: whether writes come to an end.
        broken: whether there is another side no more.
    """

    def __init__(self) -> None:
        self.arriving: deque[bytes] = deque()
        self.written = b""
        self.room = True
        self.broken = False
        self.closed = 0


class Operation:
    """What is under way (an `Overlapped` of `_winapi`)."""

    def __init__(self, windows: FakeWindows, pipe: Pipe, data: bytes | None) -> None:
        self._pipe = pipe
        self._windows = windows
        self._data = data
        self._done: bytes | None = None
        self.cancelled = False
        self.event = windows.new_event(state=False)
        windows.events[self.event] = self._ready

    def _ready(self) -> bool:
        return self._pipe.broken or (bool(self._pipe.arriving) if self._data is None else self._pipe.room)

    def GetOverlappedResult(self, wait: bool) -> tuple[int, int]:
        if self._pipe.broken:
            raise Broken(32, "the pipe has ended")
        if not self._ready():
            assert not wait or self.cancelled
            return 0, INCOMPLETE
        if self._data is not None:
            self._pipe.written += self._data
            return len(self._data), 0
        self._done = self._pipe.arriving.popleft()
        return len(self._done), 0

    def getbuffer(self) -> bytes:
        assert self._done is not None
        return self._done

    def cancel(self) -> None:
        self.cancelled = True


class FakeWinapi:
    """What the agent uses of `_winapi`."""

    def __init__(self, windows: FakeWindows) -> None:
        self._windows = windows

    def CreateFile(self, path: str, access: int, *more: int) -> int:
        found = self._windows.files.get(path)
        if found is None:
            raise FileNotFoundError(2, "there is no such file", path)
        handle = self._windows.new_handle()
        self._windows.opened[handle] = found() if callable(found) else found
        return handle

    def ReadFile(self, handle: int, size: int, overlapped: bool) -> tuple[Operation, int]:
        pipe = self._windows.opened[handle]
        if pipe.broken:
            raise Broken(32, "the pipe has ended")
        return Operation(self._windows, pipe, None), PENDING

    def WriteFile(self, handle: int, data: bytes, overlapped: bool) -> tuple[Operation, int]:
        pipe = self._windows.opened[handle]
        if pipe.broken:
            raise Broken(32, "the pipe has ended")
        return Operation(self._windows, pipe, data), PENDING

    def GetCurrentProcess(self) -> int:
        return -1


class FakeWindows(Native):
    """Calls methods of its own, named as Windows' functions are; a test adds those that it needs.

    Attributes:
        events: whether each is set, or what tells.
        files: what can be opened, by path.
        opened: open files by handle.
        calls: names of all functions called but those of waiting.
        number: what `error` says.
    """

    def __init__(self) -> None:
        self.winapi = FakeWinapi(self)
        self.events: dict[int, Callable[[], bool]] = {}
        self.files: dict[str, Any] = {}
        self.opened: dict[int, Any] = {}
        self.calls: list[str] = []
        self.number = 5
        self.functions: dict[str, Callable[..., int]] = {}
        self._handles = 0

    def __call__(self, name: str, *arguments: Any) -> int:
        if not name.startswith("WaitFor"):
            self.calls.append(name)
        found = self.functions.get(name) or getattr(self, name)
        result: int = found(*arguments)
        return result

    def error(self) -> int:
        return self.number

    def callback(self, kind: str, work: Any) -> Any:
        return work

    def new_handle(self) -> int:
        self._handles += 4
        return self._handles

    def new_event(self, *, state: bool) -> int:
        handle = self.new_handle()
        self._set(handle, state)
        return handle

    def _set(self, handle: int, state: bool) -> None:
        self.events[handle] = lambda: state

    def CreateEventW(self, attributes: None, manual: bool, state: bool, name: None) -> int:
        assert manual
        return self.new_event(state=state)

    def SetEvent(self, event: int) -> int:
        self._set(event, True)
        return 1

    def ResetEvent(self, event: int) -> int:
        self._set(event, False)
        return 1

    def CloseHandle(self, handle: int) -> int:
        self.events.pop(handle, None)
        found = self.opened.pop(handle, None)
        if isinstance(found, Pipe):
            found.closed += 1
        return 1

    def WaitForSingleObject(self, handle: int, milliseconds: int) -> int:
        assert milliseconds == 0
        return 0 if self.events[handle]() else TIMEOUT

    def WaitForMultipleObjects(self, count: int, handles: Any, every: bool, milliseconds: int) -> int:
        assert not every
        assert 0 < count <= 64
        for place, handle in enumerate(list(handles)[:count]):
            if handle not in self.events:
                return 0xFFFFFFFF
            if self.events[handle]():
                return place
        assert milliseconds != 0xFFFFFFFF, "would wait for ever"
        return TIMEOUT


class Device:
    """xeniface: a store behind calls of a device.

    Attributes:
        nodes: values by path.
        watches: paths and events.
        refused: what comes instead of an answer, by path: an error of Windows.
    """

    def __init__(self, windows: FakeWindows) -> None:
        self._windows = windows
        self.nodes: dict[bytes, bytes] = {}
        self.watches: list[tuple[bytes, int]] = []
        self.refused: dict[bytes, int] = {}
        windows.functions["DeviceIoControl"] = self.control

    def control(
        self, handle: int, code: int, given: Any, size: int, out: Any, room: int, returned: Any, none: None
    ) -> int:
        assert self._windows.opened[handle] is self
        data = given.raw[:size]
        if code == 0x222014:  # a watch
            assert (size, room) == (24, 8)
            path = ctypes.string_at(int.from_bytes(data[:8], "little"))
            assert int.from_bytes(data[8:12], "little") == len(path) + 1
            event = int.from_bytes(data[16:], "little")
            self.watches.append((path, event))
            self._windows.SetEvent(event)
            return 1
        path, _, rest = data.partition(b"\0")
        if path in self.refused:
            self._windows.number = self.refused[path]
            return 0
        answer = self._answer(code, path, rest)
        if answer is None:
            self._windows.number = 2
            return 0
        assert len(answer) <= room
        if out is not None:
            ctypes.memmove(out, answer, len(answer))
        returned._obj.value = len(answer)
        return 1

    def _answer(self, code: int, path: bytes, rest: bytes) -> bytes | None:
        if code == 0x222004:  # write
            assert rest.endswith(b"\0\0")
            self.put(path, rest[:-2])
            return b""
        below = [one for one in self.nodes if one.startswith(path + b"/")]
        if code == 0x22200C:  # remove
            gone = [one for one in (path, *below) if one in self.nodes]
            for one in gone:
                del self.nodes[one]
            return b"" if gone else None
        if code == 0x222008:  # directory
            names = dict.fromkeys(one[len(path) + 1 :].split(b"/")[0] for one in below)
            return b"".join(name + b"\0" for name in names) + b"\0" if names else None
        assert code == 0x222000
        return self.nodes[path] + b"\0" if path in self.nodes else None

    def put(self, path: bytes, value: bytes) -> None:
        """Write, whoever it is; watches fire."""
        self.nodes[path] = value
        for watched, event in self.watches:
            if path == watched or path.startswith(watched + b"/"):
                self._windows.SetEvent(event)
