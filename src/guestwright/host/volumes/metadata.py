"""What is kept about a volume, and its form on disk. Pure.

Kind, legality and generation are oVirt's (vdsm, lib/vdsm/storage/constants.py: VOLTYPE, LEGALITY, GEN);
that a volume is `locked` while it is being made is kept with it here, so that it survives the service.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

from guestwright.base.record import asdict, record
from guestwright.host.volumes.errors import BadVolume, VolumeDamaged

VERSION: Final = 1
METADATA_MAX: Final = 64 << 10
"""Bytes of a metadata file."""
SIZE_MAX: Final = 1 << 46
"""64 TiB, more than ext4 and XFS take in one file with 4 KiB blocks and qcow2 with its default clusters."""
SECTOR: Final = 512
GENERATION_MAX: Final = (1 << 53) - 1
"""What every JSON reader keeps exactly (RFC 8259, section 6)."""
DESCRIPTION_MAX: Final = 210
"""Bytes, as in vdsm."""
_ID: Final = re.compile(r"[0-9a-z][0-9a-z-]{0,63}")
_SHA256: Final = re.compile(r"[0-9a-f]{64}|")
_KIND: Final = "guestwright.volume"


class Kind(StrEnum):
    """A leaf belongs to one machine and may be written; a shared volume is read by many and never changes."""

    LEAF = "leaf"
    SHARED = "shared"


class State(StrEnum):
    """Being made and not yet there; fit for use; not fit for use."""

    LOCKED = "locked"
    LEGAL = "legal"
    ILLEGAL = "illegal"


class Format(StrEnum):
    """How the content lies in the file, by QEMU's names."""

    RAW = "raw"
    QCOW2 = "qcow2"


class Reason(StrEnum):
    """Why a volume is illegal.

    Attributes:
        NONE: it is not.
        DECLARED: somebody said so.
        AWAITED: it was made to be sealed, and is not yet.
        SEALING: it is being sealed.
        UNSEALED: its sealing did not come to its end.
        SEALED: it is sealed, and nobody has declared it fit for use yet.
    """

    NONE = ""
    DECLARED = "declared"
    AWAITED = "seal-awaited"
    SEALING = "sealing"
    UNSEALED = "seal-unfinished"
    SEALED = "sealed"


@record
class Holder:
    """Who is at work on a volume: a job, its attempt (another one is somebody else), and the verb."""

    job: str
    attempt: int
    verb: str


@record
class Upload:
    """How far an upload is.

    Attributes:
        size: of the file, bytes.
        sha256: of the file, as announced; "" when it was not.
        ranges: what has arrived durably: (start, end), ascending, apart from each other.
    """

    size: int
    sha256: str = ""
    ranges: tuple[tuple[int, int], ...] = ()


@record
class Metadata:
    """One volume.

    Attributes:
        id: its name in the domain.
        kind, state, format: see there.
        size: of the disk in it, bytes.
        generation: raised by each change, so that nobody changes what he has not seen.
        parent: id of the volume below; "" for none.
        description: for people.
        created: seconds since 1970.
        reason: why it is illegal.
        holder: who is at work on it; None for nobody.
        upload: of a volume that is being uploaded.
        made: id of the job, or the ticket of the upload, that made it.
        sealed: id of the job that sealed it; "" for none.
    """

    id: str
    kind: Kind
    state: State
    format: Format
    size: int
    generation: int = 0
    parent: str = ""
    description: str = ""
    created: float = 0.0
    reason: Reason = Reason.NONE
    holder: Holder | None = None
    upload: Upload | None = None
    made: str = ""
    sealed: str = ""


def check_id(volume: str) -> str:
    """A name that is fit to be one, and so fit to be the start of a file's name.

    Raises:
        BadVolume: not 1 to 64 lower-case letters, digits and "-", the first of them no "-".
    """
    if not _ID.fullmatch(volume):
        problem = "a name has 1 to 64 lower-case letters, digits and -, and starts with no -"
        raise BadVolume(volume=volume[:80], problem=problem)
    return volume


