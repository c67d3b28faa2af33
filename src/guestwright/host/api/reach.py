"""Gets at guests on somebody's behalf: is it allowed, and by which connection.

Theory of operation: the service judges (`HostService.claim`); what takes long in a guest does not keep the
domain busy, so the claim is let go at once. Each call has a connection to the store of its own, so that one
guest that does not answer holds up nobody else.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from guestwright.base.record import asdict
from guestwright.host.acting.audit import Actor, AuditLine
from guestwright.host.acting.calls import GuestCalls
from guestwright.host.acting.clipboard import GuestClipboard
from guestwright.host.acting.settings import GuestSettings
from guestwright.host.capabilities import Operation
from guestwright.host.service.port import HostService
from guestwright.hypervisor.errors import DomainNotFound
from guestwright.xenstore.client.client import Client

_LOG: Final = logging.getLogger("guestwright.audit")


def log_audit(line: AuditLine) -> None:
    """Write a line of the audit into the service's log."""
    text = "%s: %s by %s: %s"
    _LOG.info(text, line.domain, line.action, line.who, line.outcome, extra={"audit": asdict(line)})


class Reach:
    """See the module.

    Args:
        service: judges, and knows the domains.
        connect: opens a connection to the store with the host's rights.
    """

    def __init__(self, service: HostService, connect: Callable[[], Client]) -> None:
        self._service = service
        self._connect = connect

    def calls(self, uuid: str, operation: Operation, who: str) -> GuestCalls:
        """Commands and files.

        Args:
            uuid: of the domain.
            operation: what is to be done.
            who: asks for it.

        Raises:
            DomainNotFound, OperationRefused: it is not possible.
        """
        return GuestCalls(self._connect, self._domid(uuid, operation), _actor(uuid, who))

    @contextmanager
    def settings(self, uuid: str, operation: Operation, who: str) -> Iterator[GuestSettings]:
        """Host name, clock, addresses; raises as `calls`."""
        domid = self._domid(uuid, operation)
        with self._connect() as store:
            yield GuestSettings(store, domid, _actor(uuid, who))

    @contextmanager
    def clipboard(self, uuid: str, who: str) -> Iterator[GuestClipboard]:
        """The clipboard; raises as `calls`."""
        domid = self._domid(uuid, Operation.CLIPBOARD)
        with self._connect() as store:
            yield GuestClipboard(store, domid, _actor(uuid, who))

    def _domid(self, uuid: str, operation: Operation) -> int:
        with self._service.claim(uuid, operation) as known:
            if known.domid is None:
                raise DomainNotFound(domain=uuid)  # it has stopped since the service judged
            return known.domid


def _actor(uuid: str, who: str) -> Actor:
    return Actor(who=who, domain=uuid, audit=log_audit, clock=time.time)
