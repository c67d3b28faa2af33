"""CONTROL: commands of the administrator."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from guestwright.xenstore.core.connection import Connection
from guestwright.xenstore.core.path import ROOT, name, parent
from guestwright.xenstore.core.quota import NAMES
from guestwright.xenstore.core.state import Core
from guestwright.xenstore.core.transaction import Transaction
from guestwright.xenstore.core.tree import Tree
from guestwright.xenstore.core.wire import OK, PAYLOAD_MAX, Errno, Result, domid, number, strings

View = Tree | Transaction

_FORMER_NAMES: Final = {b"permissions": b"node-permissions"}  # as 4.17 calls them


def control(core: Core, connection: Connection, view: View, payload: bytes) -> Result:
    """CONTROL: run one of `COMMANDS`."""
    del connection, view
    texts = strings(payload)
    command = COMMANDS.get(texts[0]) if texts else None
    if command is None:
        return Errno.EINVAL
    answer = command(core, texts[1:])
    return answer if isinstance(answer, Errno) else answer[:PAYLOAD_MAX]


def faults(core: Core) -> list[str]:
    """What is inconsistent in the state; empty unless there is a fault in this program."""
    found = []
    nodes = core.tree.nodes
    owned = 0
    for path, node in nodes.items():
        if path != ROOT:
            directory = nodes.get(parent(path))
            if directory is None or name(path) not in directory.children:
                found.append(f"{path!r} is not in its directory")
        prefix = path if path == ROOT else path + b"/"
        found += [f"{path!r} lists {entry!r}" for entry in node.children if prefix + entry not in nodes]
        if node.names != sum(len(entry) + 1 for entry in node.children):
            found.append(f"{path!r} counts its names wrongly")
        owner = node.perms.owner
        if not owner.privileged:
            owned += 1
            if path not in owner.owned:
                found.append(f"{path!r} is not on its owner's account")
    if owned != sum(len(domain.owned) for domain in core.domains.values()):
        found.append("an owner's account lists what is not there")
    return found


def _check(core: Core, arguments: list[bytes]) -> Result:
    if arguments:
        return Errno.EINVAL
    found = faults(core)
    return OK if not found else "; ".join(found).encode("ascii", "backslashreplace") + b"\0"


def _print(core: Core, arguments: list[bytes]) -> Result:
    del core  # the text is for the log of whoever serves the store
    return OK if len(arguments) == 1 else Errno.EINVAL


def _quota(core: Core, arguments: list[bytes]) -> Result:
    if len(arguments) == 3 and arguments[0] == b"set":
        limit = _FORMER_NAMES.get(arguments[1], arguments[1])
        value = number(arguments[2])
        if value is None or limit not in NAMES:
            return Errno.EINVAL
        core.limits.set(limit, value)
        return OK
    if not arguments:
        lines = [b"%-18s %8d\n" % (one, core.limits.get(one) or 0) for one in NAMES]
        return b"Global quota settings:\n" + b"".join(lines) + b"\0"
    one = domid(arguments[0]) if len(arguments) == 1 else None
    domain = core.domains.get(one) if one is not None else None
    if one is None:
        return Errno.EINVAL
    if domain is None:
        return Errno.ENOENT
    connection = core.guests.get(domain)
    used = (
        (b"nodes", len(domain.owned)),
        (b"watches", domain.watches),
        (b"transactions", len(connection.transactions) if connection else 0),
        (b"outstanding", connection.outstanding if connection else 0),
        (b"memory", domain.memory),
    )
    lines = [b"%-18s %8d\n" % pair for pair in used]
    return b"Domain %d:\n" % one + b"".join(lines) + b"\0"


def _help(core: Core, arguments: list[bytes]) -> Result:
    del core, arguments
    return b"\n".join([b"Supported commands:", *sorted(COMMANDS)]) + b"\n\0"


COMMANDS: Final[dict[bytes, Callable[[Core, list[bytes]], Result]]] = {
    b"check": _check,
    b"help": _help,
    b"print": _print,
    b"quota": _quota,
}
