"""Editing by whole lines: the rest of a file comes back byte for byte."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guestwright.seal.changes import Write
from guestwright.seal.operation import Operation
from guestwright.seal.registry import by_name
from tests.support.sealing import make_guest

IFCFG = "/etc/sysconfig/network-scripts/ifcfg-eth0"


def edited(operation: Operation, path: str, before: bytes) -> bytes:
    guest = make_guest({path: before}, system="rocky")
    changes = list(operation.plan(guest, {}))
    if not changes:
        return before
    (write,) = changes
    assert isinstance(write, Write)
    return write.data


@pytest.mark.parametrize(
    ("name", "path", "before", "after"),
    [
        ("net-hwaddr", IFCFG, b"A=1\nHWADDR=x\nB=2", b"A=1\nB=2\n"),
        ("net-hwaddr", IFCFG, b"HWADDR=x\n", b""),
        ("net-hwaddr", IFCFG, b'HWADDR="x"\r\nA=1\r\n', b"A=1\r\n"),
        ("net-hwaddr", IFCFG, b" HWADDR=x\nXHWADDR=1\nhwaddr=1", b" HWADDR=x\nXHWADDR=1\nhwaddr=1"),
        ("net-hwaddr", IFCFG, b"A=\xff\x80\nHWADDR=x\n\n\n", b"A=\xff\x80\n\n\n"),
        ("net-hostname", IFCFG, b"HOSTNAME=x\nDHCP_HOSTNAME=x\nDHCPV6_HOSTNAME=x\n", b"DHCPV6_HOSTNAME=x\n"),
        (
            "net-interfaces-hwaddress",
            "/etc/network/interfaces",
            b"auto eth0\n\thwaddress ether 52:54:00:12:34:56\n#hwaddress\n",
            b"auto eth0\n#hwaddress\n",
        ),
        ("machine-info", "/etc/machine-info", b"PRETTY_HOSTNAME=a\nDEPLOYMENT=lab\n", b"DEPLOYMENT=lab\n"),
    ],
)
def test_lines_go(name: str, path: str, before: bytes, after: bytes) -> None:
    assert edited(by_name(name), path, before) == after


LINES = st.lists(
    st.one_of(
        st.binary(max_size=12).map(lambda raw: raw.replace(b"\n", b"")),
        st.sampled_from([b"HWADDR=1", b" HWADDR=2", b"HWADDRX=3", b"X=HWADDR=4", b"HWADDR", b"\r", b""]),
    ),
    max_size=12,
)


@settings(deadline=None)
@given(LINES, st.booleans())
def test_exactly_the_lines_that_set_it_go(lines: list[bytes], ended: bool) -> None:
    before = b"\n".join(lines) + b"\n" * ended
    after = edited(by_name("net-hwaddr"), IFCFG, before)
    kept = [line for line in before.split(b"\n") if not line.startswith(b"HWADDR=")]
    assert after.rstrip(b"\n") == b"\n".join(kept).rstrip(b"\n")
    assert edited(by_name("net-hwaddr"), IFCFG, after) == after
