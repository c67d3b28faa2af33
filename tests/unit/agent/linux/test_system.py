from __future__ import annotations

import struct
from pathlib import Path

import pytest

from guestwright.agent.core.facts import Disk, Memory, User
from guestwright.agent.linux import disks, memory, users
from tests.support.agent_guest import Guest


@pytest.fixture
def guest(tmp_path: Path) -> Guest:
    return Guest(tmp_path)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("MemTotal: 100 kB\nMemFree: 10 kB\nMemAvailable: 60 kB\n", Memory(total=100, free=60)),
        ("MemTotal: 100 kB\nMemFree: 10 kB\nBuffers: 5 kB\n", Memory(total=100, free=10)),
        ("MemTotal: 100 kB\n", None),
        ("MemTotal:\nMemFree: x kB\n", None),
        ("", None),
    ],
    ids=["new", "old", "no-free", "garbage", "none"],
)
def test_memory(guest: Guest, content: str, expected: Memory | None) -> None:
    guest.write("/proc/meminfo", content)
    assert memory.memory(guest.files) == expected


def test_disks(guest: Guest) -> None:
    for name in ("xvda", "vda", "loop0", "sr0", "dm-0", "empty", "odd"):
        guest.write(
            f"/sys/block/{name}/size", "0\n" if name == "empty" else "x\n" if name == "odd" else "2048\n"
        )
    guest.write("/sys/block/xvda/device/nodename", "device/vbd/51712\n")
    guest.write("/sys/block/vda/serial", "abc\n")
    assert disks.disks(guest.files) == (
        Disk(name="vda", size=1 << 20, serial="abc"),
        Disk(name="xvda", size=1 << 20, vbd=51712),
    )


def test_file_systems(guest: Guest) -> None:
    guest.write(
        "/proc/self/mountinfo",
        "22 1 254:1 / / rw shared:1 - ext4 /dev/xvda1 rw\n"
        "23 22 254:1 /srv /srv\\040data rw - ext4 /dev/xvda1 rw\n"
        "24 22 0:5 / /dev rw shared:2 - devtmpfs udev rw\n"
        "25 22 7:0 / /snap ro - squashfs /dev/loop0 ro\n"
        "26 22 0:50 / /mnt rw - fuse.sshfs /dev/fuse rw\n"
        "27 22 254:2 / /gone rw - xfs /dev/mapper/vg-lv rw\n"
        "28 22 254:3 / /home rw - xfs /dev/mapper/vg-home rw\n"
        "garbage\n29 22 254:3 / /x rw -\n",
    )
    guest.write("/home/x", "")
    guest.write("/srv data/x", "")
    guest.link("/dev/disk/by-uuid/1234-ABCD", "../../xvda1")
    guest.link("/dev/disk/by-label/my\\x20root", "../../xvda1")
    guest.link("/dev/mapper/vg-home", "../dm-1")
    guest.link("/dev/disk/by-uuid/5678", "../../dm-1")
    root, home = disks.filesystems(guest.files)
    assert (root.device, root.kind, root.uuid, root.label) == ("/dev/xvda1", "ext4", "1234-ABCD", "my root")
    assert root.mounts == ("/", "/srv data")
    assert 0 < root.free <= root.size
    assert (home.device, home.uuid, home.mounts) == ("/dev/mapper/vg-home", "5678", ("/home",))


@pytest.mark.parametrize(
    ("word", "plain"),
    [(b"a\\040b", "a b"), (b"\\134x", "\\x"), (b"a\\9b", "a\\9b"), (b"\\777", "\\777"), (b"end\\", "end\\")],
)
def test_words_of_mountinfo(word: bytes, plain: str) -> None:
    assert disks._plain(word) == plain


def utmp(kind: int, line: str, name: str, where: str, since: int) -> bytes:
    return struct.pack(
        "=h2xi32s4s32s256s2hiii16s20s",
        kind, 1, line.encode(), b"", name.encode(), where.encode(), 0, 0, 0, since, 0, b"", b"",
    )  # fmt: skip


def test_users_of_utmp(guest: Guest) -> None:
    guest.write(
        "/run/utmp",
        utmp(2, "~", "reboot", "", 1)
        + utmp(7, "pts/0", "ada", "192.0.2.1", 200)
        + utmp(7, "tty1", "root", "", 100)
        + utmp(8, "pts/1", "gone", "", 3)
        + b"torn",
    )
    assert users.users(guest.files) == (
        User(name="root", line="tty1", since=100),
        User(name="ada", line="pts/0", host="192.0.2.1", since=200),
    )


def test_users_of_logind(guest: Guest) -> None:
    guest.write(
        "/run/systemd/sessions/3", "UID=0\nUSER=root\nCLASS=user\nTTY=tty1\nREALTIME=1700000000123456\n"
    )
    guest.write("/run/systemd/sessions/4", "USER=ada\nCLASS=user\nREMOTE_HOST=192.0.2.1\nREALTIME=x\n")
    guest.write("/run/systemd/sessions/c1", "USER=gdm\nCLASS=greeter\n")
    guest.write("/run/systemd/sessions/5", "CLASS=user\n")
    assert users.users(guest.files) == (
        User(name="ada", host="192.0.2.1"),
        User(name="root", line="tty1", since=1700000000),
    )
