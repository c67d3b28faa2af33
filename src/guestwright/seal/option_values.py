"""Options as operations read them: a flag, a text, a list of texts; anything else is a usage error."""

from __future__ import annotations

from guestwright.base.errors import UsageError
from guestwright.seal.changes import Options


def flag(options: Options, name: str) -> bool:
    """A switch; absent is off."""
    value = options.get(name, False)
    if isinstance(value, bool):
        return value
    raise UsageError(problem=f"option {name}: expected true or false, got {value!r}")


def text(options: Options, name: str) -> str:
    """A text; absent is empty."""
    value = options.get(name, "")
    if isinstance(value, str):
        return value
    raise UsageError(problem=f"option {name}: expected a text, got {value!r}")


def texts(options: Options, name: str) -> tuple[str, ...]:
    """A list of texts that are not empty; absent is an empty list."""
    value = options.get(name, ())
    if isinstance(value, (list, tuple)) and all(isinstance(one, str) and one for one in value):
        return tuple(value)
    raise UsageError(problem=f"option {name}: expected a list of names that are not empty, got {value!r}")
