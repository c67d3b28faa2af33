"""Where a host service is."""

from __future__ import annotations

import os
import stat
from typing import Final

from guestwright.base.record import record
from guestwright.host.client.errors import BadAddress

SOCKET: Final = "/run/guestwright/api.sock"
_UP: Final = "/var/lib/guestwright/engine/api.sock"
IDENTITY: Final = "~/.config/guestwright/identity"
PORT: Final = 8443
_SOCKET_MAX: Final = 107  # bytes, unix(7)


@record
class UnixAddress:
    """On this host.

    Attributes:
        path: of the socket.
    """

    path: str

    def __str__(self) -> str:
        return self.path


@record
class TlsAddress:
    """Over the network.

    Attributes:
        host: name or IP address; the service's certificate must have it.
        port: of TCP.
        identity: directory with `authority.pem` and `client.pem` (certificate and key).
    """

    host: str
    port: int
    identity: str

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


Address = UnixAddress | TlsAddress


def find_address(socket: str | None, tls: str | None, identity: str | None) -> Address:
    """Where to look, from options and the environment.

    Args:
        socket: path of a unix socket; else $GUESTWRIGHT_HOST_SOCKET, else the first of `places`.
        tls: "HOST", "HOST:PORT" or "[IPV6]:PORT"; else, without a socket, $GUESTWRIGHT_HOST.
        identity: directory; else $GUESTWRIGHT_IDENTITY, else `IDENTITY`.

    Raises:
        BadAddress: both were given, or one makes no sense.
    """
    if socket and tls:
        raise BadAddress(what="--socket and --tls", value="", problem="give one of them")
    tls = tls or (None if socket else os.environ.get("GUESTWRIGHT_HOST"))
    if tls:
        host, port = _split(tls)
        directory = identity or os.environ.get("GUESTWRIGHT_IDENTITY") or IDENTITY
        return TlsAddress(host=host, port=port, identity=os.path.expanduser(directory))
    path = socket or os.environ.get("GUESTWRIGHT_HOST_SOCKET") or _there()
    if len(os.fsencode(path)) > _SOCKET_MAX or "\0" in path:
        raise BadAddress(
            what="socket", value=path, problem=f"a socket's path has at most {_SOCKET_MAX} bytes"
        )
    return UnixAddress(path=path)


def places() -> tuple[str, ...]:
    """Where services put their sockets: `host serve`, then `guestwright up` of this user, then of root."""
    data = os.environ.get("XDG_DATA_HOME") or os.path.expanduser("~/.local/share")
    return (SOCKET, os.path.join(data, "guestwright", "engine", "api.sock"), _UP)


def _there() -> str:
    """The first place with a socket that is root's or the user's own; without any, `SOCKET`."""
    for path in places():
        try:
            found = os.stat(path)
        except (OSError, ValueError):
            continue
        if stat.S_ISSOCK(found.st_mode) and found.st_uid in (0, os.geteuid()):
            return path
    return SOCKET


def _split(text: str) -> tuple[str, int]:
    host, port = text, str(PORT)
    if text.startswith("["):
        host, closed, rest = text[1:].partition("]")
        if not closed or (rest and not rest.startswith(":")):
            raise BadAddress(what="address", value=text, problem="give HOST, HOST:PORT or [IPV6]:PORT")
        port = rest[1:] or port
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
    if not host or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
        raise BadAddress(what="address", value=text, problem="give HOST, HOST:PORT or [IPV6]:PORT")
    return host, int(port)
