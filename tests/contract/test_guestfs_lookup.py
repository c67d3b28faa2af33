"""Contract of guest files: look-up of paths, confined to the guest."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from guestwright.guestfs.drivers.memory import Content, Directory, File, HardLink, Link, Special
from guestwright.guestfs.errors import GuestFSError, NotFound, TooLarge, TooManyLinks, WrongKind
from guestwright.guestfs.port import FileKind, GuestFS

MakeGuest = Callable[..., GuestFS]

CHAIN: dict[str, Content] = {f"/chain/{n}": Link(str(n + 1)) for n in range(1, 42)}

FILES: dict[str, Content] = {
    "/etc/shadow": "guest's own\n",
    "/etc/hostname": "web1\n",
    "/usr/bin/ls": b"\x7fELF",
    "/run/utmp": "u",
    "/var/log/": None,
    "/bin": Link("usr/bin"),
    "/var/run": Link("/run"),
    "/abs": Link("/etc/shadow"),
    "/up": Link("../../../../../../etc/shadow"),
    "/var/log/deep": Link("../../../../etc/hostname"),
    "/to-root": Link("/"),
    "/dotdot": Link("var/log/../../etc/hostname"),
    "/slashes": Link("//etc///hostname"),
    "/dangling": Link("/nowhere/at/all"),
    "/dangling-near": Link("missing"),
    "/loop-a": Link("loop-b"),
    "/loop-b": Link("/loop-a"),
    "/self": Link("self"),
    "/self-below": Link("self-below/x"),
    "/file": "f",
    **CHAIN,
    "/chain/42": "end",
}


@pytest.mark.parametrize(
    ("path", "resolved"),
    [
        ("/", "/"),
        ("//", "/"),
        ("/..", "/"),
        ("/../../..", "/"),
        ("/./etc/./hostname", "/etc/hostname"),
        ("/etc//hostname", "/etc/hostname"),
        ("/etc/", "/etc"),
        ("/etc/../etc/hostname", "/etc/hostname"),
        ("/../../etc/hostname", "/etc/hostname"),
        ("/bin/ls", "/usr/bin/ls"),
        ("/bin/../../etc/hostname", "/etc/hostname"),
        ("/bin/..", "/usr"),
        ("/var/run/utmp", "/run/utmp"),
        ("/abs", "/etc/shadow"),
        ("/up", "/etc/shadow"),
        ("/var/log/deep", "/etc/hostname"),
        ("/to-root", "/"),
        ("/to-root/to-root/to-root/etc/hostname", "/etc/hostname"),
        ("/to-root/../../etc", "/etc"),
        ("/dotdot", "/etc/hostname"),
        ("/slashes", "/etc/hostname"),
        ("/chain/2", "/chain/42"),
    ],
)
def test_resolve_follows_inside_the_guest(guest: MakeGuest, path: str, resolved: str) -> None:
    assert guest(FILES).resolve(path) == resolved


@pytest.mark.parametrize(
    ("path", "resolved"),
    [("/abs", "/abs"), ("/var/run", "/var/run"), ("/var/run/utmp", "/run/utmp"), ("/dangling", "/dangling")],
)
def test_resolve_without_following_the_last(guest: MakeGuest, path: str, resolved: str) -> None:
    assert guest(FILES).resolve(path, follow=False) == resolved


@pytest.mark.parametrize(
    "path",
    [
        "/nothing",
        "/nothing/below",
        "/etc/nothing",
        "/dangling",
        "/dangling-near",
        "/dangling/below",
        "/file/below",
        "/abs/below",
        "/file/../etc",
    ],
)
def test_what_is_not_there(guest: MakeGuest, path: str) -> None:
    made = guest(FILES)
    with pytest.raises(NotFound) as caught:
        made.stat(path)
    assert path in caught.value.message
    with pytest.raises(NotFound):
        made.resolve(path)


@pytest.mark.parametrize("path", ["/loop-a", "/loop-b", "/self", "/self/x", "/self-below", "/chain/1"])
def test_more_than_40_links(guest: MakeGuest, path: str) -> None:
    with pytest.raises(TooManyLinks):
        guest(FILES).stat(path)


def test_exactly_40_links_are_followed(guest: MakeGuest) -> None:
    made = guest(FILES)
    assert made.read("/chain/2") == b"end"
    assert made.lstat("/chain/1").kind is FileKind.SYMLINK


@pytest.mark.parametrize("path", ["", "etc/hostname", "../etc", "/a\0b", "/\ud800"])
def test_what_is_no_path(guest: MakeGuest, path: str) -> None:
    with pytest.raises(GuestFSError):
        guest(FILES).lstat(path)


def test_long_paths(guest: MakeGuest) -> None:
    made = guest(FILES)
    with pytest.raises(TooLarge):
        made.lstat("/" + "n" * 256)
    with pytest.raises(TooLarge):
        made.lstat("/" + "ü" * 128)
    with pytest.raises(TooLarge):
        made.lstat("/etc/.." * 700)
    with pytest.raises(NotFound):
        made.lstat("/" + "n" * 255)


NAMES = [
    "new\nline",
    "ctrl\x01\x1b[31m",
    "blank ",
    "ünï",
    "\udcff\udc80",
    "*?[x]{a,b}",
    "-rf",
    "'\"$(x)`",
    "n" * 255,
]


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_any_name(guest: MakeGuest, name: str) -> None:
    made = guest({f"/d/{name}": "content", f"/e/{name}/x": "y", "/links/to": Link(f"/d/{name}")})
    assert made.read(f"/d/{name}") == b"content"
    assert made.read("/links/to") == b"content"
    assert made.readlink("/links/to") == f"/d/{name}"
    assert [entry.path for entry in made.listdir("/d")] == [f"/d/{name}"]
    assert [entry.path for entry in made.walk("/e")] == [f"/e/{name}", f"/e/{name}/x"]
    assert [entry.path for entry in made.glob(["/d/*"])] == [f"/d/{name}"]
    made.write(f"/d/{name}", b"new")
    assert made.read(f"/d/{name}") == b"new"
    assert made.remove("/e", recursive=True).files == 1
    made.remove(f"/d/{name}")
    assert not made.listdir("/d")


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_any_name_made(guest: MakeGuest, name: str) -> None:
    made = guest({"/d/": None})
    made.mkdir(f"/d/{name}")
    made.write(f"/d/{name}/{name}", b"1")
    made.symlink(name, f"/d/{name}/l")
    assert made.read(f"/d/{name}/l") == b"1"
    assert [entry.path for entry in made.walk("/d")] == sorted(
        [f"/d/{name}", f"/d/{name}/{name}", f"/d/{name}/l"]
    )


def test_stat(guest: MakeGuest) -> None:
    made = guest(
        {
            "/f": File("12345", mode=0o4751, uid=1000, gid=70000),
            "/d": Directory(0o1777, 5, 6),
            "/l": Link("f", 7, 8),
            "/again": HardLink("/f"),
        }
    )
    stat = made.lstat("/f")
    assert (stat.kind, stat.mode, stat.uid, stat.gid, stat.size, stat.links) == (
        FileKind.FILE,
        0o4751,
        1000,
        70000,
        5,
        2,
    )
    assert made.lstat("/again") == stat
    assert made.stat("/l") == stat
    link = made.lstat("/l")
    assert (link.kind, link.uid, link.gid, link.size) == (FileKind.SYMLINK, 7, 8, 1)
    directory = made.lstat("/d")
    assert (directory.kind, directory.mode, directory.uid, directory.gid) == (
        FileKind.DIRECTORY,
        0o1777,
        5,
        6,
    )
    assert directory.inode != stat.inode
    assert directory.filesystem == stat.filesystem == made.mounts()["/"]


@pytest.mark.parametrize(
    "kind", [FileKind.FIFO, FileKind.SOCKET, FileKind.CHARACTER_DEVICE, FileKind.BLOCK_DEVICE]
)
def test_special_files(guest: MakeGuest, kind: FileKind) -> None:
    made = guest({"/dev/x": Special(kind, 0o620), "/l": Link("dev/x")})
    assert made.stat("/l").kind is kind
    assert made.lstat("/dev/x").mode == 0o620
    attempts: list[Callable[[], Any]] = [
        lambda: made.read("/l"),
        lambda: made.write("/l", b"x"),
        lambda: made.truncate("/dev/x"),
        lambda: made.listdir("/dev/x"),
        lambda: made.readlink("/dev/x"),
    ]
    for attempt in attempts:
        with pytest.raises(WrongKind):
            attempt()
    made.chmod("/dev/x", 0o600)
    made.chown("/dev/x", 3, 4)
    assert (made.lstat("/dev/x").mode, made.lstat("/dev/x").uid) == (0o600, 3)
    assert made.remove("/dev/x").files == 1


@pytest.mark.parametrize(
    "target", ["x", "/a/b", "../..", "a" * 59, "a" * 60, "é" * 40, "d/" * 600, "\udcfe"], ids=ascii
)
def test_readlink_gives_the_target_as_stored(guest: MakeGuest, target: str) -> None:
    made = guest({"/l": Link(target)})
    assert made.readlink("/l") == target
    made.symlink(target, "/m")
    assert made.readlink("/m") == target
    assert made.lstat("/m").size == len(target.encode("utf-8", "surrogateescape"))


def test_readlink_of_something_else(guest: MakeGuest) -> None:
    made = guest(FILES)
    with pytest.raises(WrongKind):
        made.readlink("/etc/hostname")
    with pytest.raises(NotFound):
        made.readlink("/nothing")


def test_read(guest: MakeGuest) -> None:
    body = bytes(range(256)) * 1000
    made = guest({"/big": body, "/empty": b"", "/l": Link("big"), "/d/": None, "/to-d": Link("d")})
    assert made.read("/big") == made.read("/l") == body
    assert made.read("/empty") == b""
    assert made.read("/big", limit=len(body)) == body
    with pytest.raises(TooLarge) as caught:
        made.read("/l", limit=len(body) - 1)
    assert caught.value.params["path"] == "/l"
    for path in ("/d", "/to-d", "/"):
        with pytest.raises(WrongKind):
            made.read(path)


def test_space(guest: MakeGuest) -> None:
    made = guest({"/d/": None})
    before = made.space("/d")
    assert 0 < before.free <= before.total <= 8 << 20
    made.write("/d/f", bytes(1 << 20))
    after = made.space("/")
    assert before.free - after.free in range(1 << 20, (1 << 20) + 65536)
    assert before.inodes_free - after.inodes_free == 1
    with pytest.raises(NotFound):
        made.space("/nothing")
