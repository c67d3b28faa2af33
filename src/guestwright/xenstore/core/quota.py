"""Quotas: what a domain without privileges may use.

Theory of operation: names and defaults are those of C xenstored, so that an administrator's numbers carry
over. A limit of 0 means unlimited. Domains share one `Limits` until one of theirs is set by name
(`Domain.limits`), so that the check of a request is one comparison.

C xenstored 4.17 compares some counts before adding and some after; `watches` and `transactions` therefore
admit one more than their number, as there.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Final

UNLIMITED: Final = 1 << 62


@dataclass(slots=True)
class Limits:
    """One set of limits.

    Attributes:
        nodes: nodes owned by the domain.
        watches: watches registered by the domain.
        outstanding: requests whose reply, or an event they caused, has not been delivered yet.
        memory: bytes held on behalf of the domain.
        soft_memory: bytes from which a warning is due.
        transactions: open transactions.
        transaction_nodes: nodes that one transaction may touch.
        node_permissions: entries in one permission list.
        path_max: bytes of a path without the part that names a domain's directory.
        node_size: bytes of one node: header, permissions, value and names of children.
    """

    nodes: int = 1000
    watches: int = 128
    outstanding: int = 20
    memory: int = (2 << 20) + (1 << 19)
    soft_memory: int = 2 << 20
    transactions: int = 10
    transaction_nodes: int = 1024
    node_permissions: int = 5
    path_max: int = 2048
    node_size: int = 2048

    def get(self, name: bytes) -> int | None:
        """The limit with that name on the wire (0: unlimited); None when there is none."""
        if name not in NAMES:
            return None
        value: int = getattr(self, _attribute(name))
        return 0 if value >= UNLIMITED else value

    def set(self, name: bytes, value: int) -> None:
        """Change a limit of `NAMES`; 0 means unlimited."""
        setattr(self, _attribute(name), value or UNLIMITED)

    def copy(self) -> Limits:
        """The same limits, apart from later changes."""
        return replace(self)


def _attribute(name: bytes) -> str:
    return name.decode("ascii").replace("-", "_")


NAMES: Final = tuple(field.name.replace("_", "-").encode("ascii") for field in fields(Limits))
