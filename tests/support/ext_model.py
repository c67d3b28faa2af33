"""A plain Python model of a filesystem, driven together with an `ExtVolume` by a seeded stream of changes."""

from __future__ import annotations

import os
import random
import stat
from pathlib import Path

from guestwright.guestfs.drivers.ext.volume import ExtVolume
from guestwright.guestfs.errors import NoSpace
from guestwright.guestfs.port import FileKind
from tests.support.ext import Node

SIZES = (0, 1, 20, 59, 60, 61, 120, 160, 500, 1023, 1024, 1025, 4095, 4096, 4097, 20_000, 150_000)


class Model:
    """Paths (relative, "" is the root) to nodes; hard links share one node."""

    def __init__(self, tree: Path) -> None:
        self.nodes: dict[str, Node] = {}
        seen: dict[int, Node] = {}
        for top, folders, files in os.walk(tree):
            for name in [*folders, *files]:
                path = os.path.join(top, name)
                info = os.lstat(path)
                if info.st_ino not in seen:
                    seen[info.st_ino] = _node(path, info)
                self.nodes[os.path.relpath(path, tree)] = seen[info.st_ino]

    def below(self, path: str) -> list[str]:
        """All paths below a directory."""
        return [name for name in self.nodes if name.startswith(path + "/")]

    def children(self, path: str) -> list[str]:
        """Names directly in a directory."""
        prefix = f"{path}/" if path else ""
        return [
            name[len(prefix) :]
            for name in self.nodes
            if name.startswith(prefix) and "/" not in name[len(prefix) :]
        ]

    def paths(self, kind: FileKind) -> list[str]:
        """All paths of a kind."""
        return [path for path, node in self.nodes.items() if node.kind is kind]


def _node(path: str, info: os.stat_result) -> Node:
    mode = stat.S_IMODE(info.st_mode)
    if stat.S_ISDIR(info.st_mode):
        return Node(FileKind.DIRECTORY, mode=mode, uid=info.st_uid, gid=info.st_gid)
    if stat.S_ISLNK(info.st_mode):
        return Node(FileKind.SYMLINK, target=os.readlink(path), mode=0o777, uid=info.st_uid, gid=info.st_gid)
    if stat.S_ISREG(info.st_mode):
        data = Path(path).read_bytes()
        return Node(FileKind.FILE, data=data, mode=mode, uid=info.st_uid, gid=info.st_gid)
    return Node(FileKind.FIFO, mode=mode, uid=info.st_uid, gid=info.st_gid)


