"""The store through the driver xeniface: a stand-in for the driver that checks what the real one does.

The numbers are those of the driver's header, include/xeniface_ioctls.h, worked out by hand.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from guestwright.agent.channel import wire
from guestwright.agent.channel.errors import StoreError
from guestwright.agent.channel.session import Session
from guestwright.agent.tasks import Task
from guestwright.agent.windows import find, ioctl
from guestwright.agent.windows.waiting import WindowsLoop
from guestwright.agent.windows.xeniface import Xeniface
from tests.support.windows_fake import Device, FakeWindows, Pipe


def test_numbers_of_the_header() -> None:
    assert (ioctl.READ, ioctl.WRITE, ioctl.DIRECTORY, ioctl.REMOVE, ioctl.ADD_WATCH) == (
        0x222000,
        0x222004,
        0x222008,
        0x22200C,
        0x222014,
    )
    assert uuid.UUID(bytes_le=ioctl.INTERFACE) == uuid.UUID("b2cfb085-aa5e-47e1-8bf7-9793f3154565")
    assert ioctl.watch(0x1122334455667788, 9, 0x99) == bytes.fromhex(
        "8877665544332211 09000000 00000000 9900000000000000"
    )


@pytest.mark.parametrize(
    ("answer", "names"),
    [(b"\0", b""), (b"a\0bc\0\0", b"a\0bc\0"), (b"a\0\0rest\0", b"a\0"), (b"a\0b", b"a\0"), (b"", b"")],
)
def test_lists_of_names(answer: bytes, names: bytes) -> None:
    assert ioctl.names(answer) == names


def test_what_cannot_be_written() -> None:
    assert ioctl.assignment(b"a/b", b"v") == b"a/b\0v\0\0"
    with pytest.raises(ValueError, match="NUL"):
        ioctl.assignment(b"a", b"v\0w")


class World:
    """A session over a device."""

    def __init__(self) -> None:
        self.windows = FakeWindows()
        self.device = Device(self.windows)
        self.windows.files["dev"] = self.device
        self.loop = WindowsLoop(self.windows)
        self.session = Session(self.loop, lambda: Xeniface(self.loop, "dev"))

    def turns(self) -> None:
        for _ in range(20):
            self.loop.turn(0)

    def done(self, work: Any) -> Any:
        found: list[Any] = []

        async def run() -> None:
            found.append(await work)

        ended: list[BaseException | None] = []
        Task(run(), ended.append)
        self.turns()
        assert ended, "it has not ended"
        if ended[0] is not None:
            raise ended[0]
        return found[0]


@pytest.fixture
def world() -> Iterator[World]:
    made = World()
    made.session.start()
    yield made
    made.session.close()
    made.loop.close()


def test_operations(world: World) -> None:
    session = world.session
    assert session.up
    world.done(session.write(b"data/a", b"1"))
    world.done(session.write(b"data/b/c", b""))
    assert world.device.nodes == {b"data/a": b"1", b"data/b/c": b""}
    assert world.done(session.read(b"data/a")) == b"1"
    assert world.done(session.children(b"data")) == [b"a", b"b"]
    assert world.done(session.get(b"data/none")) is None
    world.done(session.rm(b"data/b"))
    world.done(session.rm(b"data/b"))
    assert world.device.nodes == {b"data/a": b"1"}


@pytest.mark.parametrize(
    ("number", "name"), [(2, "ENOENT"), (5, "EACCES"), (1816, "EQUOTA"), (31, "EIO")], ids=str
)
def test_refusals_have_the_store_s_names(world: World, number: int, name: str) -> None:
    world.device.refused[b"control/x"] = number
    with pytest.raises(StoreError) as refused:
        world.done(world.session.write(b"control/x", b"1"))
    assert refused.value.errno == name


def test_a_value_with_a_nul_is_refused(world: World) -> None:
    with pytest.raises(StoreError) as refused:
        world.done(world.session.write(b"data/x", b"a\0b"))
    assert refused.value.errno == "EINVAL"
    assert world.device.nodes == {}


def test_other_requests_are_not_known(world: World) -> None:
    with pytest.raises(StoreError) as refused:
        world.done(world.session.request(wire.MKDIR, b"data/x\0"))
    assert refused.value.errno == "ENOSYS"


def test_watches_tell_at_first_and_at_each_change(world: World) -> None:
    heard: list[bytes] = []
    world.session.watch(b"control/shutdown", heard.append)
    world.session.watch(b"control/sysprep", heard.append)
    world.turns()
    assert sorted(heard) == [b"control/shutdown", b"control/sysprep"]
    del heard[:]
    world.device.put(b"control/sysprep/action", b"sysprep")
    world.turns()
    assert heard == [b"control/sysprep"]


def test_many_watches_share_events(world: World) -> None:
    heard: list[bytes] = []
    for number in range(40):
        world.session.watch(b"data/%d" % number, heard.append)
    world.turns()
    assert set(heard) == {b"data/%d" % number for number in range(40)}
    assert len({event for _, event in world.device.watches}) == 32
    del heard[:]
    world.device.put(b"data/39", b"x")
    world.turns()
    assert b"data/39" in heard
    assert len(heard) == 2  # and the one that it shares with, for nothing


def test_nothing_is_left_open(world: World) -> None:
    world.session.watch(b"a", lambda _path: None)
    world.turns()
    world.session.close()
    assert world.windows.events == {}
    assert world.windows.opened == {}


def test_a_device_that_is_not_there() -> None:
    windows = FakeWindows()
    loop = WindowsLoop(windows)
    with pytest.raises(FileNotFoundError):
        Xeniface(loop, "dev")
    loop.close()


class Finding(FakeWindows):
    """What there is to be found."""

    def __init__(self, device: str, port: bool) -> None:
        super().__init__()
        self.device = device
        self.port = port

    def CM_Get_Device_Interface_List_SizeW(self, size: Any, guid: Any, ident: None, flags: int) -> int:
        assert guid.raw == ioctl.INTERFACE
        assert flags == 0
        size._obj.value = len(self.device) + 2 if self.device else 1
        return 0

    def CM_Get_Device_Interface_ListW(self, guid: Any, ident: None, out: Any, size: int, flags: int) -> int:
        assert size == len(self.device) + 2
        out.raw = f"{self.device}\0\0".encode("utf-16-le")
        return 0

    def QueryDosDeviceW(self, name: str, out: Any, size: int) -> int:
        assert name == "org.guestwright.xenstore.0"
        return 12 if self.port else 0


@pytest.mark.parametrize(
    ("device", "port", "path", "found"),
    [
        ("\\\\?\\xen#1", True, "", ("xen", "\\\\?\\xen#1")),
        ("", True, "", ("virtio", "\\\\.\\Global\\org.guestwright.xenstore.0")),
        ("", False, "", None),
        ("\\\\?\\xen#1", True, "\\\\.\\pipe\\mine", ("virtio", "\\\\.\\pipe\\mine")),
    ],
    ids=["xen", "virtio", "none", "named"],
)
def test_channels(device: str, port: bool, path: str, found: tuple[str, str] | None) -> None:
    assert find.find(Finding(device, port), path) == found


def test_openers_fit_their_channels() -> None:
    windows = Finding("", port=True)
    loop = WindowsLoop(windows)
    Device(windows)
    windows.files["dev"] = Device(windows)
    windows.files["port"] = Pipe()
    made = [find.opener(loop, ("xen", "dev"))(), find.opener(loop, ("virtio", "port"))()]
    assert [one.name for one in made if one is not None] == ["xeniface", "virtio-serial"]
    for one in made:
        assert one is not None
        one.close()
    loop.close()
