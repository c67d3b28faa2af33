"""Certificates as values: what they say, and how one is made. No files, no clock.

Theory of operation: one authority per host signs everything (ECDSA on P-256 with SHA-256, which every TLS
library has). A server's certificate names the addresses it is reached at; a client's names its owner, and its
role as a URI. So the service needs nothing but the handshake to know who calls, and a list of what was
revoked. Lifetimes are short, as a certificate that has ended needs no revocation.

Extensions follow RFC 5280: basic constraints (4.2.1.9), key usage (4.2.1.3), extended key usage (4.2.1.12),
subject and authority key identifiers (4.2.1.1, 4.2.1.2).
"""

from __future__ import annotations

import datetime as dt
import ipaddress
from collections.abc import Iterable
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from guestwright.base.record import field, record
from guestwright.base.secret import Secret
from guestwright.host.enrol.errors import BadEnrolment
from guestwright.host.enrol.roles import Role, role_uri

AUTHORITY_DAYS: Final = 3650
SERVER_DAYS: Final = 90
CLIENT_DAYS: Final = 30
DAYS_MAX: Final = 397  # the longest that public authorities grant; more is a mistake here, too
NAME_MAX: Final = 64  # of a common name: RFC 5280, appendix A.1, ub-common-name
EARLIER: Final = 300.0  # seconds that a certificate is valid before it is made, for clocks that go wrong
_DAY: Final = 86400.0
_FIRST: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
_NAME: Final = _FIRST | frozenset("._@-")


@record
class Signer:
    """An authority.

    Attributes:
        certificate: its own.
        key: what it signs with.
    """

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey = field(repr=False)


@record
class Grant:
    """What was issued.

    Attributes:
        serial: of the certificate: 40 hexadecimal digits.
        name: of its owner, or of the server.
        role: of a client; None for a server.
        names: addresses of a server.
        begins: seconds since 1970.
        ends: seconds since 1970.
        revoked: since when it counts no more, seconds since 1970; None while it does.
    """

    serial: str
    name: str
    role: Role | None
    names: tuple[str, ...]
    begins: float
    ends: float
    revoked: float | None = None

    def good(self, now: float) -> bool:
        """Whether it is valid."""
        return self.revoked is None and now < self.ends


@record
class Bundle:
    """All that the owner of a certificate needs.

    Attributes:
        grant: what it says.
        certificate: PEM.
        key: PEM, not encrypted.
        authority: PEM of the authority's certificate.
    """

    grant: Grant
    certificate: bytes
    key: Secret
    authority: bytes


def serial_text(number: int) -> str:
    """A certificate's number as `Grant` has it."""
    return f"{number:040x}"


