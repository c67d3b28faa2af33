"""Files of the service's state directory that are encrypted with a key of the host.

Theory of operation: AES-256-GCM; a nonce of 12 random bytes before each text; the file's own name is
authenticated with it, so that nobody can give one domain the payload of another by renaming files. A file is
written beside its place and renamed, so there is the old one or the new one. The key is a file of its own:
`host_key` makes it when it is not there; systemd's LoadCredentialEncrypted can bring it instead.

Source: NIST SP 800-38D, 8.2.2 (random nonces; far fewer than 2^32 texts are ever written).
"""

from __future__ import annotations

import os
import re
import stat
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from guestwright.host.media.errors import BadHostKey, PayloadNotKept, PayloadUnreadable

KEY_BYTES: Final = 32
_MAGIC: Final = b"GWP1"
_NONCE: Final = 12
_SUFFIX: Final = ".sealed"
_PART: Final = ".part"
_FILE_MAX: Final = 64 * 1024 * 1024
_is_name = re.compile(r"[a-z0-9-]{1,80}(\.[a-z0-9-]{1,40}){0,3}").fullmatch


def host_key(path: str) -> bytes:
    """The key of this host; made when there is none.

    Args:
        path: of the file; its directory exists and belongs to the service.

    Raises:
        BadHostKey: the file holds something else, or others may read it.
    """
    try:
        try:
            made = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        except FileExistsError:
            pass
        else:
            with os.fdopen(made, "wb") as file:
                file.write(os.urandom(KEY_BYTES))
                file.flush()
                os.fsync(made)
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            about = os.fstat(descriptor)
            key = file.read(KEY_BYTES + 1)
    except OSError as error:
        raise BadHostKey(path=path, problem=error.strerror or str(error)) from error
    if about.st_uid != os.geteuid() or stat.S_IMODE(about.st_mode) & 0o077:
        raise BadHostKey(path=path, problem="others own it or may read it")
    if len(key) != KEY_BYTES:
        raise BadHostKey(path=path, problem=f"it has not {KEY_BYTES} bytes")
    return key


class Vault:
    """Encrypted files by name.

    Args:
        directory: of the service alone; made if need be.
        key: of the host, 32 bytes.

    Raises:
        PayloadNotKept: the directory cannot be made, or others may look into it.
    """

    def __init__(self, directory: str, key: bytes) -> None:
        self._directory = directory
        self._cipher = AESGCM(key)
        try:
            os.makedirs(directory, 0o700, exist_ok=True)
            about = os.lstat(directory)
            if not stat.S_ISDIR(about.st_mode) or about.st_uid != os.geteuid() or about.st_mode & 0o077:
                raise PermissionError("others own it or may look into it")
            for name in os.listdir(directory):
                if name.endswith(_PART):
                    os.unlink(os.path.join(directory, name))
        except OSError as error:
            raise self._not_kept(error) from error

    def put(self, name: str, text: bytes) -> None:
        """Keep a text, in place of the former one.

        Raises:
            PayloadNotKept: it cannot be written; the former one is still there.
        """
        nonce = os.urandom(_NONCE)
        data = _MAGIC + nonce + self._cipher.encrypt(nonce, text, _bound(_MAGIC, name))
        path = self._path(name)
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
            with os.fdopen(os.open(path + _PART, flags, 0o600), "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.rename(path + _PART, path)
            self._sync()
        except OSError as error:
            raise self._not_kept(error) from error

    def get(self, name: str) -> bytes | None:
        """The text; None when there is none.

        Raises:
            PayloadUnreadable: it is not what was written with this key under this name.
            PayloadNotKept: it cannot be read.
        """
        try:
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
            with os.fdopen(os.open(self._path(name), flags), "rb") as file:
                data = file.read(_FILE_MAX)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._not_kept(error) from error
        magic = data[: len(_MAGIC)]
        nonce, sealed = data[len(_MAGIC) : len(_MAGIC) + _NONCE], data[len(_MAGIC) + _NONCE :]
        try:
            return self._cipher.decrypt(nonce, sealed, _bound(magic, name))
        except (InvalidTag, ValueError) as error:
            raise PayloadUnreadable(name=name, directory=self._directory) from error

    def remove(self, name: str) -> None:
        """Forget a text; one that is not there is fine.

        Raises:
            PayloadNotKept: it cannot be removed.
        """
        try:
            os.unlink(self._path(name))
            self._sync()
        except FileNotFoundError:
            return
        except OSError as error:
            raise self._not_kept(error) from error

    def names(self) -> list[str]:
        """All names, sorted.

        Raises:
            PayloadNotKept: the directory cannot be read.
        """
        try:
            found = [
                one.removesuffix(_SUFFIX) for one in os.listdir(self._directory) if one.endswith(_SUFFIX)
            ]
        except OSError as error:
            raise self._not_kept(error) from error
        return sorted(one for one in found if _is_name(one))

    def _path(self, name: str) -> str:
        if not _is_name(name):
            raise ValueError("a name has lower-case letters, digits, - and .")
        return os.path.join(self._directory, name + _SUFFIX)

    def _sync(self) -> None:
        descriptor = os.open(self._directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def _not_kept(self, error: OSError) -> PayloadNotKept:
        return PayloadNotKept(directory=self._directory, problem=error.strerror or str(error))


def _bound(magic: bytes, name: str) -> bytes:
    return magic + b"\0" + name.encode()
