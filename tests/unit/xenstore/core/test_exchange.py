"""Who asks what and gets what: tables of (client, request, answer), played in order.

The client is `root`, another privileged client `more`, or the number of a guest. Answers to guests and errors
are those of C xenstored 4.17, with which the same exchanges were compared.
"""

from __future__ import annotations

import pytest

from guestwright.xenstore.core import wire
from guestwright.xenstore.core.options import Options
from guestwright.xenstore.core.requests import (
    Directory,
    DirectoryPart,
    GetDomainPath,
    GetPerms,
    Introduce,
    IsDomainIntroduced,
    Mkdir,
    Read,
    Release,
    Request,
    Resume,
    Rm,
    SetPerms,
    SetTarget,
    TransactionEnd,
    TransactionStart,
    Write,
)
from guestwright.xenstore.core.wire import Errno
from tests.support.xenstore import Client, World

OK = b"OK\0"
Who = str | int
Exchange = list[tuple[Who, Request, bytes | Errno]]

NODES: Exchange = [
    ("root", Read(b"/none"), Errno.ENOENT),
    ("root", Read(b"bad path"), Errno.EINVAL),
    ("root", Directory(b"/bad/"), Errno.EINVAL),
    ("root", Directory(b"/none"), Errno.ENOENT),
    ("root", GetPerms(b"/none"), Errno.ENOENT),
    ("root", Write(b"/a/b/c", b"1\0\xff"), OK),
    ("root", Write(b"/a b", b""), Errno.EINVAL),
    ("root", Read(b"/a/b/c"), b"1\0\xff"),
    ("root", Read(b"/a/b"), b""),
    ("root", Directory(b"/a"), b"b\0"),
    ("root", Directory(b"/a/b/c"), b""),
    ("root", Directory(b"/"), b"tool\0local\0a\0"),
    ("root", Write(b"/", b"root"), OK),
    ("root", Read(b"/"), b"root"),
    ("root", Write(b"home", b"h"), OK),
    ("more", Read(b"/local/domain/0/home"), b"h"),
    ("root", Mkdir(b"/a/b"), OK),
    ("root", Mkdir(b"/a/d"), OK),
    ("root", Mkdir(b"//"), Errno.EINVAL),
    ("root", Directory(b"/a"), b"b\0d\0"),
    ("root", Rm(b"/a/b"), OK),
    ("root", Rm(b"/a/b"), OK),
    ("root", Rm(b"/a/b/c"), Errno.ENOENT),
    ("root", Rm(b"/"), Errno.EINVAL),
    ("root", Rm(b"a/"), Errno.EINVAL),
    ("root", Directory(b"/a"), b"d\0"),
    ("root", GetPerms(b"/a"), b"n0\0"),
    ("root", Write(b"@introduceDomain", b""), Errno.EINVAL),
    ("root", Rm(b"@introduceDomain"), Errno.EINVAL),
]

PERMISSIONS: Exchange = [
    ("root", Write(b"/a/b", b"v"), OK),
    ("root", SetPerms(b"/a", (b"n0", b"b1", b"r2")), OK),
    (1, Read(b"/a"), b""),
    (2, Read(b"/a"), b""),
    (3, Read(b"/a"), Errno.EACCES),
    (1, Read(b"/a/b"), Errno.EACCES),
    (2, Write(b"/a/new", b""), Errno.EACCES),
    (1, Write(b"/a/new/deep", b"x"), OK),
    ("root", GetPerms(b"/a/new"), b"n1\0b1\0r2\0"),
    ("root", GetPerms(b"/a/new/deep"), b"n1\0b1\0r2\0"),
    (2, Read(b"/a/new/deep"), b"x"),
    (2, Write(b"/a/new/deep", b"y"), Errno.EACCES),
    (2, Mkdir(b"/a/new/deep"), Errno.EACCES),
    (1, Mkdir(b"/a/new/deep"), OK),
    (2, Rm(b"/a/new/deep"), Errno.EACCES),
    ("root", Write(b"/a/new/theirs", b"z"), OK),
    ("root", GetPerms(b"/a/new/theirs"), b"n1\0b1\0r2\0"),
    # Who may not know whether a node is there does not get to know.
    (1, Read(b"/a/none"), Errno.ENOENT),
    (3, Read(b"/a/none"), Errno.EACCES),
    (3, Rm(b"/a/none"), Errno.EACCES),
    (1, Rm(b"/a/none"), OK),
    (1, Rm(b"/a/none/none"), Errno.ENOENT),
    # Write alone does not let one read.
    ("root", SetPerms(b"/a/b", (b"n0", b"w3")), OK),
    (3, Write(b"/a/b", b"w"), OK),
    (3, Read(b"/a/b"), Errno.EACCES),
    # Removing needs a right on the top only.
    ("root", SetPerms(b"/a/new/theirs", (b"n0",)), OK),
    (1, Rm(b"/a/new"), OK),
    (1, Rm(b"/"), Errno.EACCES),
    (1, Write(b"/", b"x"), Errno.EACCES),
]

