"""Packages as files: an OVA, which is a tar archive (DSP0243, 5.3), or a directory of files.

Theory of operation: in an archive the descriptor is first, then the manifest, then the disks in the order of
the references, so that whoever reads it as a stream knows what comes. We write ustar; a disk of 8 GiB or
more, whose size ustar cannot say, has it in base 256, as GNU tar writes and every tar of today reads. A
reader meets archives of strangers: nothing is ever unpacked by the archive's word. Of each member that is a
plain file with a plain name the place is noted, anything else is refused, and contents are read from there.
"""

from __future__ import annotations

import hashlib
import os
import tarfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final, Protocol, cast

from guestwright.base.record import record
from guestwright.ovf import manifest, tree
from guestwright.ovf.errors import BadPackage, PackageChanged
from guestwright.ovf.manifest import Digest, check_digest, read_manifest
from guestwright.ovf.model import Descriptor, File
from guestwright.ovf.names import plain_name
from guestwright.ovf.reader import read

MEMBERS_MAX: Final = 256
PIECE: Final = 1 << 20
_HEADER_MAX: Final = 64 << 10
_USTAR_MAX: Final = 8 << 30
Moved = Callable[[int], object]
"""Told how many bytes more were moved; may raise to stop."""


class Contents(Protocol):
    """The files of a package."""

    def names(self) -> tuple[str, ...]:
        """Of the files, in their order."""

    def size(self, name: str) -> int:
        """Bytes of a file."""

    def open(self, name: str) -> Iterator[bytes]:
        """Its contents, piece by piece."""


@record
class Package:
    """A package that was opened, its descriptor read and held against the manifest.

    Attributes:
        descriptor: what it says.
        text: the descriptor's file.
        digests: of the manifest, by name of the file; empty where there is none.
        contents: the files.
    """

    descriptor: Descriptor
    text: bytes
    digests: Mapping[str, Digest]
    contents: Contents

    def extract(self, file: File, target: IO[bytes], moved: Moved) -> str:
        """Write a file of the package to another; zeros become holes.

        Args:
            file: which.
            target: an empty file.
            moved: progress.

        Returns:
            Its SHA-256.

        Raises:
            BadPackage: it is not there, or not as long as the descriptor says.
            PackageChanged: it is not the one of the manifest.
        """
        if file.name not in self.contents.names():
            raise BadPackage(problem=f"it lacks the file {file.name}")
        size = self.contents.size(file.name)
        if file.size not in (None, size):
            raise BadPackage(problem=f"{file.name} has {size} bytes, the descriptor says {file.size}")
        expected = self.digests.get(file.name)
        sha256 = hashlib.sha256()
        other = hashlib.new(expected.algorithm) if expected and expected.algorithm != "sha256" else None
        for piece in self.contents.open(file.name):
            sha256.update(piece)
            if other is not None:
                other.update(piece)
            if piece.count(0) == len(piece):
                target.seek(len(piece), os.SEEK_CUR)
            else:
                target.write(piece)
            moved(len(piece))
        target.truncate(size)
        if expected is not None:
            check_digest(file.name, expected, (other or sha256).hexdigest())
        return sha256.hexdigest()


class _Headers:
    """What `tarfile` sees of an archive while it looks through it: it would read an extended header whole."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.seek = file.seek
        self.tell = file.tell

    def read(self, size: int) -> bytes:
        if not 0 <= size <= _HEADER_MAX:
            raise BadPackage(problem=f"it has a header of {size} bytes")
        return self._file.read(size)


class _Archive:
    """The files of a tar archive."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._members: dict[str, tuple[int, int]] = {}
        end = file.seek(0, os.SEEK_END)
        file.seek(0)
        try:
            with tarfile.open(fileobj=cast("IO[bytes]", _Headers(file)), mode="r:") as archive:
                for member in archive:
                    self._note(member, end)
        except (tarfile.TarError, EOFError, ValueError) as error:
            raise BadPackage(problem="it is no tar archive, or damaged") from error

    def _note(self, member: tarfile.TarInfo, end: int) -> None:
        name = plain_name(member.name.removeprefix("./"))
        if not member.isreg() or member.issparse():
            raise BadPackage(problem=f"{name} is no plain file")
        if name in self._members:
            raise BadPackage(problem=f"{name} is there twice")
        if member.size < 0 or member.offset_data + member.size > end:
            raise BadPackage(problem=f"it ends within {name}")
        self._members[name] = (member.offset_data, member.size)
        if len(self._members) > MEMBERS_MAX:
            raise BadPackage(problem=f"it has more than {MEMBERS_MAX} files")

    def names(self) -> tuple[str, ...]:
        return tuple(self._members)

    def size(self, name: str) -> int:
        return self._members[name][1]

    def open(self, name: str) -> Iterator[bytes]:
        start, size = self._members[name]
        self._file.seek(start)
        return _pieces(self._file, size, name)


