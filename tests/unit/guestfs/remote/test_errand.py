"""Errands: what comes back from the confined child, what it may read, and how its faults look."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guestwright.base.progress import Progress, Step
from guestwright.disk.memory import MemoryDevice
from guestwright.guestfs.errors import DriverFailed, NotFound
from guestwright.guestfs.remote import blocks
from guestwright.guestfs.remote.blocks import Shortcut, ShortcutDevice
from guestwright.guestfs.remote.client import fork, run_errand
from guestwright.guestfs.remote.connection import Connection
from guestwright.guestfs.remote.wire import Channel, Type, pack
from guestwright.seal.errors import OperationFailed

Body = Callable[[Channel], object]


@pytest.fixture
def child() -> Iterator[Callable[..., Connection]]:
    """Starts a confined child that runs a body, greeted already."""
    started: list[Connection] = []

    def begin(body: Body, *, call_timeout: float = 10.0, **more: Any) -> Connection:
        connection = fork(body, [MemoryDevice(1 << 20)], call_timeout=call_timeout, **more)
        started.append(connection)
        assert connection.exchange(None)[1].type is Type.REPLY
        return connection

    yield begin
    for connection in started:
        connection.close()


def ran(errand: Any, *, progress: Progress = lambda step: None, **more: Any) -> Any:
    """What an errand returned."""
    answer, close = run_errand(errand, [], now=1, progress=progress, **more)
    close()
    return answer


def test_large_results_come_whole() -> None:
    sent = {"text": "x" * 3_000_000, "numbers": list(range(5000))}
    assert ran(lambda fs, tell: sent) == sent


@pytest.mark.parametrize("size", [(1 << 20) - 2, (1 << 20) - 1, 1 << 20, (2 << 20) - 2, (2 << 20) - 1])
def test_results_around_the_size_of_a_chunk(size: int) -> None:
    assert ran(lambda fs, tell: "y" * size) == "y" * size


def raising(error: Exception) -> Callable[..., Any]:
    def errand(fs: object, tell: object) -> Any:
        raise error

    return errand


@pytest.mark.parametrize(
    ("error", "expected", "text"),
    [
        (NotFound(path="/x"), NotFound, "/x"),
        (OperationFailed(operation="tmp-files", detail="no room"), OperationFailed, "tmp-files"),
        (ZeroDivisionError("by zero"), DriverFailed, "ZeroDivisionError: by zero"),
        (MemoryError(), DriverFailed, "out of memory"),
    ],
)
def test_errors_come_through(error: Exception, expected: type[Exception], text: str) -> None:
    with pytest.raises(expected, match=text):
        run_errand(raising(error), [], now=1, progress=lambda step: None)


def children() -> str:
    """Process ids of this process's children, of which other tests may have some."""
    return Path("/proc/thread-self/children").read_text(encoding="ascii")


def test_nothing_is_left_behind() -> None:
    before = os.listdir("/proc/self/fd"), children()
    with pytest.raises(RuntimeError, match="meanwhile"):
        run_errand(
            lambda fs, tell: time.sleep(60),
            [],
            now=1,
            progress=lambda step: None,
            meanwhile=lambda: (_ for _ in ()).throw(RuntimeError("meanwhile")),
        )
    assert (os.listdir("/proc/self/fd"), children()) == before


def test_a_child_that_did_its_errand_is_gone_when_its_connection_is_closed() -> None:
    before = os.listdir("/proc/self/fd"), children()
    assert ran(lambda fs, tell: 1) == 1
    assert (os.listdir("/proc/self/fd"), children()) == before


def test_steps_are_told_and_give_time() -> None:
    def errand(fs: object, tell: Callable[[Step], None]) -> Any:
        for number in range(8):
            time.sleep(0.15)
            tell(Step(name="operation", done=number, total=8, text="x"))
        return "done"

    told: list[Step] = []
    assert ran(errand, progress=told.append, step_timeout=0.9) == "done"
    assert told[-1].total == 8
    assert 4 <= len(told) <= 8


