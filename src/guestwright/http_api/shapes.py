"""Values as what they should be, by msgspec, from any thread.

Theory of operation: msgspec (0.22.0) learns a type when it is first used, and lets other threads see what it
has learned so far; one that comes meanwhile follows a null pointer, and the process dies. So each type is
learned here, with all that is in it, by one thread at a time, before anything becomes one.
"""

from __future__ import annotations

import threading
from typing import Any, Final, TypeVar

import msgspec

T = TypeVar("T")
_known: Final[set[Any]] = set()
_learning: Final = threading.Lock()


def shaped(value: Any, kind: type[T], *, strict: bool = True, from_attributes: bool = False) -> T:
    """A value as a type; otherwise as `msgspec.convert`.

    Raises:
        msgspec.ValidationError: it is none.
    """
    _learn(kind)
    return msgspec.convert(value, kind, strict=strict, from_attributes=from_attributes)


def decoded(data: bytes, kind: type[T]) -> T:
    """JSON as a type; otherwise as `msgspec.json.decode`.

    Raises:
        msgspec.MsgspecError: it is none.
    """
    _learn(kind)
    return msgspec.json.decode(data, type=kind)


def _learn(kind: Any) -> None:
    if kind in _known:
        return
    with _learning:
        msgspec.json.Decoder(kind)
        _known.add(kind)