SET_PERMS: Exchange = [
    ("root", Write(b"/a", b"v"), OK),
    ("root", SetPerms(b"/a", (b"x0",)), Errno.EINVAL),
    ("root", SetPerms(b"/a", (b"n",)), Errno.EINVAL),
    ("root", SetPerms(b"/a", (b"n0 ",)), Errno.EINVAL),
    ("root", SetPerms(b"/a", (b"n65536",)), Errno.EINVAL),
    ("root", SetPerms(b"/a", (b"n99",)), Errno.ENOENT),
    ("root", SetPerms(b"/a", (b"n32752",)), Errno.ENOENT),
    ("root", SetPerms(b"/a/", (b"n0",)), Errno.EINVAL),
    ("root", SetPerms(b"/none", (b"n0",)), Errno.ENOENT),
    ("root", SetPerms(b"/a", (b"n0", b"r99")), OK),
    ("root", GetPerms(b"/a"), b"n0\0r99\0"),
    ("root", SetPerms(b"/a", (b"r0x1", b"b012", b"n0", b"w0X2", b"r00")), OK),
    ("root", GetPerms(b"/a"), b"r1\0b10\0n0\0w2\0r0\0"),
    ("root", SetPerms(b"/a", (b"n1", b"b2")), OK),
    (2, SetPerms(b"/a", (b"n1",)), Errno.EACCES),
    (2, SetPerms(b"/none", (b"n1",)), Errno.EACCES),
    (1, SetPerms(b"/a", (b"n2",)), Errno.EPERM),
    (1, SetPerms(b"/a", (b"r1",)), OK),
    (2, Write(b"/a", b""), Errno.EACCES),
    (1, SetPerms(b"/a", (b"r1", b"r2", b"r3", b"r4", b"r5")), OK),
    (1, SetPerms(b"/a", (b"r1", b"r2", b"r3", b"r4", b"r5", b"r6")), Errno.ENOSPC),
    (1, SetPerms(b"/a", (b"n1", b"n2", b"b2")), OK),
    (2, Write(b"/a", b""), Errno.EACCES),
    (1, SetPerms(b"@introduceDomain", (b"r1",)), Errno.EACCES),
    ("root", SetPerms(b"@introduceDomain", (b"r1",)), OK),
    (1, GetPerms(b"@introduceDomain"), b"r1\0"),
    (2, GetPerms(b"@introduceDomain"), b"r1\0"),
    (1, SetPerms(b"@introduceDomain", (b"r2",)), OK),
    (1, SetPerms(b"@introduceDomain", (b"n1",)), Errno.EACCES),
    (2, SetPerms(b"@introduceDomain", (b"n1",)), OK),
    (2, GetPerms(b"@introduceDomain"), Errno.EACCES),
    ("root", SetPerms(b"@other", (b"n0",)), Errno.EINVAL),
    ("root", GetPerms(b"@other"), Errno.EINVAL),
]

TARGET: Exchange = [
    ("root", Write(b"/own", b""), OK),
    ("root", SetPerms(b"/own", (b"n2",)), OK),
    ("root", Write(b"/listed", b""), OK),
    ("root", SetPerms(b"/listed", (b"n0", b"r2", b"b1")), OK),
    ("root", Write(b"/other", b""), OK),
    ("root", SetPerms(b"/other", (b"r0", b"b3", b"b98")), OK),
    (1, Read(b"/own"), Errno.EACCES),
    (1, Write(b"/listed", b""), OK),
    ("root", SetTarget(1, 9), Errno.ENOENT),
    ("root", SetTarget(9, 1), Errno.ENOENT),
    ("root", SetTarget(1, 2), OK),
    (1, Write(b"/own", b"x"), OK),
    (1, SetPerms(b"/own", (b"n2", b"r3")), OK),
    (1, SetPerms(b"@releaseDomain", (b"n2",)), Errno.EACCES),
    ("root", SetPerms(b"@releaseDomain", (b"n2",)), OK),
    (1, SetPerms(b"@releaseDomain", (b"n2", b"r3")), OK),
    (1, Write(b"/listed", b""), Errno.EACCES),
    (1, Read(b"/other"), b""),
    (1, Write(b"/other", b""), Errno.EACCES),
    (1, Write(b"/own/new", b""), OK),
    ("root", GetPerms(b"/own/new"), b"n1\0r3\0"),
]

