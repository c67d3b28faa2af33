"""Download of a disk: the file of its volume, passed on from its host."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from guestwright.engine.accounts.rights import Right
from guestwright.engine.api.endpoint import Call, Endpoint, Pool
from guestwright.engine.api.operations.disk_uploads import SECONDS, Places, upload_endpoints
from guestwright.engine.api.parts import Parts
from guestwright.engine.api.streaming import BYTES, Outgoing
from guestwright.engine.disks.contents import Content, open_content
from guestwright.engine.disks.errors import (
    DiskEmpty,
    DiskHostLost,
    DiskHostRefuses,
    DiskHostSilent,
    DiskIsLayer,
    NoSuchRange,
)
from guestwright.engine.disks.hosts import DiskHosts
from guestwright.engine.inventory.errors import NotInInventory

_NAME: Final = "disk-download"
_HOST: Final = (DiskHostSilent, DiskHostLost, DiskHostRefuses)


class _Placed:
    """A content that gives its place back; see `Content`."""

    def __init__(self, content: Content, leave: Callable[[], None]) -> None:
        self._content = content
        self._leave = leave

    @property
    def status(self) -> int:
        return self._content.status

    @property
    def headers(self) -> Mapping[str, str]:
        return self._content.headers

    def read(self, length: int) -> bytes:
        return self._content.read(length)

    def close(self) -> None:
        self._content.close()
        self._leave()


def disk_endpoints(parts: Parts) -> tuple[Endpoint, ...]:
    """The table of uploads and downloads.

    Args:
        parts: of the engine.
    """
    places = Places()
    return (*upload_endpoints(parts, places), _content(parts, places))


def _content(parts: Parts, places: Places) -> Endpoint:
    hosts = DiskHosts(parts.addresses)

    def download(call: Call) -> Any:
        places.take()
        try:
            content = open_content(parts.database, hosts, call.path["id"], call.headers)
        except BaseException:
            places.leave()
            raise
        placed = _Placed(content, places.leave)
        try:
            _note(parts, call)
            return Outgoing(placed)
        except BaseException:
            placed.close()
            raise

    return Endpoint(
        name=_NAME,
        method="GET",
        path="/disks/{id}/content",
        right=Right.DISK_CHANGE,
        summary="A disk's file, or one Range of it; after a break with If-Range. Who reads it is noted.",
        handle=download,
        reply=bytes,
        media=BYTES,
        ranged=True,
        seconds=SECONDS,
        errors=(NotInInventory, DiskEmpty, DiskIsLayer, NoSuchRange, *_HOST),
        tag="storage",
        pool=Pool.TRANSFERS,
        audited=True,
    )


def _note(parts: Parts, call: Call) -> None:
    with parts.database.write() as tx:
        tx.audit.write(
            _NAME,
            actor=call.who.name,
            remote=call.remote,
            subject=call.path["id"],
            detail={"range": call.headers.get("range", "")[:100]},
        )
