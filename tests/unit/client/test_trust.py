"""TLS: by an authority's file, by a fingerprint, and what is not trusted."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import hashlib
import ipaddress
import os
import socket
import ssl
import threading
from collections.abc import Iterator

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from guestwright.client.address import Server, server
from guestwright.client.aio import AsyncClient
from guestwright.client.calls.accounts import about
from guestwright.client.client import Client
from guestwright.client.errors import EngineNotTrusted, RemoteError

ANSWER = b'HTTP/1.1 200 OK\r\nContent-Length: 18\r\nConnection: close\r\n\r\n{"name": "engine"}'


class Tls:
    """A server with a certificate of its own.

    Attributes:
        port: of TCP.
        ca: file with its certificate.
        fingerprint: of that.
        heard: what it was sent after the handshake.
    """

    def __init__(self, directory: str) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "engine")])
        now = dt.datetime.now(dt.UTC)
        made = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(1)
            .not_valid_before(now - dt.timedelta(days=1))
            .not_valid_after(now + dt.timedelta(days=1))
            .add_extension(
                x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False
            )
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(key, hashes.SHA256())
        )
        self.ca = os.path.join(directory, "ca.pem")
        with open(self.ca, "wb") as file:
            file.write(made.public_bytes(serialization.Encoding.PEM))
        both = os.path.join(directory, "both.pem")
        with open(both, "wb") as file:
            file.write(
                key.private_bytes(
                    serialization.Encoding.PEM,
                    serialization.PrivateFormat.PKCS8,
                    serialization.NoEncryption(),
                )
            )
            file.write(made.public_bytes(serialization.Encoding.PEM))
        self.fingerprint = hashlib.sha256(made.public_bytes(serialization.Encoding.DER)).hexdigest()
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(both)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.heard = b""

    def serve(self) -> None:
        """Answer one connection."""
        line, _ = self.listener.accept()
        line.settimeout(60)
        with line, contextlib.suppress(OSError), self.context.wrap_socket(line, server_side=True) as made:
            while not self.heard.endswith(b"\r\n\r\n") and (data := made.recv(4096)):
                self.heard += data
            made.sendall(ANSWER)


@pytest.fixture
def tls(tmp_path: os.PathLike[str]) -> Iterator[Tls]:
    made = Tls(str(tmp_path))
    thread = threading.Thread(target=made.serve)
    thread.start()
    yield made
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", made.port), timeout=1):
        pass
    thread.join(60)
    made.listener.close()


def blocking(engine: Server) -> object:
    with Client(engine, "gwt_canary") as client:
        return client.do(about())


def with_asyncio(engine: Server) -> object:
    async def main() -> object:
        async with AsyncClient(engine, "gwt_canary") as client:
            return await client.do(about())

    return asyncio.run(main())


BOTH = pytest.mark.parametrize("ask", [blocking, with_asyncio])


@BOTH
@pytest.mark.parametrize("by", ["ca", "fingerprint"])
def test_who_is_known_is_asked(tls: Tls, ask: object, by: str) -> None:
    assert callable(ask)
    known = {"ca": tls.ca} if by == "ca" else {"fingerprint": tls.fingerprint}
    assert ask(server(f"https://127.0.0.1:{tls.port}", **known)) == {"name": "engine"}


@BOTH
@pytest.mark.parametrize("fingerprint", ["", "ab" * 32], ids=["unknown authority", "another certificate"])
def test_nothing_is_sent_to_who_is_not_trusted(tls: Tls, ask: object, fingerprint: str) -> None:
    assert callable(ask)
    with pytest.raises(EngineNotTrusted):
        ask(server(f"https://127.0.0.1:{tls.port}", fingerprint=fingerprint))
    assert b"canary" not in tls.heard


def test_authorities_that_cannot_be_read() -> None:
    with pytest.raises(RemoteError) as caught:
        Client(server("https://engine", ca="/nowhere/ca.pem"))
    assert "/nowhere/ca.pem" in caught.value.message
