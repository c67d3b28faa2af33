"""Where an engine is, and by what it is known."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

from guestwright.base.record import record
from guestwright.client.errors import BadServer

PORT: Final = 8420
_HOST: Final = re.compile(r"[A-Za-z0-9._-]{1,253}|[0-9A-Fa-f:.]{2,45}(%[A-Za-z0-9._-]{1,32})?")
_PREFIX: Final = re.compile(r"(/[A-Za-z0-9._~-]+)*")
_FINGERPRINT: Final = re.compile(r"[0-9a-f]{64}")
_NEAR: Final = ("localhost", "127.0.0.1", "::1")


@record
class Server:
    """An engine.

    Attributes:
        host: name or IP address.
        port: of TCP.
        tls: whether the connection is encrypted; without it a token is sent on this machine only.
        prefix: of all paths, when the engine is behind something; "" or "/…".
        ca: file with the certificates of who signs the engine's; "" for those that this system trusts.
        fingerprint: SHA-256 of the engine's certificate (DER), in lower-case hex; then nothing else of the
            certificate matters, neither who signed it nor whom it names. "" without.
    """

    host: str
    port: int
    tls: bool = True
    prefix: str = ""
    ca: str = ""
    fingerprint: str = ""

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.tls else 'http'}://{host}:{self.port}{self.prefix}"

    @property
    def netloc(self) -> str:
        """For the header Host (RFC 9110, 7.2)."""
        return str(self).partition("://")[2].removesuffix(self.prefix)


def server(url: str, *, ca: str = "", fingerprint: str = "") -> Server:
    """Read an engine's address.

    Args:
        url: "https://engine.lan:8420", "engine.lan" (https, port 8420) or "http://localhost:8080".
        ca: see `Server`.
        fingerprint: likewise; with or without colons, in any case.

    Raises:
        BadServer: it is none, has a user or a query in it, or is http to another machine.
    """
    text = url if "://" in url else f"https://{url}"
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise _bad(url, str(error)) from error
    if parts.scheme not in ("http", "https") or not _HOST.fullmatch(host):
        raise _bad(url, "expected https://HOST[:PORT]")
    if parts.username is not None or parts.query or parts.fragment:
        raise _bad("(not shown)", "no user, password, query or fragment belongs into it")
    prefix = parts.path.rstrip("/")
    if not _PREFIX.fullmatch(prefix) or ".." in prefix:
        raise _bad(url, "what follows the port is no plain path")
    if parts.scheme == "http" and host not in _NEAR:
        raise _bad(url, "a token is not sent unencrypted over a network: use https")
    digest = fingerprint.replace(":", "").lower()
    if digest and not _FINGERPRINT.fullmatch(digest):
        raise BadServer(what="fingerprint", value=fingerprint, problem="expected 64 hex digits, of SHA-256")
    tls = parts.scheme == "https"
    return Server(host=host, port=port or PORT, tls=tls, prefix=prefix, ca=ca, fingerprint=digest)


def _bad(value: str, problem: str) -> BadServer:
    return BadServer(what="address", value=value, problem=problem)
