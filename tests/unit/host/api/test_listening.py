"""Sockets that the service listens on."""

from __future__ import annotations

import socket

import pytest

from guestwright.host.api.listening import Address, listen_tcp


@pytest.mark.parametrize("host", ["127.0.0.1", ""])
def test_connections_send_at_once(host: str) -> None:
    """Else every answer to a kept connection waits 40 ms for an acknowledgement."""
    with listen_tcp(Address(host=host, port=0)) as listening:
        port = listening.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)), listening.accept()[0] as taken:
            assert taken.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
