"""A value that must not be shown."""

from __future__ import annotations

from typing import Final

MASK: Final = "********"


class Secret:
    """A password, key or payload that must never reach a log, an error, a repr or a report.

    Args:
        value: the secret text.

    The only way to the value is `reveal()`, so that every use can be found by searching for that word.
    Comparison takes constant time. Pickling and copying into a format string show the mask.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The secret itself."""
        return self._value

    def __repr__(self) -> str:
        return f"Secret({MASK})"

    def __str__(self) -> str:
        return MASK

    def __format__(self, spec: str) -> str:
        return MASK

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        import hmac  # noqa: PLC0415 - costs 4 ms of start-up that only a comparison should pay

        return hmac.compare_digest(self._value.encode(), other._value.encode())

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __bool__(self) -> bool:
        return bool(self._value)

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("a Secret is not serialised; reveal() it where it is really needed")
