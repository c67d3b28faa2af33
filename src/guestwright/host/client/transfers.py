"""Files of volumes to and from a host service, gone on with after breaks.

    download(address, "main", "web1", "web1.qcow2")
    upload(address, "main", "web1", "web1.qcow2", format="qcow2", size=10 << 30)

Theory of operation: a download grows beside its name (`.part`) and is renamed at its end; after a break the
rest is asked for only if the volume is still the same (`If-Range`), else it begins anew. An upload asks what
is missing and sends that; the service notes what has arrived durably, so a break costs what was under way.
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable, Iterator
from http.client import HTTPException, HTTPResponse
from typing import Any, Final
from urllib.parse import quote

from guestwright.host.client.address import Address
from guestwright.host.client.client import HostClient
from guestwright.host.client.errors import HostAnswerBad, HostLost, HostUnreachable

PIECE: Final = 1 << 20
_ATTEMPTS: Final = 8  # without any progress
_PAUSE: Final = 0.5  # seconds, times the number of the attempt
_UPLOAD: Final = 256 << 20  # bytes of one request

Sleep = Callable[[float], None]


def download(address: Address, storage: str, volume: str, path: str, *, sleep: Sleep = time.sleep) -> int:
    """Fetch a volume's file.

    Args:
        address: of the service.
        storage: name of the storage domain.
        volume: its name.
        path: of the file, which is replaced when all of it is there.
        sleep: waits, seconds.

    Returns:
        its size, bytes.

    Raises:
        HostRefused, HostNotTrusted: the service does not give it.
        HostLost, HostUnreachable: again and again, without progress.
        OSError: the file cannot be written.
    """
    part, content = f"{path}.part", f"{_place(storage, volume)}/content"
    tag, tries = "", 0
    with open(part, "wb") as file:
        while True:
            before = file.tell()
            try:
                with HostClient(address) as client:
                    answer, tag = _begin(client, content, file, tag)
                    _take(client, content, answer, file)
                break
            except (HostLost, HostUnreachable):
                tries = tries + 1 if file.tell() == before else 1
                if tries >= _ATTEMPTS:
                    raise
                sleep(_PAUSE * tries)
        file.flush()
        os.fsync(file.fileno())
        size = file.tell()
    os.replace(part, path)
    return size


def upload(
    address: Address,
    storage: str,
    volume: str,
    path: str,
    *,
    format: str,  # noqa: A002 - as the service calls it
    size: int,
    ticket: str = "",
    sleep: Sleep = time.sleep,
) -> dict[str, Any]:
    """Send a file, and have it judged and made a volume.

    Args:
        address: of the service.
        storage: name of the storage domain.
        volume: its name.
        path: of the file.
        format: "raw" or "qcow2".
        size: of the disk in it, bytes.
        ticket: of an upload that was begun earlier; a new one without it.
        sleep: waits, seconds.

    Returns:
        the job that ends it, ended: its `status` tells whether the volume is there.

    Raises:
        HostRefused, HostNotTrusted: the service does not take it.
        HostLost, HostUnreachable: again and again, without progress.
        OSError: the file cannot be read.
    """
    ticket = ticket or secrets.token_hex(16)
    with open(path, "rb") as file:
        total = os.fstat(file.fileno()).st_size
        body = {"volume": volume, "ticket": ticket, "format": format, "size": size, "file_size": total}
        tries, seen = 0, [-1]
        while True:
            before = seen[0]
            try:
                with HostClient(address) as client:
                    _send_all(client, storage, body, file, seen)
                    return _finish(client, storage, volume, ticket)
            except (HostLost, HostUnreachable):
                tries = tries + 1 if seen[0] == before else 1
                if tries >= _ATTEMPTS:
                    raise
                sleep(_PAUSE * tries)


def _send_all(client: HostClient, storage: str, body: dict[str, Any], file: Any, seen: list[int]) -> None:
    """Send what is missing; `seen` holds how many bytes that were at the last look."""
    place = _place(storage, body["volume"])
    client.post(f"/v1/storage/{quote(storage, safe='')}/uploads", body)
    while missing := client.get(f"{place}/upload")["missing"]:
        seen[0] = sum(end - start for start, end in missing)
        content = f"{place}/content?ticket={quote(body['ticket'], safe='')}"
        _send(client, content, file, missing[0], body["file_size"])


def _begin(client: HostClient, path: str, file: Any, tag: str) -> tuple[HTTPResponse, str]:
    """Ask for what is missing; the answer, and the tag of the volume as it is."""
    at = file.tell() if tag else 0
    headers = {"Range": f"bytes={at}-", "If-Range": tag} if at else {}
    answer = client.open("GET", path, headers=headers)
    if answer.status != 206:  # all of it, from the beginning
        file.seek(0)
        file.truncate()
    elif not (answer.headers["Content-Range"] or "").startswith(f"bytes {at}-"):
        raise HostAnswerBad(address=str(client.address), request=f"GET {path}", problem="another range")
    return answer, answer.headers["ETag"] or ""


def _take(client: HostClient, path: str, answer: HTTPResponse, file: Any) -> None:
    left = answer.length or 0
    while left:
        try:
            data = answer.read(min(PIECE, left))
        except (OSError, HTTPException) as error:
            problem = str(error) or type(error).__name__
            raise HostLost(address=str(client.address), request=f"GET {path}", problem=problem) from error
        if not data:
            raise HostLost(address=str(client.address), request=f"GET {path}", problem="it broke off")
        file.write(data)
        left -= len(data)


def _send(client: HostClient, path: str, file: Any, piece: list[int], total: int) -> None:
    start, end = piece[0], min(piece[1], piece[0] + _UPLOAD)
    headers = {"Content-Range": f"bytes {start}-{end - 1}/{total}", "Content-Length": str(end - start)}
    file.seek(start)

    def pieces() -> Iterator[bytes]:
        at = start
        while at < end and (data := file.read(min(PIECE, end - at))):
            at += len(data)
            yield data

    client.open("PUT", path, pieces(), headers).read()


def _finish(client: HostClient, storage: str, volume: str, ticket: str) -> dict[str, Any]:
    parameters = {"domain": storage, "volume": volume, "ticket": ticket}
    job = client.submit_job("volume.upload-finish", parameters)
    while job["status"] not in ("done", "failed", "aborted"):
        job = client.job(job["id"], wait=50)
    return job


def _place(storage: str, volume: str) -> str:
    return f"/v1/storage/{quote(storage, safe='')}/volumes/{quote(volume, safe='')}"
