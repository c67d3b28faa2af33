"""Writes initramfs archives: the "newc" kind of cpio, as the kernel's buffer-format.rst describes it."""

from __future__ import annotations

import stat
import tarfile
from typing import BinaryIO

_ALIGN = 4
_TRAILER = "TRAILER!!!"


class Archive:
    """An archive being written.

    Args:
        stream: where it goes; its position must be a multiple of 4.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._names: set[str] = set()
        self._inode = 0

    def __contains__(self, name: str) -> bool:
        return name in self._names

    def directory(self, name: str, mode: int = 0o755) -> None:
        """Add a directory, and those above it, unless they are there."""
        parent = name.rpartition("/")[0]
        if parent and parent not in self._names:
            self.directory(parent)
        if name not in self._names:
            self._add(name, stat.S_IFDIR | mode, b"")

    def file(self, name: str, content: bytes, mode: int = 0o644) -> None:
        """Add a regular file, with the directories above it."""
        self._within(name)
        self._add(name, stat.S_IFREG | mode, content)

    def symlink(self, name: str, target: str) -> None:
        """Add a symbolic link, with the directories above it."""
        self._within(name)
        self._add(name, stat.S_IFLNK | 0o777, target.encode())

    def member(self, tar: tarfile.TarFile, member: tarfile.TarInfo, name: str) -> None:
        """Add what a tar holds: a directory, a link, or a file (hard links become copies)."""
        if member.isdir():
            self.directory(name, member.mode)
        elif member.issym():
            self.symlink(name, member.linkname)
        else:
            stream = tar.extractfile(member)
            if stream is not None:  # None: a device; the kernel makes those
                self.file(name, stream.read(), member.mode)

    def close(self) -> None:
        """Write the end mark. The stream stays open."""
        self._add(_TRAILER, 0, b"")

    def _within(self, name: str) -> None:
        parent = name.rpartition("/")[0]
        if parent:
            self.directory(parent)

    def _add(self, name: str, mode: int, content: bytes) -> None:
        self._names.add(name)
        self._inode += 1
        text = name.encode() + b"\0"
        links = 2 if stat.S_ISDIR(mode) else 1
        fields = [self._inode, mode, 0, 0, links, 0, len(content), 0, 0, 0, 0, len(text), 0]
        head = b"070701" + b"".join(b"%08X" % value for value in fields)
        self._stream.write(_padded(head + text) + _padded(content))


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % _ALIGN)
