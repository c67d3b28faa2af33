"""Payload objects: files that guests are given."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any, Final

from guestwright.base.record import field, record
from guestwright.client.call import Call, Json, Page, nothing, page, thing, upload_of

_SECONDS: Final = 300.0


@record
class Contents:
    """What is in a payload.

    Attributes:
        version: of the payload.
        files: names to contents; secret, and not shown.
    """

    version: int
    files: Mapping[str, bytes] = field(repr=False)


def add(name: str, files: Mapping[str, bytes], *, label: str = "", description: str = "") -> Call[Json]:
    """Keep a new payload.

    Args:
        name: of it.
        files: relative names to contents.
        label: of the volume; with the names it says who reads it (docs/payloads.md).
        description: for people.
    """
    body: Json = {"name": name, "files": _encoded(files)}
    body |= {key: value for key, value in (("label", label), ("description", description)) if value}
    return Call("POST", ("payloads",), thing, body=body, keyed=True)


def replace(identity: str, files: Mapping[str, bytes], *, label: str = "", etag: str = "") -> Call[Json]:
    """Add a further version to a payload; it is not sent twice, since that would make two."""
    body: Json = {"files": _encoded(files), **({"label": label} if label else {})}
    return Call("PUT", ("payloads", identity), thing, body=body, etag=etag, repeatable=False)


def versions(identity: str) -> Call[Page]:
    """The versions of a payload, without contents."""
    return Call("GET", ("payloads", identity, "versions"), page)


def forget(identity: str, version: int) -> Call[None]:
    """Remove a version that is not the newest, and that nobody asked for by its number."""
    return Call("DELETE", ("payloads", identity, "versions", str(version)), nothing)


def begin(
    files: Sequence[tuple[str, int]],
    *,
    label: str = "",
    name: str = "",
    description: str = "",
    payload: str = "",
    expected: int | None = None,
) -> Call[Json]:
    """Begin to upload a payload by pieces; it, with what is `missing`. `Client.store_payload` does all of it.

    Args:
        files: names and sizes in bytes, in the order in which their contents follow each other.
        label: of the volume.
        name: of a new payload; "" for a version.
        description: of a new payload, for people.
        payload: id of the payload that gets a version.
        expected: version that it must have at the end; None for whichever.
    """
    body: Json = {"files": [{"name": one, "size": size} for one, size in files]}
    texts = {"label": label, "name": name, "description": description, "payload": payload}
    body |= {key: value for key, value in texts.items() if value}
    body |= {} if expected is None else {"payload_version": expected}
    return Call("POST", ("payloads", "uploads"), _upload, body=body, keyed=True)


def uploads() -> Call[Page]:
    """Uploads of payloads that are under way."""
    return Call("GET", ("payloads", "uploads"), page)


def upload(identity: str) -> Call[Json]:
    """One upload, with what is `missing`: first byte and the one after the last of each piece."""
    return Call("GET", ("payloads", "uploads", identity), _upload)


def write(identity: str, data: bytes) -> Call[Json]:
    """Bytes of an upload, sent by `pieces`; the upload afterwards."""
    return Call("PUT", ("payloads", "uploads", identity, "content"), _upload, data=data, seconds=_SECONDS)


def finish(identity: str, *, sha256: str = "") -> Call[Json]:
    """Have what has arrived checked and kept; the payload."""
    path = ("payloads", "uploads", identity, "finish")
    return Call("POST", path, thing, body={"sha256": sha256}, keyed=True, seconds=_SECONDS)


def abandon(identity: str) -> Call[None]:
    """Give an upload up, with all that has arrived."""
    return Call("DELETE", ("payloads", "uploads", identity), nothing)


def contents(identity: str, version: int | None = None) -> Call[Contents]:
    """What is in a payload, for those who have that right; `version` None for the newest."""
    return Call("GET", ("payloads", identity, "contents"), _contents, query={"version": version})


def _encoded(files: Mapping[str, bytes]) -> dict[str, str]:
    return {name: base64.b64encode(data).decode() for name, data in files.items()}


def _upload(found: Any) -> Json:
    made = upload_of(found)
    for one in made["files"]:
        if not (isinstance(one["name"], str) and isinstance(one["size"], int)):
            raise TypeError("its files are none")
    return made


def _contents(found: Any) -> Contents:
    version = found["version"]
    number = version["number"] if isinstance(version, dict) else version
    files = {str(name): base64.b64decode(data) for name, data in found["files"].items()}
    return Contents(version=int(number), files=files)
