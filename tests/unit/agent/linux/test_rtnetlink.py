from __future__ import annotations

import ipaddress
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guestwright.agent.core.facts import Address
from guestwright.agent.linux import rtnetlink
from guestwright.agent.linux.rtnetlink import Link
from guestwright.agent.unix import text
from tests.support.rtnetlink import NEW_LINK, address_body, attribute, link_body, message


def test_a_card() -> None:
    assert rtnetlink.link(link_body(2, "enX0", mtu=1500, master=7)) == Link(
        index=2, name="enX0", mac="00:16:3e:00:00:01", mtu=1500, up=True, carrier=True, master=7
    )


def test_loopback() -> None:
    assert rtnetlink.link(link_body(1, "lo", flags=0x49, hardware=772, mac="000000000000")) == Link(
        index=1, name="lo", ethernet=False, loopback=True, up=True
    )


def test_a_vlan() -> None:
    found = rtnetlink.link(
        link_body(9, "enX0.42", kind="vlan", data=attribute(1, struct.pack("=H", 42)), lower=2)
    )
    assert found is not None
    assert (found.kind, found.vlan, found.lower) == ("vlan", 42, 2)


def test_a_link_of_another_namespace_is_no_link_of_ours() -> None:
    found = rtnetlink.link(link_body(9, "veth0", kind="veth", lower=2, netns=0))
    assert found is not None
    assert found.lower == 0


def test_a_bridge() -> None:
    found = rtnetlink.link(
        link_body(7, "br0", kind="bridge", data=attribute(11, bytes.fromhex("800000163e000001")))
    )
    assert found is not None
    assert found.bridge == "8000.00163e000001"
    found = rtnetlink.link(link_body(7, "br0", kind="bridge", data=attribute(11, b"short")))
    assert found is not None
    assert found.bridge == ""


@pytest.mark.parametrize(
    "body",
    [b"", b"\0" * 15, link_body(2, "enX0", family=7), link_body(2, "")],
    ids=["empty", "short", "port-of-a-bridge", "wireless-news"],
)
def test_what_is_not_about_a_link(body: bytes) -> None:
    assert rtnetlink.link(body) is None


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (address_body(2, "192.0.2.1", 24), Address(family=4, address="192.0.2.1", prefix=24)),
        (
            address_body(2, "192.0.2.1", 32, peer="192.0.2.9"),
            Address(family=4, address="192.0.2.1", prefix=32),
        ),
        (
            address_body(2, "192.0.2.1", 24, flags=1),
            Address(family=4, address="192.0.2.1", prefix=24, dynamic=True),
        ),
        (
            address_body(2, "fe80::1", 64, scope=253, flags=0xC0),
            Address(family=6, address="fe80::1", prefix=64, scope="link", tentative=True),
        ),
        (
            address_body(2, "2001:db8::1", 64, flags=0, more=0x21 | 0x300),
            Address(
                family=6, address="2001:db8::1", prefix=64, temporary=True, deprecated=True, dynamic=True
            ),
        ),
        (
            address_body(2, "2001:db8::1", 64, flags=0x88),
            Address(family=6, address="2001:db8::1", prefix=64, tentative=True),
        ),
        (address_body(2, "::1", 128, scope=254), Address(family=6, address="::1", prefix=128, scope="host")),
        (
            address_body(2, "fec0::1", 64, scope=200),
            Address(family=6, address="fec0::1", prefix=64, scope="site"),
        ),
    ],
    ids=["ipv4", "peer", "secondary", "link", "temporary", "dad-failed", "host", "site"],
)
def test_addresses(body: bytes, expected: Address) -> None:
    assert rtnetlink.address(body) == (2, expected)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        struct.pack("=BBBBI", 7, 0, 0, 0, 1),
        struct.pack("=BBBBI", 2, 24, 0, 0, 1),
        address_body(2, "1.2.3.4", 33),
    ],
    ids=["short", "family", "no-address", "prefix"],
)
def test_what_is_no_address(body: bytes) -> None:
    assert rtnetlink.address(body) is None


def test_messages_of_a_datagram() -> None:
    data = message(16, b"abc", sequence=7, flags=2) + message(3, b"")
    assert [(one.kind, one.body, one.sequence, one.flags) for one in rtnetlink.messages(data)] == [
        (16, b"abc", 7, 2),
        (3, b"", 0, 0),
    ]


@given(st.binary(max_size=200))
def test_garbage(data: bytes) -> None:
    for one in rtnetlink.messages(message(NEW_LINK, data) + data):
        rtnetlink.link(one.body)
        rtnetlink.address(one.body)


@given(
    st.binary(min_size=16, max_size=16)
    | st.lists(st.sampled_from([b"\0\0", b"\0\1"]), min_size=8, max_size=8).map(b"".join)
)
def test_ipv6_text_is_that_of_ipaddress(raw: bytes) -> None:
    assert text.ipv6(raw) == ipaddress.IPv6Address(raw).compressed


def test_requests() -> None:
    link = rtnetlink.request(rtnetlink.GET_LINK, 5)
    assert struct.unpack("=IHHII", link[:16]) == (len(link), 18, 0x301, 5, 0)
    assert len(rtnetlink.request(rtnetlink.GET_ADDR, 5)) == 24
