"""What lists show of a guest, taken from its facts. Pure; a fact is a claim and may have any shape.

The shapes are those of the host service's API (docs/host-api.md): `host`, `system` and `nics`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from guestwright.base.printable import printable

TEXT_MAX: Final = 255
ADDRESSES_MAX: Final = 64
_ADDRESS_MAX: Final = 45  # of an IPv6 address that maps an IPv4 one


def hostname(value: Any) -> str:
    """Of the fact `host`."""
    return _text(value.get("name")) if isinstance(value, Mapping) else ""


def system(value: Any) -> str:
    """Of the fact `system`."""
    return _text(value.get("name")) if isinstance(value, Mapping) else ""


def addresses(value: Any) -> str:
    """Of the fact `nics`: every address between two spaces; "" without any."""
    found: dict[str, None] = {}
    for nic in value if isinstance(value, list) else ():
        listed = nic.get("addresses") if isinstance(nic, Mapping) else None
        for one in listed if isinstance(listed, list) else ():
            text = one.get("address") if isinstance(one, Mapping) else None
            if isinstance(text, str) and _is_address(text):
                found[text.lower()] = None
    return f" {' '.join(list(found)[:ADDRESSES_MAX])} " if found else ""


COLUMNS: Final[Mapping[str, tuple[str, Callable[[Any], str]]]] = {
    "host": ("hostname", hostname),
    "system": ("os", system),
    "nics": ("addresses", addresses),
}
"""Name of a fact to the column of lists that it fills, and how."""


def _text(value: Any) -> str:
    return printable(value[:TEXT_MAX]) if isinstance(value, str) else ""


def _is_address(text: str) -> bool:
    return 0 < len(text) <= _ADDRESS_MAX and all(char in "0123456789abcdefABCDEF:." for char in text)
