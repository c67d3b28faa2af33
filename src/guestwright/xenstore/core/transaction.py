"""Transactions: a private view of the tree, and whether it may become the tree.

Theory of operation: optimistic, node by node, as in C xenstored. The first access to a path notes the node
(or that there is none) with its generation; from then on the transaction sees, and changes, its own copy. A
commit succeeds when every noted path still has the generation that was noted. Every operation reads before
it writes, so writes are protected as well. What others changed between the start of the transaction and its
first access is visible.

With `snapshot` set, first accesses see the tree as it was at the start; nothing that others do becomes
visible, and a transaction that changed nothing always succeeds.

The number of noted paths is limited for domains without privileges; what goes beyond fails the operation
(`overflow`) and the transaction as a whole (`failed`).
"""

from __future__ import annotations

from collections.abc import Callable

from guestwright.xenstore.core.domain import Domain, Phase
from guestwright.xenstore.core.node import Node
from guestwright.xenstore.core.path import name, parent
from guestwright.xenstore.core.permissions import Permissions
from guestwright.xenstore.core.tree import Tree, below

NODE_COST = 128  # bytes charged for a noted path besides the path and the value


class Access:
    """What a transaction knows of one path.

    Attributes:
        generation: of the node when it was noted; None when there was none.
        perms: its permissions then.
        node: the transaction's own copy; None when there is none (any more).
        modified: whether the copy has to go back.
        fires: whether the commit fires an event for the path.
        exact: whether only watches on the path itself see that event.
    """

    __slots__ = ("exact", "fires", "generation", "modified", "node", "perms")

    def __init__(self, node: Node | None) -> None:
        self.generation = None if node is None else node.generation
        self.perms = None if node is None else node.perms
        self.node = node
        self.modified = False
        self.fires = False
        self.exact = False


class Transaction:
    """An open transaction.

    Args:
        tree: what it began from.
        domain: whose it is.
        number: its id on the connection.
        snapshot: see the module.

    Attributes:
        accessed: noted paths in order of first access.
        created: how many more nodes each domain owns through it.
        creates: a domain without privileges has tried to make a node in it.
        memory: bytes charged to its domain.
        stale: the store was restored since it began; it can only fail.
    """

    __slots__ = (
        "_past",
        "accessed",
        "created",
        "creates",
        "domain",
        "failed",
        "memory",
        "number",
        "overflow",
        "stale",
        "tree",
    )

    def __init__(self, tree: Tree, domain: Domain, number: int, *, snapshot: bool = False) -> None:
        self.tree = tree
        self.domain = domain
        self.number = number
        self.accessed: dict[bytes, Access] = {}
        self.created: dict[Domain, int] = {}
        self.creates = False
        self.memory = 0
        self.failed = False
        self.overflow = False
        self.stale = False
        self._past: dict[bytes, Node | None] | None = None
        if snapshot:
            self._past = {}
            tree.snapshots.append(self._past)

    def get(self, path: bytes) -> Node | None:
        """The node as this transaction sees it."""
        access = self.accessed.get(path)
        if access is not None:
            return access.node
        domain = self.domain
        if not domain.privileged:
            limits = domain.limits
            if len(self.accessed) >= limits.transaction_nodes:
                self.overflow = self.failed = True
                return None
        past = self._past
        node = past[path] if past is not None and path in past else self.tree.get(path)
        cost = NODE_COST + len(path)
        if node is not None:
            node = node.clone()
            cost += len(node.value)
        self._charge(cost)
        self.accessed[path] = Access(node)
        return node

    def set_value(self, path: bytes, node: Node, value: bytes) -> None:
        """Replace the value of a node that `get` gave."""
        self._charge(len(value))
        node.value = value
        self._touch(path)

    def set_perms(self, path: bytes, node: Node, perms: Permissions) -> None:
        """Replace the permissions of a node that `get` gave."""
        self._count(node, -1)
        node.perms = perms
        self._count(node, 1)
        self._touch(path)

    def add(self, path: bytes, node: Node) -> None:
        """Put a node where none is, below a directory that is there; both were seen through `get`."""
        directory = self.accessed[parent(path)]
        assert directory.node is not None
        if name(path) not in directory.node.children:  # else somebody made it between our two looks
            directory.node.add_child(name(path))
        directory.modified = True
        access = self.accessed[path]
        access.node = node
        access.modified = True
        self._charge(len(node.value))
        self._count(node, 1)

    def remove(self, path: bytes, node: Node) -> list[tuple[bytes, Node]]:
        """Take a node other than the root out of its directory, with all below it; `get` gave both.

        Returns:
            Nothing: events wait for the commit.
        """
        removed = below(path, node, self.get)
        if self.overflow:
            return []
        directory = self.accessed[parent(path)]
        assert directory.node is not None
        if name(path) in directory.node.children:  # else somebody removed it between our two looks
            directory.node.drop_child(name(path))
        directory.modified = True
        for gone, old in removed:
            access = self.accessed[gone]
            access.node = None
            access.exact = gone != path and (access.exact or not access.fires)
            access.modified = access.fires = True
            self._count(old, -1)
        return []

    def fire(self, path: bytes) -> None:
        """Have the commit fire an event for a path that was changed."""
        access = self.accessed[path]
        access.fires = True
        access.exact = False

    def conflicts(self) -> bool:
        """Whether something it relies on has changed since."""
        if self.stale:
            return True
        modified = False
        current = self.tree.get
        changed = False
        for path, access in self.accessed.items():
            node = current(path)
            if access.modified:
                modified = True
                if access.node is not None and access.node.perms.owner.phase is Phase.GONE:
                    return True  # nobody would clean up after it
            if (None if node is None else node.generation) != access.generation:
                changed = True
        return changed and (modified or self._past is None)

    def over_quota(self) -> bool:
        """Whether a domain would own too many nodes; as in C xenstored, the limit itself is too many.

        Only what guests make is refused: who is at the limit may still change what is there, and privileged
        clients may add to it.
        """
        if not self.creates:
            return False
        return any(len(one.owned) + more >= one.limits.nodes for one, more in self.created.items())

    def apply(self, changed: Callable[[bytes, Access], None]) -> None:
        """Make its changes the tree's.

        Args:
            changed: called for each path that an event has to be fired for, in order of first access, when
                that path has been changed and later ones have not (as in C xenstored: it matters for who may
                know).
        """
        for path, access in self.accessed.items():
            if not access.modified or (access.node is None and access.generation is None):
                continue
            self.tree.replace(path, access.node)
            if access.fires:
                changed(path, access)

    def end(self) -> None:
        """Give back what it holds; to be called exactly once, after `apply` if that is called."""
        self.domain.memory -= self.memory
        if self._past is not None:
            # By identity: equal snapshots of other transactions must stay.
            self.tree.snapshots[:] = [one for one in self.tree.snapshots if one is not self._past]

    def _touch(self, path: bytes) -> None:
        self.accessed[path].modified = True

    def _charge(self, size: int) -> None:
        self.memory += size
        self.domain.memory += size

    def _count(self, node: Node, change: int) -> None:
        owner = node.perms.owner
        if not owner.privileged:
            self.created[owner] = self.created.get(owner, 0) + change
