"""Paths of the store: which are valid, what they are relative to.

Source: Xen's docs/misc/xenstore.txt; where that is silent, what C xenstored accepts. Paths are bytes
throughout: no part of them is ever decoded.
"""

from __future__ import annotations

from typing import Final

from guestwright.xenstore.core.wire import ABSOLUTE_PATH_MAX, RELATIVE_PATH_MAX

ALLOWED: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-/_@"
ROOT: Final = b"/"
_DOMAINS: Final = b"/local/domain/"


def home(domid: int) -> bytes:
    """The directory of a domain, without a slash at the end."""
    return b"%s%d" % (_DOMAINS, domid)


def parent(path: bytes) -> bytes:
    """The directory of a canonical path; the root is its own."""
    return path[: path.rfind(b"/")] or ROOT


def name(path: bytes) -> bytes:
    """The last part of a canonical path other than the root."""
    return path[path.rfind(b"/") + 1 :]


def canonical(raw: bytes, base: bytes, path_max: int | None) -> bytes | None:
    """The absolute form of a path from a request.

    Args:
        raw: as the client spelt it; relative unless it starts with a slash.
        base: what relative paths are below, with a slash at the end.
        path_max: the caller's quota in bytes, without the part that names a domain's directory; None for
            privileged callers, who have the protocol's own limits.

    Returns:
        The absolute path, or None when it is not valid. Special paths (`@...`) are not valid here.
    """
    if raw[:1] != b"/":
        if not raw or raw[:1] == b"@" or len(raw) > RELATIVE_PATH_MAX:
            return None
        path = base + raw
    else:
        path = raw
    if path.translate(None, ALLOWED) or b"//" in path or (path[-1:] == b"/" and len(path) > 1):
        return None
    if path_max is None:
        return path if len(path) <= ABSOLUTE_PATH_MAX else None
    return path if len(path) - _home_length(path) <= path_max else None


def is_special(raw: bytes) -> bool:
    """Whether a path names a special watch rather than a node."""
    return raw[:1] == b"@"


def _home_length(path: bytes) -> int:
    """Length of the leading `/local/domain/<number>/`, which the quota does not count."""
    if not path.startswith(_DOMAINS):
        return 0
    digits, slash, _ = path[len(_DOMAINS) :].partition(b"/")
    return len(_DOMAINS) + len(digits) + 1 if slash and digits.isdigit() and len(digits) <= 5 else 0
