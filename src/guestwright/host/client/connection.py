"""HTTP/1.1 over a unix socket or TLS, with the errors of this program."""

from __future__ import annotations

import http.client
import os
import socket
import ssl
import threading
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

from guestwright.host.client.address import Address, TlsAddress, UnixAddress
from guestwright.host.client.errors import HostLost, HostNotTrusted, HostUnreachable

CONNECT_SECONDS: Final = 10.0
_TRUST: Final = ("CERTIFICATE", "ALERT_UNKNOWN_CA", "HANDSHAKE_FAILURE")


class Connection:
    """One connection, made when it is needed and again when it was lost between two requests.

    Args:
        address: of the service.
        seconds: to wait for each part of an answer.
    """

    def __init__(self, address: Address, seconds: float) -> None:
        self.address = address
        self._seconds = seconds
        self._line: http.client.HTTPConnection | None = None
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._aborted = False

    def request(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> http.client.HTTPResponse:
        """Send a request; the head of its answer. A request that was not sent whole is sent again, once.

        Args:
            method: of HTTP.
            path: with the query.
            body: bytes, or an iterable of bytes with a Content-Length among the headers; None for none.
            headers: by name.

        Raises:
            HostUnreachable, HostNotTrusted: it was not sent.
            HostLost: it may have been done.
        """
        fresh = self._line is None
        line = self._line or self._connect()
        self._line = line
        with self._lock:
            self._socket, aborted = line.sock, self._aborted
        if aborted:
            self.close()
            raise HostLost(address=str(self.address), request=f"{method} {path}"[:200], problem="given up")
        try:
            line.request(method, path, body=body, headers=dict(headers or {}))
            return line.getresponse()
        except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError) as error:
            self.close()
            # A server closes an idle connection; that shows with the next request, which it has not seen.
            again = not fresh and (body is None or isinstance(body, bytes)) and method in ("GET", "HEAD")
            if again:
                return self.request(method, path, body, headers)
            raise self._lost(method, path, error) from error
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise self._lost(method, path, error) from error

    def close(self) -> None:
        """Close it; the next request makes another."""
        if self._line is not None:
            self._line.close()
            self._line = None

    def abort(self) -> None:
        """Break it for good, from another thread: what waits there, or comes later, raises `HostLost`."""
        with self._lock:
            self._aborted = True
            open_ = self._socket
        if open_ is not None:
            with suppress(OSError):  # it was closed already
                socket.socket.shutdown(open_, socket.SHUT_RDWR)

    def _lost(self, method: str, path: str, error: Exception) -> HostLost | HostNotTrusted:
        problem = str(error) or type(error).__name__
        if isinstance(error, ssl.SSLError) and any(one in str(error).upper() for one in _TRUST):
            return HostNotTrusted(address=str(self.address), problem=problem)
        return HostLost(address=str(self.address), request=f"{method} {path}"[:200], problem=problem)

    def _connect(self) -> http.client.HTTPConnection:
        address = self.address
        try:
            if isinstance(address, UnixAddress):
                return _UnixConnection(address.path, self._seconds)
            return _tls(address, self._seconds)
        except ssl.SSLError as error:
            raise HostNotTrusted(address=str(address), problem=str(error)) from error
        except OSError as error:
            problem = error.strerror or str(error)
            if error.filename is not None:
                problem += f" ({os.fsdecode(error.filename)})"
            raise HostUnreachable(address=str(address), problem=problem) from error


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str, seconds: float) -> None:
        super().__init__("host", timeout=seconds)
        line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            line.settimeout(CONNECT_SECONDS)
            line.connect(path)
            line.settimeout(seconds)
        except OSError:
            line.close()
            raise
        self.sock = line


def _tls(address: TlsAddress, seconds: float) -> http.client.HTTPConnection:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_verify_locations(os.path.join(address.identity, "authority.pem"))
    context.load_cert_chain(os.path.join(address.identity, "client.pem"))
    made = http.client.HTTPSConnection(address.host, address.port, timeout=CONNECT_SECONDS, context=context)
    made.connect()
    made.sock.settimeout(seconds)
    return made
