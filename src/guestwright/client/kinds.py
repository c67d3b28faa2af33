"""Kinds of things that have names, and where they are listed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from guestwright.base.record import record
from guestwright.client.call import Call, Json, Page, nothing, page, thing


@record
class Kind:
    """A kind of things.

    Attributes:
        path: below /api/v1, and its name in the plural.
        plain: whether the list comes whole, knows no filters, and its things are only in it.
    """

    path: str
    plain: bool = False

    def all(self, *, filters: tuple[str, ...] = (), sort: str = "", limit: int = 0) -> Call[Page]:
        """A part of the list.

        Args:
            filters: such as "agent=live", "name~web-*"; all must hold.
            sort: a field; "-name" for the other way round.
            limit: things of a page; 0 for the engine's own.
        """
        if self.plain:
            return Call("GET", (self.path,), page)
        query = {"filter": list(filters), "sort": sort or None, "limit": limit or None}
        return Call("GET", (self.path,), page, query=query)

    def show(self, identity: str) -> Call[Json]:
        """One of them."""
        return Call("GET", (self.path, identity), thing)

    def change(self, identity: str, body: Mapping[str, Any], *, etag: str = "") -> Call[Json]:
        """Change fields of one; `etag` is the version that must still be there."""
        return Call("PATCH", (self.path, identity), thing, body=body, etag=etag)

    def remove(self, identity: str, *, etag: str = "") -> Call[None]:
        """Remove one."""
        return Call("DELETE", (self.path, identity), nothing, etag=etag)


HOSTS = Kind(path="hosts")
STORAGE = Kind(path="storage")
VOLUMES = Kind(path="volumes")
DISKS = Kind(path="disks")
VMS = Kind(path="vms")
ALARMS = Kind(path="alarms")
TEMPLATES = Kind(path="templates")
PAYLOADS = Kind(path="payloads")
USERS = Kind(path="users")
TOKENS = Kind(path="tokens", plain=True)
