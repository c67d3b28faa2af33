"""Faults that xenstore servers have had (Xen Security Advisories), each as an attempt that must fail.

The table in docs/security.md says which advisories those are; each has a test here whose name begins with its
number.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from guestwright.xenstore.core import wire
from guestwright.xenstore.core.options import Options
from guestwright.xenstore.core.requests import (
    Directory,
    Introduce,
    Mkdir,
    Read,
    Release,
    ResetWatches,
    Rm,
    SetPerms,
    TransactionStart,
    Unwatch,
    Watch,
    Write,
)
from guestwright.xenstore.core.wire import Errno
from tests.support.xenstore import Client, World

OK = b"OK\0"
PAGE = Path(__file__).parents[4] / "docs" / "security.md"


def test_every_advisory_of_the_page_has_its_test() -> None:
    text = PAGE.read_text()
    section = text[text.index("## Xenstore") :]
    section = section[: section.index("\n## ", 1)]
    listed = set(re.findall(r"^\| XSA-(\d+) \|", section, re.MULTILINE))
    tested = {name.split("_")[1] for name in globals() if re.match(r"test_\d", name)}
    assert listed == tested


def test_115_events_do_not_tell_paths_that_one_may_not_read() -> None:
    """Watches reported every change below them, whoever might read it."""
    world = World(1)
    guest = world.guests[1]
    guest.ask(Watch(b"/", b"t"))
    guest.ask(Watch(b"@introduceDomain", b"t"))
    guest.ask(Watch(b"@releaseDomain", b"t"))
    guest.heard()
    world.root.ask(Write(b"/secret/name", b""))
    one = world.root.begin()
    world.root.ask(Write(b"/secret/other", b""), one)
    world.root.ask(Rm(b"/secret/name"), one)
    world.root.commit(one)
    world.root.ask(Rm(b"/secret"))
    world.introduce(2)
    world.root.ask(Release(2))
    assert guest.heard() == []


def test_322_a_domain_id_that_is_used_again_inherits_no_rights() -> None:
    """Permissions named numbers of domains, and outlived the domains that they meant."""
    world = World(1, 2)
    root, other = world.root, world.guests[2]
    root.ask(Write(b"/given", b"x"))
    root.ask(SetPerms(b"/given", (b"n0", b"b1")))
    other.ask(Write(b"mine", b"y"))
    other.ask(SetPerms(b"mine", (b"n2", b"b1")))
    root.ask(Release(1))
    again = world.introduce(1)
    for path in (b"/given", b"/local/domain/2/mine"):
        assert again.ask(Read(path)) is Errno.EACCES
        assert again.ask(Write(path, b"")) is Errno.EACCES


def test_322_a_transaction_does_not_bring_back_rights_of_the_dead() -> None:
    """The same through a transaction that was open while the domain went."""
    world = World(1)
    client = world.connect()
    one = client.begin()
    client.ask(Write(b"/a", b""), one)
    client.ask(SetPerms(b"/a", (b"n0", b"b1")), one)
    world.root.ask(Release(1))
    assert client.commit(one) == OK
    assert world.introduce(1).ask(Read(b"/a")) is Errno.EACCES


def test_323_paths_are_bounded() -> None:
    """The length of paths was checked wrongly, so that nodes could be made that nobody could name."""
    world = World(1)
    guest = world.guests[1]
    for client in (guest, world.root):
        assert client.raw(wire.READ, b"/" + b"a" * 4000 + b"\0") is Errno.EINVAL
        assert client.raw(wire.WRITE, b"a" * 2049 + b"\0") is Errno.EINVAL
    assert guest.ask(Write(b"a" * 1000 + b"/" + b"b" * 1000, b"")) == OK
    longest = b"/local/domain/1/" + b"a" * 1000 + b"/" + b"b" * 1000
    assert world.root.ask(Rm(longest)) == OK


def test_324_events_are_never_longer_than_a_message_may_be() -> None:
    """Path and token together could exceed a message, which ended the server."""
    world = World(1)
    guest = world.guests[1]
    assert guest.raw(wire.WATCH, b"x\0" + b"t" * 4090 + b"\0") == OK
    guest.ask(Write(b"x/" + b"y" * 100, b""))
    assert all(len(one) <= wire.PAYLOAD_MAX for one in guest.events)


def test_325_a_guest_that_breaks_off_early_is_cleaned_up_after() -> None:
    """A guest that broke the protocol was forgotten, and its end later went unnoticed."""
    world = World(1)
    connection = world.guests[1].connection
    world.root.ask(Watch(b"@releaseDomain", b"t"))
    client = world.store.connect()
    world.store.receive(client, b"\0" * 7)
    world.store.close(client)
    assert not world.store.receive(connection, wire.HEADER.pack(2, 0, 0, 9999))
    world.root.heard()
    world.store.domain_destroyed(1)
    world.deliver()
    assert world.root.heard() == [b"@releaseDomain t"]
    assert b"/local/domain/1" not in world.tree()
    assert world.root.ask(Directory(b"/tool")) == b"xenstored\0"


def test_326_replies_that_are_not_taken() -> None:
    """Guests let replies pile up by never reading them."""
    world = World(1)
    guest = world.guests[1].connection
    world.store.receive(guest, wire.frame(wire.READ, 0, 0, b"x\0") * 10_000)
    assert len(guest.output) == guest.domain.limits.outstanding
    before = guest.parser.room
    assert not world.store.receive(guest, bytes(before + 1))  # input that it may not send yet


def test_326_events_that_are_not_taken() -> None:
    """Guests watched much and never read the events."""
    world = World(1)
    guest = world.guests[1].connection
    world.root.ask(Write(b"/all", b""))
    world.root.ask(SetPerms(b"/all", (b"r0",)))
    for one in range(100):
        world.guests[1].ask(Watch(b"/all", b"%d" % one + b"t" * 2000))
    for number in range(1000):
        world.store.receive(world.root.connection, wire.frame(wire.WRITE, 0, 0, b"/all/%d\0" % number))
    assert guest.domain.memory <= guest.domain.limits.memory
    assert guest.backlog > guest.domain.limits.memory * 0.8


def test_326_nodes_and_transactions_as_large_as_they_may_be() -> None:
    """Guests stored much, in the tree and in copies that transactions hold."""
    world = World(1)
    client = world.guests[1]
    guest, domain = client.connection, client.connection.domain
    for _ in range(12):
        client.ask(TransactionStart())
    assert len(guest.transactions) == domain.limits.transactions + 1
    for one in range(140):
        client.ask(Watch(b"w%d" % one, b"t" * 3000))
    for one in range(1001):
        client.ask(Write(b"d/%d/%d" % (one % 40, one), b"x" * 1900))
    for transaction in list(guest.transactions):
        for one in range(1001):
            client.ask(Write(b"t%d" % one, b"x" * 1900), transaction)
    assert domain.memory < domain.limits.memory + 10_000


def test_330_every_way_of_dropping_watches_is_known() -> None:
    """RESET_WATCHES left a second index behind, so that watches beyond the quota piled up there."""
    world = World(1)
    index = world.store.core.watches
    for _ in range(3):
        fill_watches(world.guests[1])
        world.guests[1].ask(ResetWatches())
        assert index.by_path == {}
        assert list(index.at_or_above(b"/local/domain/1/w1")) == []


@pytest.mark.parametrize("way", ["reset", "unwatch", "introduce", "release"])
def test_330_every_way_of_dropping_watches_drops_all_of_them(way: str) -> None:
    """The same for all ways that there are."""
    world = World(1)
    guest = world.guests[1]
    for _ in range(3):
        fill_watches(guest)
        if way == "reset":
            guest.ask(ResetWatches())
        elif way == "unwatch":
            for one in range(129):
                guest.ask(Unwatch(b"w%d" % one, b"t"))
        elif way == "introduce":
            world.root.ask(Introduce(1, 1, 1))
        else:
            world.root.ask(Release(1))
            guest = world.introduce(1)
        assert world.store.core.watches.by_path == {}
        assert world.store.core.domains[1].watches == 0


def fill_watches(guest: Client) -> None:
    """As many watches as a guest may have."""
    for one in range(129):
        assert guest.ask(Watch(b"w%d" % one, b"t")) == OK
    assert guest.ask(Watch(b"more", b"t")) is Errno.E2BIG


def test_352_a_guest_cannot_give_its_nodes_away() -> None:
    """Guests could change the owner of their nodes, to be rid of what their quota counts."""
    world = World(1, 2)
    guest = world.guests[1]
    guest.ask(Write(b"x", b""))
    for owner in (b"n0", b"n2", b"b2"):
        assert guest.ask(SetPerms(b"x", (owner, b"b1"))) is Errno.EPERM
    one = guest.begin()
    assert guest.ask(SetPerms(b"x", (b"n0", b"b1")), one) is Errno.EPERM
    assert guest.commit(one) == OK
    assert world.store.core.tree.nodes[b"/local/domain/1/x"].perms.owner.domid == 1


def test_353_the_root_is_checked_like_all_others() -> None:
    """Permissions of the root directory were not looked at."""
    guest = World(1).guests[1]
    for request in (
        Write(b"/", b""),
        Rm(b"/"),
        SetPerms(b"/", (b"n1",)),
        Read(b"/"),
        Directory(b"/"),
        Mkdir(b"/"),
        Mkdir(b"/new"),
    ):
        assert guest.ask(request) is Errno.EACCES


def test_354_what_a_toolstack_has_to_copy_is_bounded() -> None:
    """A guest made its part of the tree so large that the copies of it filled the host's memory."""
    world = World(1)
    guest = world.guests[1]
    for one in range(1100):
        guest.ask(Write(b"%d/%d" % (one % 30, one), b"x" * 2000))
        guest.ask(Write(b"/local/domain/1/v" + b"/d" * (one % 1100), b""))
    tree = world.tree()
    mine = [path for path in tree if path.startswith(b"/local/domain/1/")]
    assert len(mine) < 1000
    assert sum(len(path) + len(tree[path]) for path in mine) < 5 << 19
    assert max(path.count(b"/") for path in mine) < 1028  # 2048 bytes of path


