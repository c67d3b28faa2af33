"""Hashes, judged by the published vectors and by the host's own crypt(3)."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guestwright.base.secret import Secret
from guestwright.guestfs.drivers.memory import memory_guest
from guestwright.seal.guest import Guest, OperatingSystem
from guestwright.seal.passwords import hashing, libcrypt
from guestwright.seal.passwords.errors import (
    HashUnsupported,
    HashUnusable,
    PasswordUnusable,
    YescryptUnavailable,
)
from guestwright.seal.passwords.generate import ALPHABET, random_password
from guestwright.seal.passwords.hashing import Scheme, check_guest, check_hash, hash_password
from guestwright.seal.passwords.sha512 import sha512_crypt

LIBRARY = libcrypt.load()
needs_libcrypt = pytest.mark.skipif(LIBRARY is None, reason="this host has no libxcrypt")

# The test vectors of Ulrich Drepper's specification.
VECTORS = [
    (
        "Hello world!",
        "saltstringsaltstring",
        10000,
        "$6$rounds=10000$saltstringsaltst$",
        "OW1/O6BYHV6BcXZu8QVeXbDWra3Oeqh0sbHbbMCVNSnCM/UrjmM0Dp8vOuZeHBy/YTBmSK6H9qs/y3RnOaw5v.",
    ),
    (
        "This is just a test",
        "toolongsaltstring",
        5000,
        "$6$toolongsaltstrin$",
        "lQ8jolhgVRVhY4b5pZKaysCLi0QBxGoNeKQzQ3glMhwllF7oGDZxUhx1yxdYcz/e1JSbq3y6JMxxl8audkUEm0",
    ),
]


@pytest.mark.parametrize(("password", "salt", "rounds", "head", "tail"), VECTORS)
def test_published_vectors(password: str, salt: str, rounds: int, head: str, tail: str) -> None:
    assert sha512_crypt(password.encode(), salt, rounds) == head + tail


@needs_libcrypt
@settings(max_examples=40, deadline=None)
@given(
    st.binary(min_size=1, max_size=200).filter(lambda raw: 0 not in raw),
    st.text("./0123456789ABCxyz", min_size=1, max_size=16),
    st.integers(1000, 1300),
)
def test_agrees_with_crypt3(password: bytes, salt: str, rounds: int) -> None:
    assert LIBRARY is not None
    assert sha512_crypt(password, salt, rounds) == LIBRARY.crypt(password, f"$6$rounds={rounds}${salt}$")


def test_without_libcrypt_the_result_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    with_library = hash_password(Secret("päss"), bytes(range(16)))
    monkeypatch.setattr(hashing, "load", lambda: None)
    assert hash_password(Secret("päss"), bytes(range(16))) == with_library
    assert with_library.startswith("$6$rounds=20000$")
    check_hash(with_library)
    with pytest.raises(YescryptUnavailable):
        hash_password(Secret("x"), bytes(16), Scheme.YESCRYPT)


@needs_libcrypt
def test_yescrypt_verifies() -> None:
    assert LIBRARY is not None
    made = hash_password(Secret("correct horse"), bytes(16), Scheme.YESCRYPT)
    assert made.startswith("$y$")
    check_hash(made)
    assert LIBRARY.crypt(b"correct horse", made) == made
    assert LIBRARY.crypt(b"wrong horse", made) != made


@needs_libcrypt
def test_an_unknown_setting_gives_nothing() -> None:
    assert LIBRARY is not None
    assert LIBRARY.crypt(b"x", "$nope$") == ""
    assert LIBRARY.setting("$nope$", bytes(16)) == ""


@pytest.mark.parametrize("bad", ["", "a\nb", "a\0b", "x" * 512], ids=["empty", "line", "nul", "long"])
def test_unusable_passwords(bad: str) -> None:
    with pytest.raises(PasswordUnusable) as caught:
        hash_password(Secret(bad), bytes(16))
    assert "x" * 20 not in caught.value.message


def test_a_salt_needs_its_bytes() -> None:
    with pytest.raises(ValueError, match="16 random bytes"):
        hash_password(Secret("x"), b"")


@pytest.mark.parametrize(
    "bad",
    ["secret", "$1$abc$" + "x" * 22, "$6$a$" + "x" * 30 + ":0", "$6$a$" + "x" * 30 + "\n", "$6$" + "x" * 400],
)
def test_what_is_no_hash_is_refused_without_being_shown(bad: str) -> None:
    with pytest.raises(HashUnusable) as caught:
        check_hash(bad)
    assert bad not in str(caught.value.as_dict())


@pytest.mark.parametrize(
    ("system", "known"),
    [
        (OperatingSystem(id="rocky", family="rhel", version="9.4"), True),
        (OperatingSystem(id="centos", family="rhel", version="7"), False),
        (OperatingSystem(id="fedora", family="rhel", version="40"), True),
        (OperatingSystem(id="fedora", family="rhel", version="29"), False),
        (OperatingSystem(id="debian", family="debian", version="12"), True),
        (OperatingSystem(id="debian", family="debian", version="10"), False),
        (OperatingSystem(id="ubuntu", family="debian", version="18.04"), False),
        (OperatingSystem(id="linuxmint", id_like=("ubuntu",), family="debian", version="21"), True),
        (OperatingSystem(id="sles", family="suse", version="12.5"), False),
        (OperatingSystem(id="opensuse-tumbleweed", family="suse", version="20240101"), True),
        (OperatingSystem(id="arch", family="arch"), True),
        (OperatingSystem(id="alpine", family="alpine", version="3.20"), False),
        (OperatingSystem(), False),
    ],
    ids=lambda value: value.id + value.version if isinstance(value, OperatingSystem) else "",
)
def test_who_knows_yescrypt(system: OperatingSystem, known: bool) -> None:
    guest = Guest(fs=memory_guest({}), os=system)
    check_guest(guest, "$6$x")
    if known:
        check_guest(guest, "$y$x")
    else:
        with pytest.raises(HashUnsupported):
            check_guest(guest, "$y$x")


def test_generated_passwords() -> None:
    made = random_password(lambda size: bytes(range(size)))
    assert len(made.reveal()) == 20
    assert set(made.reveal()) <= set(ALPHABET)
    assert made.reveal() not in repr(made)
    assert not set("lIO01o") & set(ALPHABET)
    unfair = iter([bytes([255] * 40), bytes(40)])
    assert random_password(lambda size: next(unfair)).reveal() == ALPHABET[0] * 20
