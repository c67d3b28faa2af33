"""What can be done to an ext machine besides changing files: noted down until the files are done."""

from __future__ import annotations

import re
from typing import Any, Final

from guestwright.guestfs.contents import EXT
from guestwright.guestfs.errors import ApplianceNeeded, UnsupportedFilesystem
from guestwright.guestfs.port import Filesystem

_UUID: Final = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"


class NotedEffects:
    """`guestwright.guestfs.machine.Effects` for ext filesystems and swap areas.

    Attributes:
        uuids: what `set_uuid` was asked for, by the filesystem's id.
    """

    def __init__(self) -> None:
        self.uuids: dict[str, str] = {}

    def set_uuid(self, filesystem: Filesystem, uuid: str) -> None:
        """Give an ext filesystem or a swap area another UUID, when all files are done."""
        if filesystem.type != "swap" and filesystem.type not in EXT:
            detail = f"the UUID of {filesystem.type} cannot be changed by this driver"
            raise UnsupportedFilesystem(filesystem=filesystem.id, detail=detail, advice="leave fs-uuids out")
        self.uuids[filesystem.id] = uuid

    def renew_lvm_uuids(self) -> None:
        """There is no LVM on such a machine."""
        raise ApplianceNeeded(what="changing LVM UUIDs")

    def run_script(self, command: str, directory: str) -> None:
        """Scripts see the guest through libguestfs' FUSE mount only."""
        del command, directory
        raise ApplianceNeeded(what="running a host script over the guest's files")


def checked_uuid(value: Any) -> str:
    """A UUID that somebody told; ValueError when it is none."""
    if type(value) is not str or not re.fullmatch(_UUID, value):
        raise ValueError("something that is not a UUID")
    return value
