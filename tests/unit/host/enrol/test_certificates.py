"""What certificates say, and which are refused before they are made."""

from __future__ import annotations

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from hypothesis import given
from hypothesis import strategies as st

from guestwright.host.enrol.certificates import (
    DAYS_MAX,
    Bundle,
    Signer,
    make_client,
    make_revocations,
    make_server,
    make_signer,
    serial_text,
)
from guestwright.host.enrol.errors import BadEnrolment
from guestwright.host.enrol.roles import Role, role_of_uri, role_uri

NOW = 1_790_000_000.0


@pytest.fixture(scope="module")
def signer() -> Signer:
    return make_signer("host1", NOW)


def read(bundle: Bundle) -> x509.Certificate:
    return x509.load_pem_x509_certificate(bundle.certificate)


@pytest.mark.parametrize("role", Role)
def test_a_client_has_name_role_purpose_and_lifetime(signer: Signer, role: Role) -> None:
    bundle = make_client(signer, "ann@desk-1", role, NOW, days=30)
    certificate = read(bundle)
    certificate.verify_directly_issued_by(signer.certificate)
    (common,) = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    assert common.value == "ann@desk-1"
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    (uri,) = names.get_values_for_type(x509.UniformResourceIdentifier)
    assert role_of_uri(uri) is role
    purposes = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(purposes) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    assert not certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert bundle.grant.ends - NOW == 30 * 86400
    assert NOW - bundle.grant.begins == 300
    assert bundle.grant.serial == serial_text(certificate.serial_number)
    assert "PRIVATE" not in repr(bundle)


def test_a_server_has_its_addresses(signer: Signer) -> None:
    certificate = read(make_server(signer, ["host1.lan", "192.0.2.1", "2001:db8::1", "host1.lan"], NOW))
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["host1.lan"]
    assert [str(one) for one in names.get_values_for_type(x509.IPAddress)] == ["192.0.2.1", "2001:db8::1"]
    purposes = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(purposes) == [ExtendedKeyUsageOID.SERVER_AUTH]


@pytest.mark.parametrize("name", ["", "-x", ".x", "a b", "a/b", "a\nb", "ä", "x" * 65, "a,CN=b"])
def test_names_that_nobody_gets(signer: Signer, name: str) -> None:
    with pytest.raises(BadEnrolment, match="name"):
        make_client(signer, name, Role.VIEWER, NOW)


@pytest.mark.parametrize(
    "name", ["", "a b", "-a", "a-.b", "a..b", "300.1.1.1", "a/b", "x" * 64, "*.lan", "ä"]
)
def test_addresses_that_are_none(signer: Signer, name: str) -> None:
    with pytest.raises(BadEnrolment, match="server"):
        make_server(signer, [name], NOW)


def test_a_server_without_addresses_is_refused(signer: Signer) -> None:
    with pytest.raises(BadEnrolment, match="at least one"):
        make_server(signer, [], NOW)


@pytest.mark.parametrize("days", [0, -1, DAYS_MAX + 1])
def test_lifetimes_that_make_no_sense(signer: Signer, days: int) -> None:
    with pytest.raises(BadEnrolment, match="lifetime"):
        make_client(signer, "a", Role.VIEWER, NOW, days=days)


def test_the_list_of_revocations_names_what_was_revoked(signer: Signer) -> None:
    kept, gone = (make_client(signer, name, Role.VIEWER, NOW).grant for name in ("kept", "gone"))
    revoked = type(gone)(
        serial=gone.serial, name="gone", role=gone.role, names=(), begins=0.0, ends=gone.ends, revoked=NOW + 1
    )
    found = x509.load_pem_x509_crl(make_revocations(signer, [kept, revoked], NOW + 2))
    assert [serial_text(one.serial_number) for one in found] == [gone.serial]


@given(st.text(max_size=60))
def test_no_other_text_is_a_role(text: str) -> None:
    role = role_of_uri(text)
    assert role is None or role_uri(role) == text


@pytest.mark.parametrize("text", ["viewer", "urn:guestwright:role:", "urn:guestwright:role:root", ""])
def test_what_is_no_role(text: str) -> None:
    assert role_of_uri(text) is None


def test_roles_rise() -> None:
    assert [[one.covers(other) for other in Role] for one in Role] == [
        [True, False, False],
        [True, True, False],
        [True, True, True],
    ]
