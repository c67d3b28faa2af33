"""The authority on disk: modes, locks, renewal, revocation; judged by openssl where it is about trust."""

from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path

import pytest

from guestwright.host.enrol.authority import Authority
from guestwright.host.enrol.certificates import Bundle
from guestwright.host.enrol.errors import (
    AuthorityDamaged,
    AuthorityExists,
    AuthorityNotKept,
    NoAuthority,
    UnknownCertificate,
)
from guestwright.host.enrol.ledger import Revocations, read_ledger, write_ledger
from guestwright.host.enrol.roles import Role
from tests.support.tools import needs

NOW = 1_790_000_000.0
DAY = 86400.0


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    made = Authority(str(tmp_path / "pki"))
    made.create("host1", NOW)
    return made


def verdict(authority: Authority, path: Path, purpose: str, at: float) -> str:
    """What openssl thinks of a certificate, with the revocations."""
    done = subprocess.run(
        [
            *("openssl", "verify", "-attime", str(int(at)), "-purpose", purpose, "-x509_strict"),
            *(
                "-CAfile",
                authority.path("authority.pem"),
                "-crl_check",
                "-CRLfile",
                authority.path("revoked.pem"),
            ),
            str(path),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    return "OK" if done.returncode == 0 else done.stdout + done.stderr


def put(path: Path, bundle: Bundle) -> Path:
    path.write_bytes(bundle.certificate)
    return path


@needs("openssl")
def test_openssl_accepts_what_is_issued_until_it_ends_or_is_revoked(
    authority: Authority, tmp_path: Path
) -> None:
    client = put(tmp_path / "c.pem", authority.client("ann", Role.OPERATOR, NOW))
    authority.server(["host1.lan"], NOW)
    server = Path(authority.path("server.pem"))
    assert verdict(authority, client, "sslclient", NOW + 1) == "OK"
    assert verdict(authority, server, "sslserver", NOW + 1) == "OK"
    assert "certificate purpose" in verdict(authority, client, "sslserver", NOW + 1)
    assert "has expired" in verdict(authority, client, "sslclient", NOW + 31 * DAY)
    authority.revoke("ann", NOW + 5)
    assert "certificate revoked" in verdict(authority, client, "sslclient", NOW + 10)


def test_nobody_else_reads_keys_whatever_the_umask(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        authority = Authority(str(tmp_path / "pki"))
        authority.create("host1", NOW)
        authority.server(["host1"], NOW)
    finally:
        os.umask(old)
    modes = {one.name: stat.S_IMODE(one.stat().st_mode) for one in (tmp_path / "pki").iterdir()}
    assert stat.S_IMODE((tmp_path / "pki").stat().st_mode) == 0o700
    public = {"authority.pem", "revoked.pem"}
    assert {name for name, mode in modes.items() if mode & 0o077} == public
    assert {"authority.key", "server.pem", "issued.json", "lock"} == set(modes) - public


def test_a_second_authority_is_refused(authority: Authority) -> None:
    before = Path(authority.path("authority.key")).read_bytes()
    with pytest.raises(AuthorityExists):
        authority.create("host1", NOW)
    assert Path(authority.path("authority.key")).read_bytes() == before


@pytest.mark.parametrize("made", [True, False], ids=["empty directory", "no directory"])
def test_without_an_authority_nothing_is_issued(tmp_path: Path, made: bool) -> None:
    authority = Authority(str(tmp_path / "pki"))
    if made:
        (tmp_path / "pki").mkdir()
    with pytest.raises(NoAuthority):
        authority.client("ann", Role.VIEWER, NOW)
    assert authority.issued() == ()


def test_renewing_keeps_the_role_and_changes_the_key(authority: Authority) -> None:
    first = authority.client("ann", Role.OPERATOR, NOW)
    second = authority.renew("ann", NOW + 20 * DAY)
    assert second.grant.role is Role.OPERATOR
    assert second.key != first.key
    assert second.grant.ends - first.grant.ends == 20 * DAY


@pytest.mark.parametrize("how", ["never issued", "ended", "revoked"])
def test_only_a_good_certificate_is_renewed(authority: Authority, how: str) -> None:
    if how != "never issued":
        authority.client("ann", Role.OPERATOR, NOW)
    if how == "revoked":
        authority.revoke("ann", NOW)
    with pytest.raises(UnknownCertificate):
        authority.renew("ann", NOW + (40 * DAY if how == "ended" else 1))


def test_a_server_is_renewed_near_its_end_only(authority: Authority) -> None:
    assert authority.renew_server(NOW) is None
    authority.server(["host1", "192.0.2.1"], NOW)
    assert authority.renew_server(NOW + 59 * DAY) is None
    new = authority.renew_server(NOW + 61 * DAY)
    assert new is not None
    assert new.names == ("host1", "192.0.2.1")
    assert authority.current_server() == new


def test_revocation_by_name_or_number_is_seen_at_once(authority: Authority) -> None:
    bundles = [authority.client("ann", Role.VIEWER, NOW) for _ in range(3)]
    authority.client("bob", Role.VIEWER, NOW)
    seen = Revocations(authority.ledger)
    serials = [one.grant.serial for one in bundles]
    assert [seen.valid(one) for one in serials] == [True, True, True]
    authority.revoke(serials[0], NOW + 1)
    assert [seen.valid(one) for one in serials] == [False, True, True]
    assert len(authority.revoke("ann", NOW + 2)) == 2
    assert [seen.valid(one) for one in serials] == [False, False, False]
    assert seen.valid(authority.issued()[-1].serial)
    with pytest.raises(UnknownCertificate):
        authority.revoke("ann", NOW + 3)


@pytest.mark.parametrize("text", [b"", b"{}", b"[]", b'{"kind":"x","schema":1,"grants":[]}', b"\xff"])
def test_with_a_damaged_list_nobody_gets_in(authority: Authority, text: bytes) -> None:
    serial = authority.client("ann", Role.VIEWER, NOW).grant.serial
    seen = Revocations(authority.ledger)
    assert seen.valid(serial)
    Path(authority.ledger).write_bytes(text)
    assert not seen.valid(serial)
    with pytest.raises(AuthorityDamaged):
        authority.issued()


def test_who_was_never_issued_anything_is_not_valid(authority: Authority, tmp_path: Path) -> None:
    assert not Revocations(authority.ledger).valid("0" * 40)
    assert not Revocations(str(tmp_path / "nothing")).valid("0" * 40)


def test_what_ended_long_ago_is_dropped(authority: Authority) -> None:
    authority.client("old", Role.VIEWER, NOW)
    authority.client("new", Role.VIEWER, NOW + 100 * DAY)
    assert [one.name for one in authority.issued()] == ["new"]


@pytest.mark.parametrize("name", ["authority.key", "authority.pem"])
def test_a_damaged_authority_is_named(authority: Authority, name: str) -> None:
    Path(authority.path(name)).write_text("-----BEGIN")
    with pytest.raises(AuthorityDamaged, match="pki"):
        authority.client("ann", Role.VIEWER, NOW)


def test_the_key_of_another_authority_is_refused(authority: Authority, tmp_path: Path) -> None:
    other = Authority(str(tmp_path / "other"))
    other.create("host2", NOW)
    os.replace(other.path("authority.key"), authority.path("authority.key"))
    with pytest.raises(AuthorityDamaged, match="not that of"):
        authority.client("ann", Role.VIEWER, NOW)


def test_a_list_that_cannot_be_written_stays_as_it_was(authority: Authority) -> None:
    authority.client("ann", Role.VIEWER, NOW)
    before = read_ledger(authority.ledger)
    with pytest.raises(AuthorityNotKept):
        write_ledger(os.path.join(authority.directory, "no", "issued.json"), before, NOW)
    assert read_ledger(authority.ledger) == before
