"""From path to inode, confined to the guest.

Theory of operation: a look-up walks component by component and keeps the chain of directories it came
through. `..` goes back along that chain, so it crosses mount points rightly and stops at the root; a symlink
puts its target's components in front of what is left, and an absolute one cuts the chain back to the root.
No path ever leaves this module towards the host: there are only inode numbers of the guest's own volumes.

Mounts are kept by the resolved path of their mount point. A look-up that steps on such a path continues in
the root of what is mounted there.
"""

from __future__ import annotations

from collections.abc import Iterable
from types import TracebackType
from typing import Final, NamedTuple

from guestwright.base.record import record
from guestwright.guestfs.cached import CachedVolume
from guestwright.guestfs.errors import GuestFSError, NotFound, TooLarge, TooManyLinks, WrongKind
from guestwright.guestfs.port import FileKind, Stat

MAX_LINKS: Final = 40  # path_resolution(7): Linux, since 4.2, MAXSYMLINKS
MAX_PATH: Final = 4096  # limits.h: PATH_MAX, bytes
MAX_NAME: Final = 255  # limits.h: NAME_MAX, bytes


class Node(NamedTuple):
    """Something that exists, and its resolved path."""

    path: str
    volume: CachedVolume
    inode: int
    kind: FileKind

    def stat(self) -> Stat:
        """Its attributes."""
        return self.volume.stat(self.inode)


@record(kw_only=False)
class Place:
    """Where a look-up ended.

    Attributes:
        parent: the directory that holds the last component; for "/" the root itself.
        name: the last component; "" for "/".
        node: what is there; None when nothing is.
    """

    parent: Node
    name: str
    node: Node | None

    @property
    def path(self) -> str:
        """The resolved path, whether or not something is there."""
        return join(self.parent.path, self.name) if self.name else "/"


class at:  # noqa: N801 - reads as a preposition: `with at(path):`
    """Put `path` into the errors of a volume, which does not know paths."""

    __slots__ = ("_path",)

    def __init__(self, path: str) -> None:
        self._path = path

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, GuestFSError) and not error.params.get("path"):
            error.params["path"] = self._path
            error.args = (error.message,)


def join(directory: str, name: str) -> str:
    """The path of a name in a directory."""
    return f"/{name}" if directory == "/" else f"{directory}/{name}"


def components(path: str) -> list[str]:
    """The components of an absolute path, without empty ones and ".".

    Args:
        path: absolute; slashes may be doubled or trail.

    Returns:
        Names in order; ".." stays. Bytes that form UTF-8 are text, others lone surrogates.

    Raises:
        GuestFSError: not absolute, holds NUL, or cannot be a file name.
        TooLarge: over 4096 bytes, or a component over 255.
    """
    if not path.startswith("/"):
        raise GuestFSError(path=path, detail="the path must start with a slash")
    return _split(path, path)


def spelled(parts: Iterable[str]) -> str:
    """The path made of `parts`."""
    return "/" + "/".join(parts)


