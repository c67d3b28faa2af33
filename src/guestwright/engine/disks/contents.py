"""The content of a disk, as its host gives it: the whole file of its volume, or one range."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from http.client import HTTPResponse
from typing import Final

from guestwright.engine.disks.errors import DiskEmpty, DiskIsLayer, NoSuchRange
from guestwright.engine.disks.hosts import DiskHosts, HostLine
from guestwright.engine.inventory.database import Database
from guestwright.engine.inventory.states import VolumeState
from guestwright.engine.templates.host_port import Place

_ASKED: Final = ("range", "if-range")
_ASKED_MAX: Final = 300
_TOLD: Final = ("Content-Length", "Content-Range", "ETag", "Accept-Ranges")


class Content:
    """A file on its way from a host; for one thread at a time.

    Args:
        line: to the host, which is closed with this.
        answer: of the host.

    Attributes:
        status: of HTTP: 200 or 206.
        headers: of HTTP.
    """

    def __init__(self, line: HostLine, answer: HTTPResponse) -> None:
        self._line = line
        self._answer = answer
        self.status = answer.status
        self.headers = {name: found for name in _TOLD if (found := answer.headers[name]) is not None}

    def read(self, length: int) -> bytes:
        """More of it; b"" at its end.

        Raises:
            DiskHostLost: it broke off.
        """
        return self._line.read(self._answer, length)

    def close(self) -> None:
        """Let go of the host."""
        self._answer.close()
        self._line.close()


def open_content(database: Database, hosts: DiskHosts, disk: str, headers: Mapping[str, str]) -> Content:
    """Begin to read a disk; the caller closes it.

    Args:
        database: the inventory.
        hosts: see there.
        disk: its id.
        headers: of the request: `Range` and `If-Range` count.

    Raises:
        NotInInventory: there is no such disk.
        DiskEmpty, DiskIsLayer: it is none that can be had.
        NoSuchRange: there is nothing in the range.
        DiskHostSilent, DiskHostLost, DiskHostRefuses, HostRefused: its host does not give it.
    """
    place = _place(database, disk)
    asked = {name: headers[name][:_ASKED_MAX] for name in _ASKED if name in headers}
    line = hosts.line(place.host)
    try:
        return Content(line, _answer(line, place, disk, asked))
    except BaseException:
        line.close()
        raise


def _answer(line: HostLine, place: Place, disk: str, asked: Mapping[str, str]) -> HTTPResponse:
    answer = line.content(place, asked)
    if answer.status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
        raise NoSuchRange(disk=disk, size=(answer.headers["Content-Range"] or "").rpartition("/")[2])
    return answer


def _place(database: Database, disk: str) -> Place:
    with database.read() as tx:
        found = tx.disks.get(disk)
        if found.volume_id is None:
            raise DiskEmpty(disk=disk, problem="it has no volume")
        volume = tx.volumes.get(found.volume_id)
        storage = tx.storage.get(volume.domain_id)
    if volume.state is not VolumeState.LEGAL:
        raise DiskEmpty(disk=disk, problem=f"its volume is {volume.state}")
    if volume.parent_id is not None:
        raise DiskIsLayer(disk=disk, volume=volume.id)
    return Place(host=storage.host_id, domain=storage.name, volume=volume.id)
