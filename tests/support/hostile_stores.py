"""Stores that a hostile guest may write, and what must hold for the reader whatever they are."""

from __future__ import annotations

import random

from guestwright.host.facts.book import Book, Life
from guestwright.host.facts.decode import LIST_MAX, NICS_MAX, decode
from guestwright.host.facts.intake import KEYS_MAX, admit
from guestwright.host.facts.metrics import metrics

PARTS = (
    *[
        "attr",
        "vif",
        "net-sriov-vf",
        "xenserver",
        "data",
        "net",
        "control",
        "drivers",
        "feature-sysprep",
        "ipv4",
        "ipv6",
        "0",
        "1",
        "x",
    ],
    *[
        "99999999999999999999",
        "prefix",
        "flags",
        "members",
        "version",
        "guestwright",
        "disks",
        "size",
        "name",
        "users",
        "volumes",
    ],
    *[
        "mount_points",
        "free",
        "PVAddons",
        "MajorVersion",
        "MinorVersion",
        "eth0",
        "ip",
        "addr",
        "boot",
        "state",
        "balloon",
        "current",
    ],
    *[
        "target",
        "identity",
        "ssh",
        "meminfo_total",
        "meminfo_free",
        "updated",
        "service",
        "features",
        "..",
        "�",
    ],
    "a" * 70,
    "",
)
VALUES = (
    *(
        one.encode()
        for one in [
            "0",
            "1",
            "-1",
            "1.0",
            "1e9",
            "0x10",
            "٣",
            "²",
            "192.0.2.1",
            "999.1.1.1",
            "::1",
            "fe80::1%1",
            "booting",
            "vif",
        ]
    ),
    *(
        one.encode()
        for one in [
            "00:16:3e:00:00:01",
            "(",
            ")(",
            "/dev/xvda(x)",
            "NaN",
            "{}",
            "%s%n",
            "../../etc",
            "\u202e",
        ]
    ),
    *(b"", b"9" * 400, b"\xff\x00\xfe", b"a b c d", b"   ", b"x" * 2000),
)


def hostile(chance: random.Random) -> list[tuple[str, bytes]]:
    """One store."""
    return [
        ("/".join(chance.choices(PARTS, k=chance.randrange(1, 8))), chance.choice(VALUES))
        for _ in range(chance.randrange(1, 24))
    ]


def judge(raw: list[tuple[str, bytes]]) -> None:
    """Read it in every way."""
    keys = admit(raw)
    assert len(keys.values) <= KEYS_MAX
    told, seen = decode(keys), metrics(keys)
    assert len(told.nics) <= NICS_MAX
    assert all(len(nic.addresses) <= 2 * LIST_MAX for nic in told.nics)
    for values in (seen.networks, seen.other, seen.services, seen.os_version, seen.pv_drivers_version):
        assert all(text.isprintable() for pair in values.items() for text in pair)
    book = Book()
    life = Life("u", 1)
    book.started(life, 0.0)
    book.look(life, raw, 1.0)
    assert book.look(life, raw, 2.0).changes == ()
