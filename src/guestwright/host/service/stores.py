"""Where guests' keys are: Xen's store, or our own; the same to all that stands on it.

Theory of operation: a domain has a number (domid) in the store for one life. On Xen that is the hypervisor's
own. On KVM it is ours, given out in `own_store`.
"""

from __future__ import annotations

import math
from typing import Protocol

from guestwright.hypervisor.domain import Domain
from guestwright.xenstore.client.client import Client
from guestwright.xenstore.core.wire import DOMID_FIRST_RESERVED


class Store(Protocol):
    """A store with a client that has the host's rights."""

    kind: str
    """"own" or "xenstored"."""

    native: bool
    """Whether it is the hypervisor's own, with whatever the toolstack asks of guests."""

    client: Client

    def connect(self) -> Client:
        """A connection of somebody's own, with the host's rights.

        Raises:
            NoServer: nothing answers.
        """

    def begin(self, domain: Domain, *, afresh: bool) -> int:
        """A domain runs, or was found running.

        Args:
            domain: which; it is active.
            afresh: whether this life is certainly a new one.

        Returns:
            its number in this life.
        """

    def end(self, domid: int) -> None:
        """A life is over: nothing of it stays."""

    def healthy(self) -> bool:
        """Whether it answers, as far as that is known without asking."""

    def close(self) -> None:
        """Let go of it; what it holds stays. May be called twice."""


class Xenstored:
    """Xen's own store; the toolstack makes and removes domains' directories.

    Args:
        socket: where it is; "" for the usual places.

    Raises:
        NoServer: nothing answers.
    """

    kind = "xenstored"
    native = True

    def __init__(self, socket: str = "") -> None:
        self._socket = socket or None
        self.client = Client(self._socket, patience=math.inf)

    def connect(self) -> Client:
        """See `Store`."""
        return Client(self._socket)

    def begin(self, domain: Domain, *, afresh: bool) -> int:
        """See `Store`."""
        del self, afresh
        assert domain.run is not None
        assert 0 < domain.run < DOMID_FIRST_RESERVED
        return domain.run

    def end(self, domid: int) -> None:
        """See `Store`."""

    def healthy(self) -> bool:
        """See `Store`."""
        return self.client.connection.interest().fd is not None

    def close(self) -> None:
        """See `Store`."""
        self.client.close()
