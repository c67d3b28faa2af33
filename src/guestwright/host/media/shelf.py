"""Images of payloads: files in memory that the hypervisor opens by name.

Theory of operation: the directory is on a file system in memory, belongs to the service, and can be passed
through but not listed by others. Images have mode 0600, belong to the hypervisor's user, and have names of
128 random bits. They are written whole or not at all, and overwritten before they are removed
(`media.output`), since whoever has one open still sees it.
"""

from __future__ import annotations

import os
import re
from typing import Final

from guestwright.host.media.errors import PayloadNotKept
from guestwright.host.sysprep.medium import own_directory
from guestwright.media.output import create, destroy, sweep
from guestwright.media.sink import DescriptorSink, MemorySink
from guestwright.media.sources.model import Payload
from guestwright.media.write import MediaKind, write_medium

_SUFFIX: Final = ".payload.img"
_NAME_BYTES: Final = 16
_IN_MEMORY: Final = frozenset(("tmpfs", "ramfs"))
_is_name = re.compile(r"[0-9a-f]{32}").fullmatch


def new_name() -> str:
    """A name that cannot be guessed."""
    return os.urandom(_NAME_BYTES).hex()


class Shelf:
    """Images by name.

    Args:
        directory: absolute; the same on all hosts that domains migrate between. Made if need be.
        owner: user and group of the hypervisor's processes; None for the service's own.
        in_memory: refuse a directory that is on a disk.

    Raises:
        PayloadNotKept: the directory will not do.
    """

    def __init__(
        self, directory: str, owner: tuple[int, int] | None = None, *, in_memory: bool = True
    ) -> None:
        self.directory = directory
        self._owner = owner
        try:
            own_directory(directory)
            kind = file_system(directory)
        except OSError as error:
            raise PayloadNotKept(directory=directory, problem=error.strerror or str(error)) from error
        if in_memory and kind not in _IN_MEMORY:
            raise PayloadNotKept(directory=directory, problem=f"it is on {kind or 'a disk'}, not in memory")
        sweep(directory)

    def path(self, name: str) -> str:
        """Where an image is, or would be."""
        if not _is_name(name):
            raise ValueError("the name of an image has 32 hexadecimal digits")
        return os.path.join(self.directory, name + _SUFFIX)

    def make(self, name: str, kind: MediaKind, payload: Payload, *, time: int, serial: int) -> str:
        """Write an image, in place of the former one of this name.

        Args:
            name: see `new_name`.
            kind: of medium.
            payload: what is on it.
            time: of its files, seconds since 1970.
            serial: of a FAT volume.

        Returns:
            Its path.

        Raises:
            MediaError: it cannot be made.
        """
        path = self.path(name)
        destroy(path)
        with create(path, owner=self._owner) as descriptor:
            sink = DescriptorSink(descriptor)
            write_medium(kind, payload.tree, sink, label=payload.label, time=time, serial=serial)
        return path

    def overwrite(self, name: str, kind: MediaKind, payload: Payload, *, time: int, serial: int) -> None:
        """Put other contents into an image that stays in use, for disks: their media cannot be changed.

        The image keeps its size; one that would be larger is not written, and all becomes zeros.

        Raises:
            MediaError: it cannot be made.
            PayloadNotKept: it cannot be written.
        """
        sink = MemorySink()
        write_medium(kind, payload.tree, sink, label=payload.label, time=time, serial=serial)
        data = sink.getvalue()
        try:
            descriptor = os.open(self.path(name), os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                size = os.fstat(descriptor).st_size
                whole = data.ljust(size, b"\0") if len(data) <= size else bytes(size)
                at = 0
                while at < size:
                    at += os.pwrite(descriptor, whole[at:], at)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise PayloadNotKept(directory=self.directory, problem=error.strerror or str(error)) from error

    def destroy(self, name: str) -> None:
        """Remove an image; one that is not there is fine.

        Raises:
            MediaError: it is still there.
        """
        destroy(self.path(name))

    def has(self, name: str) -> bool:
        """Whether there is such an image."""
        return os.path.isfile(self.path(name))

    def names(self) -> list[str]:
        """All that are there.

        Raises:
            PayloadNotKept: the directory cannot be read.
        """
        try:
            found = [one.removesuffix(_SUFFIX) for one in os.listdir(self.directory) if one.endswith(_SUFFIX)]
        except OSError as error:
            raise PayloadNotKept(directory=self.directory, problem=error.strerror or str(error)) from error
        return sorted(one for one in found if _is_name(one))


def file_system(path: str) -> str:
    """The type of the file system that holds a path, such as "tmpfs"; "" when it is not known.

    Source: proc(5), /proc/self/mountinfo: third field major:minor, type after the separator "-".
    """
    device = os.stat(path).st_dev
    wanted = f"{os.major(device)}:{os.minor(device)}"
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
        for line in file:
            words = line.split()
            if words[2] == wanted and "-" in words:
                return words[words.index("-") + 1]
    return ""
