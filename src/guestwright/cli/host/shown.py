"""How what is known of a guest is put into few words."""

from __future__ import annotations

import time
from typing import Any, Final

from guestwright.cli.output import human

Json = dict[str, Any]
_ADDRESSES_MAX: Final = 6
_UNITS: Final = ((86400, "d"), (3600, "h"), (60, "min"))


def fact(guest: Json | None, name: str) -> Any:
    """The value of a fact; None when it is not known."""
    found = (guest or {}).get("facts", {}).get(name)
    return None if found is None else found["value"]


def system(guest: Json | None) -> str:
    """The operating system."""
    told = fact(guest, "system") or {}
    return str(told.get("name") or " ".join(filter(None, (told.get("distro"), told.get("major")))))


def addresses(guest: Json | None) -> list[str]:
    """Addresses that others can reach; few of them."""
    found = [
        one["address"]
        for nic in fact(guest, "nics") or ()
        for one in nic["addresses"]
        if one["scope"] in ("global", "site") and not one["temporary"] and not one["deprecated"]
    ]
    more = ["…"] if len(found) > _ADDRESSES_MAX else []
    return [*found[:_ADDRESSES_MAX], *more]


def rows_of(domain: Json, guest: Json | None, now: float) -> list[tuple[str, str]]:
    """Names and values of what is known of one domain and its guest.

    Args:
        domain: as the service has it.
        guest: likewise; None when it does not run.
        now: seconds since 1970.
    """
    agent = domain["agent"]
    rows = [
        ("name", domain["domain"]["name"]),
        ("uuid", domain["domain"]["uuid"]),
        ("power", domain["power"]),
        ("busy with", domain["busy"] or ""),
        ("agent", f"{agent['state']}: {agent['reason']}" if agent else ""),
        ("channel", " ".join(filter(None, (domain["channel"], domain["channel_reason"])))),
    ]
    if guest is None:
        return rows
    memory = fact(guest, "memory")
    rows += [
        ("system", system(guest)),
        ("host name", (fact(guest, "host") or {}).get("name", "")),
        ("tools", f"{guest['tools']['standing']}: {guest['tools']['reason']}".rstrip(": ")),
        ("memory", _memory(memory) if memory else ""),
    ]
    for nic in fact(guest, "nics") or ():
        shown = " ".join(f"{one['address']}/{one['prefix']}" for one in nic["addresses"])
        rows.append((f"nic {nic['name'] or nic['id']}", f"{nic['mac']} {shown}".strip()))
    for one in fact(guest, "filesystems") or ():
        rows.append((f"disk {one['device']}", _filesystem(one)))
    for subject, one in sorted(guest["agreed"].items()):
        if one["disagreement"]:
            rows.append((f"disagreement, {subject}", one["disagreement"]))
    heard = [one["seen"] for one in guest["facts"].values()]
    rows.append(("facts seen", f"{age(now - max(heard))} ago" if heard else ""))
    return rows


def age(seconds: float) -> str:
    """A time span for people: "12 s", "3 min", "2 d"."""
    for size, unit in _UNITS:
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(0.0, seconds):.0f} s"


def clock(seconds: float) -> str:
    """A time of day, with the date, in this place."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds)) if seconds else ""


def _memory(memory: Json) -> str:
    return f"{human(memory['free'] * 1024)} of {human(memory['total'] * 1024)} free"


def _filesystem(one: Json) -> str:
    where = " ".join(one["mounts"]) or "not mounted"
    return f"{one['kind']} at {where}: {human(one['free'])} of {human(one['size'])} free"
