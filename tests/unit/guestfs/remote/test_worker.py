"""The worker: what it cannot do, and how its end, its silence and its nonsense look from outside."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest

from guestwright.confine.limits import Limits
from guestwright.disk.errors import NotWritable
from guestwright.disk.memory import MemoryDevice
from guestwright.guestfs.drivers.memory import memory_guest
from guestwright.guestfs.errors import Corrupt, DriverFailed, GuestFSError, NotFound
from guestwright.guestfs.port import Filesystem, GuestFS
from guestwright.guestfs.remote import blocks, calls
from guestwright.guestfs.remote.client import fork, start_worker
from guestwright.guestfs.remote.connection import Connection
from guestwright.guestfs.remote.guest import RemoteGuestFS
from guestwright.guestfs.remote.server import serve
from guestwright.guestfs.remote.wire import Channel, Type, pack

Body = Callable[[Channel], object]
Start = Callable[..., RemoteGuestFS]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts a confined child that runs a body, greeted already."""
    started: list[Connection] = []

    def begin(body: Body, **more: Any) -> RemoteGuestFS:
        connection = fork(body, [MemoryDevice(1 << 20)], **{"call_timeout": 120.0, **more})
        started.append(connection)
        _, greeting = connection.exchange(None)
        assert greeting.type is Type.REPLY, greeting
        from guestwright.confine.held import Held

        return RemoteGuestFS(connection, filesystems=(), held=Held())

    yield begin
    for connection in started:
        connection.close()


def answering(kind: Type, head: bytes = b"", tail: bytes = b"") -> Body:
    def body(channel: Channel) -> None:
        while True:
            channel.receive()
            channel.send(kind, head, tail)

    return body


def failing(guest: GuestFS) -> str:
    with pytest.raises(DriverFailed) as caught:
        guest.lstat("/")
    with pytest.raises(DriverFailed, match="ended before"):
        guest.lstat("/")
    return caught.value.message


def test_calls_come_through(start: Start) -> None:
    files = {"/etc/hostname": "web1", "/d/": None, **{f"/many/{n:05}": "" for n in range(3500)}}
    guest = start(lambda channel: serve(channel, memory_guest(files)))
    assert guest.read("/etc/hostname") == b"web1"
    assert guest.mounts() == {"/": "disk0/p1"}
    assert len(guest.listdir("/many")) == 3500
    assert len(guest.glob(["/many/*", "/etc/*"])) == 3501
    assert guest.glob([]) == guest.glob(["/none*"]) == []
    guest.write("/d/large", b"x" * 5_000_000)
    assert guest.read("/d/large", limit=1 << 40) == b"x" * 5_000_000
    with pytest.raises(NotFound, match="/none"):
        guest.lstat("/none")
    with pytest.raises(GuestFSError):
        guest.write("/d/too-large", bytes((64 << 20) + 1))
    assert guest.lstat("/d/large").size == 5_000_000


def test_walks_in_pages(start: Start) -> None:
    files = {f"/many/{n:05}": "" for n in range(3500)}
    guest = start(lambda channel: serve(channel, memory_guest(files)))
    paths = []
    for entry in guest.walk("/"):
        paths.append(entry.path)
        if len(paths) % 100 == 0:
            assert guest.lstat(entry.path) == entry.stat
    assert paths == ["/many", *sorted(files)]
    for _ in range(200):  # more than may be unfinished at once
        next(guest.walk("/"))
    walks = [guest.walk("/") for _ in range(3)]
    assert [len(list(walk)) for walk in walks] == [3501] * 3
    with pytest.raises(NotFound):
        next(guest.walk("/none"))


def test_the_child_reaches_nothing(start: Start) -> None:
    def body(channel: Channel) -> None:
        channel.receive()
        attempts: list[Callable[[], object]] = [
            lambda: os.open("/etc/passwd", os.O_RDONLY),
            lambda: os.listdir("/"),
            lambda: os.open("/tmp/x", os.O_CREAT | os.O_WRONLY),
            os.fork,
            lambda: os.kill(os.getppid(), 0),
            lambda: os.write(1, b"x"),
            lambda: os.write(2, b"x"),
        ]
        done = []
        for number, attempt in enumerate(attempts):
            with suppress(OSError):
                attempt()
                done.append(str(number))
        channel.send(Type.REPLY, pack("/" + ",".join(done)))

    assert start(body).resolve("/x") == "/"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (lambda channel: os._exit(3), "status 3"),
        (lambda channel: signal.raise_signal(signal.SIGKILL), "SIGKILL"),
        (lambda channel: signal.raise_signal(signal.SIGSEGV), "SIGSEGV"),
        (lambda channel: os.abort(), "SIGABRT"),
        (lambda channel: channel.receive() and None, "status 0|status 70"),
        (answering(Type.DATA), "DATA"),
        (answering(Type.REQUEST), "REQUEST"),
        (answering(Type.REPLY, b"[1,2]"), "nonsense"),
        (answering(Type.REPLY, b"{"), "nonsense"),
        (answering(Type.REPLY, b"[" * 100_000), "nonsense"),
        (answering(Type.ERROR, b'{"code":"x","params":{}}'), "nonsense"),
        (answering(Type.READ, b"", blocks.RANGE.pack(7, 0, 1)), "nonsense"),
        (answering(Type.READ, b"", blocks.RANGE.pack(0, 1 << 20, 1)), "nonsense"),
        (answering(Type.CHUNK, b"[]"), "no answer|ended"),
    ],
)
def test_bad_children(start: Start, body: Body, said: str) -> None:
    import re

    guest = start(body, call_timeout=1.0)
    assert re.search(said, failing(guest))