class Namespace:
    """The mount table, and the look-up of paths in it."""

    def __init__(self) -> None:
        self._mounts: dict[str, CachedVolume] = {}

    def attach(self, volume: CachedVolume, mountpoint: str) -> None:
        """Mount a volume; hides what was mounted there or below.

        Raises:
            NotFound: the mount point is not there.
            WrongKind: it is not a directory.
        """
        path = "/"
        if components(mountpoint):
            path = self.directory(mountpoint).path
        for hidden in self.below(path):
            del self._mounts[hidden]
        self._mounts[path] = volume

    def detach_all(self) -> None:
        """Forget all mounts."""
        self._mounts.clear()

    def table(self) -> dict[str, str]:
        """Mount point to filesystem id."""
        return {path: volume.id for path, volume in self._mounts.items()}

    def is_mountpoint(self, path: str) -> bool:
        """Whether something is mounted at a resolved path."""
        return path in self._mounts

    def below(self, path: str) -> list[str]:
        """Mount points strictly below a resolved path, and `path` itself if it is one."""
        prefix = "/" if path == "/" else path + "/"
        return [mount for mount in self._mounts if mount == path or mount.startswith(prefix)]

    def child(self, directory: Node, name: str) -> Node | None:
        """What a name in a directory is, mounts considered; None when it is not there."""
        path = join(directory.path, name)
        mounted = self._mounts.get(path)
        if mounted is not None:
            return self._root_of(mounted, path)
        volume = directory.volume
        inode = volume.child(directory.inode, name)
        return None if inode is None else Node(path, volume, inode, volume.stat(inode).kind)

    def place(self, path: str, *, follow: bool) -> Place:
        """Look a path up; only the last component may be missing.

        Args:
            path: absolute path in the guest.
            follow: whether a symlink as the last component is followed.

        Raises:
            NotFound: a component on the way is missing or not a directory.
            TooManyLinks: more than 40 symlinks.
            TooLarge: the path, a component or a symlink's target is too long.
        """
        todo = components(path)
        todo.reverse()
        with at(path):
            return self._walk(path, todo, follow=follow)

    def node(self, path: str, *, follow: bool) -> Node:
        """What is at a path; `NotFound` when nothing is."""
        node = self.place(path, follow=follow).node
        if node is None:
            raise NotFound(path=path)
        return node

    def directory(self, path: str) -> Node:
        """The directory at a path (followed)."""
        node = self.node(path, follow=True)
        if node.kind is not FileKind.DIRECTORY:
            raise WrongKind(path=path, found=node.kind, expected="directory")
        return node

    def _walk(self, path: str, todo: list[str], *, follow: bool) -> Place:
        root = self._mounts.get("/")
        if root is None:
            raise NotFound(path=path)
        chain = [self._root_of(root, "/")]
        links = 0
        while todo:
            here, name = chain[-1], todo.pop()
            if here.kind is not FileKind.DIRECTORY:
                raise NotFound(path=path)
            if name == "..":
                if len(chain) > 1:
                    chain.pop()
                continue
            child = self.child(here, name)
            if child is None:
                if todo:
                    raise NotFound(path=path)
                return Place(here, name, None)
            if child.kind is FileKind.SYMLINK and (follow or todo):
                links += 1
                if links > MAX_LINKS:
                    raise TooManyLinks(path=path, limit=MAX_LINKS)
                target = child.volume.target(child.inode)
                if target.startswith("/"):
                    del chain[1:]
                todo.extend(reversed(_split(target, path)))
                continue
            chain.append(child)
        end = chain[-1]
        if len(chain) == 1:
            return Place(end, "", end)
        return Place(chain[-2], end.path.rpartition("/")[2], end)

    def _root_of(self, volume: CachedVolume, path: str) -> Node:
        return Node(path, volume, volume.root, FileKind.DIRECTORY)


def _split(text: str, path: str) -> list[str]:
    """Components of `text`, a path or a symlink's target met while looking up `path`."""
    if not text:  # path_resolution(7): the empty path does not exist
        raise NotFound(path=path)
    if "\0" in text:
        raise GuestFSError(path=path, detail="a path cannot hold NUL")
    size = len(text)
    if not text.isascii():
        try:
            raw = text.encode("utf-8", "surrogateescape")
        except UnicodeEncodeError:
            raise GuestFSError(path=path, detail="the path holds characters that no file name has") from None
        size, text = len(raw), raw.decode("utf-8", "surrogateescape")
    if size > MAX_PATH:
        raise TooLarge(path=path, size=size, limit=MAX_PATH)
    parts = [part for part in text.split("/") if part and part != "."]
    if size > MAX_NAME:
        for part in parts:
            length = len(part.encode("utf-8", "surrogateescape"))
            if length > MAX_NAME:
                raise TooLarge(path=path, size=length, limit=MAX_NAME)
    return parts
