"""Everything that a host says, read at once: when it is met, and whenever events were missed."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import quote

from guestwright.engine.following import said
from guestwright.engine.following.alarms import Alarms
from guestwright.engine.following.domains import Domains
from guestwright.engine.following.guests import Guests
from guestwright.engine.following.syspreps import Syspreps
from guestwright.engine.following.tally import Tally
from guestwright.engine.following.volumes import Volumes
from guestwright.engine.inventory.database import Database
from guestwright.engine.inventory.gathering import Gathering
from guestwright.engine.inventory.model import Host
from guestwright.host.client.client import HostClient
from guestwright.host.client.errors import HostAnswerBad, HostRefused

_GONE: Final = 404


class Reading:
    """Reads from one host, and records.

    Args:
        database: the inventory.
        gathering: stores facts.
        host: as it is recorded.
        tally: counts what was done and refused.
        clock: seconds since 1970.
    """

    def __init__(
        self,
        database: Database,
        gathering: Gathering,
        host: Host,
        tally: Tally,
        clock: Callable[[], float],
    ) -> None:
        self.domains = Domains(database, host, tally)
        self.guests = Guests(gathering, tally, clock)
        self.alarms = Alarms(database, host.id)
        self.syspreps = Syspreps(database, host.id, tally)
        self._volumes = Volumes(database, host.id, tally)
        self._tally = tally

    def about(self, client: HostClient) -> said.About:
        """What the service is.

        Raises:
            HostAnswerBad: it is none of ours.
            ClientError: it does not answer.
        """
        found = self._tally.read("about", client.about(), said.About)
        if found is None:
            raise HostAnswerBad(address=str(client.address), request="GET /v1", problem="of another form")
        return found

    def everything(self, client: HostClient) -> None:
        """All of it: storage first, so that the disks of domains are known.

        Raises:
            ClientError: the host does not answer.
            DatabaseBusy, DatabaseUnusable: the inventory does not.
        """
        self.storage(client)
        self.domains.all(self._domains(client), lambda: self._domains(client))
        for guest in self._list(client, "/v1/guests", "guests", said.Guest):
            self.guests.whole(guest)
        self.alarms.all(self._list(client, "/v1/duplicates", "duplicates", said.Duplicate))
        self.syspreps.look(client)
        self._tally.count("whole-readings")

    def storage(self, client: HostClient) -> None:
        """Storage domains and volumes; raises as `everything`."""
        listed = self._list(client, "/v1/storage", "details", said.Storage)
        found = self._volumes.storage(listed)
        directories = {one.name: one.directory for one in listed if one.directory}
        self.domains.hardware.directories = {
            os.path.normpath(directories[name]): row.id for name, row in found.items() if name in directories
        }
        for name, row in found.items():
            path = f"/v1/storage/{quote(name, safe='')}/volumes"
            self._volumes.volumes(row, self._list(client, path, "volumes", said.Volume))

    def domain(self, client: HostClient, uuid: str) -> None:
        """One domain as it is now, or that it is gone; raises as `everything`."""
        found = self._domain(client, uuid)
        if found is None or self.domains.one(found):
            return
        found = self._domain(client, uuid)
        if found is not None:
            self.domains.adopt(found)

    def _domain(self, client: HostClient, uuid: str) -> said.Known | None:
        try:
            value = client.get(f"/v1/domains/{quote(uuid, safe='')}")
        except HostRefused as error:
            if error.status != _GONE:
                raise
            self.domains.gone(uuid)
            return None
        return self._tally.read("domain", value, said.Known)

    def _domains(self, client: HostClient) -> list[said.Known]:
        return self._list(client, "/v1/domains", "domains", said.Known)

    def _list(self, client: HostClient, path: str, member: str, kind: type[said.T]) -> list[said.T]:
        answer: Any = client.get(path)
        values = answer.get(member, ()) if isinstance(answer, dict) else None
        if not isinstance(values, (list, tuple)):
            raise HostAnswerBad(address=str(client.address), request=f"GET {path}", problem="of another form")
        return list(self._tally.all_of(member, values[: said.LISTED_MAX], kind))
