"""Contract of guest files: writing, attributes, removal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from guestwright.guestfs.drivers.memory import Content, File, HardLink, Link, Special
from guestwright.guestfs.errors import (
    AlreadyExists,
    GuestFSError,
    NoSpace,
    NotFound,
    TooLarge,
    TooManyLinks,
    WrongKind,
)
from guestwright.guestfs.port import FileKind, GuestFS, Removed

MakeGuest = Callable[..., GuestFS]
LABEL = {"security.selinux": b"system_u:object_r:etc_t:s0\0", "user.note": b"n"}


@pytest.mark.parametrize("body", [b"", b"x", b"y" * 4096, b"z" * 300_000], ids=len)
def test_write_in_place_keeps_everything_else(guest: MakeGuest, body: bytes) -> None:
    made = guest(
        {"/f": File("old content", 0o4640, 33, 44, LABEL), "/again": HardLink("/f"), "/l": Link("f")}
    )
    before = made.lstat("/f")
    made.write("/l", body, mode=0o777, uid=9, gid=9)
    after = made.lstat("/f")
    assert made.read("/f") == made.read("/again") == body
    assert after.size == len(body)
    assert (after.inode, after.mode, after.uid, after.gid, after.links) == (
        before.inode,
        0o4640,
        33,
        44,
        2,
    )
    assert made.xattrs("/f") == LABEL
    assert made.lstat("/l").kind is FileKind.SYMLINK


@pytest.mark.parametrize("body", [b"", b"x", b"y" * 4096, b"z" * 300_000], ids=len)
def test_write_creates_with_these_attributes(guest: MakeGuest, body: bytes) -> None:
    made = guest({"/etc/": None, "/d": Link("etc")})
    made.write("/d/new", body, mode=0o2600, uid=1000, gid=70000)
    stat = made.lstat("/etc/new")
    assert (stat.kind, stat.mode, stat.uid, stat.gid, stat.links) == (FileKind.FILE, 0o2600, 1000, 70000, 1)
    assert made.read("/etc/new") == body
    assert stat.filesystem == made.mounts()["/"]
    made.write("/plain", b"")
    assert (made.lstat("/plain").mode, made.lstat("/plain").uid) == (0o644, 0)


def test_write_through_a_dangling_symlink_stays_inside(guest: MakeGuest) -> None:
    made = guest({"/etc/": None, "/l": Link("../../../../etc/made"), "/m": Link("/none/there")})
    made.write("/l", b"in the guest")
    assert made.read("/etc/made") == b"in the guest"
    assert made.lstat("/l").kind is FileKind.SYMLINK
    with pytest.raises(NotFound):
        made.write("/m", b"")


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("/missing/f", NotFound),
        ("/d", WrongKind),
        ("/to-d", WrongKind),
        ("/", WrongKind),
        ("/f/x", NotFound),
        ("/loop", TooManyLinks),
        ("/" + "n" * 256, TooLarge),
        ("relative", GuestFSError),
    ],
)
def test_write_refuses(guest: MakeGuest, path: str, error: type[GuestFSError]) -> None:
    made = guest({"/d/": None, "/to-d": Link("d"), "/f": "", "/loop": Link("loop")})
    with pytest.raises(error):
        made.write(path, b"x")


def test_an_instantly_visible_cycle(guest: MakeGuest) -> None:
    """Caches must not remember what was changed."""
    made = guest({"/d/": None})
    for body in (b"1", b"22", b"333"):
        with pytest.raises(NotFound):
            made.lstat("/d/f")
        assert not made.glob(["/d/*"])
        made.write("/d/f", body)
        assert made.lstat("/d/f").size == len(body)
        assert [entry.path for entry in made.glob(["/d/*"])] == ["/d/f"]
        made.chmod("/d/f", 0o600)
        assert made.stat("/d/f").mode == 0o600
        made.remove("/d/f")
        made.mkdir("/d/f")
        assert made.lstat("/d/f").kind is FileKind.DIRECTORY
        made.write("/d/f/x", b"")
        made.remove("/d/f", recursive=True)
        made.symlink("x", "/d/f")
        assert made.readlink("/d/f") == "x"
        made.remove("/d/f")


def test_what_was_synced_is_still_there(guest: MakeGuest) -> None:
    made = guest({"/d/": None})
    made.write("/d/a", b"1" * 5000)
    made.sync()
    made.write("/d/b", b"2")
    made.sync()
    made.sync()
    assert [entry.path for entry in made.listdir("/d")] == ["/d/a", "/d/b"]


def test_no_space(guest: MakeGuest) -> None:
    made = guest({"/d/": None, "/f": b"old"})
    free = made.space("/").free
    with pytest.raises(NoSpace):
        made.write("/d/huge", bytes(free + 65536))
    made.write("/d/large", bytes(free // 2))
    with pytest.raises(NoSpace) as caught:
        made.write("/f", bytes(free))
    assert caught.value.params["path"] == "/f"
    made.remove("/d/large")
    made.write("/d/large", bytes(free // 2))


@pytest.mark.parametrize("scrub", [False, True])
@pytest.mark.parametrize("size", [0, 1, 4096, 4999, 5000])
def test_truncate(guest: MakeGuest, size: int, scrub: bool) -> None:
    body = bytes(range(250)) * 20
    made = guest({"/f": File(body, 0o600, 1, 2, LABEL), "/l": Link("f")})
    before = made.lstat("/f")
    made.truncate("/f", size, scrub=scrub)
    after = made.lstat("/f")
    assert made.read("/f") == body[:size]
    assert (after.inode, after.mode, after.uid, after.size) == (before.inode, 0o600, 1, size)
    assert made.xattrs("/f") == LABEL


def test_truncate_refuses(guest: MakeGuest) -> None:
    made = guest({"/f": b"12345", "/l": Link("f"), "/d/": None})
    for size in (6, -1):
        with pytest.raises(GuestFSError):
            made.truncate("/f", size)
    for path in ("/l", "/d"):
        with pytest.raises(WrongKind):
            made.truncate(path)
    with pytest.raises(NotFound):
        made.truncate("/nothing")
    assert made.read("/f") == b"12345"


def test_mkdir(guest: MakeGuest) -> None:
    made = guest({"/f": "", "/dangling": Link("nowhere"), "/d/": None, "/l": Link("d")})
    links = made.lstat("/d").links
    made.mkdir("/l/new", mode=0o1711, uid=5, gid=6)
    stat = made.lstat("/d/new")
    assert (stat.kind, stat.mode, stat.uid, stat.gid, stat.links) == (FileKind.DIRECTORY, 0o1711, 5, 6, 2)
    assert made.lstat("/d").links == links + 1
    assert not made.listdir("/d/new")
    made.mkdir("/d/new/slash/")
    for path in ("/f", "/d", "/dangling", "/l", "/", "/d/.."):
        with pytest.raises(AlreadyExists):
            made.mkdir(path)
    for path in ("/x/y", "/f/y"):
        with pytest.raises(NotFound):
            made.mkdir(path)


def test_symlink(guest: MakeGuest) -> None:
    made = guest({"/f": "", "/dangling": Link("nowhere")})
    made.symlink("../../nowhere else\n", "/new")
    stat = made.lstat("/new")
    assert (stat.kind, stat.mode, stat.uid, stat.gid) == (FileKind.SYMLINK, 0o777, 0, 0)
    assert made.readlink("/new") == "../../nowhere else\n"
    for path in ("/f", "/dangling", "/new"):
        with pytest.raises(AlreadyExists):
            made.symlink("x", path)
    with pytest.raises(NotFound):
        made.symlink("x", "/no/l")
    for target in ("", "a\0b", "t" * 4096):
        with pytest.raises(GuestFSError):
            made.symlink(target, "/bad")


def test_chmod_follows_and_chown_does_not(guest: MakeGuest) -> None:
    made = guest({"/f": File("", 0o644, 1, 1), "/l": Link("f", 2, 2), "/d/": None})
    made.chmod("/l", 0o4755)
    made.chown("/l", 3, 70000)
    made.chmod("/d", 0o1777)
    assert (made.lstat("/f").mode, made.lstat("/f").uid) == (0o4755, 1)
    assert (made.lstat("/l").uid, made.lstat("/l").gid) == (3, 70000)
    assert (made.lstat("/d").mode, made.lstat("/d").kind) == (0o1777, FileKind.DIRECTORY)
    attempts: list[Callable[[], Any]] = [
        lambda: made.chmod("/f", 0o10000),
        lambda: made.chmod("/f", -1),
        lambda: made.chown("/f", -1, 0),
        lambda: made.chown("/f", 0, 1 << 32),
        lambda: made.write("/new", b"", mode=0o100644),
        lambda: made.mkdir("/new", uid=-1),
    ]
    for attempt in attempts:
        with pytest.raises(GuestFSError):
            attempt()
    with pytest.raises(NotFound):
        made.chmod("/nothing", 0)
    with pytest.raises(NotFound):
        made.lstat("/new")


def test_xattrs(guest: MakeGuest) -> None:
    made = guest({"/f": File("x", xattrs=LABEL), "/d/": None, "/l": Link("f")})
    assert made.xattrs("/f") == LABEL
    assert made.xattrs("/d") == {}
    made.set_xattr("/f", "user.note", b"")
    made.set_xattr("/f", "security.capability", bytes(range(20)))
    made.set_xattr("/d", "security.selinux", b"dir\0")
    made.set_xattr("/l", "security.selinux", b"link\0")
    assert made.xattrs("/f") == {**LABEL, "user.note": b"", "security.capability": bytes(range(20))}
    assert made.xattrs("/l") == {"security.selinux": b"link\0"}
    made.remove_xattr("/f", "security.selinux")
    assert sorted(made.xattrs("/f")) == ["security.capability", "user.note"]
    with pytest.raises(NotFound):
        made.remove_xattr("/f", "security.selinux")
    for name in ("", "noprefix", ".x", "user.", "user.a\0b", "user." + "n" * 255):
        with pytest.raises(GuestFSError):
            made.set_xattr("/f", name, b"")
    with pytest.raises(GuestFSError):
        made.set_xattr("/f", "user.big", bytes(70000))
    for attempt in (lambda: made.xattrs("/no"), lambda: made.set_xattr("/no", "user.x", b"")):
        with pytest.raises(NotFound):
            attempt()


def test_a_large_attribute_beside_small_ones(guest: MakeGuest) -> None:
    made = guest({"/f": File("x", xattrs=LABEL)})
    made.set_xattr("/f", "user.large", b"v" * 1500)
    assert made.xattrs("/f") == {**LABEL, "user.large": b"v" * 1500}
    made.write("/f", b"y" * 9000)
    made.remove_xattr("/f", "user.large")
    assert made.xattrs("/f") == LABEL
    assert made.remove("/f") == Removed(files=1, size=9000)


# -- removal -----------------------------------------------------------------------------------------------

TREE: dict[str, Content] = {
    "/t/a": "12345",
    "/t/sub/b": "123",
    "/t/sub/deeper/c": "",
    "/t/empty/": None,
    "/t/out": Link("/kept"),
    "/t/fifo": Special(FileKind.FIFO),
    "/kept/secret": "stay",
    "/l": Link("t"),
    "/into": Link("kept/secret"),
}


@pytest.mark.parametrize("scrub", [False, True])
def test_remove_a_tree(guest: MakeGuest, scrub: bool) -> None:
    made = guest(TREE)
    links = made.lstat("/").links
    assert made.remove("/t", recursive=True, scrub=scrub) == Removed(files=5, directories=4, size=8)
    assert made.lstat("/").links == links - 1
    assert made.read("/kept/secret") == b"stay"
    for path in ("/t", "/t/a", "/t/sub/deeper"):
        with pytest.raises(NotFound):
            made.lstat(path)


def test_remove_does_not_follow_the_last(guest: MakeGuest) -> None:
    made = guest(TREE)
    assert made.remove("/l", recursive=True) == Removed(files=1)
    assert made.remove("/into") == Removed(files=1)
    assert made.read("/t/a") == b"12345"
    assert made.read("/kept/secret") == b"stay"


@pytest.mark.parametrize("scrub", [False, True])
def test_remove_through_a_symlinked_parent(guest: MakeGuest, scrub: bool) -> None:
    made = guest(TREE)
    assert made.remove("/l/a", scrub=scrub) == Removed(files=1, size=5)
    assert made.remove("/l/sub", recursive=True) == Removed(files=2, directories=2, size=3)
    with pytest.raises(NotFound):
        made.lstat("/t/a")


def test_remove_refuses(guest: MakeGuest) -> None:
    made = guest(TREE)
    for path in ("/nothing", "/t/a/x", "/t/nothing"):
        with pytest.raises(NotFound):
            made.remove(path, recursive=True)
    for path in ("/t", "/t/empty"):
        with pytest.raises(WrongKind):
            made.remove(path)
    assert made.remove("/t/empty", recursive=True) == Removed(directories=1)


def test_hard_links(guest: MakeGuest) -> None:
    made = guest({"/d/a": "12345", "/e/b": HardLink("/d/a"), "/e/c": HardLink("/d/a")})
    assert made.lstat("/e/c").links == 3
    assert made.remove("/d/a", scrub=True) == Removed(files=1)
    assert made.lstat("/e/c").links == 2
    assert made.read("/e/b") == b"12345"
    assert made.remove("/e", recursive=True) == Removed(files=2, directories=1, size=5)


def test_hard_links_out_of_a_tree(guest: MakeGuest) -> None:
    made = guest({"/t/a": "12345", "/out": HardLink("/t/a")})
    assert made.remove("/t", recursive=True, scrub=True) == Removed(files=1, directories=1)
    assert made.read("/out") == b"12345"
    assert made.lstat("/out").links == 1


def test_remove_files(guest: MakeGuest) -> None:
    made = guest({**TREE, "/t/sub/.keep": "k", "/t/sub/deeper/.keep": "k"})
    assert made.remove_files("/l", keep=[".keep"]) == Removed(files=3, size=8)
    assert [entry.path for entry in made.walk("/t")] == [
        "/t/empty",
        "/t/fifo",
        "/t/out",
        "/t/sub",
        "/t/sub/.keep",
        "/t/sub/deeper",
        "/t/sub/deeper/.keep",
    ]
    assert made.remove_files("/t") == Removed(files=2, size=2)
    assert made.remove_files("/t") == Removed()
    assert made.read("/kept/secret") == b"stay"
    with pytest.raises(NotFound):
        made.remove_files("/nothing")
    with pytest.raises(WrongKind):
        made.remove_files("/kept/secret")


def test_removal_gives_the_room_back(guest: MakeGuest) -> None:
    made = guest({"/d/": None})
    before = made.space("/")
    made.mkdir("/d/t")
    made.write("/d/t/f", bytes(100_000))
    made.symlink("x" * 1000, "/d/t/l")
    assert made.space("/").free < before.free
    made.remove("/d/t", recursive=True)
    assert made.space("/") == before


def test_remove_all_says_what_became_of_each(guest: MakeGuest) -> None:
    made = guest({"/a": "12", "/b/c": "3", "/b/d": "", "/e": Link("/a"), "/k\n": "4"})
    assert made.remove_all(["/a", "/missing", "/b", "/e", "/a", "/k\n"]) == [
        Removed(files=1, size=2),
        None,
        FileKind.DIRECTORY,
        Removed(files=1),
        None,
        Removed(files=1, size=1),
    ]
    assert made.remove_all(["/b", "/b/c"], recursive=True) == [Removed(files=2, directories=1, size=1), None]
    assert made.remove_all([]) == []


def test_remove_all_of_siblings_counts_as_one_by_one(guest: MakeGuest) -> None:
    files: dict[str, Content] = {
        "/d/a": "12",
        "/d/b": HardLink("/d/a"),
        "/d/c": "333",
        "/keep": HardLink("/d/c"),
        "/d/dir/x": "",
        "/d/e": Link("a"),
        "/d/f": "1",
    }
    paths = ["/d/a", "/d/b", "/d/c", "/d/dir", "/d/e", "/d/none", "/d/f", "/d/f"]
    one_by_one = [made.remove_all([path])[0] for made in [guest(files)] for path in paths]
    together = guest(files).remove_all(paths)
    assert list(together) == one_by_one
    expected = [0, 2, 0, FileKind.DIRECTORY, 0, None, 1, None]
    assert [one.size if isinstance(one, Removed) else one for one in together] == expected
