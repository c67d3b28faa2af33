"""Payloads sent to an engine: in one request, or by pieces when they are large."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Final

from guestwright.base.record import field, record
from guestwright.client.address import Server
from guestwright.client.call import Call, Json
from guestwright.client.calls import payloads
from guestwright.client.errors import UploadDiffers
from guestwright.client.flows import attempt
from guestwright.client.pieces import Course, Moved, Trying, send
from guestwright.client.steps import Flow

WHOLE_MAX: Final = 2 << 20
"""Bytes of a payload that is sent in one request; an engine takes 3 MiB of Base64."""


@record
class Parcel:
    """What is sent, and what becomes of it.

    Attributes:
        files: relative names to contents; secret, and not shown.
        label: of the volume; "" for the engine's own choice.
        name: of a new payload; "" for a version of one that is there.
        description: of a new payload, for people.
        payload: id of the one that is there.
        expected: the version that it must have at the end; None for whichever.
        upload: id of an upload that was begun and is gone on with; "" for a new one.
        begun: is told the upload once it has begun; never, if it is sent in one request.
    """

    files: Mapping[str, bytes] = field(repr=False)
    label: str = ""
    name: str = ""
    description: str = ""
    payload: str = ""
    expected: int | None = None
    upload: str = ""
    begun: Callable[[Json], object] = lambda _: None


def deliver(
    parcel: Parcel, server: Server, keys: tuple[str, str], trying: Trying, progress: Moved | None
) -> Flow[Json]:
    """Have the engine keep a payload.

    Args:
        parcel: what.
        server: where, for errors.
        keys: idempotency keys for the beginning and the end.
        trying: see there.
        progress: see `Moved`; None for nobody.

    Returns:
        the payload, as it is then.

    Raises:
        UploadDiffers: the upload that was to be gone on with is of something else.
        RemoteError: the engine does not take it, or does not answer.
    """
    data = b"".join(parcel.files.values())
    if len(data) <= WHOLE_MAX and not parcel.upload:
        return (yield from attempt(_whole(parcel), server, keys[0]))
    made: Json = yield from attempt(_begin(parcel), server, keys[0])
    sizes = [(one["name"], one["size"]) for one in made["files"]]
    if sizes != [(name, len(content)) for name, content in parcel.files.items()]:
        raise UploadDiffers(upload=str(made["id"]))
    parcel.begun(made)
    course = Course(
        show=payloads.upload,
        write=payloads.write,
        piece=lambda start, end: data[start:end],
        total=len(data),
    )
    yield from send(course, made, server, trying, progress)
    digest = hashlib.sha256(data).hexdigest()
    return (yield from attempt(payloads.finish(str(made["id"]), sha256=digest), server, keys[1]))


def _whole(parcel: Parcel) -> Call[Json]:
    if not parcel.payload:
        return payloads.add(parcel.name, parcel.files, label=parcel.label, description=parcel.description)
    etag = "" if parcel.expected is None else str(parcel.expected)
    return payloads.replace(parcel.payload, parcel.files, label=parcel.label, etag=etag)


def _begin(parcel: Parcel) -> Call[Json]:
    if parcel.upload:
        return payloads.upload(parcel.upload)
    return payloads.begin(
        [(name, len(content)) for name, content in parcel.files.items()],
        label=parcel.label,
        name=parcel.name,
        description=parcel.description,
        payload=parcel.payload,
        expected=parcel.expected,
    )
