"""Clients of hosts, each used by one thread at a time, and kept for the next one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from guestwright.host.client.address import Address
from guestwright.host.client.client import HostClient

SECONDS: Final = 60.0
"""To wait for an answer: none of the requests of the engine's orders takes a host as long."""
_IDLE_MAX: Final = 8  # of one host

Addresses = Callable[[str], Address]
"""The address of a host by its id; raises a `GuestwrightError` for one that is not known."""


class Lines:
    """Clients by host. Its calls may come from any thread.

    Args:
        addresses: see there.
        seconds: to wait for an answer.
    """

    def __init__(self, addresses: Addresses, seconds: float = SECONDS) -> None:
        self._addresses = addresses
        self._seconds = seconds
        self._idle: dict[Address, list[HostClient]] = {}
        self._lock = threading.Lock()
        self._closed = False

    @contextmanager
    def to(self, host: str) -> Iterator[HostClient]:
        """A client of a host's service, this thread's for the time of the block.

        Args:
            host: id.

        Raises:
            GuestwrightError: the host is not known.
        """
        address = self._addresses(host)
        with self._lock:
            idle = self._idle.get(address)
            client = idle.pop() if idle else HostClient(address, self._seconds)
        try:
            yield client
        except BaseException:
            client.close()  # an answer may still be on its way
            raise
        self._keep(address, client)

    def close(self) -> None:
        """Close those that nobody uses; the others are closed when they come back."""
        with self._lock:
            self._closed = True
            idle = [one for some in self._idle.values() for one in some]
            self._idle.clear()
        for one in idle:
            one.close()

    def _keep(self, address: Address, client: HostClient) -> None:
        with self._lock:
            idle = self._idle.setdefault(address, [])
            if not self._closed and len(idle) < _IDLE_MAX:
                idle.append(client)
                return
        client.close()
