"""Names on media: what is refused, and that what is accepted is kept as it is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guestwright.media.sources.errors import BadPayload, BadPayloadName
from guestwright.media.sources.names import MAX_PART, media_path, refuse_clashes

BAD = [
    *(
        "",
        "/",
        "/etc/passwd",
        "//a",
        "a//b",
        "a/",
        ".",
        "..",
        "../a",
        "a/../b",
        "a/..",
        "./a",
        "a/.",
        "..\\a",
    ),
    *(
        "a\\b",
        "C:\\x",
        "C:x",
        "a:b",
        "a<b",
        "a>b",
        'a"b',
        "a|b",
        "a?b",
        "a*b",
        "\\\\server\\share",
        "a/b:stream",
    ),
    *(
        "\0",
        "a\0b",
        "a\nb",
        "a\rb",
        "a\tb",
        "\x1b[2J",
        "a\x7f",
        "a\x80",
        "a\x9fb",
        "\x01",
        "a\u2028b",
        "a\u2029b",
    ),
    *("a\u202eb", "a\u200fb", "\ufeffa", "a\u2066b", "a\ufffeb", "a\ud800", "\udc80a", "a\uffffb", "a\u0378"),
    *(
        "con",
        "CON",
        "Con.txt",
        "prn",
        "aux.h",
        "nul",
        "NUL.tar.gz",
        "com1",
        "COM9.log",
        "com0",
        "lpt1",
        "LPT9",
    ),
    *("lpt\u00b9", "com\u00b2.txt", "conin$", "CONOUT$", "a/con/b", "dir/aux", "con .txt", "nul.a.b"),
    *("a.", "a ", "a. ", "a..", "dir./a", "dir /a", "...", " a", "x/ a", "a/b."),
    *("a" * (MAX_PART + 1), "é" * 128, "x/" + "b" * 256, "/".join("a" * 33), "/".join(["a" * 200] * 6)),
]
GOOD = [
    *(
        "a",
        "a.txt",
        "a b.txt",
        ".hidden",
        "a/b/c",
        "unattend.xml",
        "cona",
        "com10",
        "auxiliary",
        "nulled.txt",
    ),
    *(
        "ä",
        "日本語.txt",
        "Привет/мир",
        "😀.png",
        "é" * 126,
        "a" * 253,
        "a+b,c;d=e[f]",
        "~x",
        "a~1",
        "it's",
        "$OEM$/x",
    ),
]
CLASHES = [
    ("a", "a"),
    ("a", "A"),
    ("readme.TXT", "README.txt"),
    ("ä", "Ä"),
    ("\u00e9", "e\u0301"),
    ("stra\u00dfe", "strasse"),
    ("a/b", "A/b"),
    ("a/b", "A/c"),
    ("dir/x", "DIR/y"),
    ("a", "a/b"),
    ("A", "a/b"),
    ("a/b", "a"),
    ("a/b/c", "a/B"),
    ("\u00e9/x", "e\u0301/y"),
    ("\u03c3", "\u03c2"),
]


@pytest.mark.parametrize("name", BAD, ids=lambda one: ascii(one[:24]))
def test_a_bad_name_is_refused(name: str) -> None:
    with pytest.raises(BadPayloadName) as caught:
        media_path(name)
    assert caught.value.message.isprintable()
    assert ":1:1: " in caught.value.message


@pytest.mark.parametrize("name", GOOD, ids=lambda one: ascii(one[:24]))
def test_a_good_name_is_kept(name: str) -> None:
    assert media_path(name) == "/" + name


@pytest.mark.parametrize(("first", "second"), CLASHES, ids=ascii)
def test_names_that_meet_are_refused(first: str, second: str) -> None:
    with pytest.raises(BadPayloadName):
        refuse_clashes([media_path(first), media_path(second)])


def test_names_that_differ_are_fine() -> None:
    refuse_clashes(["/a/b", "/a/c", "/ab", "/a.b", "/b/a"])


@given(st.text(max_size=40))
def test_any_text_is_kept_or_refused(name: str) -> None:
    try:
        path = media_path(name)
    except BadPayload:
        return
    assert path == "/" + name
    assert not {"", ".", ".."} & set(name.split("/"))
    assert path.isprintable() or not name.isascii()