def test_416_what_a_refused_request_took_is_given_back() -> None:
    """Memory of requests that failed was kept until the connection ended."""
    world = World(1)
    guest = world.guests[1]
    domain = guest.connection.domain
    guest.ask(Write(b"x", b""))
    before, spellings = domain.memory, len(domain.spellings)
    for one in range(3000):
        assert guest.ask(Read(b"none/%d" % one)) is Errno.ENOENT
        assert guest.ask(Write(b"new/deep/%d" % one, b"v" * 2030)) is Errno.ENOSPC
        assert guest.ask(SetPerms(b"x", (b"n2",))) is Errno.EPERM
        transaction = guest.begin()
        assert guest.ask(Write(b"x", b"v" * 2030), transaction) is Errno.ENOSPC
        guest.commit(transaction)
    assert (domain.memory, len(domain.spellings)) == (before, spellings)
    assert not guest.connection.owed
    assert not guest.connection.underway
    assert world.store.core.transactions == 0


def test_417_nodes_of_a_domain_that_has_gone_are_gone() -> None:
    """Nodes below another domain's outlived their owner, for the next with its number to find."""
    world = World(1, 2)
    other = world.guests[2]
    other.ask(Mkdir(b"shared"))
    other.ask(SetPerms(b"shared", (b"n2", b"b1")))
    guest = world.guests[1]
    assert guest.ask(Write(b"/local/domain/2/shared/mine/deep", b"secret")) == OK
    world.root.ask(Release(1))
    assert other.ask(Directory(b"shared")) == b""
    again = world.introduce(1)
    assert again.ask(Read(b"/local/domain/2/shared/mine/deep")) is Errno.EACCES
    assert again.ask(Write(b"/local/domain/2/shared/mine", b"")) is Errno.EACCES
    world.tree()


