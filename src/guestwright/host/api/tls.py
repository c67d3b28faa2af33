"""TLS of the service: its own certificate, and nobody in without one of the same authority.

TLS 1.3 only (RFC 8446): every client is ours or of these years; nothing older has to be weighed.
"""

from __future__ import annotations

import os
import ssl

from guestwright.host.api.errors import NoServerCertificate
from guestwright.host.enrol.authority import Authority


class ServerContext:
    """The context of the service, which follows renewals without a restart.

    Args:
        authority: of the host.

    Raises:
        NoServerCertificate: there is none that can be used.
    """

    def __init__(self, authority: Authority) -> None:
        self._authority = authority
        self._path = authority.path("server.pem")
        self._loaded: tuple[int, int] | None = None
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_3
        self.context.verify_mode = ssl.CERT_REQUIRED
        self.context.num_tickets = 0  # a session that is resumed would not be asked for its certificate
        try:
            self.context.load_verify_locations(authority.path("authority.pem"))
            self.reload()
        except (OSError, ssl.SSLError) as error:
            raise NoServerCertificate(directory=authority.directory, problem=str(error)) from error

    def reload(self) -> bool:
        """Load the certificate if it is another than before; connections that are open keep theirs.

        Returns:
            Whether it was another.

        Raises:
            OSError, ssl.SSLError: it cannot be read.
        """
        there = os.stat(self._path)
        seen = (there.st_ino, there.st_mtime_ns)
        if seen == self._loaded:
            return False
        self.context.load_cert_chain(self._path)
        self._loaded = seen
        return True
