"""How values of the port travel: to JSON in the child, and back with every field checked in the parent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from guestwright.base.progress import Step
from guestwright.guestfs.port import Entry, FileKind, Removed, Space, Stat
from guestwright.guestfs.remote.wire import Malformed

_KINDS: Final = {kind.value: kind for kind in FileKind}
_MAX: Final = 1 << 64
_MAX32: Final = 1 << 32
_MAX_TIME: Final = 1 << 40
_STAT_FIELDS: Final = 9
_MAX_TEXT: Final = 1 << 20


class Page(NamedTuple):
    """Part of a walk: its number, entries, and whether that was the last of it."""

    walk: int
    entries: Sequence[Entry]
    done: bool


def text(value: Any) -> str:
    """A bounded string."""
    if type(value) is not str or len(value) > _MAX_TEXT:
        raise Malformed("something that is not text")
    return value


def path(value: Any) -> str:
    """An absolute, normal path."""
    if type(value) is not str or not value.startswith("/") or "\0" in value or len(value) > _MAX_TEXT:
        raise Malformed("something that is not a path")
    if value != "/":
        around = value + "/"
        if "//" in around or "/./" in around or "/../" in around:
            raise Malformed("a path that is not normal")
    return value


def number(value: Any, limit: int = _MAX) -> int:
    """An integer from 0 to below `limit`."""
    if type(value) is not int or not 0 <= value < limit:
        raise Malformed("something that is not a number, or out of range")
    return value


def fields(value: Any, count: int) -> list[Any]:
    """A list of so many values."""
    if type(value) is not list or len(value) != count:
        raise Malformed("a record of another shape")
    return value


def from_stat(stat: Stat) -> list[Any]:
    """A `Stat` for JSON."""
    return [
        stat.kind.value,
        stat.mode,
        stat.uid,
        stat.gid,
        stat.size,
        stat.links,
        stat.inode,
        stat.filesystem,
        stat.mtime,
    ]


def to_stat(value: Any) -> Stat:
    """Inverse of `from_stat`."""
    kind, mode, uid, gid, size, links, inode, filesystem, mtime = fields(value, _STAT_FIELDS)
    if type(kind) is not str or kind not in _KINDS or type(filesystem) is not str:
        raise Malformed("an unknown kind of file, or a filesystem that is no text")
    if not type(mode) is type(uid) is type(gid) is type(size) is type(links) is type(inode) is int:
        raise Malformed("attributes that are no numbers")
    if not (0 <= mode <= 0o7777 and 0 <= uid < _MAX32 and 0 <= gid < _MAX32 and 0 <= links < _MAX32):
        raise Malformed("attributes out of range")
    if not (0 <= size < _MAX and 0 <= inode < _MAX):
        raise Malformed("attributes out of range")
    if type(mtime) is not int or not -_MAX_TIME < mtime < _MAX_TIME:
        raise Malformed("a time out of range")
    return Stat(
        kind=_KINDS[kind],
        mode=mode,
        uid=uid,
        gid=gid,
        size=size,
        links=links,
        inode=inode,
        filesystem=filesystem,
        mtime=mtime,
    )


def from_entries(entries: Sequence[Entry]) -> list[Any]:
    """Entries for JSON."""
    return [[entry.path, from_stat(entry.stat)] for entry in entries]


def to_entries(value: Any) -> list[Entry]:
    """Inverse of `from_entries`."""
    if type(value) is not list:
        raise Malformed("entries that are no list")
    found = []
    for each in value:
        name, stat = fields(each, 2)
        found.append(Entry(path=path(name), stat=to_stat(stat)))
    return found


def from_page(page: Page) -> list[Any]:
    """A `Page` for JSON."""
    return [page.walk, from_entries(page.entries), int(page.done)]


def to_page(value: Any) -> Page:
    """Inverse of `from_page`."""
    walk, entries, done = fields(value, 3)
    return Page(number(walk), to_entries(entries), bool(number(done, 2)))


def from_removed(removed: Removed) -> list[Any]:
    """A `Removed` for JSON."""
    return [removed.files, removed.directories, removed.size]


def to_removed(value: Any) -> Removed:
    """Inverse of `from_removed`."""
    files, directories, size = fields(value, 3)
    return Removed(files=number(files), directories=number(directories), size=number(size))


def from_outcomes(outcomes: Sequence[Removed | FileKind | None]) -> list[Any]:
    """What became of many removals, for JSON."""
    return [from_removed(each) if isinstance(each, Removed) else each for each in outcomes]


def to_outcomes(value: Any) -> list[Removed | FileKind | None]:
    """Inverse of `from_outcomes`."""
    if type(value) is not list:
        raise Malformed("outcomes that are no list")
    return [_outcome(each) for each in value]


def _outcome(value: Any) -> Removed | FileKind | None:
    if value is None:
        return None
    if type(value) is str:
        try:
            return FileKind(value)
        except ValueError:
            raise Malformed("a kind of file that nobody knows") from None
    return to_removed(value)


def from_space(space: Space) -> list[Any]:
    """A `Space` for JSON."""
    return [space.total, space.free, space.inodes_free]


def to_space(value: Any) -> Space:
    """Inverse of `from_space`."""
    total, free, inodes_free = fields(value, 3)
    return Space(total=number(total), free=number(free), inodes_free=number(inodes_free))


def to_mounts(value: Any) -> Mapping[str, str]:
    """A mount table."""
    if type(value) is not dict:
        raise Malformed("a mount table that is no object")
    return {path(point): text(filesystem) for point, filesystem in value.items()}


def from_xattrs(xattrs: Mapping[str, bytes]) -> list[Any]:
    """Attributes for JSON; values in hexadecimal, they are small."""
    return [[name, value.hex()] for name, value in xattrs.items()]


def to_xattrs(value: Any) -> Mapping[str, bytes]:
    """Inverse of `from_xattrs`."""
    if type(value) is not list:
        raise Malformed("attributes that are no list")
    found = {}
    for each in value:
        name, raw = fields(each, 2)
        try:
            found[text(name)] = bytes.fromhex(text(raw))
        except ValueError:
            raise Malformed("an attribute that is not hexadecimal") from None
    return found


def from_step(step: Step) -> list[Any]:
    """A `Step` for JSON."""
    return [step.name, step.done, step.total, step.text]


def to_step(value: Any) -> Step:
    """Inverse of `from_step`."""
    name, done, total, told = fields(value, 4)
    return Step(name=text(name), done=number(done), total=number(total), text=text(told))


def to_nothing(value: Any) -> None:
    """Nothing."""
    if value is not None:
        raise Malformed("an answer where none is due")
