"""The whole state of a store as plain values, and back.

Theory of operation: a restarted server must find what the former one had, or every guest is cut off from
its devices. `save` gives dictionaries, lists, numbers and text (bytes as Latin-1), fit for JSON; writing
them somewhere is the caller's business. `restore` builds a store from them.

Saved are the tree in the order of creation, the special nodes, quotas, domains, and of each guest's
connection the watches, input that was not handled and output that was not taken. Clients of the socket lose
their connection anyway. An open transaction of a guest comes back as one that can only fail: its operations
work, its commit says EAGAIN, and guests retry those.

The values are trusted to be our own, not to be whole: whatever is missing or of the wrong kind is
`BadState`.
"""

from __future__ import annotations

from typing import Any, Final

from guestwright.xenstore.core.connection import Connection
from guestwright.xenstore.core.domain import Domain, Host, Phase
from guestwright.xenstore.core.errors import BadState
from guestwright.xenstore.core.node import Node
from guestwright.xenstore.core.on_control import faults
from guestwright.xenstore.core.options import Options
from guestwright.xenstore.core.path import ROOT
from guestwright.xenstore.core.permissions import Permissions
from guestwright.xenstore.core.quota import NAMES, Limits
from guestwright.xenstore.core.state import Core
from guestwright.xenstore.core.store import Store
from guestwright.xenstore.core.transaction import Transaction

VERSION: Final = 1

State = dict[str, Any]


def save(store: Store) -> State:
    """The state of a store."""
    core = store.core
    tree = core.tree
    order, todo = [], [ROOT]
    perms: dict[int, list[list[int | bool]]] = {}  # by object: the nodes of a guest share a few
    while todo:
        path = todo.pop()
        node = tree.nodes[path]
        entries = perms.get(id(node.perms))
        if entries is None:
            entries = perms[id(node.perms)] = _perms(node.perms)
        order.append([_text(path), _text(node.value), entries, node.generation])
        prefix = path if path == ROOT else path + b"/"
        todo.extend([prefix + entry for entry in reversed(node.children)])
    return {
        "version": VERSION,
        "generation": tree.generation,
        "limits": limits_state(core.limits),
        "domains": [_domain(core, one) for one in core.domains.values()],
        "specials": [[_text(path), _perms(node.perms)] for path, node in core.specials.items()],
        "nodes": order,
        "guests": [_guest(one) for one in core.guests.values()],
    }


def restore(state: Any, host: Host | None = None, options: Options | None = None) -> Store:
    """A store with a saved state. Rings are not attached: the caller knows which of its guests still live.

    Args:
        state: what `save` gave.
        host: see `Store`.
        options: see `Store`.

    Raises:
        BadState: the values are not such a state.
    """
    if not isinstance(state, dict) or state.get("version") != VERSION:
        raise BadState(detail=f"it is not of version {VERSION}")
    store = Store(host, options)
    try:
        _fill(store, state)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise BadState(detail=f"{type(error).__name__}: {error}") from error
    found = faults(store.core)
    if found:
        raise BadState(detail="; ".join(found))
    return store


def _text(data: bytes) -> str:
    return data.decode("latin-1")


def _bytes(text: str) -> bytes:
    return text.encode("latin-1")


def _perms(perms: Permissions) -> list[list[int | bool]]:
    """Entries: rights, domain id, whether the domain lives (else the entry must stay without effect)."""
    return [
        [bits, domid, domain is not None and domain.phase is not Phase.GONE]
        for bits, domid, domain in perms.entries
    ]


def limits_state(limits: Limits) -> dict[str, int | None]:
    """Limits as plain values."""
    return {_text(name): limits.get(name) for name in NAMES}


def _domain(core: Core, domain: Domain) -> State:
    return {
        "domid": domain.domid,
        "phase": domain.phase.value,
        "target": None if domain.target is None else domain.target.domid,
        "features": domain.features,
        "limits": None if domain.limits is core.limits else limits_state(domain.limits),
    }


def _guest(connection: Connection) -> State:
    return {
        "domid": connection.domain.domid,
        "watches": [
            [_text(one.path), _text(one.token), one.strip, one.depth] for one in connection.watches.values()
        ],
        "transactions": list(connection.transactions),
        "last_transaction": connection.last_transaction,
        "input": _text(connection.parser.rest),
        "output": [_text(one) for one in connection.output],
    }


def _fill(store: Store, state: State) -> None:
    core = store.core
    _set_limits(core.limits, state["limits"])
    for one in state["domains"]:
        domain = core.domains.setdefault(one["domid"], Domain(one["domid"], core.limits))
        domain.phase = Phase(one["phase"])
        domain.features = one["features"]
        if one["limits"] is not None:
            domain.limits = core.limits.copy()
            _set_limits(domain.limits, one["limits"])
    for one in state["domains"]:
        if one["target"] is not None:
            core.domains[one["domid"]].target = core.domains[one["target"]]
    for path, entries in state["specials"]:
        core.specials[_bytes(path)].perms = _parse_perms(core, entries)
    _fill_tree(core, state["nodes"])
    core.tree.generation = state["generation"]
    for one in state["guests"]:
        _fill_guest(core, one)


def _fill_tree(core: Core, nodes: list[Any]) -> None:
    tree = core.tree
    for path in list(tree.nodes[ROOT].children):
        tree.remove(ROOT + path, tree.nodes[ROOT + path])
    known: dict[tuple[tuple[Any, ...], ...], Permissions] = {}
    for path, value, entries, _ in nodes:
        key = tuple(map(tuple, entries))
        perms = known.get(key)
        if perms is None:
            perms = known[key] = _parse_perms(core, entries)
        at = _bytes(path)
        if at == ROOT:
            root = tree.nodes[ROOT]
            tree.set_perms(ROOT, root, perms)
            tree.set_value(ROOT, root, _bytes(value))
        else:
            tree.add(at, Node(_bytes(value), perms))
    for path, _, _, generation in nodes:
        tree.nodes[_bytes(path)].generation = generation


def _fill_guest(core: Core, saved: State) -> None:
    domain = core.domains[saved["domid"]]
    connection = core.guests[domain] = Connection(domain, core.guest_table)
    for path, token, strip, depth in saved["watches"]:
        key = (_bytes(path), _bytes(token))
        watch = connection.watches[key] = core.watches.add(connection, *key, strip, depth)
        domain.watches += 1
        domain.memory += watch.cost
    for one in saved["transactions"]:
        transaction = connection.transactions[one] = Transaction(core.tree, domain, one)
        transaction.stale = True
        core.transactions += 1
    connection.last_transaction = saved["last_transaction"]
    connection.parser.feed(_bytes(saved["input"]))
    connection.output = [_bytes(one) for one in saved["output"]]
    connection.backlog = sum(map(len, connection.output))
    domain.memory += connection.backlog
    if connection.output:
        core.ready[connection] = None
    if connection.parser.rest:
        core.runnable[connection] = None


def _set_limits(limits: Limits, saved: dict[str, int]) -> None:
    for name in NAMES:
        limits.set(name, int(saved[_text(name)]))


def _parse_perms(core: Core, entries: list[list[Any]]) -> Permissions:
    return Permissions(
        [(bits, domid, core.domains[domid] if lives else None) for bits, domid, lives in entries],
        any_domain=core.options.any_domain,
    )