DOMAINS: Exchange = [
    ("root", GetDomainPath(0), b"/local/domain/0\0"),
    (1, GetDomainPath(77), b"/local/domain/77\0"),
    (1, GetDomainPath(65536), Errno.EINVAL),
    ("root", IsDomainIntroduced(0), b"T\0"),
    ("root", IsDomainIntroduced(1), b"T\0"),
    ("root", IsDomainIntroduced(9), b"F\0"),
    ("root", IsDomainIntroduced(0x7FF0), b"T\0"),
    ("root", IsDomainIntroduced(70000), Errno.EINVAL),
    ("root", Introduce(9, 1, 0), Errno.EINVAL),
    ("root", Introduce(40000, 1, 1), Errno.ENOENT),
    ("root", Introduce(99, 1, 1), Errno.ENOENT),
    ("root", Introduce(0, 1, 1), OK),
    ("root", Introduce(9, 1, 1), OK),
    ("root", IsDomainIntroduced(9), b"T\0"),
    ("root", Resume(9), OK),
    ("root", Resume(0), Errno.EINVAL),
    ("root", Resume(8), Errno.ENOENT),
    ("root", Release(9), OK),
    ("root", Release(9), Errno.ENOENT),
    ("root", Release(0), Errno.EINVAL),
    ("root", IsDomainIntroduced(9), b"F\0"),
    ("root", SetTarget(1, 70000), Errno.EINVAL),
    (1, Introduce(5, 1, 1), Errno.EACCES),
    (1, Release(1), Errno.EACCES),
    (1, Resume(1), Errno.EACCES),
    (1, SetTarget(1, 2), Errno.EACCES),
    (1, IsDomainIntroduced(1), Errno.EACCES),
]

TRANSACTIONS: Exchange = [
    ("root", TransactionEnd(commit=True), Errno.ENOENT),
    ("root", TransactionStart(), b"1\0"),
    ("more", TransactionStart(), b"1\0"),
    ("root", TransactionStart(), b"2\0"),
    (1, TransactionStart(), b"1\0"),
]


def play(world: World, exchange: Exchange) -> None:
    clients: dict[Who, Client] = {"root": world.root, "more": world.connect()}
    for domid, client in world.guests.items():
        clients[domid] = client
    for step, (who, request, answer) in enumerate(exchange):
        assert clients[who].ask(request) == answer, (step, who, request)
        world.tree()


@pytest.mark.parametrize(
    "exchange",
    [NODES, PERMISSIONS, SET_PERMS, TARGET, DOMAINS, TRANSACTIONS],
    ids=["nodes", "permissions", "set-perms", "target", "domains", "transactions"],
)
def test_exchange(exchange: Exchange) -> None:
    play(World(1, 2, 3), exchange)