def test_418_a_deep_tree_needs_no_deep_stack() -> None:
    """Removing a deep tree went down it by recursion, until the stack ended."""
    world = World(1)
    guest = world.guests[1]
    assert guest.ask(Write(b"/local/domain/1" + b"/d" * 900, b"")) == OK
    assert guest.ask(Rm(b"d")) == OK
    deep = b"/d" * 1500
    for _ in range(2):
        assert world.root.ask(Write(deep, b"")) == OK
        one = world.root.begin()
        assert world.root.ask(Rm(b"/d"), one) == OK
        assert world.root.commit(one) == OK
    assert world.root.ask(Write(deep, b"")) == OK
    assert world.root.ask(Rm(b"/d")) == OK
    assert set(world.tree()) == {
        b"/",
        b"/tool",
        b"/tool/xenstored",
        b"/local",
        b"/local/domain",
        b"/local/domain/1",
    }


def test_419_guests_together_make_no_more_nodes_than_their_quotas_allow() -> None:
    """One guest gave nodes to another, or made them where the other counts, and began again."""
    world = World(1, 2)
    for one, other in ((1, 2), (2, 1)):
        world.guests[one].ask(Mkdir(b"open"))
        world.guests[one].ask(SetPerms(b"open", (b"n%d" % one, b"b%d" % other)))
    for one in (1, 2):
        for number in range(2100):
            at = b"/local/domain/%d/open/%d-%d/%d" % (1 + number % 2, one, number % 60, number)
            world.guests[one].ask(Mkdir(at))
            world.guests[one].ask(SetPerms(at, (b"n%d" % (3 - one),)))
    domains = world.store.core.domains
    assert [len(domains[one].owned) for one in (1, 2)] == [1000, 1000]
    assert len(world.tree()) <= 2000 + len(World().tree()) + 2


