"""The state of a killed server: its last checkpoint and the journal of what came after.

Theory of operation: both are plain values. The journal's lines are laid over the checkpoint's, and what comes
out has the form of `core.dump`, so that one reader builds, and checks, the store. Guests' connections begin
anew: what was underway on them is not in the journal.

A server that was killed while its next checkpoint was made has left one journal more (`journal.NEXT`).
"""

from __future__ import annotations

import json
from typing import Any

from guestwright.xenstore.core import dump
from guestwright.xenstore.core.domain import Host, Phase
from guestwright.xenstore.core.errors import BadState
from guestwright.xenstore.core.options import Options
from guestwright.xenstore.core.store import Store
from guestwright.xenstore.server.errors import UnusableState
from guestwright.xenstore.server.journal import FORMAT, NEXT, SUFFIX, VERSION
from guestwright.xenstore.server.state_file import read_state, read_whole

_INTRODUCED = {Phase.RUNNING.value, Phase.SHUT_DOWN.value}


def load(path: str, host: Host | None, options: Options | None) -> tuple[Store, int] | None:
    """The store that a file holds, brought up to date with its journal if there is one.

    Args:
        path: of the checkpoint.
        host: see `Store`.
        options: see `Store`.

    Returns:
        The store and the number of its last checkpoint or journal; None when there is no file.

    Raises:
        UnusableState: what is there is not a whole state.
    """
    found = read_state(path)
    if found is None:
        return None
    state, number = found
    try:
        lines = _journal(path + SUFFIX, number)
        if lines is not None:
            state = _overlay(state, lines)
        after = number if lines is None else number + 1  # without, its checkpoint is in its place already
        more = _journal(path + NEXT, after)
        if more is not None:
            state, number = _overlay(state, more), after
        return dump.restore(state, host, options), number
    except (BadState, KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise UnusableState(path=path, detail=str(error) or type(error).__name__) from error


def compacted(path: str, number: int) -> dump.State:
    """A checkpoint with its journal laid over it.

    Args:
        path: of the checkpoint.
        number: that both have.

    Raises:
        UnusableState: they are not there, or not whole.
    """
    found = read_state(path)
    try:
        lines = _journal(path + SUFFIX, number)
        if found is None or found[1] != number or lines is None:
            raise UnusableState(path=path, detail=f"it is not checkpoint {number} with its journal")
        return _overlay(found[0], lines)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise UnusableState(path=path, detail=str(error) or type(error).__name__) from error


def _journal(path: str, number: int) -> list[dict[str, Any]] | None:
    """The records of the journal that belongs to a checkpoint; None when there is none."""
    data = read_whole(path)
    if data is None:
        return None
    lines = data.split(b"\n")[:-1]  # what has no end was not acknowledged
    if not lines:
        return None
    head = json.loads(lines[0])
    if head.get("format") != FORMAT or head.get("version") != VERSION:
        raise UnusableState(path=path, detail="it is not a journal of this version")
    return [json.loads(line) for line in lines[1:]] if head["number"] == number else None


def _overlay(state: dump.State, records: list[dict[str, Any]]) -> dump.State:
    domains: dict[int, list[Any]] = {}
    for life, *entry in records[0]["d"]:
        domains[life] = entry
    lives = {entry[0]: life for life, entry in domains.items()}

    def by_life(perms: list[list[Any]]) -> list[list[Any]]:
        return [[bits, domid, lives[domid] if living else None] for bits, domid, living in perms]

    nodes = {path: [value, by_life(perms), at] for path, value, perms, at in state["nodes"]}
    specials = {path: by_life(perms) for path, perms in state["specials"]}
    limits, generation = state["limits"], state["generation"]
    for record in records[1:]:
        limits = record.get("l", limits)
        generation = record.get("g", generation)
        specials.update(record.get("s", ()))
        for life, *entry in record.get("d", ()):
            if entry:
                domains[life] = entry
            else:
                del domains[life]
        for path, *node in record.get("n", ()):
            if node:
                nodes[path] = node
            else:
                nodes.pop(path, None)

    def by_presence(perms: list[list[Any]]) -> list[list[Any]]:
        return [[bits, domid, life in domains] for bits, domid, life in perms]

    # Directories before what is in them; the order within a directory stays.
    order = sorted(nodes.items(), key=lambda one: one[0].count("/") if one[0] != "/" else 0)
    return {
        "version": state["version"],
        "generation": generation,
        "limits": limits,
        "domains": [_domain(entry, domains) for entry in domains.values()],
        "specials": [[path, by_presence(perms)] for path, perms in specials.items()],
        "nodes": [[path, value, by_presence(perms), at] for path, (value, perms, at) in order],
        "guests": [_guest(entry[0]) for entry in domains.values() if entry[0] and entry[1] in _INTRODUCED],
    }


def _domain(entry: list[Any], domains: dict[int, list[Any]]) -> dump.State:
    domid, phase, target, features, limits = entry
    return {
        "domid": domid,
        "phase": phase,
        "target": domains[target][0] if target in domains else None,
        "features": features,
        "limits": limits,
    }


def _guest(domid: int) -> dump.State:
    return {
        "domid": domid,
        "watches": [],
        "transactions": [],
        "last_transaction": 0,
        "input": "",
        "output": [],
    }