def sending(kind: Type, head: bytes, *, times: int) -> Body:
    def body(channel: Channel) -> None:
        for _ in range(times):
            channel.send(kind, head)
        time.sleep(30)

    return body


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (sending(Type.STEP, b"[1,2,3,4]", times=1), "nonsense"),
        (sending(Type.STEP, b'["a",1,2]', times=1), "nonsense"),
        (sending(Type.STEP, b"{", times=1), "nonsense"),
        (sending(Type.STEP, pack(["a", 1, 2, "b"]), times=300), "nonsense"),
        (sending(Type.REPLY, b"{]", times=1), "nonsense"),
        (sending(Type.ERROR, b'{"code":"no-such","params":{}}', times=1), "nonsense"),
        (sending(Type.DATA, b"", times=1), "nonsense"),
        (sending(Type.CHUNK, b"", times=1), "no answer within"),
    ],
)
def test_faults_of_a_child(child: Callable[..., Connection], body: Body, text: str) -> None:
    with pytest.raises(DriverFailed, match=text):
        child(body, call_timeout=1.0).work(lambda step: None)


def test_what_is_kept_open_can_be_read_only(child: Callable[..., Connection], tmp_path: Path) -> None:
    path = tmp_path / "image"
    path.write_bytes(b"image")
    kept, other = os.open(path, os.O_RDONLY), os.open(path, os.O_RDONLY)

    def body(channel: Channel) -> None:
        told = []
        for attempt in (
            lambda: os.pread(kept, 5, 0) == b"image",
            lambda: os.pread(other, 5, 0),
            lambda: os.pwrite(kept, b"x", 0),
            lambda: os.open(f"/proc/self/fd/{kept}", os.O_RDWR),
            lambda: os.ftruncate(kept, 0),
            lambda: os.fchmod(kept, 0o777),
        ):
            try:
                told.append(bool(attempt()))
            except OSError:
                told.append(False)
        channel.send(Type.REPLY, pack(told))

    try:
        assert child(body, keep_fds=[kept]).work(lambda step: None) == [True, *[False] * 5]
    finally:
        os.close(kept)
        os.close(other)
    assert path.read_bytes() == b"image"


@given(
    start=st.sampled_from([0, 512, 4096, 63 * 512]),
    steps=st.lists(
        st.tuples(st.booleans(), st.integers(0, 60_000), st.integers(1, 9_000)), min_size=1, max_size=30
    ),
    hidden=st.sets(st.integers(0, 24), max_size=5),
)
def test_shortcuts_never_hide_what_was_written(
    start: int, steps: list[tuple[bool, int, int]], hidden: set[int]
) -> None:
    """The shortcut goes on showing the old bytes; what was written comes from the parent."""
    disk = bytes(n * 7 % 251 for n in range(start + 70_000))
    far = bytearray(disk)
    for page in hidden:  # written before the child was made
        far[page << 12 : (page + 1) << 12] = bytes(len(far[page << 12 : (page + 1) << 12]))

    def peek(offset: int, length: int) -> bytes | None:
        return None if offset % 5 == 4 else disk[offset : offset + length]

    shortcut = Shortcut(fd=-1, peek=peek, start=start, written=frozenset(hidden))

    class Far(blocks.ChannelDevice):
        def read(self, offset: int, length: int) -> bytes:
            return bytes(far[start + offset : start + offset + length])

        def write(self, offset: int, data: bytes | bytearray | memoryview) -> None:
            far[start + offset : start + offset + len(data)] = data

    class Both(ShortcutDevice, Far):
        pass

    device = Both(None, 0, size=70_000, writable=True, shortcut=shortcut)  # type: ignore[arg-type] # no channel
    for write, offset, length in steps:
        if write:
            device.write(offset, b"w" * length)
        assert device.read(offset, length) == far[start + offset : start + offset + length]
    assert device.read(0, 70_000) == far[start:]
