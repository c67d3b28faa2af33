"""The contents of payloads as they lie in the database: AES-256-GCM. Pure.

Theory of operation: a nonce of 12 random bytes before each text (NIST SP 800-38D, 8.2.2: far fewer than 2^32
texts are ever encrypted with one key). The payload's id, the version and the key's id are authenticated with
it, so that whoever can write to the database cannot give one machine the payload of another, or an old one.
Versions are JSON; pieces of uploads are bytes, bound to their upload and to where they belong in it.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from guestwright.engine.payloads.errors import ContentsDamaged, KeyMissing, PieceUnreadable
from guestwright.engine.payloads.keys import Keys

_MAGIC: Final = b"GWE1"
_PIECE: Final = b"GWU1"
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
    text = json.dumps({name: base64.b64encode(data).decode() for name, data in files.items()}).encode()
    return _sealed(_MAGIC, keys, (payload, str(number)), text, nonce)


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
    if key not in keys.all:
        raise KeyMissing(payload=payload, number=number, key=key[:32])
    try:
        text = _opened(_MAGIC, keys, key, (payload, str(number)), sealed)
    except (InvalidTag, ValueError) as error:
        raise ContentsDamaged(payload=payload, number=number) from error
    return {name: base64.b64decode(data) for name, data in json.loads(text).items()}


def seal_piece(keys: Keys, upload: str, start: int, data: bytes, nonce: bytes) -> bytes:
    """Encrypt a piece of an upload.

    Args:
        keys: the first of them is used.
        upload: id of the upload.
        start: where the piece belongs.
        data: the piece.
        nonce: as of `seal`.
    """
    return _sealed(_PIECE, keys, (upload, str(start)), data, nonce)


def unseal_piece(keys: Keys, key: str, upload: str, start: int, sealed: bytes) -> bytes:
    """A piece of an upload.

    Args:
        keys: all that there are.
        key: id of the one that was used.
        upload: id of the upload.
        start: where the piece belongs.
        sealed: what `seal_piece` made.

    Raises:
        PieceUnreadable: the key is not there, or it is not what was encrypted for this place.
    """
    if key not in keys.all:
        raise PieceUnreadable(upload=upload, problem=f"it needs the key {key[:32]}, which is not there")
    try:
        return _opened(_PIECE, keys, key, (upload, str(start)), sealed)
    except (InvalidTag, ValueError) as error:
        raise PieceUnreadable(upload=upload, problem="it is damaged") from error


def _sealed(magic: bytes, keys: Keys, place: tuple[str, ...], text: bytes, nonce: bytes) -> bytes:
    if len(nonce) != _NONCE:
        raise ValueError(f"a nonce has {_NONCE} bytes")
    bound = _bound(magic, keys.first, place)
    return magic + nonce + AESGCM(keys.all[keys.first]).encrypt(nonce, text, bound)


def _opened(magic: bytes, keys: Keys, key: str, place: tuple[str, ...], sealed: bytes) -> bytes:
    """What was encrypted; `InvalidTag` or `ValueError` if it was not, for this place."""
    start = len(magic) + _NONCE
    if sealed[: len(magic)] != magic:
        raise ValueError("something else")
    nonce = sealed[len(magic) : start]
    return AESGCM(keys.all[key]).decrypt(nonce, sealed[start:], _bound(magic, key, place))


def _bound(magic: bytes, key: str, place: tuple[str, ...]) -> bytes:
    return b"\0".join((magic, key.encode(), *(one.encode() for one in place)))
