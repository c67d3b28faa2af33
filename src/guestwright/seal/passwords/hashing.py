"""From a password to the text that stands in a guest's /etc/shadow."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final

from guestwright.base.secret import Secret
from guestwright.seal.guest import Guest
from guestwright.seal.passwords.errors import (
    HashUnsupported,
    HashUnusable,
    PasswordUnusable,
    YescryptUnavailable,
)
from guestwright.seal.passwords.libcrypt import LibCrypt, load
from guestwright.seal.passwords.sha512 import ALPHABET, SALT_CHARS, sha512_crypt

ROUNDS: Final = 20_000
"""Of SHA-512-crypt: four times the default of crypt(3), still some milliseconds with libcrypt."""

RANDOM_BYTES: Final = 16
"""What `hash_password` needs for a salt."""

MAX_PASSWORD: Final = 511  # CRYPT_MAX_PASSPHRASE_SIZE of libxcrypt is 512 with the NUL
MAX_HASH: Final = 384  # CRYPT_OUTPUT_SIZE

_HASH: Final = re.compile(r"\$(6|5|y|gy|7|2[aby])\$[./0-9A-Za-z$=,]{20,}")


class Scheme(StrEnum):
    """Kinds of hash that we make."""

    SHA512 = "sha512"
    YESCRYPT = "yescrypt"


def hash_password(password: Secret, randomness: bytes, scheme: Scheme = Scheme.SHA512) -> str:
    """Hash a password.

    Args:
        password: what will be typed at the login prompt.
        randomness: `RANDOM_BYTES` bytes from a cryptographic source; they make the salt.
        scheme: the kind of hash. `SHA512` works in every Linux guest.

    Returns:
        The crypt(5) string. Same arguments, same string.

    Raises:
        PasswordUnusable: empty, too long, or with a NUL or line break.
        YescryptUnavailable: the host's libcrypt is missing or too old.
    """
    if len(randomness) != RANDOM_BYTES:
        raise ValueError(f"a salt takes {RANDOM_BYTES} random bytes")
    plain = _usable(password)
    library = load()
    if scheme is Scheme.YESCRYPT:
        return _yescrypt(library, plain, randomness)
    salt = "".join(ALPHABET[byte & 63] for byte in randomness[:SALT_CHARS])
    fast = library.crypt(plain, f"$6$rounds={ROUNDS}${salt}$") if library else ""
    return fast or sha512_crypt(plain, salt, ROUNDS)


def check_hash(text: str) -> str:
    """`text`, when it may stand in /etc/shadow as a hash that is worth having.

    Raises:
        HashUnusable: anything but SHA-512, SHA-256, yescrypt, scrypt or bcrypt in crypt(5) form.
    """
    if len(text) > MAX_HASH:
        raise HashUnusable(problem=f"longer than {MAX_HASH} characters")
    if not _HASH.fullmatch(text):
        raise HashUnusable(problem="expected crypt(5) text that begins with $6$, $5$, $y$, $7$ or $2b$")
    return text


def check_guest(guest: Guest, text: str) -> None:
    """Make sure that the guest can verify this hash.

    Raises:
        HashUnsupported: a yescrypt hash for a system older than those that are known to have it, or an
            unknown one: nobody could log in, so this is not left to chance.
    """
    if text.startswith(("$y$", "$gy$")) and not knows_yescrypt(guest):
        name = guest.os.pretty_name or guest.os.id or "this guest"
        raise HashUnsupported(guest=name, scheme="yescrypt")


def knows_yescrypt(guest: Guest) -> bool:
    """Whether the guest's libcrypt has yescrypt.

    Versions as in virt-customize: Enterprise Linux 9, Fedora 30, Debian 11, Ubuntu 20, SUSE 15; Arch and Kali
    always; nothing else.
    """
    system = guest.os
    if system.id in {"kali", "opensuse-tumbleweed"} or system.family == "arch":
        return True
    first = {"fedora": 30, "ubuntu": 20, "debian": 11}.get(system.id)
    if first is None:
        first = 20 if "ubuntu" in system.id_like else {"rhel": 9, "suse": 15, "debian": 11}.get(system.family)
    return first is not None and system.major >= first


def _yescrypt(library: LibCrypt | None, plain: bytes, randomness: bytes) -> str:
    setting = library.setting("$y$", randomness) if library else ""
    text = library.crypt(plain, setting) if library and setting else ""
    if not text:
        raise YescryptUnavailable
    return text


def _usable(password: Secret) -> bytes:
    plain = password.reveal().encode("utf-8", "surrogateescape")
    if not plain:
        raise PasswordUnusable(problem="it is empty")
    if len(plain) > MAX_PASSWORD:
        raise PasswordUnusable(problem=f"it has more than {MAX_PASSWORD} bytes")
    if any(byte in plain for byte in b"\0\r\n"):
        raise PasswordUnusable(problem="it holds a NUL or a line break")
    return plain
