"""TLS: by authorities, or by the one certificate whose fingerprint is known."""

from __future__ import annotations

import hashlib
import hmac
import ssl

from guestwright.client.address import Server
from guestwright.client.errors import BadServer, EngineNotTrusted


def context_for(server: Server) -> ssl.SSLContext | None:
    """How to talk to an engine; None without TLS.

    Raises:
        BadServer: the file of authorities cannot be read.
    """
    if not server.tls:
        return None
    try:
        context = ssl.create_default_context(cafile=server.ca or None)
    except (OSError, ssl.SSLError) as error:
        problem = error.strerror or str(error)
        raise BadServer(what="file of authorities", value=server.ca, problem=problem) from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if server.fingerprint:  # `check_certificate` decides, before anything is sent
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def check_certificate(server: Server, found: ssl.SSLObject | ssl.SSLSocket | None) -> None:
    """Refuse an engine that has not the certificate whose fingerprint is known.

    Args:
        server: with or without a fingerprint.
        found: the connection, after its handshake.

    Raises:
        EngineNotTrusted: it has another.
    """
    if not server.tls or not server.fingerprint:
        return
    certificate = found.getpeercert(binary_form=True) if found is not None else None
    digest = hashlib.sha256(certificate or b"").hexdigest()
    if not certificate or not hmac.compare_digest(digest, server.fingerprint):
        raise EngineNotTrusted(
            server=str(server), problem=f"its certificate has the fingerprint {digest}, not the known one"
        )
