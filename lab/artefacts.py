"""Dirties a guest's tree: an artefact for everything that sealing takes away, and decoys that must survive.

Theory of operation: the artefacts are lists of `Item` (lab/items/*). `plant` writes them into a directory
that later becomes a filesystem (`mke2fs -d`), resolving the guest's own symlinks inside that directory, so
that `/var/run -> /run` leads to the guest's /run and never to the host's. Extended attributes cannot be set
there on every host; `lab.ext.set_xattrs` sets them in the finished filesystem.
"""

from __future__ import annotations

import os
import socket
import stat
from collections.abc import Iterable

from lab.items.decoys import decoys
from lab.items.extra import extra
from lab.items.item import CANARY, Item, Kind
from lab.items.logs import logs
from lab.items.systems import bones
from lab.items.upstream import upstream

__all__ = ["CANARY", "Item", "Kind", "artefacts", "guest_path", "plant", "tree"]

_MAX_LINKS = 40
_EPOCH = 1_709_287_872


def artefacts(*, beyond: bool = True) -> list[Item]:
    """All artefacts and decoys. `beyond`: also what virt-sysprep does not know."""
    return [*decoys(), *upstream(), *logs(), *(extra() if beyond else [])]


def tree(system: str = "debian12", *, beyond: bool = True) -> list[Item]:
    """A whole small guest: the bones of a system named in `lab.items.systems.SYSTEMS`, and all artefacts."""
    return [*bones(system), *artefacts(beyond=beyond)]


def plant(root: str, items: Iterable[Item], *, epoch: int = _EPOCH) -> int:
    """Create the items below a host directory.

    An existing file is replaced, an existing directory kept; missing parents are made (0755, root). A parent
    that is a symlink is followed inside `root`.

    Args:
        root: host directory that stands for the guest's `/`.
        items: what to create, in order.
        epoch: time stamp of everything created, seconds.

    Returns:
        How many items there are now.
    """
    count = 0
    for item in items:
        target = guest_path(root, item.path)
        _create(root, target, item)
        if item.kind is not Kind.HARD_LINK:
            _attributes(target, item, epoch)
        count += 1
    return count


def guest_path(root: str, path: str, *, make: bool = True) -> str:
    """Host path of a guest path, all parents resolved inside `root`; `make`: create missing ones.

    Raises:
        ValueError: on a loop of symlinks.
    """
    head, _, name = path.rstrip("/").rpartition("/")
    todo = [part for part in reversed(head.split("/")) if part]
    done: list[str] = []
    links = 0
    while todo:
        part = todo.pop()
        if part in {".", ".."}:
            del done[len(done) - (part == "..") :]
            continue
        here = "/".join([root, *done, part])
        try:
            mode = os.lstat(here).st_mode
        except FileNotFoundError:
            if make:
                os.mkdir(here)
                os.chmod(here, 0o755)
                if os.geteuid() == 0:
                    os.chown(here, 0, 0)  # not the group of a set-group-id parent
                os.utime(here, (_EPOCH, _EPOCH))
            done.append(part)
            continue
        if not stat.S_ISLNK(mode):
            done.append(part)
            continue
        links += 1
        if links > _MAX_LINKS:
            raise ValueError(f"symlink loop at {path!r}")
        target = os.readlink(here)
        if target.startswith("/"):
            done = []
        todo += [piece for piece in reversed(target.split("/")) if piece]
    return "/".join([root, *done, name])


def _create(root: str, target: str, item: Item) -> None:
    if item.kind is Kind.DIRECTORY:
        if not os.path.isdir(target):
            os.mkdir(target)
        return
    if os.path.lexists(target):
        os.unlink(target)
    match item.kind:
        case Kind.FILE:
            descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
            with open(descriptor, "wb") as stream:
                stream.write(item.content)
        case Kind.SYMLINK:
            os.symlink(item.target, target)
        case Kind.HARD_LINK:
            os.link(guest_path(root, item.target), target, follow_symlinks=False)
        case Kind.FIFO:
            os.mkfifo(target)
        case Kind.SOCKET:
            _make_socket(target)


def _make_socket(target: str) -> None:
    directory = os.open(os.path.dirname(target), os.O_RDONLY | os.O_DIRECTORY)
    try:
        with socket.socket(socket.AF_UNIX) as server:  # through /proc: a socket's path is at most 107 bytes
            server.bind(f"/proc/self/fd/{directory}/{os.path.basename(target)}")
    finally:
        os.close(directory)


def _attributes(target: str, item: Item, epoch: int) -> None:
    if os.geteuid() == 0:
        os.chown(target, item.uid, item.gid, follow_symlinks=False)
    if item.kind is not Kind.SYMLINK:
        os.chmod(target, item.mode)
    os.utime(target, (epoch, epoch), follow_symlinks=False)