class Driver:
    """Applies one random operation after the other to both."""

    def __init__(self, model: Model, volume: ExtVolume, seed: int, *, attribute_limit: int) -> None:
        self.model = model
        self.volume = volume
        self.chance = random.Random(seed)
        self.attribute_limit = attribute_limit
        self.count = 0

    def number(self, path: str) -> int:
        """Inode of a path."""
        inode = self.volume.root
        for part in path.split("/") if path else []:
            inode = self.volume.lookup(inode, part)
        return inode

    def step(self) -> None:
        """One operation."""
        actions = (
            (self.write, 4), (self.truncate, 3), (self.create, 5), (self.mkdir, 3), (self.symlink, 2),
            (self.unlink, 4), (self.remove_tree, 1), (self.attributes, 3), (self.owners, 2),
        )  # fmt: skip
        action = self.chance.choices([a for a, _ in actions], [w for _, w in actions])[0]
        action()

    def _pick(self, kind: FileKind) -> str | None:
        paths = self.model.paths(kind)
        return self.chance.choice(paths) if paths else None

    def _directory(self) -> str:
        return self.chance.choice(["", *self.model.paths(FileKind.DIRECTORY)])

    def _fresh(self) -> tuple[str, str, str]:
        """A directory, a new name, and the path of both."""
        self.count += 1
        folder = self._directory()
        name = f"new{self.count}-" + "n" * self.chance.choice((0, 5, 40, 200))
        return folder, name, f"{folder}/{name}" if folder else name

    def _data(self) -> bytes:
        return self.chance.randbytes(self.chance.choice(SIZES))

    def write(self) -> None:
        """Replace a file's content."""
        path = self._pick(FileKind.FILE)
        if path:
            data = self._data()
            inode = self.number(path)
            self.volume.write(inode, data)
            self.model.nodes[path].data = data
            assert self.volume.read(inode, limit=1 << 24) == data

    def truncate(self) -> None:
        """Cut a file."""
        path = self._pick(FileKind.FILE)
        if path:
            node = self.model.nodes[path]
            size = self.chance.randint(0, len(node.data))
            self.volume.truncate(self.number(path), size, scrub=self.chance.random() < 0.5)
            node.data = node.data[:size]

    def create(self) -> None:
        """A new file."""
        folder, name, path = self._fresh()
        node = Node(FileKind.FILE, data=self._data(), mode=0o600, uid=70_000, gid=5)
        self.volume.create(self.number(folder), name, node.data, mode=0o600, uid=70_000, gid=5)
        self.model.nodes[path] = node

    def mkdir(self) -> None:
        """A new directory."""
        folder, name, path = self._fresh()
        self.volume.mkdir(self.number(folder), name, mode=0o750, uid=3, gid=100_000)
        self.model.nodes[path] = Node(FileKind.DIRECTORY, mode=0o750, uid=3, gid=100_000)

    def symlink(self) -> None:
        """A new symlink."""
        folder, name, path = self._fresh()
        target = "t" * self.chance.choice((1, 30, 59, 60, 61, 150, 500))
        self.volume.symlink(self.number(folder), name, target)
        self.model.nodes[path] = Node(FileKind.SYMLINK, target=target, mode=0o777)

    def unlink(self) -> None:
        """Some or all names of one directory."""
        folder = self._directory()
        names = [
            name
            for name in self.model.children(folder)
            if self.model.nodes[f"{folder}/{name}" if folder else name].kind is not FileKind.DIRECTORY
        ]
        names = self.chance.sample(names, self.chance.randint(0, min(len(names), 60)))
        removed = self.volume.unlink(self.number(folder), names, scrub=self.chance.random() < 0.5)
        assert removed.files == len(names)
        for name in names:
            del self.model.nodes[f"{folder}/{name}" if folder else name]

    def remove_tree(self) -> None:
        """A directory with all in it."""
        path = self._pick(FileKind.DIRECTORY)
        if path and path != "lost+found":
            folder, _, name = path.rpartition("/")
            removed = self.volume.remove_tree(self.number(folder), name, scrub=self.chance.random() < 0.5)
            gone = [path, *self.model.below(path)]
            directories = sum(self.model.nodes[one].kind is FileKind.DIRECTORY for one in gone)
            assert (removed.directories, removed.files) == (directories, len(gone) - directories)
            for one in gone:
                del self.model.nodes[one]

    def attributes(self) -> None:
        """Set or remove an extended attribute."""
        path = self._pick(self.chance.choice((FileKind.FILE, FileKind.DIRECTORY)))
        if not path or not self.attribute_limit:
            return
        node, inode = self.model.nodes[path], self.number(path)
        if node.xattrs and self.chance.random() < 0.3:
            name = self.chance.choice(list(node.xattrs))
            self.volume.remove_xattr(inode, name)
            del node.xattrs[name]
            return
        name = self.chance.choice(("security.selinux", "user.a", "user.second", "trusted.t"))
        value = self.chance.randbytes(self.chance.choice((0, 1, 30, 90, 300, 700, 2000, 60_000)))
        if len(value) > self.attribute_limit:
            return
        try:
            self.volume.set_xattr(inode, name, value)
        except NoSpace:
            return
        node.xattrs[name] = value
        assert self.volume.xattrs(inode) == node.xattrs

    def owners(self) -> None:
        """Mode and owner."""
        path = self._pick(self.chance.choice((FileKind.FILE, FileKind.DIRECTORY)))
        if path:
            node, inode = self.model.nodes[path], self.number(path)
            node.mode, node.uid, node.gid = self.chance.choice((0o600, 0o4755, 0o1777)), 99_999, 65_536
            self.volume.chmod(inode, node.mode)
            self.volume.chown(inode, node.uid, node.gid)
