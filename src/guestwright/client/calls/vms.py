"""Machines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from guestwright.client.call import Call, Json, Page, job, nothing, page, thing

POWER: Final = 330.0  # seconds: a guest may take 300 to shut down
_SYSPREP: Final = 60.0
_MEDIUM: Final = 150.0


def create(
    template: str,
    name: str,
    *,
    count: int | None = None,
    first: int = 1,
    host: str = "",
    domain: str = "",
    thin: bool = True,
    seal: bool = False,
    payload: str = "",
    run_once: bool = False,
) -> Call[Json]:
    """Make machines from a template; a job.

    Args:
        template: id of the template, or of one of its versions.
        name: of the machine; with `count` a pattern, "web-{n}" or "web-{n:03}".
        count: how many; None for one, whose name is no pattern.
        first: number of the first.
        host: id of the host; "" where the engine wants it.
        domain: id of the storage domain; likewise.
        thin: whether disks are layers over the template's, not copies.
        seal: whether the copies are personalised anew.
        payload: id of a payload, or "none"; "" for what the template says.
        run_once: whether it is for the first start only.
    """
    body: Json = {"template": template, "thin": thin, "seal": seal}
    body |= {"name": name} if count is None else {"pattern": name, "count": count, "first": first}
    body |= _given(host=host, domain=domain, payload=payload)
    if payload:
        body["run_once"] = run_once
    return Call("POST", ("vms",), job, body=body, keyed=True)


def remove(identity: str, *, etag: str = "") -> Call[Json]:
    """Remove a machine with its disks; a job."""
    return Call("DELETE", ("vms", identity), job, etag=etag, keyed=True)


def power(identity: str, action: str) -> Call[Json]:
    """Start, shutdown, reboot, kill, pause, unpause, suspend or resume; the machine afterwards."""
    return Call("POST", ("vms", identity, "power"), thing, body={"action": action}, seconds=POWER)


def sysprep(identity: str, answers: str, *, filename: str = "", timeout: float | None = None) -> Call[Json]:
    """Have a guest generalise itself; the host's job.

    Args:
        identity: of the machine.
        answers: contents of the answer file.
        filename: "unattend.xml" or "sysprep.inf"; "" for what the guest takes.
        timeout: seconds until it counts as failed; None for the host's own.
    """
    body: Json = {"answers": answers, **_given(filename=filename, timeout=timeout)}
    return Call("POST", ("vms", identity, "sysprep"), thing, body=body, keyed=True, seconds=_SYSPREP)


def sysprep_job(identity: str, name: str, wait: int = 0) -> Call[Json]:
    """How a sysprep goes; with `wait`, when it has ended or after that many seconds (at most 50)."""
    path = ("vms", identity, "sysprep", name)
    return Call("GET", path, thing, query={"wait": wait or None}, seconds=60.0 + wait)


def syspreps(identity: str, *, filters: tuple[str, ...] = (), sort: str = "", limit: int = 0) -> Call[Page]:
    """The syspreps of a machine, newest first: who wanted them, how far they are, how they ended.

    Args:
        identity: of the machine.
        filters: such as "state=failed"; all must hold.
        sort: a field; "-created" without it.
        limit: syspreps of a page; 0 for the engine's own.
    """
    query = {"filter": list(filters), "sort": sort or None, "limit": limit or None}
    return Call("GET", ("vms", identity, "syspreps"), page, query=query)


def wait_for(identity: str, until: str, timeout: int) -> Call[Json]:
    """Wait for a guest's "agent", "ip" or "customised", at most 50 seconds; `reached` and the `guest`."""
    body = {"until": until, "timeout": timeout}
    return Call("POST", ("vms", identity, "wait"), thing, body=body, seconds=60.0 + timeout)


def payloads(identity: str) -> Call[Page]:
    """What payloads a machine gets."""
    return Call("GET", ("vms", identity, "payloads"), page)


def attach(
    identity: str, payload: str, *, run_once: bool = False, device: str = "cd", version: int | None = None
) -> Call[Json]:
    """Give a machine a payload, from its next start on.

    Args:
        identity: of the machine.
        payload: id.
        run_once: whether it is for one start only.
        device: "cd" or "floppy".
        version: of the payload; None for the newest, each time.
    """
    body: Mapping[str, Any] = {"payload": payload, "run_once": run_once, "device": device}
    return Call(
        "POST", ("vms", identity, "payloads"), thing, body={**body, **_given(version=version)}, keyed=True
    )


def detach(identity: str, use: str) -> Call[None]:
    """Take a payload from a machine; `use` is the id of its line in `payloads`."""
    return Call("DELETE", ("vms", identity, "payloads", use), nothing)


def memory(identity: str, target: int) -> Call[Json]:
    """Ask a guest to have so many bytes of memory; `memory_actual` and `memory_maximum`.

    Args:
        identity: of the machine.
        target: bytes, whole KiB.
    """
    return Call("PUT", ("vms", identity, "memory"), thing, body={"target": target})


def insert(identity: str, drive: str, disk: str, *, change: bool = False, force: bool = False) -> Call[None]:
    """Put an image into a CD or floppy drive.

    Args:
        identity: of the machine.
        drive: its target: "sda", "hdc" ….
        disk: id of a disk whose volume is a raw image on the machine's host.
        change: whether it may take the place of another medium.
        force: even though the guest keeps the drive locked.
    """
    body = {"disk": disk, "change": change, "force": force}
    path = ("vms", identity, "media", drive)
    return Call("PUT", path, nothing, body=body, repeatable=change, seconds=_MEDIUM)


def eject(identity: str, drive: str, *, force: bool = False) -> Call[None]:
    """Empty a CD or floppy drive; `force`: even though the guest keeps it locked."""
    query = {"force": "true" if force else None}
    path = ("vms", identity, "media", drive)
    return Call("DELETE", path, nothing, query=query, repeatable=False, seconds=_MEDIUM)


def _given(**values: Any) -> Json:
    return {name: value for name, value in values.items() if value not in ("", None)}
