"""Templates."""

from __future__ import annotations

from guestwright.client.call import Call, Json, Page, job, page, thing


def create(
    vm: str,
    name: str,
    *,
    seal: bool = True,
    host: str = "",
    domain: str = "",
    payload: str = "",
    run_once: bool = False,
) -> Call[Json]:
    """Make a template, or a further version of one, from a machine; a job.

    Args:
        vm: id of the machine, which must be off.
        name: of the template.
        seal: whether the disks lose what makes the machine this one.
        host: id of the host; "" where the machine is.
        domain: name of a storage domain there; "" where its disks are.
        payload: id of what machines made from it get, unless they name their own; "" for none.
        run_once: whether they get it at their first start only.
    """
    body: Json = {"vm": vm, "name": name, "seal": seal}
    more = {"host": host, "domain": domain, "payload": payload, "run_once": run_once}
    body |= {key: value for key, value in more.items() if value}
    return Call("POST", ("templates",), job, body=body, keyed=True)


def versions(identity: str) -> Call[Page]:
    """The versions of a template."""
    return Call("GET", ("templates", identity, "versions"), page)


def change_version(
    identity: str, number: int, *, payload: str | None, run_once: bool = False, etag: str = ""
) -> Call[Json]:
    """Say which payload machines made from a version get, unless they name their own.

    Args:
        identity: of the template.
        number: of the version.
        payload: id; None for none.
        run_once: whether they get it at their first start only.
        etag: version of the record that must still be there; "" for any.
    """
    body = {"payload": payload, "run_once": run_once}
    path = ("templates", identity, "versions", str(number))
    return Call("PATCH", path, thing, body=body, etag=etag)


def version(identity: str, number: int) -> Call[Json]:
    """One version of a template."""
    return Call("GET", ("templates", identity, "versions", str(number)), thing)


def remove(identity: str, number: int | None = None) -> Call[Json]:
    """Remove a version of a template, the template with its last one; a job.

    Args:
        identity: of the template.
        number: of the version; needed where there are several.
    """
    return Call("DELETE", ("templates", identity), job, query={"number": number}, keyed=True)
