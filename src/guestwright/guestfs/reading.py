"""The half of `Tree` that looks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from guestwright.guestfs import globs
from guestwright.guestfs.errors import GuestFSError, NotFound, TooLarge, TooManyLinks, WrongKind
from guestwright.guestfs.port import Entry, FileKind, Space, Stat
from guestwright.guestfs.resolve import Namespace, Node, at, components, join, spelled
from guestwright.guestfs.walking import Limits, walk


class Reading:
    """Looking at paths; each method is as `GuestFS` has it.

    Args:
        names: the look-up of paths.
        limits: how far `walk` goes.
    """

    def __init__(self, names: Namespace, limits: Limits) -> None:
        self._names = names
        self._limits = limits

    def resolve(self, path: str, *, follow: bool = True) -> str:
        """The path with every symlink resolved."""
        return self._names.node(path, follow=follow).path

    def lstat(self, path: str) -> Stat:
        """Stat without following the last component."""
        return self._stat(self._names.node(path, follow=False), path)

    def stat(self, path: str) -> Stat:
        """Stat, following the last component."""
        return self._stat(self._names.node(path, follow=True), path)

    def readlink(self, path: str) -> str:
        """Target of a symlink, as stored."""
        node = self._names.node(path, follow=False)
        if node.kind is not FileKind.SYMLINK:
            raise WrongKind(path=path, found=node.kind, expected="symlink")
        with at(path):
            return node.volume.target(node.inode)

    def listdir(self, path: str) -> Sequence[Entry]:
        """Entries of a directory, sorted by name."""
        directory = self._names.directory(path)
        top = self._shown(path, directory)
        with at(path):
            found = []
            for link in directory.volume.entries(directory.inode):
                node = self._names.child(directory, link.name)
                if node is not None:
                    found.append(Entry(path=join(top, link.name), stat=node.stat()))
            return found

    def glob(self, patterns: Sequence[str]) -> Sequence[Entry]:
        """Everything that matches any of the shell patterns, each path once, sorted."""
        found: dict[str, Entry] = {}
        for pattern in patterns:
            for expanded in globs.expand_braces(pattern):
                parts = [part for part in expanded.split("/") if part not in {"", "."}]
                if ".." in parts or not expanded.startswith("/"):
                    raise GuestFSError(path=pattern, detail='a pattern starts with "/" and holds no ".."')
                for entry in self._matches("/", parts):
                    found.setdefault(entry.path, entry)
        return [found[path] for path in sorted(found)]

    def walk(self, top: str) -> Iterator[Entry]:
        """Everything below a directory, parents first."""
        directory = self._names.directory(top)
        for step in walk(self._names, directory, self._shown(top, directory), self._limits):
            with at(step.path):
                entry = Entry(path=step.path, stat=step.node.stat())
            yield entry

    def find(self, tops: Sequence[str], suffixes: Sequence[str]) -> Sequence[Entry]:
        """Every regular file below the tops with one of the suffixes."""
        found: dict[str, Entry] = {}
        for top in tops:
            node = self._names.place(top, follow=False).node
            if node is None or node.kind is not FileKind.DIRECTORY:
                continue
            wanted = tuple(suffixes)
            for step in walk(self._names, node, self._shown(top, node), self._limits, suffixes=wanted):
                if step.node.kind is FileKind.FILE:
                    found[step.path] = Entry(path=step.path, stat=self._stat(step.node, step.path))
        return [found[path] for path in sorted(found)]

    def read(self, path: str, *, limit: int = 1 << 20) -> bytes:
        """Whole content of a regular file."""
        node = self._names.node(path, follow=True)
        if node.kind is not FileKind.FILE:
            raise WrongKind(path=path, found=node.kind, expected="file")
        with at(path):
            return node.volume.volume.read(node.inode, limit=limit)

    def xattrs(self, path: str) -> Mapping[str, bytes]:
        """Extended attributes with their full names."""
        node = self._names.node(path, follow=False)
        with at(path):
            return node.volume.volume.xattrs(node.inode)

    def space(self, path: str) -> Space:
        """Room on the filesystem that holds a path."""
        node = self._names.node(path, follow=True)
        with at(path):
            return node.volume.volume.space()

    def _stat(self, node: Node, path: str) -> Stat:
        with at(path):
            return node.stat()

    def _shown(self, path: str, node: Node) -> str:
        """The path as the caller spells it where that is a normal path; otherwise resolved."""
        parts = components(path)
        return node.path if ".." in parts else spelled(parts)

    def _matches(self, prefix: str, parts: Sequence[str]) -> Iterator[Entry]:
        """Entries below `prefix` (which is there) that match `parts`, each component a pattern."""
        for index, part in enumerate(parts):
            name = globs.literal(part)
            if name is None:
                yield from self._scan(prefix, part, parts[index + 1 :])
                return
            prefix = join(prefix, name)
        try:
            yield Entry(path=prefix, stat=self.lstat(prefix))
        except (NotFound, TooManyLinks, TooLarge):
            return

    def _scan(self, prefix: str, part: str, rest: Sequence[str]) -> Iterator[Entry]:
        try:
            directory = self._names.directory(prefix)
        except (NotFound, TooManyLinks, TooLarge, WrongKind):
            return
        fits = globs.compiled(part).fullmatch
        with at(prefix):
            links = directory.volume.entries(directory.inode)
        for link in links:
            if not fits(link.name):
                continue
            path = join(prefix, link.name)
            if rest:
                if link.kind in {FileKind.DIRECTORY, FileKind.SYMLINK, FileKind.UNKNOWN}:
                    yield from self._matches(path, rest)
                continue
            with at(path):
                node = self._names.child(directory, link.name)
                if node is not None:
                    entry = Entry(path=path, stat=node.stat())
            if node is not None:
                yield entry
