"""The tree of nodes.

Theory of operation: one dictionary from whole paths to nodes, so that looking up a path of any depth is one
hash; the shape of the tree is in the nodes' children. Every change numbers the nodes it touches from one
counter (`generation`), which is what transactions compare.

What a domain without privileges owns is noted in its `Domain` with every change, for its quotas and for
cleaning up after it.

`Transaction` has the same methods. A transaction that was promised the tree as it was at its start
registers in `snapshots`; every change first hands it the old node, unless it has it already.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from guestwright.xenstore.core.domain import Domain
from guestwright.xenstore.core.node import Node
from guestwright.xenstore.core.path import ROOT, name, parent
from guestwright.xenstore.core.permissions import Permissions


class Tree:
    """All nodes of a store.

    Args:
        perms: permissions of the root, which always exists.

    Attributes:
        nodes: every node by its path.
        get: `nodes.get`.
        generation: number of the last change.
        overflow: False; in a transaction, whether it may note no more paths.
        snapshots: nodes as they were when a transaction began, one dictionary for each; a path that is absent
            there has not changed since.
        changed: paths that have changed since somebody last looked, for who keeps a journal; None without.
    """

    __slots__ = ("changed", "generation", "get", "nodes", "snapshots")

    overflow: ClassVar[bool] = False

    def __init__(self, perms: Permissions) -> None:
        self.nodes: dict[bytes, Node] = {ROOT: Node(b"", perms)}
        self.get: Callable[[bytes], Node | None] = self.nodes.get
        self.generation = 0
        self.snapshots: list[dict[bytes, Node | None]] = []
        self.changed: dict[bytes, None] | None = None

    def set_value(self, path: bytes, node: Node, value: bytes) -> None:
        """Replace the value of a node of the tree."""
        if self.snapshots or self.changed is not None:
            self.preserve(path, node)
        owner = node.perms.owner
        if not owner.privileged:
            owner.memory += len(value) - len(node.value)
        self.generation = node.generation = self.generation + 1
        node.value = value

    def set_perms(self, path: bytes, node: Node, perms: Permissions) -> None:
        """Replace the permissions of a node of the tree."""
        if self.snapshots or self.changed is not None:
            self.preserve(path, node)
        self.disown(path, node)
        node.perms = perms
        self.own(path, node)
        self.generation = node.generation = self.generation + 1

    def add(self, path: bytes, node: Node) -> None:
        """Put a node where none is, below a directory that is there."""
        above = parent(path)
        directory = self.nodes[above]
        if self.snapshots or self.changed is not None:
            self.preserve(above, directory)
            self.preserve(path, None)
        entry = name(path)
        directory.add_child(entry)
        owner = directory.perms.owner
        if not owner.privileged:
            owner.memory += len(entry) + 1
        self.generation = generation = self.generation + 1
        directory.generation = node.generation = generation
        self.nodes[path] = node
        self.own(path, node)

    def remove(self, path: bytes, node: Node) -> list[tuple[bytes, Node]]:
        """Take a node other than the root out of the tree, with all below it.

        Returns:
            What was removed, children before parents.
        """
        removed = below(path, node, self.nodes.__getitem__)
        above = parent(path)
        directory = self.nodes[above]
        if self.snapshots or self.changed is not None:
            self.preserve(above, directory)
        entry = name(path)
        directory.drop_child(entry)
        owner = directory.perms.owner
        if not owner.privileged:
            owner.memory -= len(entry) + 1
        self.generation = directory.generation = self.generation + 1
        for gone, old in removed:
            if self.snapshots or self.changed is not None:
                self.preserve(gone, old)
            del self.nodes[gone]
            if not old.perms.owner.privileged:
                self.disown(gone, old)
        return removed

    def replace(self, path: bytes, node: Node | None) -> None:
        """Put what a transaction made of a path in its place; None removes. Parents are its own business."""
        old = self.nodes.get(path)
        if self.snapshots or self.changed is not None:
            self.preserve(path, old)
        if old is not None:
            self.disown(path, old)
        if node is None:
            self.nodes.pop(path, None)
        else:
            self.nodes[path] = node
            self.own(path, node)
            self.generation = node.generation = self.generation + 1

    def preserve(self, path: bytes, node: Node | None) -> None:
        """Hand the node, which is about to change, to the snapshots that lack it; note the path."""
        if self.changed is not None:
            self.changed[path] = None
        for snapshot in self.snapshots:
            if path not in snapshot:
                snapshot[path] = None if node is None else node.clone()

    def own(self, path: bytes, node: Node) -> None:
        """Charge a node to its owner."""
        owner = node.perms.owner
        if not owner.privileged:
            owner.owned[path] = None
            owner.memory += node.size + len(path)

    def disown(self, path: bytes, node: Node) -> None:
        """Take a node off its owner's account."""
        owner = node.perms.owner
        if not owner.privileged:
            del owner.owned[path]
            owner.memory -= node.size + len(path)

    def topmost_owned(self, domain: Domain) -> list[bytes]:
        """Paths of the nodes that a domain owns, but not of those below them; in the order of the tree."""
        owned = domain.owned
        needed: dict[bytes, set[bytes]] = {}
        for path in owned:
            at = path
            while at != ROOT:
                above = parent(at)
                entries = needed.setdefault(above, set())
                if at in entries:
                    break
                entries.add(at)
                at = above
        found, todo = [], [ROOT]
        while todo:
            at = todo.pop()
            if at in owned and at != ROOT:
                found.append(at)
            elif at in needed:
                prefix = at if at == ROOT else at + b"/"
                wanted = needed[at]
                todo.extend(
                    reversed([one for entry in self.nodes[at].children if (one := prefix + entry) in wanted])
                )
        return found


def below(path: bytes, node: Node, get: Callable[[bytes], Node | None]) -> list[tuple[bytes, Node]]:
    """A node and all below it, children before parents, children in order of creation.

    Nodes are fetched parents first. Without recursion: the depth is the guests' choice.
    """
    found: list[tuple[bytes, Node]] = []
    todo = [(path, node, iter(node.children))]
    while todo:
        at, one, entries = todo[-1]
        prefix = at if at == ROOT else at + b"/"
        for entry in entries:
            under = prefix + entry
            member = get(under)
            if member is None:
                continue  # a transaction that may note no more paths
            if member.children:
                todo.append((under, member, iter(member.children)))
                break
            found.append((under, member))
        else:
            todo.pop()
            found.append((at, one))
    return found