def test_419_a_domain_that_has_gone_leaves_nothing_for_others_to_grow_in() -> None:
    """When a domain died, its nodes below others' became the host's, which no quota counts."""
    world = World(1, 2)
    world.guests[2].ask(Mkdir(b"open"))
    before = len(world.tree())
    for _ in range(5):
        assert world.guests[2].ask(SetPerms(b"open", (b"n2", b"b1"))) == OK
        guest = world.guests[1]
        for number in range(50):
            at = b"/local/domain/2/open/%d" % number
            assert guest.ask(Mkdir(at)) == OK
            assert guest.ask(SetPerms(at, (b"b1", b"b2"))) == OK
            assert world.guests[2].ask(Mkdir(at + b"/below")) == OK
        world.root.ask(Release(1))
        world.guests[1] = world.introduce(1)
        assert len(world.tree()) == before
        assert len(world.store.core.domains[2].owned) == 2


def test_420_absurd_lengths_end_the_connection() -> None:
    """Lengths of 31 and 32 bits were taken for negative ones."""
    for length in (4097, 0x3FFFFFFF, 0x40000000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF):
        world = World(1)
        assert not world.store.receive(world.store.connect(), wire.HEADER.pack(2, 0, 0, length))
        assert not world.store.receive(world.guests[1].connection, wire.HEADER.pack(2, 0, 0, length))
        assert world.root.ask(Directory(b"/tool")) == b"xenstored\0"


