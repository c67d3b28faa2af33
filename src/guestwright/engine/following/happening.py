"""What the events of a host mean for the inventory."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from typing import Final

from guestwright.engine.following import link
from guestwright.engine.following.reading import Reading
from guestwright.engine.following.said import Agent, Duplicate
from guestwright.engine.following.syspreps import KIND as SYSPREP
from guestwright.engine.following.tally import Tally
from guestwright.engine.following.uses import Uses
from guestwright.engine.inventory.database import Database
from guestwright.host.client.client import HostClient
from guestwright.host.client.events import HostEvent

_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_SHARE: Final = 10.0  # so many times as long as the last reading of volumes took, none follows
_ENDED: Final = frozenset(("done", "failed", "cancelled"))

Take = Callable[[HostClient, HostEvent], None]


class Happening:
    """Records events.

    Args:
        reading: reads what an event only points at.
        database: the inventory.
        tally: counts what was refused.
    """

    def __init__(self, reading: Reading, database: Database, tally: Tally) -> None:
        self._reading = reading
        self._database = database
        self._tally = tally
        self._uses = Uses(database, tally)
        self._stale = False
        self._volumes = self._took = 0.0
        self._table: Mapping[str, Take] = {
            "domain-added": self._domain,
            "domain-changed": self._domain,
            "domain-removed": lambda _, event: reading.domains.gone(event.subject),
            "facts-changed": self._facts,
            "agent-changed": self._agent,
            "duplicate-found": self._duplicate,
            "duplicate-over": self._duplicate,
            "payload-changed": self._payload,
        }

    def take(self, client: HostClient, event: HostEvent) -> None:
        """Record one; kinds that the inventory has no place for are left alone.

        Raises:
            ClientError: the host does not answer.
            DatabaseBusy, DatabaseUnusable: the inventory does not.
        """
        if event.kind == "job-changed":
            volumes = str(event.data.get("kind", "")).startswith("volume.")
            self._stale |= volumes and event.data.get("status") in _ENDED
            if event.data.get("kind") == SYSPREP:
                self._reading.syspreps.changed(client, event.subject)
        elif event.kind in ("hypervisor-lost", "hypervisor-found"):
            there = event.kind == "hypervisor-found"
            link.hypervisor(self._database, self._reading.domains.host, there=there)
        elif event.kind in self._table:
            if _UUID.fullmatch(event.subject):
                self._table[event.kind](client, event)
            else:
                self._tally.refused("event", f"{event.kind} of {event.subject[:80]}")

    def volumes_due(self, now: float, most: float) -> bool:
        """Whether volumes are to be read again.

        Args:
            now: seconds that only rise.
            most: seconds after which they are in any case.
        """
        return now - self._volumes >= (self._took * _SHARE if self._stale else most)

    def read_volumes(self, client: HostClient) -> None:
        """Read them, and how far syspreps are; raises as `take`."""
        began = time.monotonic()
        self._reading.storage(client)
        self._reading.syspreps.look(client)
        now = time.monotonic()
        self._took = now - began
        self.volumes_read(now)

    def volumes_read(self, now: float) -> None:
        """They have just been read."""
        self._stale, self._volumes = False, now

    def _domain(self, client: HostClient, event: HostEvent) -> None:
        self._reading.domain(client, event.subject)

    def _facts(self, client: HostClient, event: HostEvent) -> None:
        del client
        changes, source = event.data.get("changes"), event.data.get("source")
        if isinstance(changes, dict) and isinstance(source, str):
            self._reading.guests.changes(event.subject, changes, source, event.time)
        else:
            self._tally.refused("event", "facts of another form")

    def _agent(self, client: HostClient, event: HostEvent) -> None:
        del client
        found = self._tally.read("agent", event.data, Agent)
        if found is not None:
            self._reading.guests.agent(event.subject, found.state, found.reason, event.time)

    def _duplicate(self, client: HostClient, event: HostEvent) -> None:
        del client
        found = self._tally.read("duplicate", event.data, Duplicate)
        if found is not None:
            alarms = self._reading.alarms
            (alarms.found if event.kind == "duplicate-found" else alarms.over)(found)

    def _payload(self, client: HostClient, event: HostEvent) -> None:
        del client
        persistence, state = event.data.get("persistence"), event.data.get("state")
        if isinstance(persistence, str) and isinstance(state, str):
            self._uses.changed(event.subject, persistence, state)
        else:
            self._tally.refused("event", "a payload of another form")
