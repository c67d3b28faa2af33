"""Operations on watches and transactions."""

from __future__ import annotations

from functools import partial
from typing import Final

from guestwright.xenstore.core.connection import Connection
from guestwright.xenstore.core.node import Node
from guestwright.xenstore.core.state import Core
from guestwright.xenstore.core.transaction import Access, Transaction
from guestwright.xenstore.core.tree import Tree
from guestwright.xenstore.core.watch import ANY_DEPTH, WATCH_COST, watch_path
from guestwright.xenstore.core.wire import (
    OK,
    Errno,
    Result,
    number,
    strings,
)

View = Tree | Transaction

_LAST_TRANSACTION: Final = 0xFFFFFFFF


def watch(core: Core, connection: Connection, view: View, payload: bytes) -> Result:
    """WATCH: register, answer, then send one event with the path as the client spelt it."""
    del view  # transactions do not matter here
    texts = strings(payload)
    depth: int | None = ANY_DEPTH
    if len(texts) == 3 and core.options.watch_depth:
        depth = number(texts.pop())
    if len(texts) != 2 or depth is None:
        return Errno.EINVAL
    raw, token = texts
    domain = connection.domain
    found = watch_path(raw, domain.base, None if connection.privileged else domain.limits.path_max)
    if found is None:
        return Errno.EINVAL
    path, strip = found
    if (path, token) in connection.watches:
        return Errno.EEXIST
    cost = WATCH_COST + len(path) + len(token)
    if not connection.privileged:
        if domain.watches > domain.limits.watches:
            return Errno.E2BIG
        if domain.memory + cost > domain.limits.memory:
            return Errno.ENOMEM
        domain.memory += cost
    domain.watches += 1
    connection.watches[path, token] = core.watches.add(connection, path, token, strip, depth)
    connection.late = partial(core.queue_event, connection, raw + b"\0" + token + b"\0")
    return OK


def unwatch(core: Core, connection: Connection, view: View, payload: bytes) -> Result:
    """UNWATCH: forget one watch."""
    del view  # transactions do not matter here
    texts = strings(payload)
    if len(texts) != 2:
        return Errno.EINVAL
    raw, token = texts
    domain = connection.domain
    found = watch_path(raw, domain.base, None if connection.privileged else domain.limits.path_max)
    if found is None or (found[0], token) not in connection.watches:
        return Errno.ENOENT
    _forget(core, connection, (found[0], token))
    return OK


def _forget(core: Core, connection: Connection, key: tuple[bytes, bytes]) -> None:
    one = connection.watches.pop(key)
    core.watches.drop(one)
    connection.domain.watches -= 1
    if not connection.privileged:
        connection.domain.memory -= one.cost


def reset_watches(core: Core, connection: Connection, view: View, payload: bytes) -> Result:
    """RESET_WATCHES: forget the caller's watches and transactions, the present one included."""
    del view, payload
    drop_all(core, connection)
    return OK


def drop_all(core: Core, connection: Connection) -> None:
    """Forget all watches and transactions of a connection; the one place where that is done."""
    for key in list(connection.watches):
        _forget(core, connection, key)
    for transaction in connection.transactions.values():
        transaction.end()
    core.transactions -= len(connection.transactions)
    connection.transactions.clear()


def transaction_start(core: Core, connection: Connection, view: View, payload: bytes) -> Result:
    """TRANSACTION_START: the new transaction's id."""
    del payload  # one NUL, or nothing
    if view is not core.tree:
        return Errno.EBUSY
    domain = connection.domain
    if not connection.privileged and len(connection.transactions) > domain.limits.transactions:
        return Errno.ENOSPC
    transactions = connection.transactions
    one = connection.last_transaction
    while True:
        one = one + 1 if one < _LAST_TRANSACTION else 1
        if one not in transactions:
            break
    connection.last_transaction = one
    core.transactions += 1
    transactions[one] = Transaction(core.tree, domain, one, snapshot=core.options.snapshot)
    return b"%d\0" % one


def transaction_end(core: Core, connection: Connection, view: View, payload: bytes) -> Result:
    """TRANSACTION_END: commit or abort; the id is gone whatever the answer, unless that is EINVAL."""
    if payload not in {b"T\0", b"F\0"}:
        return Errno.EINVAL
    if view.__class__ is Tree:
        return Errno.ENOENT
    assert isinstance(view, Transaction)
    del connection.transactions[view.number]
    core.transactions -= 1
    refusal = _commit(core, view) if payload == b"T\0" else None
    view.end()
    return OK if refusal is None else refusal


def _commit(core: Core, transaction: Transaction) -> Errno | None:
    if transaction.failed:
        return Errno.ENOMEM
    if transaction.over_quota():
        return Errno.ENOSPC
    if transaction.conflicts():
        return Errno.EAGAIN
    transaction.apply(partial(_fire, core))
    return None


def _fire(core: Core, path: bytes, access: Access) -> None:
    node: Node | None = access.node
    if node is not None:
        core.fire(path, node.perms, access.perms, exact=access.exact)
    else:
        assert access.perms is not None  # what was never there is not removed
        core.fire_gone(path, access.perms, exact=access.exact)
