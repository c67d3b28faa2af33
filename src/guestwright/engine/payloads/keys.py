"""The keys that payloads are encrypted with: in a file of their own, never in the database.

Theory of operation: a copy of the database, or a backup of it, shows no payload. The file has a line for each
key: an id (so that a row can say which key it needs) and 32 bytes in base64. The first key encrypts, all
decrypt; `rotate` puts a new one on top, and old ones can go once everything was encrypted anew
(`Payloads.reseal`). The file is written beside its place, flushed and renamed, so there is the old one or the
new one. Engines that share a database share the file's content.
"""

from __future__ import annotations

import base64
import fcntl
import os
import re
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from guestwright.base.record import field, record
from guestwright.engine.payloads.errors import BadKeyFile

KEY_BYTES: Final = 32
_FILE_MAX: Final = 64 << 10
_LINE: Final = re.compile(r"([0-9a-f]{16}) ([A-Za-z0-9+/]{43}=)")


@record
class Keys:
    """Keys by id; `first` encrypts."""

    first: str
    all: Mapping[str, bytes] = field(repr=False)


def keys(path: str, randomness: Callable[[int], bytes]) -> Keys:
    """The keys of a file; a first one is made when there is no file.

    Args:
        path: of the file; its directory exists and belongs to the engine's user.
        randomness: so many bytes, cryptographic.

    Raises:
        BadKeyFile: it holds something else, or others may read it.
    """
    with _alone(path):
        try:
            return _read(path)
        except FileNotFoundError:
            return _added(path, "", randomness)


def rotate(path: str, randomness: Callable[[int], bytes]) -> Keys:
    """Make a new key, which encrypts from now on; the others stay.

    Raises:
        BadKeyFile: as of `keys`; or there is no file.
    """
    with _alone(path):
        try:
            former = _read(path)
        except FileNotFoundError as error:
            raise BadKeyFile(path=path, problem="there is no such file") from error
        return _added(path, _text(former), randomness)


def _read(path: str) -> Keys:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            about = os.fstat(descriptor)
            data = file.read(_FILE_MAX + 1)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise BadKeyFile(path=path, problem=error.strerror or str(error)) from error
    if about.st_uid != os.geteuid() or stat.S_IMODE(about.st_mode) & 0o077:
        raise BadKeyFile(path=path, problem="others own it or may use it")
    found: dict[str, bytes] = {}
    lines = data.decode("ascii", "replace").splitlines() if len(data) <= _FILE_MAX else []
    for number, line in enumerate(lines, start=1):
        parts = _LINE.fullmatch(line)
        if parts is None or parts[1] in found:
            raise BadKeyFile(path=path, problem=f"line {number} is no key")
        found[parts[1]] = base64.b64decode(parts[2])
    if not found:
        raise BadKeyFile(path=path, problem="there is no key in it")
    return Keys(first=next(iter(found)), all=found)


def _added(path: str, rest: str, randomness: Callable[[int], bytes]) -> Keys:
    text = f"{randomness(8).hex()} {base64.b64encode(randomness(KEY_BYTES)).decode()}\n{rest}"
    part = path + ".part"
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
        with os.fdopen(os.open(part, flags, 0o600), "w", encoding="ascii") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.rename(part, path)
        directory = os.open(os.path.dirname(path) or ".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
        return _read(path)
    except OSError as error:
        raise BadKeyFile(path=path, problem=error.strerror or str(error)) from error


def _text(held: Keys) -> str:
    lines = [f"{name} {base64.b64encode(key).decode()}\n" for name, key in held.all.items()]
    return "".join(lines)


@contextmanager
def _alone(path: str) -> Iterator[None]:
    """Nobody else reads or writes the file meanwhile: two engines that start make one key."""
    try:
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(path + ".lock", flags, 0o600)
    except OSError as error:
        raise BadKeyFile(path=path, problem=error.strerror or str(error)) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
