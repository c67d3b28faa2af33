"""One node of the store."""

from __future__ import annotations

from typing import Final

from guestwright.xenstore.core.permissions import Permissions

# How C xenstored counts the size of a node for its quota.
NODE_HEADER: Final = 24
NODE_PERMISSION: Final = 8


class Node:
    """Value, permissions and names of children of a node.

    Nodes change in place. Who needs a node as it is now takes a `clone`; the dictionary of children is then
    shared, and copied by whoever changes it first, because directories can be large.

    Attributes:
        children: names, in order of creation.
        names: bytes that the names take, one terminator each.
        generation: number of the last change; never the same twice for a path.
        shared: whether `children` belongs to another node too.
    """

    __slots__ = ("children", "generation", "names", "perms", "shared", "value")

    def __init__(self, value: bytes, perms: Permissions, generation: int = 0) -> None:
        self.value = value
        self.perms = perms
        self.children: dict[bytes, None] = {}
        self.names = 0
        self.generation = generation
        self.shared = False

    @property
    def size(self) -> int:
        """Bytes that count against the quota for the size of a node."""
        return NODE_HEADER + NODE_PERMISSION * self.perms.count + len(self.value) + self.names

    def clone(self) -> Node:
        """The node as it is now."""
        copy = Node(self.value, self.perms, self.generation)
        if self.children:
            copy.children = self.children
            copy.names = self.names
            copy.shared = self.shared = True
        return copy

    def add_child(self, name: bytes) -> None:
        """Append a name that is not there yet."""
        if self.shared:
            self._unshare()
        self.children[name] = None
        self.names += len(name) + 1

    def drop_child(self, name: bytes) -> None:
        """Remove a name that is there."""
        if self.shared:
            self._unshare()
        del self.children[name]
        self.names -= len(name) + 1

    def listing(self) -> bytes:
        """The names, each with its terminator."""
        return b"\0".join([*self.children, b""])

    def _unshare(self) -> None:
        self.children = dict(self.children)
        self.shared = False
