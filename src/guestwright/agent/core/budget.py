"""Few enough nodes: what is given up when there is too much to tell."""

from __future__ import annotations

from guestwright.agent.core import schema

TYPE_CHECKING = False  # the module `typing` would cost a sixth of the agent's memory
if TYPE_CHECKING:
    from collections.abc import Mapping

NODES_MAX = 300  # of the 1000 that a domain may have: drivers, and others in the guest, need theirs
OMITTED = "data/guestwright/agent/omitted"


def nodes(path: str) -> list[str]:
    """The nodes that a key needs: itself and the directories above, without the first level."""
    parts = path.split("/")
    return ["/".join(parts[:size]) for size in range(2, len(parts) + 1)]


def count(keys: Mapping[str, bytes]) -> int:
    """How many nodes some keys need."""
    return len({node for path in keys for node in nodes(path)})


def fit(keys: Mapping[str, bytes], limit: int) -> dict[str, bytes]:
    """As many of the keys as fit, by `schema.rank`; how many were left out is told in `OMITTED`.

    What is counted (addresses) stays contiguous, since the key that does not fit ends it all.

    Args:
        keys: relative path to value.
        limit: most nodes.

    Returns:
        The same keys when they fit, in their order.
    """
    # A key needs at most as many nodes as it has slashes: that is soon counted, and nearly always few enough.
    if sum(path.count("/") for path in keys) <= limit or count(keys) <= limit:
        return dict(keys)
    taken: set[str] = set(nodes(OMITTED))
    kept: set[str] = set()
    waiting = sorted(keys, key=schema.rank)
    waiting.reverse()
    path = waiting.pop()
    while len(taken.union(nodes(path))) <= limit:  # ends, since not all fit
        taken.update(nodes(path))
        kept.add(path)
        path = waiting.pop()
    found = {path: value for path, value in keys.items() if path in kept}
    if limit >= len(nodes(OMITTED)):
        found[OMITTED] = b"%d" % (int(keys.get(OMITTED, b"0")) + len(keys) - len(kept))
    return found
