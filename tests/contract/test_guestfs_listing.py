"""Contract of guest files: directories, patterns, walks, mounts."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from guestwright.base.record import replace
from guestwright.guestfs.drivers.memory import Content, HardLink, Link, Special
from guestwright.guestfs.errors import (
    AlreadyExists,
    GuestFSError,
    NotFound,
    UnsupportedFilesystem,
    WrongKind,
)
from guestwright.guestfs.port import FileKind, Filesystem, GuestFS

MakeGuest = Callable[..., GuestFS]

FILES: dict[str, Content] = {
    "/home/anna/.bash_history": "a",
    "/home/anna/notes": "n",
    "/home/ben/.bash_history": "b",
    "/home/ben/.config/x": "",
    "/home/link": Link("anna"),
    "/home/broken": Link("nobody"),
    "/home/file": "not a home",
    "/var/log/messages": "1",
    "/var/log/messages-1": "2",
    "/var/log/messages.1.gz": "3",
    "/var/log/audit/audit.log": "4",
    "/var/log/[odd]": "5",
    "/var/log/a*b": "6",
    "/var/log/.hidden": "7",
    "/run/utmp": "u",
    "/var/run": Link("/run"),
}


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        (["/var/log/messages"], ["/var/log/messages"]),
        (["/var/log/nothing"], []),
        (["/nothing/*"], []),
        (["/var/log/messages*"], ["/var/log/messages", "/var/log/messages-1", "/var/log/messages.1.gz"]),
        (["/var/log/*.gz", "/var/log/messages.*"], ["/var/log/messages.1.gz"]),
        (["/var/log/messages-?"], ["/var/log/messages-1"]),
        (["/var/log/messages[-.]1*"], ["/var/log/messages-1", "/var/log/messages.1.gz"]),
        (["/var/log/messages[!.]1*"], ["/var/log/messages-1"]),
        (["/var/log/[a-b]*"], ["/var/log/a*b", "/var/log/audit"]),
        (["/var/log/\\[odd\\]"], ["/var/log/[odd]"]),
        (["/var/log/a\\*b"], ["/var/log/a*b"]),
        (["/var/log/.h*"], ["/var/log/.hidden"]),
        (["/var/log/?hidden"], []),
        (["/home/*/.bash_history"], [f"/home/{who}/.bash_history" for who in ("anna", "ben", "link")]),
        (["/home/*/*"], ["/home/anna/notes", "/home/link/notes"]),
        (["/home/ben/.*"], ["/home/ben/.bash_history", "/home/ben/.config"]),
        (["/home/{anna,ben}/.bash_history"], ["/home/anna/.bash_history", "/home/ben/.bash_history"]),
        (["/{home/{anna,carl},var/log}/{notes,messages}"], ["/home/anna/notes", "/var/log/messages"]),
        (["/var/log/messages{,-1}"], ["/var/log/messages", "/var/log/messages-1"]),
        (["/var/run/utmp"], ["/var/run/utmp"]),
        (["/var/ru*"], ["/var/run"]),
        (["/var/run/*"], ["/var/run/utmp"]),
        (["/var/*/utmp"], ["/var/run/utmp"]),
        (["/home/b*"], ["/home/ben", "/home/broken"]),
        (["/home/broken/*", "/home/file/*", "/home/file"], ["/home/file"]),
        (["/"], ["/"]),
        (["/ru*/"], ["/run"]),
        ([], []),
    ],
    ids=str,
)  # fmt: skip
def test_glob(guest: MakeGuest, patterns: list[str], expected: list[str]) -> None:
    made = guest(FILES)
    found = made.glob(patterns)
    assert [entry.path for entry in found] == expected
    assert [entry.stat for entry in found] == [made.lstat(path) for path in expected]


@pytest.mark.parametrize("pattern", ["var/*", "/var/../*", ""])
def test_glob_refuses(guest: MakeGuest, pattern: str) -> None:
    with pytest.raises(GuestFSError):
        guest(FILES).glob([pattern])


def test_glob_of_too_many_alternatives(guest: MakeGuest) -> None:
    with pytest.raises(GuestFSError):
        guest(FILES).glob(["/" + "{a,b}" * 20])


def test_listdir(guest: MakeGuest) -> None:
    made = guest(FILES)
    assert [entry.path for entry in made.listdir("/home")] == [
        "/home/anna",
        "/home/ben",
        "/home/broken",
        "/home/file",
        "/home/link",
    ]
    assert [entry.path for entry in made.listdir("/var/run/")] == ["/var/run/utmp"]
    assert [entry.path for entry in made.listdir("/var/run/../home/ben")] == [
        "/home/ben/.bash_history",
        "/home/ben/.config",
    ]
    assert {entry.path for entry in made.listdir("/")} >= {"/home", "/run", "/var"}
    for entry in made.listdir("/home"):
        assert entry.stat == made.lstat(entry.path)
    with pytest.raises(WrongKind):
        made.listdir("/home/file")
    with pytest.raises(NotFound):
        made.listdir("/home/broken")


def test_walk(guest: MakeGuest) -> None:
    made = guest(FILES)
    assert [(entry.path, entry.stat.kind.value) for entry in made.walk("/home")] == [
        ("/home/anna", "directory"),
        ("/home/anna/.bash_history", "file"),
        ("/home/anna/notes", "file"),
        ("/home/ben", "directory"),
        ("/home/ben/.bash_history", "file"),
        ("/home/ben/.config", "directory"),
        ("/home/ben/.config/x", "file"),
        ("/home/broken", "symlink"),
        ("/home/file", "file"),
        ("/home/link", "symlink"),
    ]
    assert [entry.path for entry in made.walk("/home/link")] == [
        "/home/link/.bash_history",
        "/home/link/notes",
    ]
    assert {"/var/run", "/run/utmp", "/home/ben/.config/x"} <= {entry.path for entry in made.walk("/")}
    with pytest.raises(WrongKind):
        list(made.walk("/home/file"))
    with pytest.raises(NotFound):
        list(made.walk("/nothing"))


def test_walk_while_removing(guest: MakeGuest) -> None:
    made = guest(FILES)
    seen = []
    for entry in made.walk("/home"):
        seen.append(entry.path)
        if entry.stat.kind is FileKind.FILE:
            made.remove(entry.path)
    assert "/home/file" in seen
    assert all(entry.stat.kind is not FileKind.FILE for entry in made.walk("/home"))


def test_walk_that_is_given_up(guest: MakeGuest) -> None:
    made = guest(FILES)
    steps = made.walk("/")
    next(steps)
    made.write("/home/anna/notes", b"new")
    del steps
    assert made.read("/home/anna/notes") == b"new"


def test_a_directory_of_many_names(guest: MakeGuest) -> None:
    made = guest({f"/many/{n:04}-{'x' * 60}": "" for n in range(700)})
    assert len(made.listdir("/many")) == 700
    assert len(made.glob(["/many/*"])) == 700
    assert len(made.glob(["/many/00*"])) == 100
    paths = [entry.path for entry in made.walk("/many")]
    assert paths == sorted(paths)
    assert len(paths) == 700
    assert made.remove_files("/many").files == 700
    assert not made.listdir("/many")


# -- mounts ------------------------------------------------------------------------------------------------

MOUNTED: dict[str, Content] = {
    "/etc/hostname": "web1",
    "/var/log/messages": "m",
    "/var/log/deep/": None,
    "/var/up": Link("../etc/hostname"),
    "/var/abs": Link("/etc/hostname"),
    "/var/log/audit/audit.log": "a",
    "/log": Link("/var/log"),
}
POINTS = ["/var", "/var/log/audit"]


def test_look_up_across_mounts(guest: MakeGuest) -> None:
    made = guest(MOUNTED, mounts=POINTS)
    table = made.mounts()
    assert list(table) == ["/", *POINTS]
    assert len(set(table.values())) == 3
    assert made.read("/var/up") == made.read("/var/abs") == b"web1"
    assert made.resolve("/log/audit/../../../etc") == "/etc"
    assert made.resolve("/var/log/audit/..") == "/var/log"
    assert made.read("/log/audit/audit.log") == b"a"
    for point, filesystem in table.items():
        assert made.lstat(point).filesystem == filesystem
    assert made.lstat("/var/log/audit/audit.log").filesystem == table["/var/log/audit"]
    assert made.lstat("/var/log/messages").filesystem == table["/var"]
    assert [entry.path for entry in made.glob(["/var/l*/*/a*", "/log/*/*.log"])] == [
        "/log/audit/audit.log",
        "/var/log/audit/audit.log",
    ]
    entries = {entry.path: entry.stat.filesystem for entry in made.walk("/")}
    assert entries["/var/log/audit/audit.log"] == table["/var/log/audit"]
    assert entries["/var/log/audit"] == table["/var/log/audit"]


def test_filesystems(guest: MakeGuest) -> None:
    swap = Filesystem(id="disk0/p9", type="swap", size=1 << 20, disk=0, partition=9)
    made = guest(MOUNTED, mounts=POINTS, other=[swap])
    assert [each.id for each in made.filesystems()] == ["disk0/p1", "disk0/p2", "disk0/p3", "disk0/p9"]
    assert [each.mountable for each in made.filesystems()] == [True, True, True, False]
    assert replace(made.filesystems()[3]) == swap
    with pytest.raises(UnsupportedFilesystem):
        made.mount("disk0/p9", "/etc")
    with pytest.raises(NotFound):
        made.mount("disk7", "/etc")
    with pytest.raises(NotFound):
        made.mount("disk0/p3", "/nothing")
    with pytest.raises(WrongKind):
        made.mount("disk0/p3", "/etc/hostname")


def test_mount_and_unmount(guest: MakeGuest) -> None:
    made = guest(MOUNTED, mounts=["/var"])
    made.unmount_all()
    assert made.mounts() == {}
    with pytest.raises(NotFound):
        made.lstat("/")
    made.mount("disk0/p2", "/")
    assert made.read("/log/messages") == b"m"
    made.unmount_all()
    made.mount("disk0/p1", "/")
    made.mkdir("/mnt")
    made.symlink("/mnt", "/media")
    made.mount("disk0/p2", "/media", options="ro,noatime")
    assert made.mounts() == {"/": "disk0/p1", "/mnt": "disk0/p2"}
    assert made.read("/mnt/log/messages") == b"m"


def test_a_later_mount_hides_what_lies_beneath(guest: MakeGuest) -> None:
    made = guest({"/a/b/inner": "1", "/a/outer": "2", "/c/": None}, mounts=["/a/b", "/c"])
    assert made.read("/a/b/inner") == b"1"
    made.mount("disk0/p3", "/a")
    assert {entry.path for entry in made.listdir("/a")} <= {"/a/lost+found"}
    with pytest.raises(NotFound):
        made.lstat("/a/b/inner")


def test_mount_points_survive_removal(guest: MakeGuest) -> None:
    made = guest({**MOUNTED, "/var/lib/x": "x", "/var/log/deep/y": "y"}, mounts=["/var/log/audit"])
    removed = made.remove("/var", recursive=True)
    assert (removed.files, removed.size) == (6, 4)
    assert [entry.path for entry in made.walk("/var")] == ["/var/log", "/var/log/audit"]
    assert made.remove("/var/log/audit", recursive=True).files == 0
    with pytest.raises(WrongKind):
        made.remove("/var/log/audit")
    with pytest.raises(AlreadyExists):
        made.mkdir("/var/log/audit")


def test_emptying_the_root(guest: MakeGuest) -> None:
    made = guest({"/a/b": "1", "/c": "2", "/d": Special(FileKind.FIFO)})
    with pytest.raises(WrongKind):
        made.remove("/")
    assert made.remove("/", recursive=True).files == 3
    assert not made.listdir("/")


def test_remove_files_across_mounts(guest: MakeGuest) -> None:
    made = guest(MOUNTED, mounts=POINTS)
    assert made.remove_files("/log").files == 2
    assert next(made.walk("/var/log")).path == "/var/log/audit"


def test_find_takes_regular_files_by_the_end_of_their_names(guest: MakeGuest) -> None:
    made = guest(
        {
            "/etc/a~": "12",
            "/etc/.b.bak": "3",
            "/etc/deep/er/c.bak": "4",
            "/etc/d.bak/": None,
            "/etc/d.bak/e~": "5",
            "/etc/link~": Link("/etc/a~"),
            "/etc/plain": "",
            "/srv": Link("/etc"),
            "/var/log/audit/f~": "6",
        },
        mounts=["/var/log/audit"],
    )
    found = made.find(["/etc", "/srv", "/missing", "/etc/plain", "/var"], [".bak", "~"])
    assert [entry.path for entry in found] == [
        "/etc/.b.bak",
        "/etc/a~",
        "/etc/d.bak/e~",
        "/etc/deep/er/c.bak",
        "/var/log/audit/f~",
    ]
    assert found[1].stat.size == 2


def test_what_is_gone_is_gone_from_what_was_remembered(guest: MakeGuest) -> None:
    """Removal keeps what was looked up before; names, links and numbers that come back must be right."""
    made = guest(
        {
            "/var/log/a": "1",
            "/var/log/tree/b": "22",
            "/keep/hard": HardLink("/var/log/tree/b"),
            "/var/log/c": "",
        }
    )
    assert made.lstat("/keep/hard").links == 2
    assert [entry.path for entry in made.glob(["/var/log/*", "/var/log/tree/*"])] == [
        "/var/log/a",
        "/var/log/c",
        "/var/log/tree",
        "/var/log/tree/b",
    ]
    made.remove("/var/log/tree", recursive=True)
    assert made.lstat("/keep/hard").links == 1
    with pytest.raises(NotFound):
        made.lstat("/var/log/tree/b")
    made.remove("/var/log/a")
    assert [entry.path for entry in made.glob(["/var/log/*", "/var/log/tree/*"])] == ["/var/log/c"]
    for number in range(8):
        made.mkdir(f"/var/log/new{number}")
        made.write(f"/var/log/new{number}/x", b"x" * number)
    assert [made.lstat(f"/var/log/new{number}/x").size for number in range(8)] == list(range(8))
    assert made.read("/keep/hard") == b"22"
