r"""The form of a dump: one JSON document, values escaped as xenstore-read prints them.

    {"kind": "guestwright.store.dump", "schema": 1, "root": "/vm", "nodes": [
      {"path": "", "value": "", "perms": ["n0"]}, {"path": "/name", "value": "web1", "perms": ["n0", "r5"]}]}

Paths are relative to the root; a node comes after the one that it is in.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, Final

from guestwright.base.record import record
from guestwright.cli.store.errors import BadDump
from guestwright.cli.store.escape import escape, unescape
from guestwright.xenstore.client.operations import Node

KIND: Final = "guestwright.store.dump"
SCHEMA: Final = 1
SIZE_MAX: Final = 1 << 28  # bytes


@record
class Saved:
    """A node of a dump.

    Attributes:
        path: relative to the root: empty, or beginning with a slash.
        value: its value.
        perms: its permissions; none to leave them as they come.
    """

    path: str
    value: bytes
    perms: tuple[str, ...]


def document(root: str, nodes: Sequence[Node]) -> dict[str, Any]:
    """A dump of what `operations.tree` found at a root."""
    start = len(root.rstrip("/"))
    return {
        "kind": KIND,
        "schema": SCHEMA,
        "root": root,
        "nodes": [
            {
                "path": one.path[start:] if one.depth else "",
                "value": escape(one.value or b""),
                "perms": list(one.perms),
            }
            for one in nodes
        ],
    }


def parse(text: str, file: str) -> tuple[str, list[Saved]]:
    """The root and the nodes of a dump.

    Args:
        text: the document.
        file: its name, for errors.

    Raises:
        BadDump: it is none.
    """
    try:
        body = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadDump(file=file, detail=f"it is not JSON: {error}") from None
    if not isinstance(body, dict) or body.get("kind") != KIND or body.get("schema") != SCHEMA:
        raise BadDump(file=file, detail=f"it is no {KIND} of schema {SCHEMA}")
    root, nodes = body.get("root"), body.get("nodes")
    if not isinstance(root, str) or not isinstance(nodes, list):
        raise BadDump(file=file, detail="it has no root or no nodes")
    return root, list(_nodes(nodes, file))


def _nodes(nodes: list[Any], file: str) -> Iterator[Saved]:
    for number, one in enumerate(nodes):
        match one:
            case {"path": str(path), "value": str(value), "perms": list(perms)} if all(
                isinstance(each, str) for each in perms
            ):
                if path and not path.startswith("/"):
                    raise BadDump(file=file, detail=f"the path of node {number} does not begin with a slash")
                yield Saved(path=path, value=unescape(value), perms=tuple(perms))
            case _:
                raise BadDump(file=file, detail=f"node {number} has no path, value or permissions")
