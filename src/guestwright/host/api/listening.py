"""Sockets that the service listens at."""

from __future__ import annotations

import os
import socket
import stat
from typing import Final

from guestwright.base.record import record
from guestwright.host.api.errors import CannotListen

BACKLOG: Final = 128


@record
class Address:
    """Where TLS is spoken.

    Attributes:
        host: IP address or name of this host; "" for all addresses.
        port: of TCP; 0 for any that is free.
    """

    host: str
    port: int


def listen_unix(path: str, group: int | None) -> socket.socket:
    """A unix socket of mode 0600, or 0660 for a group.

    Args:
        path: where; the socket of a service that is gone is replaced.
        group: number of the group that may connect; None for the owner alone.

    Raises:
        CannotListen: somebody else is there, or the file system refuses.
    """
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        _clear(path)
        mask = os.umask(0o177)
        try:
            listening.bind(path)
        finally:
            os.umask(mask)
        if group is not None:
            os.chown(path, -1, group)
            os.chmod(path, 0o660)
        listening.listen(BACKLOG)
    except OSError as error:
        listening.close()
        raise CannotListen(address=path, problem=error.strerror or str(error)) from error
    except CannotListen:
        listening.close()
        raise
    return listening


def listen_tcp(address: Address) -> socket.socket:
    """A socket for TCP, whose connections send at once.

    asyncio says so only to sockets that were made with a protocol's number, which those of `create_server`
    are not; each answer then waits 40 ms for the client's acknowledgement of its header. Linux hands the
    option on to connections (tcp(7)).

    Raises:
        CannotListen: the address is in use, or none of this host's.
    """
    shown = f"{address.host or '*'}:{address.port}"
    try:
        listening = _bound(address)
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except OSError as error:
        raise CannotListen(address=shown, problem=error.strerror or str(error)) from error
    return listening


def _bound(address: Address) -> socket.socket:
    if address.host:
        family = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((address.host, address.port), family=family, backlog=BACKLOG)
    both = socket.has_dualstack_ipv6()
    family = socket.AF_INET6 if both else socket.AF_INET
    return socket.create_server(("", address.port), family=family, backlog=BACKLOG, dualstack_ipv6=both)


def _clear(path: str) -> None:
    """Remove the socket of a service that is gone."""
    try:
        if not stat.S_ISSOCK(os.lstat(path).st_mode):
            raise CannotListen(address=path, problem="there is a file that is no socket")
    except FileNotFoundError:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            os.unlink(path)
            return
    raise CannotListen(address=path, problem="a service listens there already")
