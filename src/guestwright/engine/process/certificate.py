"""The engine's own certificate, by an authority in its directory; the same code as of hosts (`host.enrol`).

People and programs that come to the engine prove who they are by tokens, so they need no certificate; they
need `authority.pem` to know the engine.
"""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Callable
from typing import Final

from guestwright.engine.process.settings import Settings
from guestwright.host.enrol.authority import Authority

_HERE: Final = ("localhost", "127.0.0.1", "::1")
_ANY: Final = frozenset(("", "0.0.0.0", "::"))  # noqa: S104 - what is compared with, not listened at


class Certificate:
    """The certificate, made when there is none, and the context that speaks TLS with it.

    Args:
        settings: of the engine.
        clock: seconds since 1970.

    Raises:
        EnrolError: it cannot be made or read.
    """

    def __init__(self, settings: Settings, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._authority = Authority(settings.path("pki"))
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_2
        names = names_of(settings, socket.gethostname())
        if not self._authority.exists:
            self._authority.create(f"engine {names[0]}", clock())
        current = self._authority.current_server()
        there = os.path.exists(self._authority.path("server.pem"))
        if current is None or not there or set(current.names) != set(names) or current.ends <= clock():
            self._authority.server(names, clock())
        self.renew()

    @property
    def authority(self) -> str:
        """Path of the certificate by which others know the engine."""
        return self._authority.path("authority.pem")

    def renew(self) -> None:
        """Have a new one when the end is near, and use what there is for new connections."""
        self._authority.renew_server(self._clock())
        self.context.load_cert_chain(self._authority.path("server.pem"))


def names_of(settings: Settings, hostname: str) -> tuple[str, ...]:
    """What the certificate names: where the engine listens, this machine, and what the settings add."""
    own = () if settings.host in _ANY else (settings.host,)
    usable = (hostname,) if hostname and all(c.isalnum() or c in "-." for c in hostname) else ()
    return tuple(dict.fromkeys((*settings.names, *usable, *own, *_HERE)))
