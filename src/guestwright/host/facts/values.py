"""Single values of a guest, believed only when they are what they should be."""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from typing import Final

NUMBER_MAX: Final = (1 << 53) - 1  # what JSON keeps exactly
_DECIMAL: Final = frozenset("0123456789")
_HEXADECIMAL: Final = frozenset("0123456789abcdef")
_TOKEN: Final = frozenset("abcdefghijklmnopqrstuvwxyz0123456789._-")


def integer(text: str | None, *, least: int = 0, most: int = NUMBER_MAX) -> int | None:
    """A decimal number within bounds; None for anything else."""
    if text is None or len(text) > 17:
        return None
    digits = text[1:] if text[:1] == "-" else text
    if not digits or not _DECIMAL.issuperset(digits):
        return None
    value = int(text)
    return value if least <= value <= most else None


def flag(text: str | None) -> bool | None:
    """True for "1", False for "0"; None for anything else."""
    return {"1": True, "0": False}.get(text or "")


def token(text: str | None, most: int = 64) -> str:
    """A lower-case word; "" for anything else."""
    return text if text and len(text) <= most and _TOKEN.issuperset(text) else ""


def line(text: str | None, most: int = 255) -> str:
    """A text that is not too long; "" without one."""
    return text if text and len(text) <= most else ""


def mac(text: str | None) -> str:
    """A MAC address in lower case with colons; "" for anything else."""
    parts = (text or "").lower().replace("-", ":").split(":")
    if len(parts) != 6 or not all(len(one) == 2 and _HEXADECIMAL.issuperset(one) for one in parts):
        return ""
    return ":".join(parts)


def address(text: str | None, family: int) -> str:
    """An IP address as the guest wrote it, if it is one and no zone follows; "" for anything else."""
    if not text or len(text) > 45 or "%" in text:
        return ""
    try:
        return text if _parsed(text)[0] == family else ""
    except ValueError:
        return ""


def canonical(text: str) -> str:
    """The shortest form of an address that `address` has accepted."""
    return _parsed(text)[1]


def scope(text: str) -> str:
    """Where an address means something: "global", "site", "link" or "host"."""
    return _parsed(text)[2]


@lru_cache(maxsize=4096)
def _parsed(text: str) -> tuple[int, str, str]:
    """Family, shortest form and scope of an address."""
    found = ipaddress.ip_address(text)
    where = "global"
    if found.is_loopback:
        where = "host"
    elif found.is_link_local:
        where = "link"
    elif isinstance(found, ipaddress.IPv6Address) and found.is_site_local:
        where = "site"
    return found.version, str(found), where
