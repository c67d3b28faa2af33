"""The link to a host as the inventory has it: up, or unreachable and why."""

from __future__ import annotations

from typing import Any, Final

from guestwright.base.printable import printable
from guestwright.engine.following.said import About
from guestwright.engine.following.volumes import lost as storage_lost
from guestwright.engine.inventory import states
from guestwright.engine.inventory.database import Database
from guestwright.engine.inventory.query import Filter, Op
from guestwright.engine.inventory.states import HostEvent, HostState

_REASON_MAX: Final = 1024
_AWAY: Final = "its hypervisor does not answer"


def connected(database: Database, host: str, about: About) -> None:
    """Record that a host answers, and what it is. Nothing is written when that is known."""
    wanted: dict[str, Any] = {
        "hypervisor": printable(f"{about.hypervisor} {about.hypervisor_version}".strip()),
        "software": printable(about.version),
        "cpus": about.cpus,
        "memory": about.memory,
        "reason": "" if about.hypervisor_lost is None else _AWAY,
    }
    with database.write() as tx:
        row = tx.hosts.find(host)
        if row is None:
            return
        if row.state in (HostState.JOINING, HostState.UNREACHABLE):
            tx.hosts.move(host, states.HOST, HostEvent.CONNECTED, **wanted)
        elif row.state is HostState.UP and any(getattr(row, name) != one for name, one in wanted.items()):
            tx.hosts.change(host, row.version, **wanted)


def lost(database: Database, host: str, problem: str) -> None:
    """Record that a host does not answer, and its storage neither."""
    reason = printable(problem[:_REASON_MAX])
    with database.write() as tx:
        row = tx.hosts.find(host)
        if row is None:
            return
        if row.state is HostState.UP:
            tx.hosts.move(host, states.HOST, HostEvent.LOST, reason=reason)
        elif row.state is not HostState.MAINTENANCE and row.reason != reason:
            tx.hosts.change(host, row.version, reason=reason)
        for one in tx.storage.all(Filter("host_id", Op.IS, host)):
            storage_lost(tx, one.id, "its host does not answer")


def hypervisor(database: Database, host: str, *, there: bool) -> None:
    """Record that the host's hypervisor has gone away, or is back."""
    reason = "" if there else _AWAY
    with database.write() as tx:
        row = tx.hosts.find(host)
        if row is not None and row.state is HostState.UP and row.reason != reason:
            tx.hosts.change(host, row.version, reason=reason)
