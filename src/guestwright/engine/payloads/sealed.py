"""The contents of a payload as they lie in the database: AES-256-GCM over JSON. Pure.

Theory of operation: a nonce of 12 random bytes before each text (NIST SP 800-38D, 8.2.2: far fewer than 2^32
texts are ever encrypted with one key). The payload's id, the version and the key's id are authenticated with
it, so that whoever can write to the database cannot give one machine the payload of another, or an old one.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from guestwright.engine.payloads.errors import ContentsDamaged, KeyMissing
from guestwright.engine.payloads.keys import Keys

_MAGIC: Final = b"GWE1"
_NONCE: Final = 12


def seal(keys: Keys, payload: str, number: int, files: Mapping[str, bytes], nonce: bytes) -> bytes:
    """Encrypt the files of a version.

    Args:
        keys: the first of them is used.
        payload: id of the payload.
        number: of the version.
        files: name to content.
        nonce: 12 random bytes, never used before.
    """
    if len(nonce) != _NONCE:
        raise ValueError(f"a nonce has {_NONCE} bytes")
    text = json.dumps({name: base64.b64encode(data).decode() for name, data in files.items()}).encode()
    bound = _bound(keys.first, payload, number)
    return _MAGIC + nonce + AESGCM(keys.all[keys.first]).encrypt(nonce, text, bound)


def unseal(keys: Keys, key: str, payload: str, number: int, sealed: bytes) -> dict[str, bytes]:
    """The files of a version.

    Args:
        keys: all that there are.
        key: id of the one that was used.
        payload: id of the payload.
        number: of the version.
        sealed: what `seal` made.

    Raises:
        KeyMissing: the key is not there.
        ContentsDamaged: it is not what was encrypted for this version with this key.
    """
    used = keys.all.get(key)
    if used is None:
        raise KeyMissing(payload=payload, number=number, key=key[:32])
    start = len(_MAGIC) + _NONCE
    try:
        if sealed[: len(_MAGIC)] != _MAGIC:
            raise ContentsDamaged(payload=payload, number=number)
        nonce = sealed[len(_MAGIC) : start]
        text = AESGCM(used).decrypt(nonce, sealed[start:], _bound(key, payload, number))
    except (InvalidTag, ValueError) as error:
        raise ContentsDamaged(payload=payload, number=number) from error
    return {name: base64.b64decode(data) for name, data in json.loads(text).items()}


def _bound(key: str, payload: str, number: int) -> bytes:
    return b"\0".join((_MAGIC, key.encode(), payload.encode(), str(number).encode()))
