from __future__ import annotations

import base64
import hashlib
import os
from pathlib import Path

import pytest

from guestwright.agent.core.facts import Host, Identity
from guestwright.agent.unix import host, identity, os_release
from tests.support.agent_guest import Guest


@pytest.fixture
def guest(tmp_path: Path) -> Guest:
    return Guest(tmp_path)


DEBIAN = 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nNAME="Debian GNU/Linux"\nVERSION_ID="12"\nID=debian\n'


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"/etc/os-release": DEBIAN}, ("Debian GNU/Linux 12 (bookworm)", "debian", "12", "")),
        (
            {"/etc/os-release": DEBIAN, "/etc/debian_version": "12.5\n"},
            ("Debian GNU/Linux 12 (bookworm)", "debian", "12", "5"),
        ),
        (
            {"/etc/os-release": DEBIAN, "/etc/debian_version": "trixie/sid\n"},
            ("Debian GNU/Linux 12 (bookworm)", "debian", "12", ""),
        ),
        (
            {"/usr/lib/os-release": "ID=\"rocky\"\nVERSION_ID='9.3'\nNAME=Rocky\n"},
            ("Rocky 9.3", "rocky", "9", "3"),
        ),
        ({"/etc/os-release": "ID=ol\nVERSION_ID=8.9\nPRETTY_NAME=OL\n"}, ("OL", "oracle", "8", "9")),
        (
            {"/etc/os-release": 'ID=arch\nPRETTY_NAME="A \\"B\\" \\$C"\n'},
            ('A "B" $C', "arch", "", ""),
        ),
        ({"/etc/os-release": "ID=alpine\nVERSION_ID=3.19.1\n"}, ("alpine 3.19.1", "alpine", "3", "19")),
        ({"/etc/os-release": "garbage\n=\n\0=1\n"}, ("", "", "", "")),
        (
            {"/etc/redhat-release": "CentOS release 6.10 (Final)\n"},
            ("CentOS release 6.10 (Final)", "centos", "6", "10"),
        ),
        (
            {"/etc/redhat-release": "Red Hat Enterprise Linux Server release 6.9 (Santiago)\n"},
            ("Red Hat Enterprise Linux Server release 6.9 (Santiago)", "rhel", "6", "9"),
        ),
        (
            {"/etc/SuSE-release": "SUSE Linux Enterprise Server 11 (x86_64)\nVERSION = 11\n"},
            ("SUSE Linux Enterprise Server 11 (x86_64)", "sles", "11", ""),
        ),
        ({"/etc/alpine-release": "3.4.6\n"}, ("Alpine 3.4.6", "alpine", "3", "4")),
        ({"/etc/debian_version": "7.11\n"}, ("Debian 7.11", "debian", "7", "11")),
        (
            {"/etc/lsb-release": "DISTRIB_ID=Ubuntu\nDISTRIB_RELEASE=10.04\nDISTRIB_DESCRIPTION=U\n"},
            ("U", "ubuntu", "10", "04"),
        ),
        ({}, ("", "", "", "")),
    ],
)
def test_the_operating_system(guest: Guest, files: dict[str, str], expected: tuple[str, ...]) -> None:
    for path, content in files.items():
        guest.write(path, content)
    found = os_release.system(guest.files, "linux")
    assert (found.name, found.distro, found.major, found.minor) == expected
    assert found.uname == os.uname().release
    assert found.family == "linux"


