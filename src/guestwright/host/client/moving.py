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


def migrate(source: HostClient, destination: HostClient, uuid: str, to: str, **how: Any) -> dict[str, Any]:
    """Move a domain, and wait for the end.

    Args:
        source: the service of the host that it is on.
        destination: that of the host that it goes to; both as administrator.
        uuid: of the domain.
        to: URI of the hypervisor there, as the source's daemon reaches it.
        how: `data`, `live`, `tls`, `unsafe`; see the operation `migrate`.

    Returns:
        the job, ended: its `status` tells whether the domain has moved. When it has not, the destination has
        forgotten its payloads.

    Raises:
        HostRefused: one of them does not do it; nothing has moved.
        HostUnreachable, HostNotTrusted, HostLost, HostAnswerBad: one does not answer. When the source does
            not, the domain may have moved; the destination forgets payloads of one that does not come.
    """
    place = f"/v1/incoming/{quote(uuid, safe='')}/payloads"
    domain = f"/v1/domains/{quote(uuid, safe='')}"
    handed = source.post(f"{domain}/payloads-hand-over")
    if handed["payloads"]:
        destination.ask("PUT", place, handed)
    try:
        job: dict[str, Any] = source.post(f"{domain}/migrate", {"destination": to, **how})
        while job["status"] not in _ENDED:
            job = source.job(job["id"], _WAIT)
    except HostRefused:
        if handed["payloads"]:
            destination.ask("DELETE", place)
        raise
    if job["status"] != "done" and handed["payloads"]:
        destination.ask("DELETE", place)
    return job