def make_signer(name: str, now: float) -> Signer:
    """A new authority.

    Args:
        name: of the host.
        now: seconds since 1970.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    subject = _subject(f"Guestwright host {name}"[:NAME_MAX])
    builder = _begin(subject, subject, key.public_key(), now, AUTHORITY_DAYS)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(_usage(signs_certificates=True), critical=True)
    return Signer(certificate=builder.sign(key, hashes.SHA256()), key=key)


def make_server(signer: Signer, names: Iterable[str], now: float, days: int = SERVER_DAYS) -> Bundle:
    """A certificate for the service.

    Args:
        signer: the authority.
        names: DNS names and IP addresses at which clients reach it; the first names it.
        now: seconds since 1970.
        days: lifetime.

    Raises:
        BadEnrolment: a name or the lifetime.
    """
    wanted = tuple(dict.fromkeys(names))
    if not wanted:
        raise BadEnrolment(what="server", value="", problem="give at least one DNS name or IP address")
    alternative = [_address(one) for one in wanted]
    return _issue(signer, wanted[0], None, alternative, wanted, now, days)


def make_client(signer: Signer, name: str, role: Role, now: float, days: int = CLIENT_DAYS) -> Bundle:
    """A certificate for a caller.

    Args:
        signer: the authority.
        name: whose: letters, digits and `.`, `_`, `@`, `-`.
        role: what it may do.
        now: seconds since 1970.
        days: lifetime.

    Raises:
        BadEnrolment: the name or the lifetime.
    """
    if not 1 <= len(name) <= NAME_MAX or name[0] not in _FIRST or not _NAME.issuperset(name):
        problem = f"1 to {NAME_MAX} letters, digits and . _ @ -, the first a letter or digit"
        raise BadEnrolment(what="name", value=name, problem=problem)
    return _issue(signer, name, role, [x509.UniformResourceIdentifier(role_uri(role))], (), now, days)


def make_revocations(signer: Signer, grants: Iterable[Grant], now: float) -> bytes:
    """The list of what was revoked, as others' programs read it (RFC 5280, section 5): PEM.

    Args:
        signer: the authority.
        grants: all; those that are not revoked are left out.
        now: seconds since 1970.
    """
    builder = x509.CertificateRevocationListBuilder().issuer_name(signer.certificate.subject)
    builder = builder.last_update(_moment(now)).next_update(_moment(now + DAYS_MAX * _DAY))
    for grant in grants:
        if grant.revoked is not None:
            entry = x509.RevokedCertificateBuilder().serial_number(int(grant.serial, 16))
            builder = builder.add_revoked_certificate(entry.revocation_date(_moment(grant.revoked)).build())
    return builder.sign(signer.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def key_pem(key: ec.EllipticCurvePrivateKey) -> Secret:
    """A private key as PEM (PKCS #8), not encrypted: its file's mode protects it."""
    plain = serialization.NoEncryption()
    form = serialization.PrivateFormat.PKCS8
    return Secret(key.private_bytes(serialization.Encoding.PEM, form, plain).decode())


def certificate_pem(certificate: x509.Certificate) -> bytes:
    """A certificate as PEM."""
    return certificate.public_bytes(serialization.Encoding.PEM)


def _issue(
    signer: Signer,
    name: str,
    role: Role | None,
    alternative: list[x509.GeneralName],
    names: tuple[str, ...],
    now: float,
    days: int,
) -> Bundle:
    if not 1 <= days <= DAYS_MAX:
        raise BadEnrolment(what="lifetime", value=f"{days} days", problem=f"1 to {DAYS_MAX} days")
    key = ec.generate_private_key(ec.SECP256R1())
    whole = signer.certificate
    builder = _begin(_subject(name[:NAME_MAX]), whole.subject, key.public_key(), now, days)
    purpose = ExtendedKeyUsageOID.SERVER_AUTH if role is None else ExtendedKeyUsageOID.CLIENT_AUTH
    identifier = whole.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    authority = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier)
    certificate = (
        builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        .add_extension(x509.SubjectAlternativeName(alternative), critical=False)
        .add_extension(authority, critical=False)
        .sign(signer.key, hashes.SHA256())
    )
    grant = Grant(
        serial=serial_text(certificate.serial_number),
        name=name,
        role=role,
        names=names,
        begins=certificate.not_valid_before_utc.timestamp(),
        ends=certificate.not_valid_after_utc.timestamp(),
    )
    return Bundle(
        grant=grant,
        certificate=certificate_pem(certificate),
        key=key_pem(key),
        authority=certificate_pem(whole),
    )


def _begin(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: float, days: int
) -> x509.CertificateBuilder:
    builder = x509.CertificateBuilder(issuer_name=issuer, subject_name=subject, public_key=key)
    builder = builder.serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(_moment(now - EARLIER)).not_valid_after(_moment(now + days * _DAY))
    return builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _subject(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _address(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        pass
    labels = text.split(".")
    letters = _FIRST | {"-"}
    good = all(
        1 <= len(one) <= 63 and letters.issuperset(one) and "-" not in (one[0], one[-1]) for one in labels
    )
    if not good or len(text) > 253 or labels[-1].isdecimal():
        raise BadEnrolment(what="server", value=text, problem="neither a DNS name nor an IP address")
    return x509.DNSName(text)


def _moment(seconds: float) -> dt.datetime:
    return dt.datetime.fromtimestamp(int(seconds), dt.UTC)