class _Directory:
    """The files of a directory, of which one descriptor is meant."""

    def __init__(self, descriptor: Path) -> None:
        self._at = descriptor.parent
        self._names = (descriptor.name, *self._beside(descriptor))

    def _beside(self, descriptor: Path) -> list[str]:
        found = [one.name for one in self._at.iterdir() if one.is_file() and not one.is_symlink()]
        return sorted(one for one in found if one != descriptor.name)

    def names(self) -> tuple[str, ...]:
        return self._names

    def size(self, name: str) -> int:
        return (self._at / name).stat().st_size

    def open(self, name: str) -> Iterator[bytes]:
        with (self._at / name).open("rb") as file:
            yield from _pieces(file, self.size(name), name)


@contextmanager
def opened(path: Path) -> Iterator[Package]:
    """A package: an OVA, a descriptor beside its files, or the directory of one.

    Raises:
        BadPackage, BadDescriptor, UnsupportedPackage, PackageChanged: it is none that can be read.
        OSError: the file cannot be opened.
    """
    if path.is_dir():
        found = sorted(one for one in path.iterdir() if one.suffix == ".ovf")
        if len(found) != 1:
            raise BadPackage(problem=f"{len(found)} descriptors (.ovf) in the directory; one is wanted")
        path = found[0]
    if path.suffix.lower() == ".ovf":
        yield _package(_Directory(path), path.name)
        return
    with path.open("rb") as file:
        contents = _Archive(file)
        descriptors = [one for one in contents.names() if one.lower().endswith(".ovf")]
        if len(descriptors) != 1:
            raise BadPackage(problem=f"it has {len(descriptors)} descriptors (.ovf); one is wanted")
        yield _package(contents, descriptors[0])


def _package(contents: Contents, name: str) -> Package:
    text = _whole(contents, name, tree.BYTES_MAX)
    listed = f"{name[: -len('.ovf')]}.mf"
    digests: dict[str, Digest] = {}
    if listed in contents.names():
        digests = read_manifest(_whole(contents, listed, manifest.BYTES_MAX))
        expected = digests.get(name)
        if expected is None:
            raise PackageChanged(file=name, found="not known", expected="nothing of it")
        check_digest(name, expected, hashlib.new(expected.algorithm, text).hexdigest())
    return Package(descriptor=read(text), text=text, digests=digests, contents=contents)


def _whole(contents: Contents, name: str, most: int) -> bytes:
    if contents.size(name) > most:
        raise BadPackage(problem=f"{name} is longer than {most} bytes")
    return b"".join(contents.open(name))


def _pieces(file: IO[bytes], size: int, name: str) -> Iterator[bytes]:
    left = size
    while left:
        piece = file.read(min(left, PIECE))
        if not piece:
            raise BadPackage(problem=f"it ends within {name}")
        left -= len(piece)
        yield piece


def pack(target: IO[bytes], files: Mapping[str, Path | bytes], moved: Moved = lambda _: None) -> None:
    """Write an archive.

    Args:
        target: where to.
        files: by name, in their order: the descriptor first.
        moved: progress.
    """
    for name, content in files.items():
        size = len(content) if isinstance(content, bytes) else content.stat().st_size
        member = tarfile.TarInfo(plain_name(name))
        member.size, member.mode = size, 0o644
        small = size < _USTAR_MAX
        target.write(member.tobuf(tarfile.USTAR_FORMAT if small else tarfile.GNU_FORMAT))
        if isinstance(content, bytes):
            target.write(content)
            moved(size)
        else:
            with content.open("rb") as file:
                for piece in _pieces(file, size, name):
                    target.write(piece)
                    moved(len(piece))
        target.write(bytes(-size % tarfile.BLOCKSIZE))
    target.write(bytes(2 * tarfile.BLOCKSIZE))


def sha256_of(path: Path, moved: Moved = lambda _: None) -> str:
    """The SHA-256 of a file."""
    found = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            found.update(piece)
            moved(len(piece))
    return found.hexdigest()