def check(volume: Metadata) -> Metadata:
    """A volume that can be.

    Raises:
        BadVolume: says what cannot.
    """
    check_id(volume.id)
    problem = ""
    if volume.parent and not _ID.fullmatch(volume.parent):
        problem = "its parent has no proper name"
    elif not 0 < volume.size <= SIZE_MAX or volume.size % SECTOR:
        problem = f"a size of {volume.size} bytes; sizes are multiples of {SECTOR}, at most {SIZE_MAX}"
    elif not 0 <= volume.generation <= GENERATION_MAX:
        problem = f"generation {volume.generation}"
    elif len(volume.description.encode("utf-8", "replace")) > DESCRIPTION_MAX:
        problem = f"its description has more than {DESCRIPTION_MAX} bytes"
    elif not volume.description.isprintable():
        problem = "its description has characters that do not print"
    elif volume.parent and (volume.kind is Kind.SHARED or volume.format is Format.RAW):
        problem = "only a leaf of format qcow2 has a parent"
    elif (volume.state is State.LOCKED) > (volume.holder is not None):
        problem = "locked by nobody"
    elif volume.state is State.LEGAL and (volume.holder is not None or volume.reason):
        problem = "legal, and held by a job"
    elif volume.upload is not None and volume.state is not State.LOCKED:
        problem = "an upload of what is there already"
    elif volume.upload is not None:
        problem = _upload_problem(volume.upload)
    if problem:
        raise BadVolume(volume=volume.id, problem=problem)
    return volume


def _upload_problem(upload: Upload) -> str:
    if not 0 < upload.size <= SIZE_MAX:
        return f"an upload of {upload.size} bytes; {SIZE_MAX} are the most"
    if not _SHA256.fullmatch(upload.sha256):
        return "its checksum is not 64 hexadecimal digits"
    position = -1
    for start, end in upload.ranges:
        if not position < start < end <= upload.size:
            return "its ranges are in disorder"
        position = end
    return ""


def encode(volume: Metadata) -> bytes:
    """The content of its metadata file."""
    body = {"kind_of_file": _KIND, "version": VERSION, **asdict(volume)}
    return json.dumps(body, indent=1, sort_keys=True).encode() + b"\n"


def decode(volume: str, data: bytes) -> Metadata:
    """Read a metadata file.

    Args:
        volume: whose it is.
        data: its content, at most `METADATA_MAX` bytes and one.

    Raises:
        VolumeDamaged: it is not what `encode` makes.
    """
    if len(data) > METADATA_MAX:
        raise VolumeDamaged(volume=volume, problem="its metadata is too large")
    try:
        body = json.loads(data)
        if body.pop("kind_of_file") != _KIND or body.pop("version") != VERSION:
            raise VolumeDamaged(volume=volume, problem="its metadata is of another kind or version")
        found = check(_typed(body))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise VolumeDamaged(volume=volume, problem=f"its metadata does not read ({error})") from error
    except BadVolume as error:
        raise VolumeDamaged(volume=volume, problem=error.params["problem"]) from error
    if found.id != volume:
        raise VolumeDamaged(volume=volume, problem="its metadata is another volume's")
    return found


def _typed(body: Mapping[str, Any]) -> Metadata:
    holder, upload = body["holder"], body["upload"]
    return Metadata(
        id=_text(body["id"]),
        kind=Kind(body["kind"]),
        state=State(body["state"]),
        format=Format(body["format"]),
        size=_number(body["size"]),
        generation=_number(body["generation"]),
        parent=_text(body["parent"]),
        description=_text(body["description"]),
        created=float(body["created"]),
        reason=Reason(body["reason"]),
        holder=None if holder is None else _holder(holder),
        upload=None if upload is None else _upload(upload),
        made=_text(body["made"]),
        sealed=_text(body["sealed"]),
    )


def _holder(body: Mapping[str, Any]) -> Holder:
    return Holder(job=_text(body["job"]), attempt=_number(body["attempt"]), verb=_text(body["verb"]))


def _upload(body: Mapping[str, Any]) -> Upload:
    ranges = tuple((_number(start), _number(end)) for start, end in body["ranges"])
    return Upload(size=_number(body["size"]), sha256=_text(body["sha256"]), ranges=ranges)


def _number(value: Any) -> int:
    if type(value) is not int:
        raise TypeError("not a whole number")
    return value


def _text(value: Any) -> str:
    if type(value) is not str:
        raise TypeError("not a text")
    return value
