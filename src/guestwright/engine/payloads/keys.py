"""The keys that payloads are encrypted with: in a file of their own, never in the database.

Theory of operation: a copy of the database, or a backup of it, shows no payload. The file has a line for each
key: an id (so that a row can say which key it needs) and 32 bytes in base64. The first key encrypts, all
decrypt; `rotate` puts a new one on top, and old ones can go once everything was encrypted anew
(`resealing`). The file is written beside its place, flushed and renamed, so there is the old one or the
new one. Engines that share a database share the file's content: a key that is to come is put at the end of
each file first (`stage`), so that all can read what the first of them encrypts with it (`use`). An engine
that runs notices a changed file by itself (`KeyRing`).
"""

from __future__ import annotations

import base64
import fcntl
import logging
import os
import re
import stat
import threading
from collections.abc import Callable, Container, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from guestwright.base.record import field, record
from guestwright.engine.payloads.errors import BadKeyFile, NoSuchKey

KEY_BYTES: Final = 32
_FILE_MAX: Final = 64 << 10
_LINE: Final = re.compile(r"([0-9a-f]{16}) ([A-Za-z0-9+/]{43}=)")
_LOG: Final = logging.getLogger(__name__)


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
        return _added(path, _text(there(path)), randomness)


def stage(path: str, randomness: Callable[[int], bytes]) -> str:
    """Make a new key that decrypts only, for now; returns its id.

    Raises:
        BadKeyFile: as of `rotate`.
    """
    with _alone(path):
        name, line = _new(randomness)
        _write(path, _text(there(path)) + line)
        return name


def use(path: str, key: str) -> Keys:
    """Have a key encrypt from now on that is in the file.

    Raises:
        NoSuchKey: it is not.
        BadKeyFile: as of `rotate`.
    """
    with _alone(path):
        held = there(path)
        if key not in held.all:
            raise NoSuchKey(path=path, key=key[:32])
        return _write(path, _text(Keys(first=key, all={key: held.all[key], **held.all})))


def drop(path: str, needed: Container[str]) -> tuple[str, ...]:
    """Remove keys; the first one stays whatever is said.

    Args:
        path: of the file.
        needed: ids of those that stay.

    Returns:
        ids of those that went.

    Raises:
        BadKeyFile: as of `rotate`.
    """
    with _alone(path):
        held = there(path)
        gone = tuple(one for one in held.all if one != held.first and one not in needed)
        if gone:
            kept = {name: key for name, key in held.all.items() if name not in gone}
            _write(path, _text(Keys(first=held.first, all=kept)))
        return gone


class KeyRing:
    """The keys of a file as it is now. Its calls may come from any thread.

    A file that has become unusable, or is gone, is told in the log, and the keys that were read before are
    used on: nothing is encrypted with a key that nobody else has.

    Args:
        path: of the file.
        randomness: so many bytes, cryptographic; for a first key when there is no file.

    Raises:
        BadKeyFile: as of `keys`.
    """

    def __init__(self, path: str, randomness: Callable[[int], bytes]) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._mark = self._looked()  # before it is read: what changes then is noticed
        self._held = keys(path, randomness)

    def __call__(self) -> Keys:
        """The keys."""
        with self._lock:
            mark = self._looked()
            if mark != self._mark:
                self._mark = mark
                try:
                    self._held = there(self._path)
                except BadKeyFile as error:
                    _LOG.error("%s; those that were read before are used", error.message)
            return self._held

    def _looked(self) -> tuple[int, ...]:
        try:
            about = os.stat(self._path)
        except OSError:
            return ()
        return (about.st_ino, about.st_size, about.st_mtime_ns, about.st_ctime_ns)


def there(path: str) -> Keys:
    """The keys of a file; none is made.

    Raises:
        BadKeyFile: as of `rotate`.
    """
    try:
        return _read(path)
    except FileNotFoundError as error:
        raise BadKeyFile(path=path, problem="there is no such file") from error


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
    return _write(path, _new(randomness)[1] + rest)


def _new(randomness: Callable[[int], bytes]) -> tuple[str, str]:
    """Id and line of a new key."""
    name = randomness(8).hex()
    return name, f"{name} {base64.b64encode(randomness(KEY_BYTES)).decode()}\n"


def _write(path: str, text: str) -> Keys:
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
