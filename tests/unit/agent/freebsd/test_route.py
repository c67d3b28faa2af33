from __future__ import annotations

import socket
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guestwright.agent.core.facts import Address
from guestwright.agent.freebsd.route import Interface, interfaces


def padded(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % 8)


def interface(
    index: int, name: str, mac: str = "00163e000001", *, flags: int = 0x8843, state: int = 2, kind: int = 18
) -> bytes:
    """RTM_IFINFO as the kernel of FreeBSD 13 sends it."""
    hardware = bytes.fromhex(mac)
    link = struct.pack("=BBHBBBB", 54, kind, index, 6, len(name), len(hardware), 0)
    link = (link + name.encode() + hardware).ljust(54, b"\0")
    data = struct.pack("=BBBBBBHIIQ", 6, 0, 6, 18, state, 0, 152, 1500, 0, 10_000_000_000).ljust(152, b"\0")
    body = struct.pack("=iiHH", 0x10, flags, index, 0) + data + padded(link)
    return struct.pack("=HBB", 4 + len(body), 5, 0xE) + body


def address(index: int, text: str, prefix: int, *, short: bool = False) -> bytes:
    """RTM_NEWADDR: netmask, interface, address, broadcast."""
    if ":" in text:
        raw = socket.inet_pton(socket.AF_INET6, text)
        if raw[:2] == b"\xfe\x80":
            raw = raw[:2] + struct.pack(">H", index) + raw[4:]
        own = struct.pack("=BBHI", 28, 28, 0, 0) + raw + struct.pack("=I", 0)
        bits = ((1 << prefix) - 1) << (128 - prefix)
        mask = struct.pack("=BBHI", 28, 28, 0, 0) + bits.to_bytes(16, "big") + b"\0" * 4
    else:
        own = struct.pack("=BBH", 16, 2, 0) + socket.inet_aton(text) + b"\0" * 8
        bits = ((1 << prefix) - 1) << (32 - prefix)
        mask = struct.pack("=BBH", 16, 2, 0) + bits.to_bytes(4, "big") + b"\0" * 8
    if short:
        mask = mask.rstrip(b"\0")
        mask = bytes((len(mask), 0)) + mask[2:]
    parts = [padded(mask), padded(struct.pack("=BBHBBBB", 8, 18, index, 6, 0, 0, 0)), padded(own), b"\0" * 8]
    body = struct.pack("=iiHHi", 0b10110100, 0, index, 0, 0) + b"".join(parts)
    return struct.pack("=HBB", 4 + len(body), 5, 0xC) + body


def test_an_interface_and_its_addresses() -> None:
    data = (
        interface(2, "xn0")
        + address(2, "192.0.2.1", 24)
        + address(2, "fe80::1", 64)
        + address(2, "2001:db8::1", 48, short=True)
        + interface(3, "lo0", "", flags=0x8049, state=0)
        + address(3, "127.0.0.1", 8, short=True)
        + address(3, "::1", 128)
    )
    assert interfaces(data) == (
        Interface(
            index=2,
            name="xn0",
            mac="00:16:3e:00:00:01",
            mtu=1500,
            up=True,
            carrier=True,
            speed=10000,
            addresses=(
                Address(family=4, address="192.0.2.1", prefix=24),
                Address(family=6, address="fe80::1", prefix=64, scope="link"),
                Address(family=6, address="2001:db8::1", prefix=48),
            ),
        ),
        Interface(
            index=3,
            name="lo0",
            mtu=1500,
            up=True,
            loopback=True,
            speed=10000,
            addresses=(
                Address(family=4, address="127.0.0.1", prefix=8, scope="host"),
                Address(family=6, address="::1", prefix=128, scope="host"),
            ),
        ),
    )


def test_no_link() -> None:
    assert interfaces(interface(2, "xn0", state=1))[0].carrier is False


@pytest.mark.parametrize(
    "data",
    [
        interface(2, ""),
        interface(2, "xn0", kind=99),
        interface(2, "xn0")[:100],
        b"\x04\0\x05\x0e",
        interface(2, "xn0").replace(b"\x05\x0e", b"\x04\x0e", 1),
        address(2, "192.0.2.1", 24),
    ],
    ids=["name", "kind", "cut", "empty", "version", "address-only"],
)
def test_what_is_no_interface(data: bytes) -> None:
    assert interfaces(data) == ()


@given(st.binary(max_size=300))
def test_garbage(data: bytes) -> None:
    head = struct.pack("=HBB", 4 + len(data), 5, 0xE) + data
    interfaces(head + struct.pack("=HBB", 4 + len(data), 5, 0xC) + data)
    interfaces(data)
