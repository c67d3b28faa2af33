"""All that can be read and changed at once: everything in one transaction happens, or nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from guestwright.engine.inventory import kinds
from guestwright.engine.inventory.audit import Audit
from guestwright.engine.inventory.events import Events
from guestwright.engine.inventory.facts import Facts
from guestwright.engine.inventory.kinds import Kind, T
from guestwright.engine.inventory.repository import Repository


class Transaction:
    """The inventory within a transaction.

    Args:
        connection: of the transaction; for queries of other parts of the engine too.
        now: its time, seconds since 1970.
    """

    def __init__(self, connection: Connection, now: float) -> None:
        self.connection = connection
        self.now = now
        self._told: list[tuple[str, str, Mapping[str, Any]]] = []
        self.hosts = self.of(kinds.HOST)
        self.storage = self.of(kinds.STORAGE)
        self.volumes = self.of(kinds.VOLUME)
        self.disks = self.of(kinds.DISK)
        self.uploads = self.of(kinds.UPLOAD)
        self.templates = self.of(kinds.TEMPLATE)
        self.template_versions = self.of(kinds.TEMPLATE_VERSION)
        self.vms = self.of(kinds.VM)
        self.drives = self.of(kinds.DRIVE)
        self.nics = self.of(kinds.NIC)
        self.syspreps = self.of(kinds.SYSPREP)
        self.alarms = Repository(connection, kinds.ALARM, now, _silently)  # who keeps them tells of them
        self.payloads = self.of(kinds.PAYLOAD)
        self.payload_uploads = self.of(kinds.PAYLOAD_UPLOAD)
        self.payload_uses = self.of(kinds.PAYLOAD_USE)
        self.users = self.of(kinds.USER)
        self.tokens = self.of(kinds.TOKEN)
        self.facts = Facts(connection, self.tell)
        self.events = Events(connection)
        self.audit = Audit(connection, now)

    def of(self, kind: Kind[T]) -> Repository[T]:
        """Things of one kind."""
        return Repository(self.connection, kind, self.now, self.tell)

    def tell(self, kind: str, subject: str, body: Mapping[str, Any]) -> None:
        """Add an event; it gets its number when the transaction commits.

        Args:
            kind: what happened: "job-changed" ….
            subject: id of what it is about.
            body: more about it, as JSON; nothing secret.
        """
        self._told.append((kind, subject, body))

    def settle(self) -> int:
        """Write the events; the last act before the commit.

        Returns:
            The number of the last one; 0 when there is none.
        """
        if not self._told:
            return 0
        told, self._told = self._told, []
        return self.events.append(self.now, told)


def _silently(kind: str, subject: str, body: Mapping[str, Any]) -> None:
    """No event."""
    del kind, subject, body
