"""XML read by expat, with places, and without anything that can be turned against a parser.

Theory of operation: a DOCTYPE is refused when it begins, so that no entity is ever declared, and with it go
entity bombs and external entities. Without entities the text is no longer than the input, which is limited;
depth and number of elements are bounded as they come.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from xml.parsers import expat

from guestwright.media.sources.errors import BadPayload, BadPayloadEncoding, UnsafePayload
from guestwright.media.sources.findings import refuse

MAX_DEPTH: Final = 64
MAX_ELEMENTS: Final = 50_000
_ENCODINGS: Final = {"utf-8", "utf-16", "us-ascii", "iso-8859-1"}  # what expat reads by itself
_SEPARATOR: Final = "\x1f"  # may not stand in XML


class Element:
    """One element.

    Attributes:
        space: its namespace; empty for none.
        name: without the prefix.
        attributes: (namespace, name) to value.
        children: elements in it.
        text: characters directly in it.
        at: line and column, both from 1.
    """

    __slots__ = ("at", "attributes", "children", "name", "space", "text")

    def __init__(self, tag: str, attributes: dict[str, str], at: tuple[int, int]) -> None:
        self.space, self.name = _split(tag)
        self.attributes = {_split(name): value for name, value in attributes.items()}
        self.children: list[Element] = []
        self.text = ""
        self.at = at

    def attribute(self, name: str) -> str | None:
        """The value of an attribute that is in no namespace."""
        return self.attributes.get(("", name))

    def child(self, name: str) -> Element | None:
        """The first child of that name."""
        return next((one for one in self.children if one.name == name), None)

    def walk(self) -> Iterator[Element]:
        """This element and all in it."""
        todo = [self]
        while todo:
            one = todo.pop()
            yield one
            todo.extend(reversed(one.children))


def parse_xml(file: str, data: bytes) -> Element:
    """Read one XML document with namespaces.

    Args:
        file: name for messages.
        data: the document.

    Returns:
        Its root.

    Raises:
        BadPayload: not well-formed, a DOCTYPE, an encoding other than UTF-8, UTF-16, ASCII or ISO 8859-1, or
            too deep or too many elements.
    """
    reader = _Reader(file)
    try:
        return reader.read(data)
    except expat.ExpatError as error:
        problem = expat.errors.messages.get(error.code, "syntax error")
        raise refuse(file, f"not well-formed XML: {problem}", (error.lineno, error.offset + 1)) from None
    except ValueError:  # of a codec that expat asked for
        raise refuse(file, "not text in the encoding it declares", kind=BadPayloadEncoding) from None


class _Reader:
    def __init__(self, file: str) -> None:
        self._file = file
        self._root: Element | None = None
        self._open: list[Element] = []
        self._count = 0
        self._parser = expat.ParserCreate(namespace_separator=_SEPARATOR)
        self._parser.buffer_text = True
        self._parser.XmlDeclHandler = self._declaration
        self._parser.StartDoctypeDeclHandler = self._doctype
        self._parser.EntityDeclHandler = self._doctype
        self._parser.ExternalEntityRefHandler = self._doctype
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._text

    def read(self, data: bytes) -> Element:
        self._parser.Parse(data, True)
        assert self._root is not None  # or expat would have said so
        return self._root

    def _declaration(self, version: str, encoding: str | None, standalone: int) -> None:
        del standalone
        if version != "1.0":
            raise self._wrong("expected XML 1.0", BadPayload)
        if encoding is not None and encoding.lower() not in _ENCODINGS:
            raise self._wrong("this encoding is not allowed; use UTF-8", BadPayloadEncoding)

    def _doctype(self, *_: object) -> int:
        raise self._wrong("a DOCTYPE or an entity is not allowed", UnsafePayload)

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self._count += 1
        if len(self._open) >= MAX_DEPTH or self._count > MAX_ELEMENTS:
            problem = f"nested more than {MAX_DEPTH} deep, or more than {MAX_ELEMENTS} elements"
            raise self._wrong(problem, UnsafePayload)
        made = Element(tag, attributes, self._at())
        if self._open:
            self._open[-1].children.append(made)
        else:
            self._root = made
        self._open.append(made)

    def _end(self, tag: str) -> None:
        del tag
        self._open.pop()

    def _text(self, text: str) -> None:
        self._open[-1].text += text

    def _at(self) -> tuple[int, int]:
        return self._parser.CurrentLineNumber, self._parser.CurrentColumnNumber + 1

    def _wrong(self, problem: str, kind: type[BadPayload]) -> BadPayload:
        return refuse(self._file, problem, self._at(), kind)


def _split(tag: str) -> tuple[str, str]:
    space, found, name = tag.rpartition(_SEPARATOR)
    return (space, name) if found else ("", tag)
