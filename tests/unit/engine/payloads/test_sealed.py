"""Encryption of payloads: what goes in comes out, and nothing else does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guestwright.engine.payloads.errors import ContentsDamaged, KeyMissing
from guestwright.engine.payloads.keys import Keys
from guestwright.engine.payloads.sealed import seal, unseal

KEYS = Keys(first="b" * 16, all={"b" * 16: bytes(range(32)), "a" * 16: bytes(32)})
FILES = {"user-data": b"#cloud-config\npassword: canary\n"}
SEALED = seal(KEYS, "p1", 1, FILES, bytes(12))


@given(files=st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), st.binary(), max_size=5))
def test_round_trip(files: dict[str, bytes]) -> None:
    sealed = seal(KEYS, "p", 3, files, b"n" * 12)
    assert unseal(KEYS, KEYS.first, "p", 3, sealed) == files


def test_nothing_can_be_read_without_the_key() -> None:
    assert b"canary" not in SEALED
    assert b"user-data" not in SEALED
    with pytest.raises(KeyMissing) as missing:
        unseal(Keys(first="c" * 16, all={"c" * 16: bytes(32)}), KEYS.first, "p1", 1, SEALED)
    assert "b" * 16 in missing.value.message


@pytest.mark.parametrize(
    ("key", "payload", "number", "sealed"),
    [
        ("b" * 16, "p2", 1, SEALED),
        ("b" * 16, "p1", 2, SEALED),
        ("a" * 16, "p1", 1, SEALED),
        ("b" * 16, "p1", 1, SEALED[:-1]),
        ("b" * 16, "p1", 1, SEALED[:-1] + bytes([SEALED[-1] ^ 1])),
        ("b" * 16, "p1", 1, b"GWE2" + SEALED[4:]),
        ("b" * 16, "p1", 1, SEALED[:10]),
        ("b" * 16, "p1", 1, b""),
    ],
    ids=["payload", "version", "key", "cut", "flipped", "magic", "short", "empty"],
)
def test_what_was_moved_or_changed_is_refused(key: str, payload: str, number: int, sealed: bytes) -> None:
    with pytest.raises(ContentsDamaged):
        unseal(KEYS, key, payload, number, sealed)


def test_a_nonce_has_its_length() -> None:
    with pytest.raises(ValueError, match="12 bytes"):
        seal(KEYS, "p", 1, FILES, bytes(11))
