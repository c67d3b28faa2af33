"""Whether the accounts of a store agree with what it holds, counted anew from the outside."""

from __future__ import annotations

import ctypes
import os
from collections import Counter

from guestwright.xenstore.core.connection import Connection
from guestwright.xenstore.core.on_control import faults
from guestwright.xenstore.core.store import Store


def audit(store: Store, *sockets: Connection) -> None:
    """Fail unless every counter is what it should be.

    Args:
        store: to be looked at.
        *sockets: all its privileged connections.
    """
    core = store.core
    assert faults(core) == []
    connections = [*core.guests.values(), *sockets]
    indexed = {one for group in core.watches.by_path.values() for one in group}
    assert indexed == {one for connection in connections for one in connection.watches.values()}
    memory: Counter[object] = Counter()
    for path, node in core.tree.nodes.items():
        memory[node.perms.owner] += node.size + len(path)
    for domain, connection in core.guests.items():
        assert core.domains[domain.domid] is domain
        memory[domain] += sum(one.cost for one in connection.watches.values())
        memory[domain] += sum(one.memory for one in connection.transactions.values()) + connection.backlog
        assert domain.watches == len(connection.watches)
        assert connection.backlog == sum(map(len, connection.output))
        assert len(connection.queued) <= len(connection.output)
        assert connection.outstanding >= 0
    for domain in core.domains.values():
        if not domain.privileged:
            assert domain.memory == memory[domain], domain.domid
    if not any(connection.transactions for connection in connections):
        assert core.tree.snapshots == []


def resident() -> int:
    """Bytes of memory that the process has now, after giving back what the allocator keeps."""
    ctypes.CDLL(None).malloc_trim(0)
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")
