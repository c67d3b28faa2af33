"""Paths: validity, canonical form, limits."""

from __future__ import annotations

import pytest

from guestwright.xenstore.core.path import canonical, home, is_special, name, parent

BASE = b"/local/domain/5/"


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"/", b"/"),
        (b"/a/B-_@9", b"/a/B-_@9"),
        (b"data/x", BASE + b"data/x"),
        (b"", None),
        (b"/a/", None),
        (b"//", None),
        (b"/a//b", None),
        (b"a/", None),
        (b"/a b", None),
        (b"/a.b", None),
        (b"/\xc3\xa9", None),
        (b"/a\0b", None),
        (b"@releaseDomain", None),
        (b"a@b", BASE + b"a@b"),
    ],
)
def test_canonical(raw: bytes, expected: bytes | None) -> None:
    assert canonical(raw, BASE, None) == expected
    assert canonical(raw, BASE, 2048) == expected


@pytest.mark.parametrize(
    ("raw", "path_max", "fits"),
    [
        (b"/" + b"a" * 3071, None, True),
        (b"/" + b"a" * 3072, None, False),
        (b"a" * 2048, None, True),
        (b"a" * 2049, None, False),
        (b"/" + b"a" * 2047, 2048, True),
        (b"/" + b"a" * 2048, 2048, False),
        (b"a" * 2048, 2048, True),
        (b"/local/domain/65535/" + b"a" * 2048, 2048, True),
        (b"/local/domain/65535/" + b"a" * 2049, 2048, False),
        (b"/local/domain/123456/" + b"a" * 2030, 2048, False),
        (b"/local/domain/x/" + b"a" * 2040, 2048, False),
        (b"/local/domain/5", 14, False),
    ],
)
def test_length(raw: bytes, path_max: int | None, fits: bool) -> None:
    assert (canonical(raw, BASE, path_max) is not None) == fits


def test_parts() -> None:
    assert home(3) == b"/local/domain/3"
    assert [parent(one) for one in (b"/", b"/a", b"/a/b")] == [b"/", b"/", b"/a"]
    assert [name(one) for one in (b"/a", b"/a/b")] == [b"a", b"b"]
    assert [is_special(one) for one in (b"@x", b"/@x", b"")] == [True, False, False]
