"""The tree: large directories, what a clone shares, and accounts of owners."""

from __future__ import annotations

from guestwright.xenstore.core.domain import Domain
from guestwright.xenstore.core.node import Node
from guestwright.xenstore.core.permissions import Permissions
from guestwright.xenstore.core.quota import Limits
from guestwright.xenstore.core.requests import Directory, Read, Rm, Write
from guestwright.xenstore.core.tree import Tree
from tests.support.xenstore import World


def owned_tree() -> tuple[Tree, Domain, Permissions]:
    dom0 = Domain(0, Limits(), privileged=True)
    guest = Domain(1, Limits())
    tree = Tree(Permissions([(0, 0, dom0)]))
    perms = Permissions([(0, 1, guest)])
    return tree, guest, perms


def test_a_directory_grows_without_being_copied() -> None:
    world = World()
    ask = world.root.ask
    ask(Write(b"/big", b""))
    children = world.store.core.tree.nodes[b"/big"].children
    for one in range(8000):
        ask(Write(b"/big/%d" % one, b""))
    assert world.store.core.tree.nodes[b"/big"].children is children
    assert list(children)[:3] == [b"0", b"1", b"2"]
    ask(Rm(b"/big"))
    assert len(world.tree()) == 3


def test_reading_in_a_transaction_copies_a_directory_at_most_once() -> None:
    world = World()
    ask = world.root.ask
    ask(Write(b"/big/a", b""))
    client = world.connect()
    one = client.begin()
    client.ask(Read(b"/big"), one)
    before = world.store.core.tree.nodes[b"/big"].children
    ask(Write(b"/big/b", b""))
    copied = world.store.core.tree.nodes[b"/big"].children
    ask(Write(b"/big/c", b""))
    ask(Rm(b"/big/a"))
    assert world.store.core.tree.nodes[b"/big"].children is copied
    assert list(before) == [b"a"]
    assert client.ask(Directory(b"/big"), one) == b"a\0"
    two = client.begin()
    client.ask(Read(b"/big"), two)
    client.ask(Rm(b"/big/b"), two)
    assert ask(Directory(b"/big")) == b"b\0c\0"


def test_owners_accounts() -> None:
    tree, guest, perms = owned_tree()
    tree.add(b"/a", Node(b"", perms))
    tree.add(b"/a/b", Node(b"12", perms))
    tree.set_value(b"/a/b", tree.nodes[b"/a/b"], b"12345")
    assert list(guest.owned) == [b"/a", b"/a/b"]
    assert guest.memory == sum(node.size + len(path) for path, node in tree.nodes.items() if path != b"/")
    tree.remove(b"/a/b", tree.nodes[b"/a/b"])
    tree.remove(b"/a", tree.nodes[b"/a"])
    assert (guest.memory, guest.owned) == (0, {})


def test_topmost_owned_in_the_order_of_the_tree() -> None:
    tree, guest, perms = owned_tree()
    other = tree.nodes[b"/"].perms
    for path, kind in (
        (b"/z", other), (b"/a", perms), (b"/z/2", perms), (b"/z/1", perms), (b"/a/x", perms),
        (b"/m", other), (b"/z/2/y", other), (b"/z/2/y/w", perms),
    ):  # fmt: skip
        tree.add(path, Node(b"", kind))
    assert tree.topmost_owned(guest) == [b"/z/2", b"/z/1", b"/a"]


def test_changed_paths_are_noted_for_a_journal() -> None:
    world = World()
    ask, tree = world.root.ask, world.store.core.tree
    ask(Write(b"/a", b"1"))
    tree.changed = {}
    ask(Read(b"/a"))
    assert tree.changed == {}
    ask(Write(b"/a", b"2"))
    assert list(tree.changed) == [b"/a"]
    one = world.root.begin()
    ask(Write(b"/b/c", b"3"), one)
    assert list(tree.changed) == [b"/a"]
    world.root.commit(one)
    assert set(tree.changed) == {b"/a", b"/", b"/b", b"/b/c"}
    tree.changed = {}
    ask(Rm(b"/b"))
    assert set(tree.changed) == {b"/", b"/b", b"/b/c"}
