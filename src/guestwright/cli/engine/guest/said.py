"""What a guest says of itself, in words: names and values one behind the other, what is empty left out."""

from __future__ import annotations

from typing import Any, Final

from guestwright.cli.engine.shown import text

_DEEP: Final = 4  # levels; a guest chooses what is in a value
_KIB: Final = frozenset(("memory",))  # facts whose sizes are in KiB


def said(fact: str, value: Any) -> list[str]:
    """The lines of a fact, at least one.

    Args:
        fact: its name.
        value: plain JSON.
    """
    if isinstance(value, list) and any(isinstance(one, dict) for one in value):
        return [_words(fact, one, 0) for one in value]
    if fact in _KIB and isinstance(value, dict):
        value = {key: one << 10 if isinstance(one, int) else one for key, one in value.items()}
    return [_words(fact, value, 0)]


def _words(name: str, value: Any, depth: int) -> str:
    if depth < _DEEP and isinstance(value, dict):
        told = [
            f"{key.replace('_', ' ')} {_words(key, one, depth + 1)}"
            for key, one in value.items()
            if one not in (None, "", [], {}, False)
        ]
        return f"({', '.join(told)})" if depth else ", ".join(told)
    if depth < _DEEP and isinstance(value, list) and not all(isinstance(one, str) for one in value):
        return " ".join(_words(name, one, depth + 1) for one in value)
    return text("free" if name == "total" else name, value)
