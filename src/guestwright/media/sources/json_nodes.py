"""JSON (RFC 8259), bounded, with places; a key that repeats is an error."""

from __future__ import annotations

import re
from collections.abc import Callable
from json import JSONDecodeError
from json import decoder as _decoder
from typing import Any, Final

from guestwright.media.sources.errors import BadPayload, UnsafePayload
from guestwright.media.sources.findings import refuse
from guestwright.media.sources.nodes import MAX_DEPTH, MAX_NODES, Entry, Node
from guestwright.media.sources.text import utf8

_SCAN: Final[Callable[[str, int, bool], tuple[str, int]]] = vars(_decoder)["scanstring"]
_BLANK: Final = re.compile(r"[ \t\r\n]*")
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,99})(\.[0-9]{1,100})?([eE][-+]?[0-9]{1,4})?(?![0-9.])")
_WORDS: Final = {"true": True, "false": False, "null": None}


def parse_json(file: str, data: bytes) -> Node:
    """Read one JSON text.

    Args:
        file: name for messages.
        data: UTF-8 text.

    Raises:
        BadPayload: it is no JSON, or breaks one of the rules above.
    """
    reader = _Reader(file, utf8(file, data))
    found = reader.value(0)
    reader.end()
    return found


class _Reader:
    def __init__(self, file: str, text: str) -> None:
        self._file = file
        self._text = text
        self._offset = 0
        self._line, self._line_start, self._counted = 1, 0, 0
        self._count = 0

    def value(self, depth: int) -> Node:
        """The value that comes next."""
        self._blank()
        at = self._at()
        self._count += 1
        if depth > MAX_DEPTH or self._count > MAX_NODES:
            problem = f"nested more than {MAX_DEPTH} deep, or more than {MAX_NODES} values"
            raise refuse(self._file, problem, at, UnsafePayload)
        char = self._text[self._offset : self._offset + 1]
        if char == "{":
            return Node(value=self._object(depth), at=at)
        if char == "[":
            return Node(value=tuple(self._array(depth)), at=at)
        if char == '"':
            return Node(value=self._string(), at=at)
        for word, meaning in _WORDS.items():
            if self._text.startswith(word, self._offset):
                self._offset += len(word)
                return Node(value=meaning, at=at)
        if (found := _NUMBER.match(self._text, self._offset)) is None:
            raise self._wrong("expected a JSON value")
        self._offset = found.end()
        number: Any = float(found[0]) if found[1] or found[2] else int(found[0])
        return Node(value=number, at=at)

    def end(self) -> None:
        """Nothing may follow."""
        self._blank()
        if self._offset != len(self._text):
            raise self._wrong("something follows the end of the JSON text")

    def _object(self, depth: int) -> dict[str, Entry]:
        found: dict[str, Entry] = {}
        self._offset += 1
        if self._take("}"):
            return found
        while True:
            self._blank()
            at = self._at()
            if not self._text.startswith('"', self._offset):
                raise self._wrong("expected a key in double quotes")
            key = self._string()
            if key in found:
                problem = f"the key '{key}' is there twice; first in line {found[key].at[0]}"
                raise refuse(self._file, problem, at)
            if not self._take(":"):
                raise self._wrong("expected ':' after a key")
            found[key] = Entry(at=at, node=self.value(depth + 1))
            if self._take("}"):
                return found
            if not self._take(","):
                raise self._wrong("expected ',' or '}'")

    def _array(self, depth: int) -> list[Node]:
        found: list[Node] = []
        self._offset += 1
        if self._take("]"):
            return found
        while True:
            found.append(self.value(depth + 1))
            if self._take("]"):
                return found
            if not self._take(","):
                raise self._wrong("expected ',' or ']'")

    def _string(self) -> str:
        try:
            text, self._offset = _SCAN(self._text, self._offset + 1, True)
        except JSONDecodeError as error:
            self._offset = min(error.pos, len(self._text))
            raise self._wrong("a text is not closed, or has a wrong escape or a control character") from None
        if not text.isprintable() and any("\ud800" <= char <= "\udfff" for char in text):
            raise self._wrong("half of a surrogate pair in a text")
        return text

    def _take(self, char: str) -> bool:
        self._blank()
        if not self._text.startswith(char, self._offset):
            return False
        self._offset += 1
        return True

    def _blank(self) -> None:
        found = _BLANK.match(self._text, self._offset)
        self._offset = found.end() if found is not None else self._offset

    def _at(self) -> tuple[int, int]:
        if self._offset > self._counted:  # goes forward only: every line break is counted once
            self._line += self._text.count("\n", self._counted, self._offset)
            self._line_start = max(self._line_start, self._text.rfind("\n", self._counted, self._offset) + 1)
            self._counted = self._offset
        return self._line, self._offset - self._line_start + 1

    def _wrong(self, problem: str) -> BadPayload:
        return refuse(self._file, f"not JSON: {problem}", self._at())
