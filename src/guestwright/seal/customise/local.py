"""Files of this host that the user names: read once, bounded, when the command line is read."""

from __future__ import annotations

import os
import os.path
import stat
from collections.abc import Iterator
from typing import Final

from guestwright.base.secret import Secret
from guestwright.seal.customise import directives as d
from guestwright.seal.customise.checks import MAX_DATA
from guestwright.seal.customise.errors import HostFileUnreadable

MAX_ENTRIES: Final = 4096
MAX_TOTAL: Final = 64 << 20
_MAX_FIRST_LINE: Final = 4096


def read_file(option: str, path: str, *, limit: int = MAX_DATA) -> tuple[bytes, os.stat_result]:
    """Content and attributes of a regular file.

    Raises:
        HostFileUnreadable: missing, no regular file, unreadable, or over `limit` bytes.
    """
    try:
        # Without O_NONBLOCK, opening a FIFO would wait for its writer.
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOCTTY | os.O_NONBLOCK)
        try:
            facts = os.fstat(handle)
            if not stat.S_ISREG(facts.st_mode):
                raise HostFileUnreadable(option=option, path=path, detail="not a regular file")
            if facts.st_size > limit:
                raise HostFileUnreadable(option=option, path=path, detail=f"over {limit} bytes")
            return _read_all(handle, limit), facts
        finally:
            os.close(handle)
    except (OSError, ValueError) as error:
        detail = error.strerror if isinstance(error, OSError) and error.strerror else "not a usable path"
        raise HostFileUnreadable(option=option, path=path, detail=detail) from None


def _read_all(handle: int, limit: int) -> bytes:
    parts: list[bytes] = []
    left = limit
    while left and (part := os.read(handle, min(left, 1 << 20))):
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def first_line(option: str, path: str) -> Secret:
    """First line of a file that holds a password, without its line end."""
    data, _ = read_file(option, path)
    return _line(data)


def first_line_of_descriptor(option: str, number: int) -> Secret:
    """First line from an open file descriptor; reads no further than it must."""
    data = b""
    try:
        while not data.endswith(b"\n") and len(data) < _MAX_FIRST_LINE and (byte := os.read(number, 1)):
            data += byte
    except OSError as error:
        path = f"descriptor {number}"
        raise HostFileUnreadable(option=option, path=path, detail=error.strerror or "unreadable") from None
    return _line(data)


def _line(data: bytes) -> Secret:
    return Secret(data.split(b"\n", 1)[0].removesuffix(b"\r").decode("utf-8", "surrogateescape"))


def newest_public_key(option: str, home: str) -> str:
    """The newest ~/.ssh/id*.pub of the user who seals, certificates left out (as ssh-copy-id chooses)."""
    top = os.path.join(home, ".ssh")
    try:
        with os.scandir(top) as entries:
            found = [
                (one.stat().st_mtime, one.path)
                for one in entries
                if one.name.startswith("id")
                and one.name.endswith(".pub")
                and not one.name.endswith("-cert.pub")
                and one.is_file()
            ]
    except OSError:
        found = []
    if not found:
        raise HostFileUnreadable(option=option, path=f"{top}/id*.pub", detail="no public key; use file:PATH")
    return max(found)[1]


def copy_in(option: str, local: str, directory: str) -> list[d.Directive]:
    """The directives that put a local file or directory into a directory of the guest.

    Mode and numeric owner come along, symlinks stay symlinks, anything else than files and directories is
    refused. At most 4096 entries, 16 MiB a file, 64 MiB in all.

    Raises:
        HostFileUnreadable: see above.
    """
    name = os.path.basename(local.rstrip("/"))
    if name in {"", ".", ".."}:
        raise HostFileUnreadable(option=option, path=local, detail="has no name of its own")
    top = f"{directory.rstrip('/')}/{name}"
    made: list[d.Directive] = []
    total = 0
    for path, dest in _local_tree(option, local.rstrip("/"), top):
        if len(made) >= MAX_ENTRIES:
            raise HostFileUnreadable(option=option, path=local, detail=f"over {MAX_ENTRIES} entries")
        one = _entry(option, path, dest)
        total += len(one.data) if isinstance(one, d.UploadFile) else 0
        if total > MAX_TOTAL:
            raise HostFileUnreadable(option=option, path=local, detail=f"over {MAX_TOTAL} bytes in all")
        made.append(one)
    return made


def _entry(option: str, path: str, dest: str) -> d.Directive:
    try:
        facts = os.lstat(path)
        if stat.S_ISLNK(facts.st_mode):
            return d.LinkTo(target=os.readlink(path), links=(dest,))
    except (OSError, ValueError):
        raise HostFileUnreadable(option=option, path=path, detail="no such file") from None
    mode = stat.S_IMODE(facts.st_mode)
    if stat.S_ISDIR(facts.st_mode):
        return d.MakeDirectories(path=dest, mode=mode, uid=facts.st_uid, gid=facts.st_gid)
    data, facts = read_file(option, path)
    return d.UploadFile(path=dest, data=data, mode=mode, uid=facts.st_uid, gid=facts.st_gid)


def _local_tree(option: str, local: str, top: str) -> Iterator[tuple[str, str]]:
    """The path itself and all below it, parents first, with where each goes."""
    yield local, top
    if os.path.islink(local):
        return

    def refuse(error: OSError) -> None:
        path = str(error.filename)
        raise HostFileUnreadable(option=option, path=path, detail=error.strerror or "unreadable") from None

    for directory, names, files in os.walk(local, onerror=refuse if os.path.isdir(local) else None):
        names.sort()
        for name in sorted([*names, *files]):
            path = os.path.join(directory, name)
            yield path, top + path[len(local) :]
