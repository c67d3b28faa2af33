"""A storage domain: volumes in a directory, whose metadata changes whole or not at all.

Theory of operation: a volume `v` has `v.volume` (its metadata) and `v.raw` or `v.qcow2` (its content).
Whoever reads, decides and writes metadata holds the lock of the domain (flock(2) on a file opened for that
purpose, so that threads and processes exclude each other alike); it is held for milliseconds. What takes
long is protected by the volume's state and holder instead.

A volume is deleted by renaming its metadata to `v.deleted`, which needs no room on a full disk; from then
on there is no such volume, and the rest can be done again by whoever finds that file.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final, Self

from guestwright.disk.failpoints import reached
from guestwright.disk.redo_names import SUFFIX as REDO
from guestwright.host.volumes.directory import Directory
from guestwright.host.volumes.errors import (
    DomainUnusable,
    HasChildren,
    NoSuchVolume,
    VolumeDamaged,
    VolumeError,
    VolumeExists,
)
from guestwright.host.volumes.metadata import (
    METADATA_MAX,
    Format,
    Holder,
    Metadata,
    State,
    check,
    check_id,
    decode,
    encode,
)

METADATA: Final = ".volume"
DELETED: Final = ".deleted"
MANIFEST: Final = ".manifest"
MARK: Final = "guestwright-domain"
LOCK: Final = ".lock"
_MARK_TEXT: Final = b"A storage domain of Guestwright, layout 1.\n"
_CONTENTS: Final = tuple(f".{one}" for one in Format)
PARTS: Final = (*_CONTENTS, *(end + REDO for end in _CONTENTS), MANIFEST)
"""Ends of the names of what a volume has besides its metadata."""


class Domain:
    """See the module. Its calls may come from any thread; each raises StorageFull and StorageFailed besides.

    Args:
        path: of the directory.
        make: make it a storage domain if it is not there, or empty.

    Attributes:
        files: the files in it.

    Raises:
        DomainUnusable: it is none, or not this user's alone.
    """

    def __init__(self, path: str, *, make: bool = False) -> None:
        self.files: Final = Directory(path, make=make)
        try:
            if make and not self.files.names():
                self.files.write(MARK, _MARK_TEXT)
            self._check_mark()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the directory; may be called twice."""
        self.files.close()

    def _check_mark(self) -> None:
        try:
            mark = self.files.read(MARK, len(_MARK_TEXT) + 1, volume=MARK)
        except NoSuchVolume as error:
            raise DomainUnusable(path=self.path, problem=f"there is no file {MARK} in it") from error
        if mark != _MARK_TEXT:
            raise DomainUnusable(path=self.path, problem=f"{MARK} in it is of another version")

    @property
    def path(self) -> str:
        """Of the directory, absolute."""
        return self.files.path

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Hold the lock of the domain."""
        lock = self.files.open_lock(LOCK)
        try:
            with self.files.sound("locking"):
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def read(self, volume: str) -> Metadata:
        """The metadata of a volume.

        Raises:
            NoSuchVolume, BadVolume, VolumeDamaged: it is not to be had.
        """
        name = check_id(volume) + METADATA
        return decode(volume, self.files.read(name, METADATA_MAX + 1, volume=volume))

    def volumes(self) -> list[Metadata]:
        """All volumes whose metadata can be read, by name."""
        found = []
        for name in self.files.names():
            if name.endswith(METADATA) and not name.startswith("."):
                with suppress(VolumeError):
                    found.append(self.read(name.removesuffix(METADATA)))
        return found

    def add(self, volume: Metadata) -> None:
        """Keep the metadata of a new volume. Call it while `changing`.

        Raises:
            VolumeExists: there is one, or files that may be one's content.
            BadVolume: it cannot be.
        """
        check(volume)
        if any(self.files.look(volume.id + end) for end in (METADATA, DELETED, *_CONTENTS)):
            raise VolumeExists(volume=volume.id)
        self.write(volume)

    def write(self, volume: Metadata) -> None:
        """Keep the metadata of a volume, durably. Call it while `changing`.

        Raises:
            BadVolume: it cannot be; the former is still there.
        """
        self.files.write(check(volume).id + METADATA, encode(volume))

    def change(self, volume: str, step: Callable[[Metadata], Metadata]) -> Metadata:
        """Read, decide and write in one; the volume as it is now."""
        with self.changing():
            before = self.read(volume)
            after = step(before)
            if after != before:
                self.write(after)
            return after

    def check_childless(self, volume: str) -> None:
        """Refuse what others stand on.

        Raises:
            HasChildren: so it is.
        """
        children = [one.id for one in self.volumes() if one.parent == volume]
        if children:
            raise HasChildren(volume=volume, children=", ".join(children[:5]))

    def data_name(self, volume: Metadata) -> str:
        """Name of the file with its content."""
        return f"{volume.id}.{volume.format}"

    def data_path(self, volume: Metadata) -> str:
        """Path of the same, for tools; `open_data` has to come first, as it refuses a link."""
        return os.path.join(self.path, self.data_name(volume))

    def make_data(self, volume: Metadata) -> int:
        """A new, empty file for the content of a volume; the caller closes it."""
        return self.files.make(self.data_name(volume))

    def open_data(self, volume: Metadata, *, writable: bool = False) -> int:
        """The file with the content of a volume; the caller closes it.

        Raises:
            VolumeDamaged: there is none, or something else than a file.
        """
        try:
            return self.files.open(self.data_name(volume), volume=volume.id, writable=writable)
        except NoSuchVolume as error:
            raise VolumeDamaged(volume=volume.id, problem="its content is missing") from error

    def drop(self, volume: str) -> None:
        """Remove a volume, whatever its state. Call it while `changing`."""
        self.files.rename(volume + METADATA, volume + DELETED)
        reached("volume-delete-marked")
        self.finish_drop(volume)

    def finish_drop(self, volume: str) -> None:
        """Remove what is left of a volume that `drop` has marked. Call it while `changing`."""
        for end in PARTS:
            self.files.forget(volume + end)
        self.files.flush()
        reached("volume-delete-emptied")
        self.files.forget(volume + DELETED)
        self.files.flush()

    def abandon(self, volume: str, holder: Holder) -> None:
        """Remove a volume that its holder does not finish. One that is gone, or another's, is left alone."""
        with self.changing():
            try:
                found = self.read(volume)
            except NoSuchVolume:
                return
            if found.state is State.LOCKED and found.holder == holder:
                self.drop(volume)
