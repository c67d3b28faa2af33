"""What uploads and downloads ask of the services of hosts, each over a connection of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from http.client import HTTPException, HTTPResponse
from typing import Any, Final
from urllib.parse import quote

from guestwright.base.record import record
from guestwright.engine.disks.errors import DiskHostLost, DiskHostRefuses, DiskHostSilent
from guestwright.engine.templates.host_port import Place
from guestwright.host.client.address import Address
from guestwright.host.client.client import HostClient
from guestwright.host.client.errors import (
    HostAnswerBad,
    HostLost,
    HostNotTrusted,
    HostRefused,
    HostUnreachable,
)

SECONDS: Final = 50.0
"""To wait for any part of an answer: a host flushes what it was sent before it answers."""
_DENIED: Final = frozenset((HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN))
_OVER: Final = 416
Missing = tuple[tuple[int, int], ...]


@record
class File:
    """What is uploaded.

    Attributes:
        place: of the volume.
        ticket: names the upload to the host.
        format: "raw" or "qcow2".
        size: of the disk in it, bytes.
        file_size: of the file, bytes.
        sha256: of the file; "" if it is not known.
    """

    place: Place
    ticket: str
    format: str
    size: int
    file_size: int
    sha256: str = ""


class HostLine:
    """A connection to the service of one host; for one thread at a time.

    Args:
        host: its id, for errors.
        address: of the service.
    """

    def __init__(self, host: str, address: Address) -> None:
        self._host = host
        self._client = HostClient(address, SECONDS)

    def begin(self, file: File) -> None:
        """Begin an upload, or go on with it: the same as often as it is sent.

        Raises:
            DiskHostSilent, DiskHostLost, DiskHostRefuses: the host does not answer, or not us.
            HostRefused: it cannot be.
        """
        body = {
            "volume": file.place.volume,
            "ticket": file.ticket,
            "format": file.format,
            "size": file.size,
            "file_size": file.file_size,
            "sha256": file.sha256,
        }
        with self._asking():
            self._client.post(f"/v1/storage/{quote(file.place.domain, safe='')}/uploads", body)

    def missing(self, file: File) -> Missing:
        """What has not arrived; raises as `begin`."""
        with self._asking():
            return _missing(self._client.get(f"{_volume(file.place)}/upload"))

    def write(self, file: File, offset: int, data: bytes) -> Missing:
        """Write a range; on return it has arrived, durably. Raises as `begin`."""
        headers = {"Content-Range": f"bytes {offset}-{offset + len(data) - 1}/{file.file_size}"}
        path = f"{_volume(file.place)}/content?ticket={quote(file.ticket, safe='')}"
        with self._asking():
            return _missing(self._client.take(self._client.open("PUT", path, data, headers), f"PUT {path}"))

    def abandon(self, file: File) -> None:
        """Remove what has arrived; one that is gone is no failure. Raises as `begin`."""
        try:
            with self._asking():
                self._client.ask(
                    "DELETE", f"{_volume(file.place)}/upload?ticket={quote(file.ticket, safe='')}"
                )
        except HostRefused as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise

    def content(self, place: Place, headers: Mapping[str, str]) -> HTTPResponse:
        """The file of a volume, or a range of it: an answer of 200, 206 or 416. Raises as `begin`."""
        with self._asking():
            return self._client.open("GET", f"{_volume(place)}/content", headers=headers, kept=_OVER)

    def read(self, answer: HTTPResponse, length: int) -> bytes:
        """More of a file; b"" at its end. Raises as `begin`."""
        with self._asking():
            try:
                return answer.read(length)
            except (OSError, HTTPException) as error:
                problem = str(error) or type(error).__name__
                raise HostLost(address=str(self._client.address), request="GET", problem=problem) from error

    def close(self) -> None:
        """Close it."""
        self._client.close()

    @contextmanager
    def _asking(self) -> Iterator[None]:
        try:
            yield
        except (HostUnreachable, HostNotTrusted) as error:
            raise DiskHostSilent(host=self._host, problem=error.message) from error
        except (HostLost, HostAnswerBad) as error:
            raise DiskHostLost(host=self._host, problem=error.message) from error
        except HostRefused as error:
            if error.status in _DENIED and error.code.startswith("api-"):
                raise DiskHostRefuses(host=self._host, problem=error.message) from error
            raise


class DiskHosts:
    """Makes lines to hosts. Its calls may come from any thread.

    Args:
        addresses: where the service of a host is, by the host's id.
    """

    def __init__(self, addresses: Callable[[str], Address]) -> None:
        self._addresses = addresses

    def line(self, host: str) -> HostLine:
        """A new line; the caller closes it."""
        return HostLine(host, self._addresses(host))

    @contextmanager
    def to(self, host: str) -> Iterator[HostLine]:
        """A line for the time of a block."""
        line = self.line(host)
        try:
            yield line
        finally:
            line.close()


def _volume(place: Place) -> str:
    return f"/v1/storage/{quote(place.domain, safe='')}/volumes/{quote(place.volume, safe='')}"


def _missing(found: Any) -> Missing:
    return tuple((int(start), int(end)) for start, end in found["missing"])
