"""Disks to and from an engine, gone on with after breaks.

Theory of operation: uploads are sent by `pieces`. A download grows beside its name and is
renamed at its end; after a break the rest is asked for only if the disk is still the same (`If-Range`), else
it begins anew. Both are given up when nothing has moved for a while; an upload can be gone on with later.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Final

from guestwright.base.record import record
from guestwright.client.address import Server
from guestwright.client.call import BYTES, Answer, Call, Json, Request
from guestwright.client.calls import disks
from guestwright.client.errors import EngineAnswerBad, EngineLost, LocalImageBad, RemoteError
from guestwright.client.flows import attempt
from guestwright.client.images import Image, PartFile, look_at, piece_of
from guestwright.client.meaning import refusal
from guestwright.client.pieces import Course, Moved, Trying, send
from guestwright.client.steps import Flow, More, Open, Pause, Work
from guestwright.client.wire import Head

_SILENCE: Final = 90.0
_WRITTEN: Final = 1 << 20
_RANGE: Final = re.compile(r"bytes ([0-9]{1,19})-[0-9]{1,19}/([0-9]{1,19})")


@record
class Sending:
    """What to upload, and as what.

    Attributes:
        path: of the file.
        name: of the disk.
        host: id.
        storage: name of a storage domain there.
        format: "raw" or "qcow2"; "" to go by the file's suffix.
        size: of the disk in it, bytes; None to go by the file.
        description: for people.
        upload: id of one that was begun and is gone on with; "" for a new one.
        begun: is told the upload once it has begun.
    """

    path: str
    name: str
    host: str
    storage: str
    format: str = ""
    size: int | None = None
    description: str = ""
    upload: str = ""
    begun: Callable[[Json], object] = lambda _: None


def upload(
    sending: Sending, server: Server, keys: tuple[str, str], trying: Trying, progress: Moved | None
) -> Flow[Json]:
    """Upload a disk.

    Args:
        sending: what.
        server: where, for errors.
        keys: idempotency keys for its beginning and its end.
        trying: see there.
        progress: see `Moved`; None for nobody.

    Returns:
        the job that ends it, begun.

    Raises:
        LocalImageBad, FormatNotStated, FormatMismatch: it is no file that can be uploaded.
        RemoteError: the engine does not take it, or does not answer.
    """
    image: Image = yield Work(partial(look_at, sending.path, sending.format, sending.size))
    made: Json = yield from attempt(_begin(sending, image), server, keys[0])
    if made.get("file_size") != image.file_size:
        problem = f"it has {image.file_size} bytes, and the upload is of {made.get('file_size')}"
        raise LocalImageBad(path=sending.path, problem=problem)
    sending.begun(made)
    course = Course(
        show=disks.upload,
        write=disks.write,
        piece=partial(piece_of, image.path),
        total=image.file_size,
    )
    yield from send(course, made, server, trying, progress)
    return (yield from attempt(disks.finish(str(made["id"])), server, keys[1]))


def _begin(sending: Sending, image: Image) -> Call[Json]:
    if sending.upload:
        return disks.upload(sending.upload)
    return disks.begin(
        sending.name,
        host=sending.host,
        storage=sending.storage,
        format=image.format,
        size=image.size,
        file_size=image.file_size,
        description=sending.description,
    )


def download(disk: str, path: str, server: Server, trying: Trying, progress: Moved | None) -> Flow[int]:
    """Download a disk.

    Args:
        disk: id.
        path: of the file, which is replaced when all of it is there.
        server: where, for errors.
        trying: see there.
        progress: see `Moved`; None for nobody.

    Returns:
        the size of the file, bytes.

    Raises:
        RemoteError: the engine does not give it, or does not answer.
        OSError: the file cannot be written.
    """
    file: PartFile = yield Work(partial(PartFile, path))
    tag, whole = "", False
    try:
        while not whole:
            try:
                request = _wanted(disk, file.size, tag)
                head: Head = yield Open(request)
                total = yield from _begun(head, request, file, server)
                tag = head.headers.get("etag", "")
                yield from _take(request, file, total, server, trying, progress)
                whole = True
            except RemoteError as error:
                yield Pause(trying.after(error))
        yield Work(file.keep)
        return file.size
    finally:
        file.close()


def _wanted(disk: str, at: int, tag: str) -> Request:
    target = disks.content(disk).request("").target
    headers = {"Accept": BYTES}
    if at and tag:
        headers |= {"Range": f"bytes={at}-", "If-Range": tag}
    return Request(method="GET", target=target, headers=headers, seconds=_SILENCE)


def _begun(head: Head, request: Request, file: PartFile, server: Server) -> Flow[int]:
    """What the head of an answer says: bytes that the whole file has."""
    if head.status >= 400:
        body = b""
        while len(body) < 1 << 20 and (data := (yield More(_SILENCE))):
            body += data
        raise refusal(server, request, Answer(status=head.status, headers=head.headers, body=body))
    length = head.headers.get("content-length", "")
    if head.status == 200 and length.isdigit():
        yield Work(file.empty)
        return int(length)
    found = _RANGE.fullmatch(head.headers.get("content-range", ""))
    if head.status != 206 or found is None or int(found[1]) != file.size:
        problem = f"HTTP {head.status}, where a range was asked for"
        raise EngineAnswerBad(server=str(server), request=str(request), problem=problem)
    return int(found[2])


def _take(
    request: Request, file: PartFile, total: int, server: Server, trying: Trying, progress: Moved | None
) -> Flow[None]:
    """Write the rest of an open answer; what came before a break is kept."""
    held = bytearray()
    try:
        while file.size + len(held) < total:
            data: bytes = yield More(_SILENCE)
            if not data:
                raise EngineLost(server=str(server), request=str(request), problem="it broke off")
            held += data
            trying.moved()
            if len(held) >= _WRITTEN:
                yield Work(partial(file.write, bytes(held)))
                held.clear()
                if progress is not None:
                    progress(file.size, total)
    finally:
        file.write(bytes(held))
    if progress is not None:
        progress(file.size, total)
