"""The calls that the worker answers: one table for both sides.

A call names a method of `GuestFS` (or of `server.Service`, for walks), how its result travels, and which of
its arguments, if any, goes in the tail of the frame. All other arguments are plain JSON.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, TypeVar

from guestwright.base.record import record
from guestwright.guestfs.port import Entry, FileKind, Removed, Space, Stat
from guestwright.guestfs.remote import forms

R = TypeVar("R")


@record(kw_only=False)
class Call(Generic[R]):
    """One call.

    Attributes:
        name: of the method.
        decode: in the parent, from JSON to the result; raises `Malformed`.
        encode: in the child, from the result to JSON.
        tail: the argument of bytes that travels in the tail; "" for none.
        chunked: the result is a sequence that is sent in chunks.
        raw: the result is bytes, in the tail.
    """

    name: str
    decode: Callable[[Any], R]
    encode: Callable[[Any], Any]
    tail: str = ""
    chunked: bool = False
    raw: bool = False


def _as_it_is(value: Any) -> Any:
    return value


def _as_dict(value: Mapping[str, str]) -> Any:
    return dict(value)


MOUNT: Call[None] = Call("mount", forms.to_nothing, _as_it_is)
UNMOUNT_ALL: Call[None] = Call("unmount_all", forms.to_nothing, _as_it_is)
MOUNTS: Call[Mapping[str, str]] = Call("mounts", forms.to_mounts, _as_dict)
RESOLVE: Call[str] = Call("resolve", forms.path, _as_it_is)
LSTAT: Call[Stat] = Call("lstat", forms.to_stat, forms.from_stat)
STAT: Call[Stat] = Call("stat", forms.to_stat, forms.from_stat)
READLINK: Call[str] = Call("readlink", forms.text, _as_it_is)
LISTDIR: Call[Sequence[Entry]] = Call("listdir", forms.to_entries, forms.from_entries, chunked=True)
GLOB: Call[Sequence[Entry]] = Call("glob", forms.to_entries, forms.from_entries, chunked=True)
FIND: Call[Sequence[Entry]] = Call("find", forms.to_entries, forms.from_entries, chunked=True)
READ: Call[bytes] = Call("read", bytes, bytes, raw=True)
XATTRS: Call[Mapping[str, bytes]] = Call("xattrs", forms.to_xattrs, forms.from_xattrs)
SPACE: Call[Space] = Call("space", forms.to_space, forms.from_space)
WRITE: Call[None] = Call("write", forms.to_nothing, _as_it_is, tail="data")
TRUNCATE: Call[None] = Call("truncate", forms.to_nothing, _as_it_is)
REMOVE: Call[Removed] = Call("remove", forms.to_removed, forms.from_removed)
REMOVE_ALL: Call[Sequence[Removed | FileKind | None]] = Call(
    "remove_all", forms.to_outcomes, forms.from_outcomes
)
REMOVE_FILES: Call[Removed] = Call("remove_files", forms.to_removed, forms.from_removed)
MKDIR: Call[None] = Call("mkdir", forms.to_nothing, _as_it_is)
SYMLINK: Call[None] = Call("symlink", forms.to_nothing, _as_it_is)
CHMOD: Call[None] = Call("chmod", forms.to_nothing, _as_it_is)
CHOWN: Call[None] = Call("chown", forms.to_nothing, _as_it_is)
SET_XATTR: Call[None] = Call("set_xattr", forms.to_nothing, _as_it_is, tail="value")
REMOVE_XATTR: Call[None] = Call("remove_xattr", forms.to_nothing, _as_it_is)
SYNC: Call[None] = Call("sync", forms.to_nothing, _as_it_is)
WALK_START: Call[forms.Page] = Call("walk_start", forms.to_page, forms.from_page)
WALK_MORE: Call[forms.Page] = Call("walk_more", forms.to_page, forms.from_page)
WALK_DROP: Call[None] = Call("walk_drop", forms.to_nothing, _as_it_is)

CALLS: dict[str, Call[Any]] = {each.name: each for each in globals().values() if isinstance(each, Call)}
