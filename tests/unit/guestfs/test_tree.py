"""The path layer, beyond the contract: limits, damaged volumes, caches, late opening."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guestwright.base.record import replace
from guestwright.guestfs import cached
from guestwright.guestfs.drivers.memory import Link, MemoryVolume, Special, memory_guest
from guestwright.guestfs.errors import Corrupt, GuestFSError, NotFound, TooLarge, UnsupportedFilesystem
from guestwright.guestfs.port import FileKind, Filesystem, GuestFS, Removed
from guestwright.guestfs.tree import Tree
from guestwright.guestfs.volume import Volume
from guestwright.guestfs.walking import Limits

ROOT = Filesystem(id="disk0/p1", type="ext4", size=1 << 30, disk=0, partition=1, mountable=True)


class Counting(MemoryVolume):
    """Counts what the path layer asks for."""

    def __init__(self) -> None:
        super().__init__(ROOT)
        self.calls: Counter[str] = Counter()

    def lookup(self, directory: int, name: str) -> int:
        self.calls["lookup"] += 1
        return super().lookup(directory, name)

    def stat(self, inode: int) -> Any:
        self.calls["stat"] += 1
        return super().stat(inode)

    def entries(self, directory: int) -> Any:
        self.calls["entries"] += 1
        return super().entries(directory)


def mounted(volume: Volume, **more: Any) -> Tree:
    tree = Tree({ROOT.id: volume}, **more)
    tree.mount(ROOT.id, "/")
    return tree


def test_conforms() -> None:
    guest: GuestFS = memory_guest({})
    volume: Volume = MemoryVolume(ROOT)
    assert guest.mounts() == {"/": "disk0/p1"}
    assert volume.root == 2


def test_lookups_are_remembered() -> None:
    volume = Counting()
    tree = mounted(volume)
    tree.mkdir("/a")
    tree.mkdir("/a/b")
    tree.write("/a/b/c", b"")
    for _ in range(3):
        tree.lstat("/a/b/c")
        with pytest.raises(NotFound):
            tree.lstat("/a/b/d")
    volume.calls.clear()
    for _ in range(3):
        tree.lstat("/a/b/c")
        with pytest.raises(NotFound):
            tree.lstat("/a/b/d")
    assert not volume.calls
    tree.glob(["/a/b/*"])
    with pytest.raises(NotFound):
        tree.lstat("/a/b/never-asked")
    assert volume.calls["lookup"] == 0
    assert volume.calls["entries"] == 1


def test_the_memory_of_lookups_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cached, "_LIMIT", 10)
    tree = mounted(Counting())
    for number in range(50):
        tree.write(f"/{number}", b"")
        assert tree.lstat(f"/{number}").size == 0
    assert len(tree.listdir("/")) == 50


def test_a_directory_that_contains_itself() -> None:
    volume = MemoryVolume(ROOT)
    tree = mounted(volume)
    tree.mkdir("/a")
    tree.mkdir("/a/b")
    volume.add(tree.lstat("/a/b").inode, "again", tree.lstat("/a").inode)
    for attempt in (lambda: list(tree.walk("/")), lambda: tree.remove_files("/")):
        with pytest.raises(Corrupt):
            attempt()
    assert tree.lstat("/a/b/again/b/again").inode == tree.lstat("/a").inode
    with pytest.raises(Corrupt):
        tree.remove("/a", recursive=True)


def test_the_same_filesystem_twice_is_no_loop() -> None:
    tree = memory_guest({"/mnt/": None, "/etc/hostname": "h"})
    tree.mount("disk0/p1", "/mnt")
    assert "/mnt/etc/hostname" in [entry.path for entry in tree.walk("/")]


def test_walks_are_bounded() -> None:
    volume = MemoryVolume(ROOT)
    tree = mounted(volume, limits=Limits(entries=10, depth=3))
    for number in range(10):
        tree.mkdir(f"/{number}")
    assert len(list(tree.walk("/"))) == 10
    tree.mkdir("/0/1")
    with pytest.raises(TooLarge):
        list(tree.walk("/"))
    deep = mounted(MemoryVolume(ROOT), limits=Limits(depth=3))
    deep.mkdir("/a")
    deep.mkdir("/a/b")
    assert len(list(deep.walk("/"))) == 2
    deep.mkdir("/a/b/c")
    for attempt in (lambda: list(deep.walk("/")), lambda: deep.remove_files("/")):
        with pytest.raises(TooLarge):
            attempt()


def test_an_entry_without_inode_is_corrupt_and_says_so() -> None:
    volume = MemoryVolume(ROOT)
    tree = mounted(volume)
    tree.write("/f", b"")
    del volume._inodes[tree.lstat("/f").inode]
    with pytest.raises(Corrupt, match="disk0/p1"):
        mounted(volume).lstat("/f")


def test_unknown_kinds() -> None:
    tree = memory_guest({"/d/x": Special(FileKind.UNKNOWN), "/d/f": ""})
    assert tree.lstat("/d/x").kind is FileKind.UNKNOWN
    assert tree.remove_files("/d") == Removed(files=1)
    assert tree.remove("/d", recursive=True) == Removed(files=1, directories=1)


@pytest.mark.parametrize("told", [FileKind.UNKNOWN, FileKind.DIRECTORY, FileKind.FILE])
def test_find_takes_the_word_of_the_inode(told: FileKind) -> None:
    """ext2 without filetype does not tell kinds, and a hostile directory lies; no other file may be found."""

    class Silent(MemoryVolume):
        def entries(self, directory: int) -> Any:
            links = super().entries(directory)
            return [replace(one, kind=told if one.kind is FileKind.FILE else one.kind) for one in links]

    volume = Silent(ROOT)
    tree = mounted(volume)
    tree.mkdir("/etc")
    for name in ("machine-id", "a.bak", "b~"):
        tree.write(f"/etc/{name}", b"")
    assert [one.path for one in tree.find(["/etc"], [".bak", "~"])] == ["/etc/a.bak", "/etc/b~"]


def test_late_filesystems() -> None:
    opened = []

    def opener() -> Volume:
        opened.append(1)
        return MemoryVolume(ROOT)

    def broken() -> Volume:
        raise UnsupportedFilesystem(filesystem="disk0/p2", detail="odd", advice="none")

    second = Filesystem(id="disk0/p2", type="ext4", size=1, disk=0, partition=2, mountable=True)
    tree = Tree({}, late=[(second, broken), (ROOT, opener)])
    assert [each.id for each in tree.filesystems()] == ["disk0/p1", "disk0/p2"]
    assert not opened
    tree.mount("disk0/p1", "/")
    tree.unmount_all()
    tree.mount("disk0/p1", "/")
    assert opened == [1]
    assert [each.id for each in tree.filesystems()] == ["disk0/p1", "disk0/p2"]
    tree.mkdir("/mnt")
    for _ in range(2):
        with pytest.raises(UnsupportedFilesystem, match="odd"):
            tree.mount("disk0/p2", "/mnt")
    assert tree.mounts() == {"/": "disk0/p1"}


def test_sync_and_close_reach_all_volumes() -> None:
    volume = MemoryVolume(ROOT)
    tree = mounted(volume)
    tree.sync()
    tree.close()
    tree.close()
    assert (volume.synced, volume.closed) == (1, True)
    with pytest.raises(NotFound):
        tree.lstat("/")


def test_scrub_reaches_the_volume() -> None:
    volume = MemoryVolume(ROOT)
    tree = mounted(volume)
    for name in "abc":
        tree.write(f"/{name}", name.encode())
    tree.mkdir("/d")
    tree.write("/d/e", b"e")
    tree.remove("/a")
    assert not volume.scrubbed
    tree.remove("/b", scrub=True)
    tree.truncate("/c", scrub=True)
    tree.remove("/d", recursive=True, scrub=True)
    assert volume.scrubbed == [b"b", b"c", b"e"]


def test_bytes_that_form_text_are_that_text() -> None:
    tree = memory_guest({"/\udcc3\udca9": "x"})
    assert tree.read("/é") == b"x"
    assert [entry.path for entry in tree.listdir("/")] == ["/é"]
    tree.remove("/\udcc3\udca9")
    with pytest.raises(NotFound):
        tree.lstat("/é")


NAMES = st.sampled_from(["a", "b", "l", "..", ".", "", "x" * 3])
PATHS = st.lists(NAMES, max_size=8).map(lambda names: "/" + "/".join(names))
TARGETS = st.one_of(PATHS, st.lists(NAMES, min_size=1, max_size=6).map("/".join).filter(bool))


@settings(deadline=None)
@given(links=st.dictionaries(st.sampled_from(["/l", "/a/l", "/a/b/l", "/b"]), TARGETS), path=PATHS)
def test_look_up_never_leaves_and_always_ends(links: dict[str, str], path: str) -> None:
    tree = memory_guest({"/a/b/x": "1"})
    for link, target in links.items():
        tree.symlink(target, link)
    methods: list[Callable[[], Any]] = [
        lambda: tree.resolve(path),
        lambda: tree.resolve(path, follow=False),
    ]
    for method in methods:
        try:
            resolved = method()
        except GuestFSError:
            continue
        assert resolved.startswith("/")
        assert ".." not in resolved.split("/")
        assert tree.resolve(resolved, follow=False) == resolved
    for entry in tree.walk("/"):
        assert tree.lstat(entry.path) == entry.stat


def test_memory_guest_makes_targets_of_symlinks() -> None:
    tree = memory_guest({"/bin/ls": "x", "/bin": Link("usr/bin"), "/lib": Link("/usr/lib"), "/lib/a/b": "y"})
    assert tree.read("/usr/bin/ls") == b"x"
    assert tree.read("/usr/lib/a/b") == b"y"
    assert tree.readlink("/bin") == "usr/bin"
