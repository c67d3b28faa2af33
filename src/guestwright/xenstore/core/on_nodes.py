"""Operations on nodes: read, list, write, make, remove, permissions.

Theory of operation: a handler gets the store's state, the connection, a view (the tree, or the transaction
that the request names) and the payload; it answers with the payload of the reply or an error. Nothing is
changed before everything was checked. These run for every request, so they are written for speed: a path
that is in the tree needs no validation.

Errors that C xenstored 4.17 leaves to chance (whatever errno was left behind) are EINVAL here.
"""

from __future__ import annotations

from guestwright.xenstore.core.connection import Connection
from guestwright.xenstore.core.node import NODE_HEADER, NODE_PERMISSION, Node
from guestwright.xenstore.core.path import ROOT, is_special, name, parent
from guestwright.xenstore.core.permissions import MAY_READ, MAY_WRITE, Permissions
from guestwright.xenstore.core.state import Core
from guestwright.xenstore.core.transaction import Transaction
from guestwright.xenstore.core.tree import Tree
from guestwright.xenstore.core.wire import OK, PAYLOAD_MAX, Errno, Result, single, strings

View = Tree | Transaction


def _find(core: Core, connection: Connection, view: View, payload: bytes) -> tuple[bytes, Node] | Errno:
    """The readable node that the only string of a payload names."""
    raw = payload[:-1]
    if payload[-1:] != b"\0":
        return Errno.EINVAL
    path = raw if raw in core.tree.nodes else connection.canonical(raw)
    if path is None:
        return Errno.EINVAL
    node = view.get(path)
    if node is None:
        return missing(connection, view, path, MAY_READ)
    if not connection.privileged and not node.perms.rights(connection.domain) & MAY_READ:
        return refused(view, path)
    return path, node


def refused(view: View, path: bytes) -> Errno:
    """EACCES; a transaction notes the directory as well, because C xenstored asks it too."""
    if view.__class__ is Transaction:
        view.get(parent(path))
    return Errno.EACCES


def missing(connection: Connection, view: View, path: bytes, right: int) -> Errno:
    """Why a node that is not there cannot be used: ENOENT for those who might know, else EACCES.

    The nearest directory that exists decides. A transaction notes every path on the way there.
    """
    if connection.privileged and view.__class__ is Tree:
        return Errno.ENOENT
    while not view.overflow:
        path = parent(path)
        node = view.get(path)
        if node is not None:
            known = connection.privileged or node.perms.rights(connection.domain) & right
            return Errno.ENOENT if known else Errno.EACCES
    return Errno.ENOSPC


def read(core: Core, connection: Connection, view: View, payload: bytes) -> Result:
    """READ: the value."""
    raw = payload[:-1]
    if raw not in core.tree.nodes or payload[-1] or view is not core.tree or not connection.privileged:
        found = _find(core, connection, view, payload)
        return found if isinstance(found, Errno) else found[1].value
    return core.tree.nodes[raw].value


def directory(core: Core, connection: Connection, view: View, payload: bytes) -> Result:
    """DIRECTORY: the names of the children."""
    found = _find(core, connection, view, payload)
    if isinstance(found, Errno):
        return found
    node = found[1]
    return node.listing() if node.names <= PAYLOAD_MAX else Errno.E2BIG


def directory_part(core: Core, connection: Connection, view: View, payload: bytes) -> Result:
    """DIRECTORY_PART: generation, and as many whole names from an offset as fit; one more NUL at the end."""
    texts = strings(payload)
    if payload[-1:] != b"\0" or len(texts) != 2 or not texts[1].isdigit() or len(texts[1]) > 10:
        return Errno.EINVAL
    found = _find(core, connection, view, texts[0] + b"\0")
    if isinstance(found, Errno):
        return found
    node = found[1]
    head = b"%d\0" % node.generation
    listing = node.listing()
    start = int(texts[1])
    room = PAYLOAD_MAX - len(head) - 1
    if len(listing) - start <= room:
        return head + listing[start:] + b"\0"
    end = listing.rfind(b"\0", start, start + room) + 1
    return head + listing[start:end]


def get_perms(core: Core, connection: Connection, view: View, payload: bytes) -> Result:
    """GET_PERMS: the permission list."""
    if is_special(payload):
        node = core.specials.get(payload[:-1])
        if node is None or payload[-1:] != b"\0":
            return Errno.EINVAL
        if not connection.privileged and not node.perms.rights(connection.domain) & MAY_READ:
            return Errno.EACCES
        return node.perms.wire
    found = _find(core, connection, view, payload)
    return found if isinstance(found, Errno) else found[1].perms.wire


def write(core: Core, connection: Connection, view: View, payload: bytes) -> Result:
    """WRITE: set the value, making the node and its directories if need be."""
    cut = payload.find(b"\0")
    if cut < 0:
        return Errno.EINVAL
    path: bytes | None = payload[:cut]
    if path not in core.tree.nodes:
        path = connection.canonical(payload[:cut])
        if path is None:
            return Errno.EINVAL
    value = payload[cut + 1 :]
    node = view.get(path)
    if node is None:
        return _create(core, connection, view, path, value)
    perms = node.perms
    if not connection.privileged:
        domain = connection.domain
        if not perms.rights(domain) & MAY_WRITE:
            return refused(view, path)
        limits = domain.limits
        growth = len(value) - len(node.value)
        if node.size + growth >= limits.node_size:
            return _too_large(view)
        if growth > 0 and domain.memory + growth > limits.memory:
            return Errno.ENOMEM
    view.set_value(path, node, value)
    if view is core.tree:
        core.fire(path, perms)
    else:
        view.fire(path)  # type: ignore[union-attr]  # a transaction
    return OK


