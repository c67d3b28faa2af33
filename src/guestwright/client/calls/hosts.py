"""Hosts."""

from __future__ import annotations

from guestwright.client.call import Call, Json, thing


def add(name: str, address: str) -> Call[Json]:
    """Have the engine look after a host.

    Args:
        name: for people.
        address: of its service: "HOST:PORT", or "unix:/path" on the engine's own machine.
    """
    return Call("POST", ("hosts",), thing, body={"name": name, "address": address}, keyed=True)
