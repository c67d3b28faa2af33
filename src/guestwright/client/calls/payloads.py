"""Payload objects: files that guests are given."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from guestwright.base.record import field, record
from guestwright.client.call import Call, Json, Page, page, thing


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


def replace(identity: str, files: Mapping[str, bytes], *, label: str = "") -> Call[Json]:
    """Add a further version to a payload; it is not sent twice, since that would make two."""
    body: Json = {"files": _encoded(files), **({"label": label} if label else {})}
    return Call("PUT", ("payloads", identity), thing, body=body, repeatable=False)


def versions(identity: str) -> Call[Page]:
    """The versions of a payload, without contents."""
    return Call("GET", ("payloads", identity, "versions"), page)


def contents(identity: str, version: int | None = None) -> Call[Contents]:
    """What is in a payload, for those who have that right; `version` None for the newest."""
    return Call("GET", ("payloads", identity, "contents"), _contents, query={"version": version})


def _encoded(files: Mapping[str, bytes]) -> dict[str, str]:
    return {name: base64.b64encode(data).decode() for name, data in files.items()}


def _contents(found: Any) -> Contents:
    version = found["version"]
    number = version["number"] if isinstance(version, dict) else version
    files = {str(name): base64.b64decode(data) for name, data in found["files"].items()}
    return Contents(version=int(number), files=files)
