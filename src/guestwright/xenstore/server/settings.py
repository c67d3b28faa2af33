"""Numbers of a server."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a server grants its peers.

    Attributes:
        budget: messages that one connection may have handled per turn, before all others get theirs.
        host_budget: the same for privileged clients, who may ask many things at once.
        read_size: bytes that one connection may hand over per turn.
        output_high: bytes waiting for a client from which none of its requests is read any more.
        stall_after: seconds after which a privileged client that takes nothing of what waits for it is
            disconnected.
        event_timeout: seconds after which the events waiting for a guest that takes nothing are dropped; C
            xenstored's `--timeout watch-event`.
        connections_max: privileged clients at a time.
        write_rate: changes a second of all guests together, while somebody else's transaction is open.
        write_burst: changes that a guest may save up.
        write_reserve: changes that all guests together may save up beyond that.
        write_newcomer: how many times `write_burst` a guest begins with.
        write_always: whether this holds without a transaction, too: for a host of guests that trust nobody.
        write_bytes: so many bytes received from a guest count as one more change; 0 for none.
    """

    budget: int = 32
    host_budget: int = 32
    read_size: int = 8192
    output_high: int = 1 << 16
    stall_after: float = 60.0
    event_timeout: float = 20.0
    connections_max: int = 20_000
    write_rate: float = 200.0
    write_burst: float = 10.0
    write_reserve: float = 1000.0
    write_newcomer: float = 5.0
    write_always: bool = False
    write_bytes: int = 0
