"""A parsed document, YAML or JSON, in which every value knows its place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from guestwright.base.record import record

MAX_DEPTH: Final = 40
MAX_NODES: Final = 100_000  # aliases count as often as they are used


@record
class Node:
    """One value.

    Attributes:
        value: None, a bool, int, float, text or bytes; a tuple of nodes; a mapping of text to `Entry`.
        at: line and column of its beginning, both from 1.
    """

    value: Any
    at: tuple[int, int]


@record
class Entry:
    """One key of a mapping, and its value."""

    at: tuple[int, int]
    node: Node


def plain(node: Node) -> Any:
    """The document as lists, dictionaries and scalars."""
    if isinstance(node.value, tuple):
        return [plain(one) for one in node.value]
    if isinstance(node.value, Mapping):
        return {key: plain(entry.node) for key, entry in node.value.items()}
    return node.value


def kind_of(node: Node) -> str:
    """What the value is, for people."""
    value = node.value
    if value is None:
        return "nothing"
    for kinds, name in _KINDS:
        if isinstance(value, kinds):
            return name
    return "a value"


_KINDS: Final[tuple[tuple[Any, str], ...]] = (
    (bool, "true or false"),
    (int, "a number"),
    (float, "a number"),
    (str, "text"),
    (bytes, "binary data"),
    (tuple, "a list"),
    (Mapping, "a mapping"),
)
