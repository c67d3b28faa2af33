"""YAML 1.1 as cloud-init reads it (PyYAML's SafeLoader), but bounded, with places, and strict.

Theory of operation: only PyYAML's events are used; they come one by one, so that depth and count are bounded
before anything grows. An alias stands for the node of its anchor, which is shared, but each use counts as
many nodes as it stands for: the "billion laughs" end at `MAX_NODES`. Keys must be text and may not repeat
(PyYAML silently keeps the last one). Merge keys (`<<`) work, tags are those of SafeLoader.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

import yaml

from guestwright.media.sources.errors import BadPayload, BadPayloadEncoding, UnsafePayload
from guestwright.media.sources.findings import refuse
from guestwright.media.sources.nodes import MAX_DEPTH, MAX_NODES, Entry, Node
from guestwright.media.sources.text import place, unbase64, utf8

_LOADER: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_RESOLVER: Final[Any] = yaml.resolver.Resolver()
_TAG: Final = "tag:yaml.org,2002:"
_SCALAR_TAGS: Final = {"str", "null", "bool", "int", "float", "binary", "timestamp"}
_KEY_TAGS: Final = {_TAG + "merge", _TAG + "value"}
_UNSAFE: Final = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_MERGE: Final = _TAG + "merge"
_NUMBERS: Final = yaml.SafeLoader("")


def parse_yaml(file: str, data: bytes) -> Node:
    """Read one YAML document.

    Args:
        file: name for messages.
        data: UTF-8 text.

    Raises:
        BadPayload: it is no YAML, or not one document, or breaks one of the rules above.
    """
    text = utf8(file, data)
    if (wrong := _UNSAFE.search(text)) is not None:
        problem = f"character U+{ord(wrong[0]):04X} may not stand in YAML"
        raise refuse(file, problem, place(text, wrong.start()), BadPayloadEncoding)
    try:
        return _Reader(file, yaml.parse(text, Loader=_LOADER)).document()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        at = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
        raise refuse(file, f"not YAML: {error.problem or 'syntax error'}", at) from None
    except (yaml.YAMLError, RecursionError):
        raise refuse(file, "not YAML") from None


class _Reader:
    def __init__(self, file: str, events: Iterator[Any]) -> None:
        self._file = file
        self._events = events
        self._anchors: dict[str, tuple[Node, int] | None] = {}
        self._count = 0

    def document(self) -> Node:
        """The only document."""
        event = next(self._events)
        while isinstance(event, yaml.StreamStartEvent | yaml.DocumentStartEvent):
            event = next(self._events)
        if isinstance(event, yaml.StreamEndEvent):
            return Node(value=None, at=(1, 1))
        found = self._node(event, 0)
        for after in self._events:
            if isinstance(after, yaml.DocumentStartEvent):
                raise self._wrong(after, "a second document; only one is read")
        return found

    def _node(self, event: Any, depth: int) -> Node:
        self._step(event, 1)
        if depth > MAX_DEPTH:
            raise self._wrong(event, f"nested more than {MAX_DEPTH} deep", UnsafePayload)
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        before = self._count
        anchor = event.anchor
        if anchor is not None:
            self._anchors[anchor] = None  # not whole yet: an alias to it would be endless
        if isinstance(event, yaml.ScalarEvent):
            value = self._scalar(event)
        elif isinstance(event, yaml.SequenceStartEvent):
            value = tuple(self._items(event, depth))
        else:
            value = self._mapping(event, depth)
        found = Node(value=value, at=_at(event))
        if anchor is not None:
            self._anchors[anchor] = (found, self._count - before + 1)
        return found

    def _alias(self, event: Any) -> Node:
        if event.anchor not in self._anchors:
            raise self._wrong(event, "an alias for an anchor that is not there")
        target = self._anchors[event.anchor]
        if target is None:
            raise self._wrong(event, "an alias inside what it stands for", UnsafePayload)
        node, size = target
        self._step(event, size)
        return Node(value=node.value, at=_at(event))

    def _items(self, event: Any, depth: int) -> Iterator[Node]:
        self._check_tag(event, {"seq"})
        while not isinstance(one := next(self._events), yaml.SequenceEndEvent):
            yield self._node(one, depth + 1)

    def _mapping(self, event: Any, depth: int) -> dict[str, Entry]:
        self._check_tag(event, {"map"})
        found: dict[str, Entry] = {}
        merged: dict[str, Entry] = {}
        while not isinstance(one := next(self._events), yaml.MappingEndEvent):
            tag = self._tag(one)
            key = self._node(one, depth + 1) if tag not in _KEY_TAGS else Node(value=one.value, at=_at(one))
            value = self._node(next(self._events), depth + 1)
            if tag == _MERGE:
                for name, entry in self._merge(value):
                    merged.setdefault(name, entry)
                continue
            name = self._key(key, one)
            if name in found:
                raise self._wrong(one, f"the key '{name}' is there twice; first in line {found[name].at[0]}")
            found[name] = Entry(at=key.at, node=value)
        return {**merged, **found}

    def _merge(self, value: Node) -> Iterator[tuple[str, Entry]]:
        for one in value.value if isinstance(value.value, tuple) else (value,):
            if not isinstance(one.value, dict):
                raise refuse(self._file, "only mappings can be merged", one.at)
            self._count += len(one.value)
            if self._count > MAX_NODES:
                raise refuse(self._file, "too many values", one.at, UnsafePayload)
            yield from one.value.items()

    def _key(self, key: Node, event: Any) -> str:
        if isinstance(key.value, str):
            return key.value
        if isinstance(key.value, int | float) and isinstance(event, yaml.ScalarEvent):
            return event.value  # `on:` and `80:`, as people write them
        raise refuse(self._file, "a key must be text", key.at)

    def _scalar(self, event: Any) -> Any:
        tag = self._tag(event)
        if tag in _KEY_TAGS:
            raise self._wrong(
                event, f"'{event.value}' has a meaning of its own in YAML: quote it to make it text"
            )
        name = tag.removeprefix(_TAG)
        if not tag.startswith(_TAG) or name not in _SCALAR_TAGS:
            raise self._wrong(event, "this tag is not allowed", UnsafePayload)
        if name == "binary":
            return unbase64(self._file, event.value.encode("ascii", "replace"))
        if name in {"null", "bool", "int", "float"}:
            return self._number(event, tag)
        return event.value  # dates stay text: nothing in a payload is one

    def _tag(self, event: Any) -> str:
        """What a scalar is; empty for anything else."""
        if not isinstance(event, yaml.ScalarEvent):
            return ""
        return event.tag or str(_RESOLVER.resolve(yaml.ScalarNode, event.value, event.implicit))

    def _number(self, event: Any, tag: str) -> Any:
        if len(event.value) > 100:
            raise self._wrong(event, "a number of more than 100 digits", UnsafePayload)
        node = yaml.ScalarNode(tag, event.value)
        try:
            return _NUMBERS.construct_object(node, deep=True)
        except (yaml.YAMLError, ValueError, KeyError, OverflowError):
            raise self._wrong(event, "not a value of its tag") from None

    def _check_tag(self, event: Any, allowed: set[str]) -> None:
        if event.tag not in {None, *(_TAG + one for one in allowed)}:
            raise self._wrong(event, "this tag is not allowed", UnsafePayload)

    def _step(self, event: Any, nodes: int) -> None:
        self._count += nodes
        if self._count > MAX_NODES:
            raise self._wrong(event, f"more than {MAX_NODES} values, aliases written out", UnsafePayload)

    def _wrong(self, event: Any, problem: str, kind: type[BadPayload] = BadPayload) -> BadPayload:
        return refuse(self._file, problem, _at(event), kind)


def _at(event: Any) -> tuple[int, int]:
    return event.start_mark.line + 1, event.start_mark.column + 1
