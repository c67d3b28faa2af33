"""Templates as OVF packages, as calls. `Client.export_template` and `Client.import_template` do all of it."""

from __future__ import annotations

from collections.abc import Mapping

from guestwright.client.call import Call, Json, job, thing


def descriptor(identity: str, number: int | str) -> Call[Json]:
    """A version of a template as a package: `name`, `descriptor` (text) and `disks`.

    Args:
        identity: of the template.
        number: of the version.
    """
    return Call("GET", ("templates", identity, "versions", str(number), "ovf"), thing)


def make(
    text: str,
    disks: Mapping[str, str],
    *,
    name: str = "",
    seal: bool | None = None,
    digests: Mapping[str, str] | None = None,
) -> Call[Json]:
    """Make a template of disks that were uploaded; a job.

    Args:
        text: of the descriptor.
        disks: ids of disks by id of the descriptor's file.
        name: of the template; "" for the descriptor's.
        seal: whether the disks are sealed, there; None if the descriptor says that they were.
        digests: SHA-256 of files by their id.
    """
    body: Json = {"descriptor": text, "disks": dict(disks), "digests": dict(digests or {})}
    body |= {"name": name or None, "seal": seal}
    return Call("POST", ("templates", "import"), job, body=body, keyed=True)