def test_a_child_that_hangs_is_killed(start: Start) -> None:
    guest = start(lambda channel: time.sleep(60), call_timeout=0.3)
    began = time.monotonic()
    assert "no answer within 0.3 s" in failing(guest)
    assert time.monotonic() - began < 20
    with pytest.raises(ProcessLookupError):
        os.kill(guest.pid, 0)


def test_a_child_that_asks_for_blocks_for_ever_is_killed(start: Start) -> None:
    def body(channel: Channel) -> None:
        while True:
            channel.send(Type.WRITE, b"", blocks.RANGE.pack(0, 0, 4) + b"1234")

    assert "no answer" in failing(start(body, call_timeout=0.5))


def test_a_child_that_sends_chunks_for_ever_is_ended(start: Start) -> None:
    def body(channel: Channel) -> None:
        while True:
            channel.send(Type.CHUNK, b" " * (1 << 20), bytes(7 << 20))

    assert "nonsense" in failing(start(body))


def test_a_child_out_of_memory_says_so(start: Start) -> None:
    class Greedy:
        def lstat(self, path: str) -> None:
            bytes(2 << 30)

    def body(channel: Channel) -> None:
        serve(channel, Greedy())  # type: ignore[arg-type]  # one method is enough here

    guest = start(body)
    with pytest.raises(DriverFailed, match="out of memory"):
        guest.lstat("/")
    with pytest.raises(DriverFailed, match="out of memory"):
        guest.lstat("/")


def test_a_child_out_of_processor_time(start: Start) -> None:
    def body(channel: Channel) -> None:
        while True:
            pass

    assert "SIGXCPU" in failing(start(body, limits=Limits(cpu_seconds=1)))


def test_a_mistake_in_the_child_is_reported(start: Start) -> None:
    guest = start(lambda channel: serve(channel, object()))  # type: ignore[arg-type]  # the mistake
    with pytest.raises(DriverFailed, match="AttributeError"):
        guest.lstat("/")


def test_an_error_of_the_device_reaches_the_caller(start: Start) -> None:
    class Broken(MemoryDevice):
        def read(self, offset: int, length: int) -> bytes:
            raise NotWritable(path="/image")

    def body(channel: Channel) -> None:
        channel.receive()
        blocks.ChannelDevice(channel, 0, size=100, writable=True).read(0, 10)

    connection = fork(body, [Broken(100)], call_timeout=5.0)
    connection.exchange(None)
    with pytest.raises(NotWritable):
        connection.call(calls.SYNC, {})
    with pytest.raises(DriverFailed, match="ended before"):
        connection.call(calls.SYNC, {})


def test_the_child_ends_with_the_parent() -> None:
    reader, writer = os.pipe()
    middle = os.fork()
    if middle == 0:
        worker = fork(lambda channel: serve(channel, memory_guest({})), [])
        worker.exchange(None)
        os.write(writer, b"%d\n" % worker.pid)
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as lines:
        pid = int(lines.readline())
    os.waitpid(middle, 0)
    until = time.monotonic() + 5
    while time.monotonic() < until:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        with open(f"/proc/{pid}/stat") as stat:
            if stat.read().rpartition(")")[2].split()[0] == "Z":
                return
        time.sleep(0.01)
    raise AssertionError("the worker outlived its parent")


def test_a_bad_filesystem_fails_at_its_mount_only() -> None:
    bad = Filesystem(id="disk0/p1", type="ext4", size=1 << 20, disk=0, partition=1, mountable=True)
    swap = Filesystem(id="disk0/p2", type="swap", size=1, disk=0, partition=2)
    with_device = [(bad, MemoryDevice(1 << 20))]
    guest = start_worker(with_device, now=1, other=[swap])
    try:
        assert guest.held.enough
        assert list(guest.filesystems()) == [bad, swap]
        with pytest.raises(Corrupt, match="disk0/p1"):
            guest.mount("disk0/p1", "/")
        assert guest.mounts() == {}
    finally:
        guest.close()
        guest.close()
    with pytest.raises(DriverFailed, match="closed"):
        guest.mounts()


def test_no_descriptor_and_no_process_is_left_behind() -> None:
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(3):
        guest = start_worker([], now=1)
        pid = guest.pid
        guest.close()
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    assert len(os.listdir("/proc/self/fd")) == before