def test_a_quote_without_end() -> None:
    assert os_release.fields("NAME=\"half\\\nOTHER='x\n") == {"NAME": "half", "OTHER": "x"}


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"/proc/sys/kernel/hostname": "web1\n"}, Host(name="web1")),
        ({"/proc/sys/kernel/hostname": "web1.example.org\n"}, Host(name="web1", domain="example.org")),
        (
            {
                "/proc/sys/kernel/hostname": "web1\n",
                "/etc/hosts": "127.0.0.1 localhost\n# 1 web1.no web1\n127.0.1.1 web1.example.org web1 # x\n",
            },
            Host(name="web1", domain="example.org"),
        ),
        (
            {
                "/proc/sys/kernel/hostname": "web1\n",
                "/etc/hosts": "127.0.1.1 web1\n",
                "/etc/resolv.conf": "search a b\n\ndomain lan.\n",
            },
            Host(name="web1", domain="lan"),
        ),
        (
            {"/proc/sys/kernel/hostname": "web1\n", "/etc/timezone": "Europe/Paris\n"},
            Host(name="web1", timezone="Europe/Paris"),
        ),
    ],
    ids=["short", "long", "hosts", "resolv", "timezone"],
)
def test_names(guest: Guest, files: dict[str, str], expected: Host) -> None:
    for path, content in files.items():
        guest.write(path, content)
    found = host.host(guest.files)
    assert (found.name, found.domain, found.timezone) == (expected.name, expected.domain, expected.timezone)
    assert found.utc_offset is not None
    assert -86400 < found.utc_offset < 86400


def test_the_zone_is_where_localtime_points_to(guest: Guest) -> None:
    guest.link("/etc/localtime", "../usr/share/zoneinfo/Europe/London")
    assert host.host(guest.files).timezone == "Europe/London"
    assert host.host(guest.files).name


KEY = b"\0\0\0\x0bssh-ed25519" + b"k" * 32


def test_identity(guest: Guest) -> None:
    guest.write("/etc/machine-id", "0123456789ABCDEF0123456789abcdef\n")
    guest.write(
        "/etc/ssh/ssh_host_ed25519_key.pub", b"ssh-ed25519 " + base64.b64encode(KEY) + b" root@web1\n"
    )
    guest.write("/etc/ssh/ssh_host_rsa_key.pub", "ssh-rsa !!!!x\n")
    guest.write("/etc/ssh/ssh_host_dsa_key.pub", "one\n")
    guest.write("/etc/ssh/ssh_host_ecdsa_key.pub", "ecdsa \u00e9\n")
    guest.write("/etc/ssh/ssh_host_ed25519_key", "secret")
    found = identity.identity(guest.files)
    print_ = base64.b64encode(hashlib.sha256(KEY).digest()).rstrip(b"=").decode()
    expected = hashlib.sha256(b"guestwright machine-id\n0123456789abcdef0123456789abcdef").hexdigest()
    assert found.machine_id == expected
    assert f"ssh-ed25519 SHA256:{print_}" in found.ssh
    assert all("secret" not in one for one in found.ssh)


@pytest.mark.parametrize("content", ["", "uninitialized\n", "0123\n", "z" * 32])
def test_a_machine_without_identity(guest: Guest, content: str) -> None:
    guest.write("/etc/machine-id", content)
    assert identity.identity(guest.files) == Identity()


def test_a_machine_with_a_host_id(guest: Guest) -> None:
    guest.write("/etc/hostid", "01234567-89AB-cdef-0123-456789abcdef\n")
    expected = hashlib.sha256(b"guestwright machine-id\n0123456789abcdef0123456789abcdef").hexdigest()
    assert identity.identity(guest.files).machine_id == expected


def test_files_that_cannot_be_read(guest: Guest) -> None:
    guest.write("/dir/x", "12\n")
    files = guest.files
    assert files.data("/none") == b""
    assert files.data("/dir") == b""
    assert files.data("/nul\0") == b""
    assert files.number("/dir/x") == 12
    assert files.number("/none") is None
    assert files.link("/dir/x") == ""
    assert files.link("/nul\0") == ""
    assert files.names("/none") == []
    assert files.names("/nul\0") == []
    assert files.data("/dir/x", 1) == b"1"


@pytest.mark.parametrize(
    ("content", "expected"), [("-1\n", -1), ("12\n", 12), ("-\n", None), ("1x", None), ("٣", None)]
)
def test_numbers(guest: Guest, content: str, expected: int | None) -> None:
    guest.write("/n", content)
    assert guest.files.number("/n") == expected
