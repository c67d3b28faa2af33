"""The host's certificate authority in its directory: make, renew, revoke, list.

Theory of operation: the directory belongs to the user that runs the service (0700, keys 0600). Whoever
changes something holds a lock on it. A certificate is entered into the list before it is handed out: one that
is not in the list is not accepted, so a copy of the authority that issues behind the list's back is useless.

Files: `authority.pem` and `authority.key`; `server.pem`, the service's certificate and key; `issued.json`,
the list; `revoked.pem`, the same revocations for programs of others.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from guestwright.base.record import replace
from guestwright.host.enrol.certificates import (
    CLIENT_DAYS,
    SERVER_DAYS,
    Bundle,
    Grant,
    Signer,
    certificate_pem,
    key_pem,
    make_client,
    make_revocations,
    make_server,
    make_signer,
)
from guestwright.host.enrol.errors import (
    AuthorityDamaged,
    AuthorityExists,
    AuthorityNotKept,
    NoAuthority,
    UnknownCertificate,
)
from guestwright.host.enrol.files import PUBLIC, make_private_directory, read_whole, write_whole
from guestwright.host.enrol.ledger import read_ledger, write_ledger
from guestwright.host.enrol.roles import Role

RENEW_BEFORE: Final = 30 * 86400.0  # seconds before its end that a server's certificate is renewed


class Authority:
    """The authority of a host.

    Args:
        directory: of its files.
    """

    def __init__(self, directory: str) -> None:
        self.directory = directory

    def path(self, name: str) -> str:
        """Of one of its files."""
        return os.path.join(self.directory, name)

    @property
    def ledger(self) -> str:
        """Path of the list of what was issued."""
        return self.path("issued.json")

    @property
    def exists(self) -> bool:
        """Whether there is one."""
        return os.path.exists(self.path("authority.key"))

    def create(self, host: str, now: float) -> None:
        """Make the authority.

        Args:
            host: name of the host, for people.
            now: seconds since 1970.

        Raises:
            AuthorityExists: there is one.
            AuthorityNotKept: it cannot be written.
        """
        make_private_directory(self.directory)
        with self._locked():
            if self.exists:
                raise AuthorityExists(directory=self.directory)
            signer = make_signer(host, now)
            write_whole(self.path("authority.pem"), certificate_pem(signer.certificate), PUBLIC)
            write_ledger(self.ledger, (), now)
            write_whole(self.path("revoked.pem"), make_revocations(signer, (), now), PUBLIC)
            write_whole(self.path("authority.key"), key_pem(signer.key).reveal().encode())

    def server(self, names: Iterable[str], now: float, days: int = SERVER_DAYS) -> Grant:
        """Issue a certificate to the service on this host; earlier ones go on until they end.

        Args:
            names: DNS names and IP addresses at which it is reached.
            now: seconds since 1970.
            days: lifetime.

        Raises:
            NoAuthority, AuthorityDamaged, AuthorityNotKept, BadEnrolment.
        """
        with self._locked():
            bundle = make_server(self._signer(), names, now, days)
            self._enter(bundle.grant, now)
            # One file for both, so that a crash never leaves a key beside the certificate of another.
            whole = bundle.certificate + bundle.key.reveal().encode()
            write_whole(self.path("server.pem"), whole)
            return bundle.grant

    def renew_server(self, now: float) -> Grant | None:
        """Renew the service's certificate when its end is near, for the same names.

        Returns:
            the new one; None when there was nothing to do, also as there is none to renew.
        """
        current = self.current_server()
        if current is None or current.ends - now > RENEW_BEFORE:
            return None
        return self.server(current.names, now)

    def current_server(self) -> Grant | None:
        """What was issued to the service last; None when nothing was."""
        servers = [one for one in self.issued() if one.role is None]
        return servers[-1] if servers else None

    def client(self, name: str, role: Role, now: float, days: int = CLIENT_DAYS) -> Bundle:
        """Issue a certificate to a caller. What the name has already goes on until it ends.

        Args:
            name: whose.
            role: what it may do.
            now: seconds since 1970.
            days: lifetime.

        Raises:
            NoAuthority, AuthorityDamaged, AuthorityNotKept, BadEnrolment.
        """
        with self._locked():
            bundle = make_client(self._signer(), name, role, now, days)
            self._enter(bundle.grant, now)
            return bundle

    def renew(self, name: str, now: float, days: int = CLIENT_DAYS) -> Bundle:
        """Issue another certificate to a name that has a good one: a new key, and the role of the last.

        Raises:
            UnknownCertificate: it has none, or its role was revoked; and what `client` raises.
        """
        good = [one for one in self.issued() if one.name == name and one.role is not None and one.good(now)]
        if not good or good[-1].role is None:
            raise UnknownCertificate(name=name)
        return self.client(name, good[-1].role, now, days)

    def revoke(self, name: str, now: float) -> tuple[Grant, ...]:
        """Let all certificates of a name, or the one of a number, count no more, from now on.

        Args:
            name: of the owner, or the serial number.
            now: seconds since 1970.

        Returns:
            what was revoked.

        Raises:
            UnknownCertificate: there is none, or it does not count already.
        """
        with self._locked():
            signer, grants = self._signer(), self.issued()
            hit = {one.serial for one in grants if name in (one.name, one.serial) and one.good(now)}
            if not hit:
                raise UnknownCertificate(name=name)
            after = [replace(one, revoked=now) if one.serial in hit else one for one in grants]
            write_ledger(self.ledger, after, now)
            write_whole(self.path("revoked.pem"), make_revocations(signer, after, now), PUBLIC)
            return tuple(one for one in after if one.serial in hit)

    def issued(self) -> tuple[Grant, ...]:
        """All that is listed, oldest first.

        Raises:
            AuthorityDamaged: the list cannot be read.
        """
        return read_ledger(self.ledger)

    def _enter(self, grant: Grant, now: float) -> None:
        write_ledger(self.ledger, (*self.issued(), grant), now)

    def _signer(self) -> Signer:
        try:
            key_text, text = read_whole(self.path("authority.key")), read_whole(self.path("authority.pem"))
        except OSError as error:
            raise AuthorityDamaged(path=self.directory, problem=error.strerror or str(error)) from error
        if key_text is None or text is None:
            raise NoAuthority(directory=self.directory)
        try:
            key = load_pem_private_key(key_text, password=None)
            certificate = x509.load_pem_x509_certificate(text)
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise AuthorityDamaged(path=self.directory, problem="its key or certificate is no PEM") from error
        if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
            raise AuthorityDamaged(path=self.directory, problem="its key is not that of its certificate")
        return Signer(certificate=certificate, key=key)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        if not os.path.isdir(self.directory):
            raise NoAuthority(directory=self.directory)
        try:
            descriptor = os.open(self.path("lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise AuthorityNotKept(path=self.directory, problem=error.strerror or str(error)) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)