def test_421_transactions_together_keep_the_quota() -> None:
    """Nodes that a transaction made were not counted, or not when it was committed beside others."""
    world = World(1)
    guest = world.guests[1]
    guest.ask(Mkdir(b"a"))
    guest.ask(Mkdir(b"b"))
    one, two = guest.begin(), guest.begin()
    for number in range(600):
        assert guest.ask(Mkdir(b"a/%d/%d" % (number // 40, number)), one) == OK
        assert guest.ask(Mkdir(b"b/%d/%d" % (number // 40, number)), two) == OK
    assert guest.commit(one) == OK
    assert guest.commit(two) is Errno.ENOSPC
    assert len(world.store.core.domains[1].owned) == 618


@pytest.mark.parametrize("snapshot", [False, True], ids=["plain", "snapshot"])
def test_421_what_is_removed_twice_counts_once(*, snapshot: bool) -> None:
    """Nodes removed inside a transaction and outside were taken off the account twice."""
    world = World(1, options=Options(snapshot=snapshot))
    guest = world.guests[1]
    domain = world.store.core.domains[1]
    memory = domain.memory
    for _ in range(5):
        for number in range(30):
            guest.ask(Mkdir(b"d/%d" % number))
        one = guest.begin()
        guest.ask(Rm(b"d/1"), one)
        guest.ask(Rm(b"d"), one)
        guest.ask(Rm(b"d"))
        assert guest.commit(one) is Errno.EAGAIN
        assert (list(domain.owned), domain.memory) == ([b"/local/domain/1"], memory)


def test_421_a_transaction_that_touches_too_much_fails_alone() -> None:
    """Transactions are bounded one by one; the next domain's are not concerned."""
    world = World(1, 2)
    guest, other = world.guests[1], world.guests[2]
    one, two = guest.begin(), other.begin()
    for number in range(1030):
        guest.ask(Read(b"n%d" % number), one)
    assert guest.commit(one) is Errno.ENOMEM
    assert other.ask(Write(b"x", b""), two) == OK
    assert other.commit(two) == OK


def test_481_the_directory_of_domains_with_a_slash_is_just_invalid() -> None:
    """The path `/local/domain/` met an assertion, which ended the server."""
    world = World(1)
    for client in (world.root, world.guests[1]):
        for kind in (wire.READ, wire.DIRECTORY, wire.RM, wire.MKDIR, wire.GET_PERMS):
            assert client.raw(kind, b"/local/domain/\0") is Errno.EINVAL
        assert client.raw(wire.WATCH, b"/local/domain/\0t\0") is Errno.EINVAL


def test_483_a_domain_id_that_is_used_again_begins_at_nought() -> None:
    """Counters of a domain were not reset when its number was used again."""
    world = World(1)
    guest = world.guests[1]
    for one in range(50):
        guest.ask(Watch(b"w%d" % one, b"t"))
        guest.ask(Mkdir(b"n%d" % one))
    guest.begin()
    world.store.receive(guest.connection, wire.frame(wire.READ, 0, 0, b"x\0") * 30)
    world.root.ask(Release(1))
    again = world.introduce(1).connection
    domain = world.store.core.domains[1]
    assert (domain.watches, len(domain.owned), len(again.transactions), again.outstanding) == (0, 1, 0, 0)
    assert domain.memory == world.store.core.tree.nodes[b"/local/domain/1"].size + len(b"/local/domain/1")
    assert world.store.core.transactions == 0


def test_484_reset_inside_a_transaction() -> None:
    """RESET_WATCHES with the id of an open transaction met an assertion, which ended the server."""
    world = World(1)
    guest = world.guests[1]
    one = guest.begin()
    guest.ask(Write(b"x", b""), one)
    assert guest.ask(ResetWatches(), one) == OK
    assert guest.commit(one) is Errno.ENOENT
    assert guest.begin() == one + 1
    world.tree()


def test_512_watches_are_bounded_in_bytes_too() -> None:
    """What a server kept for watches grew without bound."""
    world = World(1)
    guest = world.guests[1]
    domain = guest.connection.domain
    before = domain.memory
    for one in range(200):
        guest.ask(Watch(b"w%d/" % one + b"p" * 1500, b"t" * 2400))
    held = sum(len(path) + len(token) for path, token in guest.connection.watches)
    assert before + held < domain.memory < domain.limits.memory
    for _ in range(5000):
        guest.ask(Watch(b"x", b"t"))
        guest.ask(Unwatch(b"x", b"t"))
    guest.ask(ResetWatches())
    assert domain.memory == before
    assert world.store.core.watches.by_path == {}