@pytest.mark.parametrize(
    ("kind", "payload", "answer"),
    [
        (wire.READ, b"", Errno.EINVAL),
        (wire.READ, b"/tool", Errno.EINVAL),
        (wire.READ, b"/tool\0\0", Errno.EINVAL),
        (wire.MKDIR, b"/x\0y\0", Errno.EINVAL),
        (wire.MKDIR, b"", Errno.EINVAL),
        (wire.RM, b"/tool", Errno.EINVAL),
        (wire.WRITE, b"/x", Errno.EINVAL),
        (wire.SET_PERMS, b"/tool\0", Errno.EINVAL),
        (wire.SET_PERMS, b"/tool", Errno.EINVAL),
        (wire.SET_PERMS, b"/tool\0n0\0rubbish", b"OK\0"),
        (wire.GET_PERMS, b"@introduceDomain", Errno.EINVAL),
        (wire.WATCH, b"/a\0", Errno.EINVAL),
        (wire.WATCH, b"/a\0t\0000\0", Errno.EINVAL),
        (wire.WATCH, b"/a\0t\0rubbish", b"OK\0"),
        (wire.WATCH, b"//\0t\0", Errno.EINVAL),
        (wire.UNWATCH, b"/a\0", Errno.EINVAL),
        (wire.UNWATCH, b"//\0t\0", Errno.ENOENT),
        (wire.TRANSACTION_START, b"", b"1\0"),
        (wire.TRANSACTION_START, b"rubbish", b"1\0"),
        (wire.RESET_WATCHES, b"", b"OK\0"),
        (wire.GET_DOMAIN_PATH, b"", Errno.EINVAL),
        (wire.GET_DOMAIN_PATH, b"x\0", Errno.EINVAL),
        (wire.IS_DOMAIN_INTRODUCED, b"\0", Errno.EINVAL),
        (wire.INTRODUCE, b"1\0001\0", Errno.EINVAL),
        (wire.INTRODUCE, b"1\0x\0001\0", Errno.EINVAL),
        (wire.INTRODUCE, b"1\0001\0002\0more\0", b"OK\0"),
        (wire.RELEASE, b"1", Errno.EINVAL),
        (wire.SET_TARGET, b"1\0", Errno.EINVAL),
        (wire.DIRECTORY_PART, b"/tool\0", Errno.EINVAL),
        (wire.DIRECTORY_PART, b"/tool\0-1\0", Errno.EINVAL),
        (wire.DIRECTORY_PART, b"/none\0000\0", Errno.ENOENT),
        (wire.WATCH_EVENT, b"/a\0t\0", Errno.ENOSYS),
        (wire.ERROR, b"EIO\0", Errno.ENOSYS),
        (20, b"1\0", Errno.ENOSYS),
        (128, b"1\0", Errno.ENOSYS),
        (65535, b"\0", Errno.ENOSYS),
        (wire.GET_FEATURE, b"", Errno.ENOSYS),
        (wire.SET_QUOTA, b"nodes\0001\0", Errno.ENOSYS),
    ],
)
def test_malformed_and_unknown(kind: int, payload: bytes, answer: bytes | Errno) -> None:
    assert World().root.raw(kind, payload) == answer


def test_which_error_wins() -> None:
    world = World(1)
    guest = world.guests[1]
    assert guest.raw(99, b"", 5) is Errno.ENOSYS
    assert guest.raw(wire.INTRODUCE, b"", 5) is Errno.EACCES
    assert guest.raw(wire.READ, b"", 5) is Errno.ENOENT
    assert guest.raw(wire.WATCH, b"/a\0t\0", 5) == b"OK\0"


def test_a_large_directory_comes_in_parts() -> None:
    world = World()
    names = [b"entry-%04d" % one for one in range(600)]
    for one in names:
        world.root.ask(Write(b"/big/" + one, b""))
    assert world.root.ask(Directory(b"/big")) is Errno.E2BIG
    listing, generation = b"", None
    while not listing.endswith(b"\0\0"):
        answer = world.root.ask(DirectoryPart(b"/big", len(listing)))
        assert isinstance(answer, bytes)
        assert len(answer) <= wire.PAYLOAD_MAX
        head, _, part = answer.partition(b"\0")
        assert generation in {None, head}
        generation = head
        listing += part
    assert listing[:-2].split(b"\0") == names
    answer = world.root.ask(DirectoryPart(b"/big", 99999))
    assert answer == generation + b"\0\0"  # type: ignore[operator]  # set by the loop


def test_operations_that_are_switched_off() -> None:
    world = World(options=Options(directory_part=False))
    assert world.root.ask(DirectoryPart(b"/", 0)) is Errno.ENOSYS


def test_a_client_that_breaks_the_protocol_is_dropped() -> None:
    world = World(1)
    guest = world.guests[1]
    guest.raw(wire.WATCH, b"/a\0t\0")
    assert not world.store.receive(guest.connection, wire.HEADER.pack(2, 0, 0, 4097))
    assert not world.store.receive(guest.connection, wire.frame(2, 0, 0, b"/\0"))
    assert not guest.connection.watches
    assert guest.connection.output == []
    assert world.root.ask(Introduce(1, 1, 3)) == b"OK\0"
    assert guest.ask(Read(b"/")) is Errno.EACCES
