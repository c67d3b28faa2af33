"""A domain's move from one host to another, with its payloads: the services of both are asked in turn.

    with HostClient(here) as source, HostClient(there) as destination:
        job = migrate(source, destination, uuid, "qemu+tls://host8.lan/system")

What is passed on is secret, and held in memory only.
"""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import quote

from guestwright.host.client.client import HostClient
from guestwright.host.client.errors import HostRefused

_WAIT: Final = 50  # seconds that a service waits at most
_ENDED: Final = ("done", "failed", "aborted")


def migrate(
    source: HostClient, destination: HostClient | None, uuid: str, to: str, **how: Any
) -> dict[str, Any]:
    """Move a domain, and wait for the end. Who is interrupted meanwhile (Ctrl-C) calls the move off.

    Args:
        source: the service of the host that it is on.
        destination: that of the host that it goes to; both as administrator. None: payloads stay behind.
        uuid: of the domain.
        to: URI of the hypervisor there, as the source's daemon reaches it.
        how: `data`, `live`, `tls`, `unsafe`, `bandwidth`; see the operation `migrate`.

    Returns:
        the job, ended: its `status` tells whether the domain has moved. When it has not, the destination has
        forgotten its payloads.

    Raises:
        HostRefused: one of them does not do it; nothing has moved.
        HostUnreachable, HostNotTrusted, HostLost, HostAnswerBad: one does not answer. When the source does
            not, the domain may have moved; the destination forgets payloads of one that does not come.
    """
    place = f"/v1/incoming/{quote(uuid, safe='')}/payloads"
    handed = _handed(source, destination, uuid, place)
    try:
        job = begin(source, uuid, to, **how)
        try:
            job = _ended(source, job)
        except KeyboardInterrupt:
            source.close()  # an answer was on its way
            job = _ended(source, called_off(source, job))
    except HostRefused:
        if handed is not None:
            handed.ask("DELETE", place)
        raise
    if job["status"] != "done" and handed is not None:
        handed.ask("DELETE", place)
    return job


def begin(source: HostClient, uuid: str, to: str, **how: Any) -> dict[str, Any]:
    """Have a domain moved, without its payloads; the job."""
    path = f"/v1/domains/{quote(uuid, safe='')}/migrate"
    job: dict[str, Any] = source.post(path, {"destination": to, **how})
    return job


def called_off(source: HostClient, job: dict[str, Any]) -> dict[str, Any]:
    """Have a move called off; its job, which may have come to its end first."""
    try:
        return source.cancel_job(job["id"])
    except HostRefused:
        return job


def end_of(source: HostClient, job: dict[str, Any]) -> dict[str, Any]:
    """A move's job when it has ended, or as it was seen last when whoever began it has collected it first."""
    try:
        return _ended(source, job)
    except HostRefused:
        return job


def under_way(source: HostClient, uuid: str) -> dict[str, Any] | None:
    """The job that moves a domain; None when none does."""
    jobs = (one for one in source.jobs() if one["kind"] == "domain.migrate")
    alive = (one for one in jobs if one["status"] not in _ENDED)
    return next((one for one in alive if one["parameters"].get("domain") == uuid), None)


def _handed(source: HostClient, destination: HostClient | None, uuid: str, place: str) -> HostClient | None:
    """The destination, when it has got payloads."""
    if destination is None:
        return None
    handed = source.post(f"/v1/domains/{quote(uuid, safe='')}/payloads-hand-over")
    if not handed["payloads"]:
        return None
    destination.ask("PUT", place, handed)
    return destination


def _ended(source: HostClient, job: dict[str, Any]) -> dict[str, Any]:
    while job["status"] not in _ENDED:
        job = source.job(job["id"], _WAIT)
    return job
