"""The store's view of the host, with the links of its domains kept in step."""

from __future__ import annotations

from guestwright.xenstore.core.domain import Host
from guestwright.xenstore.core.wire import Errno
from guestwright.xenstore.server.link import Link
from guestwright.xenstore.server.traffic import Traffic


class WatchfulHost:
    """A `Host` that passes everything on.

    Args:
        host: what the store was given.
        traffic: where the domains' links are.
    """

    __slots__ = ("_host", "_traffic")

    def __init__(self, host: Host, traffic: Traffic) -> None:
        self._host = host
        self._traffic = traffic

    def exists(self, domid: int) -> bool:
        """See `Host`."""
        return self._host.exists(domid)

    def attach(self, domid: int, gfn: int, port: int) -> Errno | None:
        """See `Host`; a link that is there begins anew."""
        error = self._host.attach(domid, gfn, port)
        link = self._link(domid)
        if error is None and link is not None:
            self._traffic.start_anew(link)
        return error

    def detach(self, domid: int) -> None:
        """See `Host`; the link ends."""
        link = self._link(domid)
        if link is not None:
            self._traffic.close(link)
        self._host.detach(domid)

    def _link(self, domid: int) -> Link | None:
        for link in (*self._traffic.links.values(), *self._traffic.unpolled):
            if link.guest and link.connection.domain.domid == domid:
                return link
        return None
