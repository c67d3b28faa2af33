"""Disks: uploads, as calls. `Client.upload_disk` and `Client.download_disk` do all of it."""

from __future__ import annotations

from guestwright.client.call import Call, Json, Page, job, nothing, page, upload_of

_SECONDS = 310.0  # a host may be asked several times, and flushes what it was sent


def begin(
    name: str,
    *,
    host: str,
    storage: str,
    format: str,  # noqa: A002 - as the API calls it
    size: int,
    file_size: int,
    sha256: str = "",
    description: str = "",
) -> Call[Json]:
    """Begin an upload; it, with what is `missing`.

    Args:
        name: of the disk.
        host: id.
        storage: name of a storage domain there.
        format: "raw" or "qcow2".
        size: of the disk in the file, bytes.
        file_size: of the file, bytes.
        sha256: of the file; "" without.
        description: for people.
    """
    body: Json = {"name": name, "host": host, "storage": storage, "format": format}
    body |= {"size": size, "file_size": file_size, "sha256": sha256, "description": description}
    return Call("POST", ("disks", "uploads"), upload_of, body=body, keyed=True, seconds=_SECONDS)


def uploads() -> Call[Page]:
    """Uploads that are under way."""
    return Call("GET", ("disks", "uploads"), page)


def upload(identity: str) -> Call[Json]:
    """One upload, with what is `missing`: first byte and the one after the last of each piece."""
    return Call("GET", ("disks", "uploads", identity), upload_of, seconds=_SECONDS)


def write(identity: str, data: bytes) -> Call[Json]:
    """Bytes of an upload, sent by `transfers`; the upload afterwards."""
    return Call("PUT", ("disks", "uploads", identity, "content"), upload_of, data=data, seconds=_SECONDS * 2)


def finish(identity: str) -> Call[Json]:
    """Have what has arrived judged, and made a disk; a job, whose result has `disk` and `volume`."""
    return Call("POST", ("disks", "uploads", identity, "finish"), job, keyed=True)


def abandon(identity: str) -> Call[None]:
    """Give an upload up, with all that has arrived."""
    return Call("DELETE", ("disks", "uploads", identity), nothing, seconds=_SECONDS)


def remove(identity: str, *, etag: str = "") -> Call[Json]:
    """Remove a disk that no machine and no template has; a job."""
    return Call("DELETE", ("disks", identity), job, etag=etag, keyed=True)


def content(identity: str) -> Call[None]:
    """Where the file of a disk is; its answer is no JSON, and `transfers` takes it bit by bit."""
    return Call("GET", ("disks", identity, "content"), nothing)
