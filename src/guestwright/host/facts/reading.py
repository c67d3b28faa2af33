"""What is read of a domain in the store, within bounds; for `Client.run` and `AsyncClient.run`.

Theory of operation: the parts that somebody uses are walked, each as deep as its layout goes, the most
important first; a guest that makes a million nodes elsewhere costs nothing, and here at most `NODES_MAX`
requests. Nodes may vanish between two questions. Nothing is read in a transaction: each key stands for
itself, and a change during the walk fires a watch, which leads to another walk.

After the first walk only what a watch has told of is read (`read_again`). A path that was told of is read
itself, and what is below it only if something was known to be there: a node below that nobody knew of was
made after the last look, and is told of by its own path.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Final

from guestwright.xenstore.client import operations as ops
from guestwright.xenstore.client.errors import NoSuchPath, Refused
from guestwright.xenstore.client.operations import Outcomes, Several, Steps
from guestwright.xenstore.core import requests
from guestwright.xenstore.core.replies import Value

# Directory and how many levels of children below it are read.
PARTS: Final = (
    ("attr/PVAddons", 1),
    ("control", 1),
    ("control/sysprep", 1),
    ("feature/hotplug", 1),
    ("data", 1),
    ("data/boot", 1),
    ("data/balloon", 1),
    ("data/guestwright", 4),
    ("attr", 5),
    ("xenserver/attr", 5),
    ("drivers", 1),
    ("data/net", 4),
    ("data/service", 2),
    ("data/pvs_target", 1),
    ("data/volumes", 3),
)
# Long and nobody's business; what is said to and by commands; texts of a clipboard.
SKIPPED: Final = frozenset(
    ("attr/os/hotfixes", "data/guestwright/exec", "data/set_clipboard", "data/report_clipboard")
)
WATCHED: Final = ("attr", "control", "feature", "data", "drivers", "xenserver/attr")
NODES_MAX: Final = 2000
CHILDREN_MAX: Final = 512  # of one directory
_AT_ONCE: Final = 64


def read(domid: int) -> Steps[list[tuple[str, bytes]]]:
    """Read a domain's keys.

    Args:
        domid: of the domain.

    Returns:
        Paths relative to the domain's directory, with values; for `intake.admit`. Empty without the domain.

    Raises:
        XenstoreError: the connection failed; that keys are missing or hidden is no error.
    """
    home = f"/local/domain/{domid}/"
    found: dict[str, bytes] = {}
    for root, depth in PARTS:
        level = [root]
        for _ in range(depth):
            below: list[str] = []
            for directory in level:
                room = NODES_MAX - len(found) - len(below)
                if room <= 0:
                    break
                for name in (yield from _children(home + directory))[: min(room, CHILDREN_MAX)]:
                    path = f"{directory}/{name}"
                    if path not in SKIPPED:
                        below.append(path)
            wanted = [path for path in below if path not in found]
            found.update((yield from _values(home, wanted)))
            level = [path for path in below if path in found]
    return list(found.items())


@lru_cache(maxsize=8192)  # guests of one kind have the same paths
def is_read(path: str) -> bool:
    """Whether a path relative to a domain's directory is among those that are read."""
    if any(path == one or path.startswith(one + "/") for one in SKIPPED):
        return False
    return any(path.startswith(root + "/") and path.count("/", len(root)) <= depth for root, depth in PARTS)


def above(path: str) -> bool:
    """Whether a path is one of the directories that are walked, or above one: all below it may have gone."""
    return any(root == path or root.startswith(path + "/") for root, _ in PARTS)


def read_again(
    domid: int, known: Mapping[str, bytes], paths: Iterable[str]
) -> Steps[dict[str, bytes | None] | None]:
    """Read what has changed of a domain's keys.

    Args:
        domid: of the domain.
        known: what is known to be there.
        paths: that a watch has told of since, relative to the domain's directory.

    Returns:
        Paths to values, None for those that are gone; None in place of all when there is so much that the
        whole is to be read. No path is read twice, so it takes at most three times as many requests as there
        are paths.

    Raises:
        XenstoreError: see `read`.
    """
    home = f"/local/domain/{domid}/"
    found: dict[str, bytes | None] = {}
    wanted = {path for path in paths if is_read(path) or above(path)}
    while wanted:
        values = yield from _values(home, sorted(wanted))
        below = {path: _below(known, path) for path in wanted}
        found.update({path: values.get(path) for path in wanted if is_read(path)})
        found.update(dict.fromkeys(_on_the_way(values, known, found), b""))
        more = set(_on_the_way(wanted - values.keys(), known, found))
        for path, some in below.items():
            if path in values:
                more.update(some)
            else:
                found.update(dict.fromkeys(some))
        wanted = more - found.keys()
        if len(known) + len(found) > NODES_MAX:
            return None
    return found


def _on_the_way(
    paths: Iterable[str], known: Mapping[str, bytes], found: Mapping[str, bytes | None]
) -> list[str]:
    """Unknown directories above: the store makes them with a node, empty, and tells of the node only."""
    made: list[str] = []
    for path in paths:
        directory = path.rpartition("/")[0]
        while directory and directory not in known:
            if is_read(directory) and found.get(directory) is None:
                made.append(directory)
            directory = directory.rpartition("/")[0]
    return made


def _below(known: Mapping[str, bytes], path: str) -> list[str]:
    prefix = path + "/"
    return [one for one in known if one.startswith(prefix)]


def _children(path: str) -> Steps[list[str]]:
    try:
        return (yield from ops.children(path))
    except Refused:  # gone, hidden, or too long for this server
        return []


def _values(home: str, paths: list[str]) -> Steps[dict[str, bytes]]:
    found = {}
    for start in range(0, len(paths), _AT_ONCE):
        some = paths[start : start + _AT_ONCE]
        outcome = yield Several([requests.Read((home + path).encode("ascii", "replace")) for path in some])
        assert isinstance(outcome, Outcomes)
        for path, one in zip(some, outcome.each, strict=True):
            if isinstance(one, Value):
                found[path] = one.value
            elif isinstance(one, NoSuchPath):
                continue
    return found