def mkdir(core: Core, connection: Connection, view: View, payload: bytes) -> Result:
    """MKDIR: make a node unless it is there."""
    raw = single(payload)
    path = None if raw is None else connection.canonical(raw)
    if path is None:
        return Errno.EINVAL
    node = view.get(path)
    if node is None:
        return _create(core, connection, view, path, b"")
    if not connection.privileged and not node.perms.rights(connection.domain) & MAY_WRITE:
        return refused(view, path)
    return OK


def _create(core: Core, connection: Connection, view: View, path: bytes, value: bytes) -> Result:
    """Make a node that is not there, and the directories above it."""
    lacking = [path]
    above = parent(path)
    base = view.get(above)
    while base is None and not view.overflow:
        lacking.append(above)
        above = parent(above)
        base = view.get(above)
    if base is None or view.overflow:
        return Errno.ENOSPC
    perms = base.perms
    if not connection.privileged:
        if not perms.rights(connection.domain) & MAY_WRITE:
            return Errno.EACCES
        perms = perms.owned_by(connection.domain)
        refusal = _over_quota(connection, base, lacking, perms, value, view)
        if refusal is not None:
            return refusal
    while lacking:
        at = lacking.pop()
        view.add(at, Node(b"" if lacking else value, perms))
    if view is core.tree:
        core.fire(path, perms)
    else:
        view.fire(path)  # type: ignore[union-attr]  # a transaction
    return OK


def _over_quota(
    connection: Connection, base: Node, lacking: list[bytes], perms: Permissions, value: bytes, view: View
) -> Errno | None:
    """Why a domain without privileges may not make these nodes (the deepest first) below `base`."""
    domain = connection.domain
    limits = domain.limits
    new = len(lacking)
    if not isinstance(view, Tree):
        view.creates = True
        new = 1  # a transaction's new nodes are counted when it commits
    if len(domain.owned) + new > limits.nodes:
        return Errno.ENOSPC
    empty = NODE_HEADER + NODE_PERMISSION * perms.count
    largest = max(empty + len(value), base.size + len(name(lacking[-1])) + 1)
    total = empty + len(value) + len(path_names(lacking))
    for path in lacking[:-1]:
        size = empty + len(name(path)) + 1  # of the directory above it
        largest = max(largest, size)
        total += size
    if largest >= limits.node_size:
        return _too_large(view)
    return Errno.ENOMEM if domain.memory + total > limits.memory else None


def _too_large(view: View) -> Errno:
    """ENOSPC; a transaction that met it cannot be committed, as in C xenstored."""
    if view.__class__ is Transaction:
        view.failed = True
    return Errno.ENOSPC


def path_names(paths: list[bytes]) -> bytes:
    """The paths, one after the other; their length is what the tree charges for keys."""
    return b"".join(paths)


def rm(core: Core, connection: Connection, view: View, payload: bytes) -> Result:
    """RM: remove a node with all below it; fine if only the node itself is not there."""
    raw = single(payload)
    path = None if raw is None else connection.canonical(raw)
    if path is None:
        return Errno.EINVAL
    node = view.get(path)
    if node is None:
        error = missing(connection, view, path, MAY_WRITE)
        return OK if error is Errno.ENOENT and view.get(parent(path)) is not None else error
    if not connection.privileged and not node.perms.rights(connection.domain) & MAY_WRITE:
        return refused(view, path)
    if path == ROOT or view.get(parent(path)) is None:
        return Errno.EINVAL  # others removed the directory after the transaction had seen the node
    core.fire_removed(view.remove(path, node))
    return OK


def set_perms(core: Core, connection: Connection, view: View, payload: bytes) -> Result:
    """SET_PERMS: replace the permission list; for the owner, who may not give the node away."""
    texts = strings(payload)
    if len(texts) < 2:
        return Errno.EINVAL
    domain = connection.domain
    if not connection.privileged and len(texts) - 1 > domain.limits.node_permissions:
        return Errno.ENOSPC
    perms = core.permissions(texts[1:])
    if isinstance(perms, Errno):
        return perms
    if is_special(texts[0]):
        return _set_special(core, connection, texts[0], perms)
    path = connection.canonical(texts[0])
    if path is None:
        return Errno.EINVAL
    node = view.get(path)
    if node is None:
        return missing(connection, view, path, MAY_WRITE)
    former = node.perms
    if not connection.privileged:
        if former.owner is not domain and former.owner is not domain.target:
            return refused(view, path)
        if perms.owner is not former.owner:
            return Errno.EPERM
        if node.size + NODE_PERMISSION * (perms.count - former.count) >= domain.limits.node_size:
            return _too_large(view)
    view.set_perms(path, node, perms)
    if view is core.tree:
        core.fire(path, perms, former)
    else:
        view.fire(path)  # type: ignore[union-attr]  # a transaction
    return OK


def _set_special(core: Core, connection: Connection, path: bytes, perms: Permissions) -> Result:
    node = core.specials.get(path)
    if node is None:
        return Errno.EINVAL
    domain, owner = connection.domain, node.perms.owner
    if not connection.privileged and owner is not domain and owner is not domain.target:
        return Errno.EACCES
    node.perms = perms  # of a special, the owner may give it away
    return OK
