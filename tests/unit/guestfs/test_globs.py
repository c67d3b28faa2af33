"""Shell patterns."""

from __future__ import annotations

import fnmatch
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guestwright.guestfs import globs
from guestwright.guestfs.errors import TooLarge


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("/a", ["/a"]),
        ("", [""]),
        ("/{a,b}", ["/a", "/b"]),
        ("/{a,b}{c,d}", ["/ac", "/ad", "/bc", "/bd"]),
        ("/{a,{b,c}x}/y", ["/a/y", "/bx/y", "/cx/y"]),
        ("/{a,b/c}/d", ["/a/d", "/b/c/d"]),
        ("/x{,.gz}", ["/x", "/x.gz"]),
        ("/{a}", ["/{a}"]),
        ("/{}", ["/{}"]),
        ("/{a,b", ["/{a,b"]),
        ("/a,b}", ["/a,b}"]),
        ("/{{a,b}}", ["/{a}", "/{b}"]),
        ("/\\{a,b}", ["/\\{a,b}"]),
        ("/{a\\,b,c}", ["/a\\,b", "/c"]),
        ("/{x,{a,b}", ["/{x,a", "/{x,b"]),
    ],
)
def test_braces(pattern: str, expected: list[str]) -> None:
    assert globs.expand_braces(pattern) == expected


def test_braces_are_bounded() -> None:
    assert len(globs.expand_braces("{a,b}" * 12)) == 4096
    for pattern in ("{a,b}" * 13, "{a,b}" * 500, "{" + "a," * 5000 + "}"):
        with pytest.raises(TooLarge):
            globs.expand_braces(pattern)
    assert globs.expand_braces("{" * 3000) == ["{" * 3000]


@pytest.mark.parametrize(
    ("pattern", "name", "fits"),
    [
        ("*", "abc", True),
        ("*", ".abc", False),
        ("*", "", True),
        ("?bc", ".bc", False),
        ("[.]bc", ".bc", False),
        (".*", ".abc", True),
        ("\\.*", ".abc", True),
        ("a*", "a", True),
        ("a*c", "abc", True),
        ("a*c", "abcd", False),
        ("a*b*c", "aXbYbZc", True),
        ("*b*b", "bb", True),
        ("*b*b", "b", False),
        ("*.log", "a\nb.log", True),
        ("a?c", "a\nc", True),
        ("?", "\udcff", True),
        ("?", "ü", True),
        ("[abc]", "b", True),
        ("[!abc]", "b", False),
        ("[^abc]", "d", True),
        ("[a-c]", "b", True),
        ("[c-a]", "b", False),
        ("[!c-a]", "b", True),
        ("[]]", "]", True),
        ("[!]]", "]", False),
        ("[a-]", "-", True),
        ("[", "[", True),
        ("[a", "[a", True),
        ("[\\d]", "5", False),
        ("[&&]", "&", True),
        ("a\\*", "a*", True),
        ("a\\*", "ab", False),
        ("a\\", "a\\", True),
        ("(a|b)+", "a", False),
        ("(a|b)+", "(a|b)+", True),
    ],
)
def test_component(pattern: str, name: str, fits: bool) -> None:
    assert bool(globs.compiled(pattern).fullmatch(name)) is fits
    plain = globs.literal(pattern)
    if plain is not None:
        assert (plain == name) is fits


def test_hostile_names_take_no_time() -> None:
    start = time.process_time()
    globs.compiled("*a" * 30 + "b").fullmatch("a" * 255)
    assert time.process_time() - start < 5  # a thousandth of it is usual; backtracking takes years


@settings(deadline=None)
@given(st.text(alphabet="ab.*?[]!-{},\\x", max_size=12))
def test_escape_matches_itself_only(text: str) -> None:
    escaped = globs.escape(text)
    assert globs.expand_braces(escaped) == [escaped]
    assert globs.literal(escaped) == text


@settings(deadline=None)
@given(st.text(alphabet="ab*?[]!-", max_size=8), st.text(alphabet="ab-]!", max_size=8))
def test_like_fnmatch(pattern: str, name: str) -> None:
    assert bool(globs.compiled(pattern).fullmatch(name)) is fnmatch.fnmatchcase(name, pattern)
