"""Templates."""

from __future__ import annotations

from guestwright.client.call import Call, Json, Page, job, page


def create(vm: str, name: str, *, seal: bool = True, host: str = "", domain: str = "") -> Call[Json]:
    """Make a template, or a further version of one, from a machine; a job.

    Args:
        vm: id of the machine, which must be off.
        name: of the template.
        seal: whether the disks lose what makes the machine this one.
        host: id of the host; "" where the machine is.
        domain: id of the storage domain; "" where its disks are.
    """
    body: Json = {"vm": vm, "name": name, "seal": seal}
    body |= {key: value for key, value in (("host", host), ("domain", domain)) if value}
    return Call("POST", ("templates",), job, body=body, keyed=True)


def versions(identity: str) -> Call[Page]:
    """The versions of a template."""
    return Call("GET", ("templates", identity, "versions"), page)


def remove(identity: str, number: int | None = None) -> Call[Json]:
    """Remove a version of a template, the template with its last one; a job.

    Args:
        identity: of the template.
        number: of the version; needed where there are several.
    """
    return Call("DELETE", ("templates", identity), job, query={"number": number}, keyed=True)
