"""Watches, and which of them an event concerns.

Theory of operation: watches are indexed by the path they are on. An event at a path looks at that path and
at each directory above it, so that its cost is the depth plus the matches, however many other watches there
are. Events go to one connection in the order in which it registered its watches, as C xenstored does it;
every watch therefore has a running number, and matches from several levels are sorted by it.
"""

from __future__ import annotations

from typing import Any, Final

from guestwright.xenstore.core.path import ROOT, canonical
from guestwright.xenstore.core.wire import RELATIVE_PATH_MAX

ANY_DEPTH: Final = -1
_REMEMBERED: Final = 128  # bytes of a path that is worth remembering
_PATHS: Final = 4096  # how many
_MATCHES: Final = 16  # more take longer to tell than to find
WATCH_COST: Final = 64  # bytes charged for a watch besides path and token


class Watch:
    """A registered watch.

    Args:
        holder: the connection that it belongs to; opaque here.
        path: what is watched, absolute or special.
        token: the client's word for it.
        strip: how many leading bytes event paths lose, for watches on relative paths.
        depth: how many levels below the path are seen; `ANY_DEPTH` for all.
        number: its place among all watches ever registered.
    """

    __slots__ = ("depth", "holder", "number", "path", "strip", "tail", "token")

    def __init__(self, holder: Any, path: bytes, token: bytes, strip: int, depth: int, number: int) -> None:
        self.holder = holder
        self.path = path
        self.token = token
        self.strip = strip
        self.depth = depth
        self.number = number
        self.tail = b"\0" + token + b"\0"

    @property
    def cost(self) -> int:
        """Bytes it is charged with."""
        return WATCH_COST + len(self.path) + len(self.token)


class WatchIndex:
    """All watches of a store.

    Attributes:
        by_path: the watches on each path.
    """

    __slots__ = ("_found", "_last", "by_path")

    def __init__(self) -> None:
        self.by_path: dict[bytes, dict[Watch, None]] = {}
        self._found: dict[bytes, list[Watch]] = {}
        self._last = 0

    def add(self, holder: Any, path: bytes, token: bytes, strip: int, depth: int) -> Watch:
        """Register a watch; the caller has made sure that it is new."""
        self._last += 1
        self._found.clear()
        watch = Watch(holder, path, token, strip, depth, self._last)
        self.by_path.setdefault(path, {})[watch] = None
        return watch

    def drop(self, watch: Watch) -> None:
        """Forget a registered watch."""
        self._found.clear()
        group = self.by_path[watch.path]
        del group[watch]
        if not group:
            del self.by_path[watch.path]

    def on(self, path: bytes) -> list[Watch]:
        """Watches on exactly this path, in order of registration."""
        return list(self.by_path.get(path, ()))

    def at_or_above(self, path: bytes) -> list[Watch]:
        """Watches that an event at a path concerns, in order of registration; not to be changed.

        What was found is remembered until a watch comes or goes: most writes go to the same few paths.
        """
        known = self._found.get(path)
        if known is not None:
            return known
        found = self._search(path)
        if len(path) <= _REMEMBERED and len(found) <= _MATCHES:
            if len(self._found) >= _PATHS:
                self._found.clear()
            self._found[path] = found
        return found

    def _search(self, path: bytes) -> list[Watch]:
        get = self.by_path.get
        found: list[Watch] = []
        groups = 0
        level = 0
        at = path
        while True:
            group = get(at)
            if group is not None:
                groups += 1
                found += [one for one in group if one.depth < 0 or one.depth >= level]
            if len(at) == 1:
                break
            at = at[: at.rfind(b"/")] or ROOT
            level += 1
        if groups > 1:
            found.sort(key=_number)
        return found


def _number(watch: Watch) -> int:
    return watch.number


def watch_path(raw: bytes, base: bytes, path_max: int | None) -> tuple[bytes, int] | None:
    """Absolute form of a path to be watched, and how much of it event paths lose.

    Args:
        raw: as the client spelt it; special paths are taken as they are.
        base: see `path.canonical`.
        path_max: see `path.canonical`.
    """
    if raw[:1] == b"@":
        return (raw, 0) if len(raw) <= RELATIVE_PATH_MAX else None  # no node, so not under that quota
    path = canonical(raw, base, path_max)
    if path is None:
        return None
    return path, 0 if raw[:1] == b"/" else len(base)
