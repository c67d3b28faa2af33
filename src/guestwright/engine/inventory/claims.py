"""What guests claim to be, taken from their facts: machine ids, SSH host keys, MAC addresses.

A host tells of identities that several of its own domains claim (`host.facts.duplicates`). Clones on two
hosts are seen by nobody but us, so the claims of all machines are kept in one table. The shapes of facts are
those of docs/host-api.md, `identity` and `nics`; a fact is a claim and may have any shape.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from sqlalchemy import Connection, delete, distinct, func, select, tuple_

from guestwright.base.printable import printable
from guestwright.base.record import record
from guestwright.engine.inventory.states import Power
from guestwright.engine.inventory.tables import claims, vms
from guestwright.engine.inventory.upsert import put_all
from guestwright.host.facts.duplicates import EACH_MAX, NO_MACS, SHARED_KINDS, IdentityKind

MACHINE_ID: Final = IdentityKind.MACHINE_ID.value
SSH_KEY: Final = IdentityKind.SSH_KEY.value
MAC: Final = IdentityKind.MAC.value
_VALUE_MAX: Final = 256

Claim = tuple[str, str]
"""Kind and value."""


@record
class Shared:
    """An identity that machines of several hosts claim; `machines`: their ids, sorted."""

    kind: str
    value: str
    machines: tuple[str, ...]


def _identity(value: Any) -> Iterator[Claim]:
    if isinstance(value, Mapping):
        yield from ((MACHINE_ID, one) for one in _texts([value.get("machine_id")]))
        yield from ((SSH_KEY, one) for one in _texts(value.get("ssh")))


def _cards(value: Any) -> Iterator[Claim]:
    listed = [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []
    own = [one.get("mac") for one in listed if str(one.get("kind")) not in SHARED_KINDS]
    yield from ((MAC, one) for one in _texts(own) if one not in NO_MACS)


FACTS: Final[Mapping[str, tuple[frozenset[str], Callable[[Any], Iterator[Claim]]]]] = {
    "identity": (frozenset((MACHINE_ID, SSH_KEY)), _identity),
    "nics": (frozenset((MAC,)), _cards),
}
"""Name of a fact to the kinds that it claims, and how."""


def claims_of(name: str, value: Any) -> tuple[Claim, ...]:
    """What a fact of this name claims; nothing for all but two of them."""
    return tuple(dict.fromkeys(FACTS[name][1](value))) if name in FACTS else ()


def keep(connection: Connection, changed: Mapping[tuple[str, str], Any]) -> None:
    """Take note of facts that have changed.

    Args:
        connection: of the transaction.
        changed: id of the machine and name of the fact, to its value.
    """
    mine = sorted(key for key in changed if key[1] in FACTS)
    if not mine:
        return
    gone = [(vm, kind) for vm, name in mine for kind in FACTS[name][0]]
    connection.execute(delete(claims).where(tuple_(claims.c.vm_id, claims.c.kind).in_(gone)))
    rows = [
        {"vm_id": vm, "kind": kind, "value": value}
        for vm, name in mine
        for kind, value in claims_of(name, changed[vm, name])
    ]
    if rows:
        put_all(connection, claims, rows)


def across_hosts(connection: Connection, most: int) -> list[Shared]:
    """What running machines of more than one host claim.

    Args:
        connection: of the transaction.
        most: rows to look at, one for each machine and identity.
    """
    running = claims.join(vms, vms.c.id == claims.c.vm_id)
    there = (vms.c.power != Power.OFF, vms.c.host_id.is_not(None))
    key = claims.c.kind, claims.c.value
    several = select(*key).select_from(running).where(*there)
    several = several.group_by(*key).having(func.count(distinct(vms.c.host_id)) > 1)
    asked = select(*key, claims.c.vm_id).select_from(running).where(*there, tuple_(*key).in_(several))
    found: dict[Claim, list[str]] = {}
    for kind, value, vm in connection.execute(asked.order_by(*key, claims.c.vm_id).limit(most)):
        found.setdefault((kind, value), []).append(vm)
    return [Shared(kind=kind, value=value, machines=tuple(ids)) for (kind, value), ids in found.items()]


def _texts(listed: Any) -> list[str]:
    """The texts of a list that may be none; bounded and printable."""
    found = [one for one in listed if isinstance(one, str) and one] if isinstance(listed, list) else []
    return [printable(one[:_VALUE_MAX]) for one in found[:EACH_MAX]]
