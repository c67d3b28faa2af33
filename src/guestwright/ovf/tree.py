"""XML of strangers as a tree: bounded, without document types, and so without entities of their own.

Theory of operation: expat tells what it finds, and is stopped at the first thing that no descriptor needs: a
document type, which is where entities that blow up or read files come from. What remains is bounded in
bytes, elements, depth and attributes. Names are (namespace, local name); a namespace that ends in "/" is the
one without it, and elements without any count as OVF's: so oVirt writes them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Never
from xml.parsers import expat

from guestwright.ovf.errors import BadDescriptor
from guestwright.ovf.words import OVF

BYTES_MAX: Final = 1 << 20
ELEMENTS_MAX: Final = 20_000
DEPTH_MAX: Final = 32
ATTRIBUTES_MAX: Final = 64
_SEPARATOR: Final = "\x1f"  # in no name, and in no URI that XML can hold


class Node:
    """An element.

    Attributes:
        space, name: what it is.
        attributes: by (namespace, name); those without a prefix have the namespace "".
        children: elements in it.
    """

    __slots__ = ("_text", "attributes", "children", "name", "space")

    def __init__(self, space: str, name: str, attributes: dict[tuple[str, str], str]) -> None:
        self.space = space
        self.name = name
        self.attributes = attributes
        self.children: list[Node] = []
        self._text: list[str] = []

    @property
    def text(self) -> str:
        """Text in it, blanks at the ends taken away."""
        return "".join(self._text).strip()

    def add(self, text: str) -> None:
        """Text comes to it."""
        self._text.append(text)

    def all(self, space: str, name: str) -> Iterator[Node]:
        """Children of a name."""
        return (one for one in self.children if one.name == name and one.space == space)

    def first(self, space: str, name: str) -> Node | None:
        """The first child of a name."""
        return next(self.all(space, name), None)

    def said(self, space: str, name: str) -> str:
        """Text of the first child of a name; "" where there is none."""
        found = self.first(space, name)
        return "" if found is None else found.text

    def get(self, space: str, name: str) -> str:
        """An attribute, with a prefix or without; "" where there is none."""
        return self.attributes.get((space, name), "") or self.attributes.get(("", name), "")


class _Builder:
    """Makes the tree out of what expat tells."""

    def __init__(self) -> None:
        self._open: list[Node] = []
        self._elements = 0
        self.root: Node | None = None

    def start(self, name: str, attributes: list[str]) -> None:
        self._elements += 1
        if self._elements > ELEMENTS_MAX:
            raise BadDescriptor(problem=f"more than {ELEMENTS_MAX} elements")
        if len(self._open) >= DEPTH_MAX:
            raise BadDescriptor(problem=f"elements in each other, deeper than {DEPTH_MAX}")
        if len(attributes) > 2 * ATTRIBUTES_MAX:
            raise BadDescriptor(problem=f"an element with more than {ATTRIBUTES_MAX} attributes")
        pairs = zip(attributes[::2], attributes[1::2], strict=True)
        space, local = _split(name)
        node = Node(space or OVF, local, {_split(key): value for key, value in pairs})
        if self._open:
            self._open[-1].children.append(node)
        else:
            self.root = node
        self._open.append(node)

    def end(self, _name: str) -> None:
        self._open.pop()

    def text(self, text: str) -> None:
        self._open[-1].add(text)


def parse(data: bytes) -> Node:
    """The root of a document.

    Raises:
        BadDescriptor: it is no XML, has a document type, or is larger than a descriptor may be.
    """
    if len(data) > BYTES_MAX:
        raise BadDescriptor(problem=f"it is longer than {BYTES_MAX} bytes")
    builder = _Builder()
    parser = expat.ParserCreate(namespace_separator=_SEPARATOR)
    parser.ordered_attributes = True
    parser.buffer_text = True
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.text
    parser.StartDoctypeDeclHandler = _refuse
    parser.EntityDeclHandler = _refuse
    parser.ExternalEntityRefHandler = _refuse
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        problem = f"line {error.lineno}: {expat.ErrorString(error.code)}"
        raise BadDescriptor(problem=problem) from error
    except (LookupError, ValueError) as error:  # an encoding that Python has not, or that is none
        raise BadDescriptor(problem="its encoding is not known; UTF-8 is what OVF wants") from error
    if builder.root is None:
        raise BadDescriptor(problem="it is empty")
    return builder.root


def _refuse(*_: object) -> Never:
    raise BadDescriptor(problem="it has a document type (DOCTYPE); no descriptor needs one")


def _split(name: str) -> tuple[str, str]:
    space, _, local = name.rpartition(_SEPARATOR)
    return space.rstrip("/"), local
