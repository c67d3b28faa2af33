"""SHA-512-crypt in Python, for hosts without libcrypt.

After Ulrich Drepper, "Unix crypt using SHA-256 and SHA-512", version 0.6 (public domain text, 2007-2020);
the numbers in the comments are its steps. Every libc of a Linux guest understands the result (glibc since
2.7, musl, libxcrypt).
"""

from __future__ import annotations

import hashlib
from typing import Final

ALPHABET: Final = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
DEFAULT_ROUNDS: Final = 5000
MIN_ROUNDS: Final = 1000
MAX_ROUNDS: Final = 999_999_999
SALT_CHARS: Final = 16


def sha512_crypt(password: bytes, salt: str, rounds: int = DEFAULT_ROUNDS) -> str:
    """The crypt(5) string of a password.

    Args:
        password: the password.
        salt: characters of `ALPHABET`; at most 16 are used.
        rounds: cost; brought into 1000..999,999,999. The default is left out of the result, as crypt(3) does.

    Returns:
        `$6$salt$hash` or `$6$rounds=N$salt$hash`.
    """
    salt = salt[:SALT_CHARS]
    rounds = min(max(rounds, MIN_ROUNDS), MAX_ROUNDS)
    seed = salt.encode("ascii")
    final = _rounds(password, seed, _first(password, seed), rounds)
    cost = "" if rounds == DEFAULT_ROUNDS else f"rounds={rounds}$"
    return f"$6${cost}{salt}${_encoded(final)}"


def _first(password: bytes, salt: bytes) -> bytes:
    alternate = hashlib.sha512(password + salt + password).digest()  # 4-8
    mixed = hashlib.sha512(password + salt + _stretched(alternate, len(password)))  # 1-3, 9-10
    length = len(password)
    while length:  # 11
        mixed.update(alternate if length & 1 else password)
        length >>= 1
    return mixed.digest()  # 12


def _rounds(password: bytes, salt: bytes, digest: bytes, rounds: int) -> bytes:
    p_digest = hashlib.sha512(password * len(password)).digest()  # 13-15
    s_digest = hashlib.sha512(salt * (16 + digest[0])).digest()  # 17-19
    p_text = _stretched(p_digest, len(password))  # 16
    s_text = _stretched(s_digest, len(salt))  # 20
    sha512 = hashlib.sha512
    for number in range(rounds):  # 21
        odd = number & 1
        middle = (s_text if number % 3 else b"") + (p_text if number % 7 else b"")
        digest = sha512(p_text + middle + digest if odd else digest + middle + p_text).digest()
    return digest


def _stretched(digest: bytes, length: int) -> bytes:
    return (digest * (length // len(digest) + 1))[:length]


def _encoded(digest: bytes) -> str:
    """Step 22: groups of three bytes, 21 apart, each group rotated by one place against the last."""
    order = (0, 21, 42)
    text = []
    for _ in range(21):
        value = digest[order[0]] << 16 | digest[order[1]] << 8 | digest[order[2]]
        text.append(_base64(value, 4))
        order = (order[1] + 1, order[2] + 1, order[0] + 1)
    return "".join(text) + _base64(digest[63], 2)


def _base64(value: int, chars: int) -> str:
    return "".join(ALPHABET[value >> 6 * place & 63] for place in range(chars))
