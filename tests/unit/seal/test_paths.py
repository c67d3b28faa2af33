"""Path rules: which paths, once each, and what becomes of mount points and of names that patterns mean."""

from __future__ import annotations

import pytest

from guestwright.guestfs.drivers.memory import Content, HardLink, Link
from guestwright.seal.accounts import MAX_HOMES, homes, normal_path, parse_passwd
from guestwright.seal.paths import Action, PathRule, expand
from guestwright.seal.textfile import filter_lines
from tests.support.sealing import make_guest, words


def wanted(files: dict[str, Content], *rules: PathRule, mounts: tuple[str, ...] = ()) -> list[str]:
    return words(expand(make_guest(files, mounts=mounts), rules))


def rule(*globs: str, action: Action = Action.REMOVE, **more: object) -> PathRule:
    return PathRule(globs=globs, reason="because", action=action, **more)  # type: ignore[arg-type]  # test shorthand


TREE = Action.REMOVE_TREE


@pytest.mark.parametrize(
    ("files", "rules", "lines"),
    [
        pytest.param(
            {"/a/b": "", "/a/c/d": ""}, [rule("/a/*")], ["remove /a/b"], id="a directory is no file"
        ),
        pytest.param(
            {"/a/b": "", "/a/c/d": ""}, [rule("/a/*", action=TREE)], ["remove /a/b", "tree /a/c"], id="trees"
        ),
        pytest.param(
            {"/a/b": ""}, [rule("/a/*"), rule("/a/b", secret=True)], ["remove /a/b"], id="first rule wins"
        ),
        pytest.param(
            {"/a/b": ""},
            [rule("/a/b", secret=True), rule("/{a,b}/*")],
            ["remove! /a/b"],
            id="first rule wins again",
        ),
        pytest.param(
            {"/a/b/x": ""},
            [rule("/*/*/x"), rule("/a/b/x", secret=True)],
            ["remove /a/b/x"],
            id="wild directory first",
        ),
        pytest.param(
            {"/a/b/x": ""},
            [rule("/a/b/x", secret=True), rule("/*/*/x")],
            ["remove! /a/b/x"],
            id="wild directory last",
        ),
        pytest.param(
            {"/a/b": "", "/a/c": ""}, [rule("/a/*", unless=("/a/[c]",))], ["remove /a/b"], id="unless"
        ),
        pytest.param({"/a/b": ""}, [rule("/a/b", only_if=("/on",))], [], id="only if, absent"),
        pytest.param(
            {"/a/b": "", "/on": ""}, [rule("/a/b", only_if=("/on",))], ["remove /a/b"], id="only if"
        ),
        pytest.param({"/a/b": "", "/off": ""}, [rule("/a/b", not_if=("/of?",))], [], id="not if"),
        pytest.param({"/a/b": Link("/x")}, [rule("/a/b", regular=True)], [], id="regular files only"),
        pytest.param(
            {"/a/b": "x", "/a/c": "", "/a/d": Link("/x"), "/a/e/": None},
            [rule("/a/*", action=Action.TRUNCATE)],
            ["truncate /a/b"],
            id="truncate what has content",
        ),
        pytest.param(
            {"/a/b/c": "", "/a/b/k": "", "/a/e/k": ""},
            [rule("/a/*", action=Action.REMOVE_FILES, keep=("k",))],
            ["files /a/b -k"],
            id="files below",
        ),
        pytest.param({"/a/b": ""}, [rule("/a/b", action=Action.REPORT)], ["note:warning /a/b"], id="report"),
        pytest.param(
            {"/r/m/f": "", "/s": Link("/r/m")},
            [rule("/r/m/*", "/s/*")],
            ["remove /r/m/f"],
            id="two spellings, one removal",
        ),
        pytest.param(
            {"/a/x": "1", "/a/y": HardLink("/a/x")},
            [rule("/a/*")],
            ["remove /a/x", "remove /a/y"],
            id="two hard links, two removals",
        ),
        pytest.param(
            {"/a/t/f": "", "/a/t-u/f": "", "/a/t/g/h": ""},
            [rule("/a/*", action=TREE), rule("/a/*/*", "/a/*/*/*")],
            ["tree /a/t", "tree /a/t-u"],
            id="content of a tree goes with it",
        ),
    ],
)
def test_expand(files: dict[str, Content], rules: list[PathRule], lines: list[str]) -> None:
    assert wanted(files, *rules) == lines


def test_mount_points_are_emptied_and_lost_and_found_stays() -> None:
    files: dict[str, Content] = {
        "/t/a/f": "",
        "/t/m/f": "",
        "/t/m/lost+found/": None,
        "/t/deep/er/m/f": "",
        "/t/deep/x": "",
        "/t/deep/lost+found/f": "",
    }
    lines = wanted(files, rule("/t/*", action=TREE), mounts=("/t/m", "/t/deep/er/m"))
    assert lines == [
        "tree /t/a",
        "remove /t/deep/er/m/f",
        "tree /t/deep/lost+found",
        "remove /t/deep/x",
        "remove /t/m/f",
    ]


def test_no_match_costs_one_call_and_gives_nothing() -> None:
    assert wanted({"/a": ""}, rule("/nothing/*", "/more/{a,b}")) == []


def test_homes_come_from_passwd_once_each() -> None:
    passwd = "".join(
        f"u{n}:x:{n}:{n}::{home}:/bin/sh\n"
        for n, home in enumerate(
            [
                "/root",
                "/home/a",
                "/srv/a",
                "/srv/a/",
                "//srv//b",
                "/",
                "",
                "rel",
                "/x/../y",
                "/usr/sbin",
                "/nonexistent",
            ]
        )
    )
    assert homes(make_guest({"/etc/passwd": passwd})) == ("/srv/a", "/srv/b")


def test_homes_are_bounded() -> None:
    passwd = "".join(f"u{n}:x:{n}:{n}::/srv/h{n}:/bin/sh\n" for n in range(2 * MAX_HOMES))
    assert len(homes(make_guest({"/etc/passwd": passwd}))) == MAX_HOMES
    assert homes(make_guest({})) == ()


@pytest.mark.parametrize(
    ("line", "good"),
    [
        ("a:x:1:2:g:/h:/s", True),
        ("a:x:1:2:g:/h", False),
        (":x:1:2:g:/h:/s", False),
        ("a:x:-1:2:g:/h:/s", False),
        ("a:x:99999999999:2:g:/h:/s", False),
        ("a:x:\u0661:2:g:/h:/s", False),
        ("+::::::", False),
    ],
)
def test_parse_passwd(line: str, good: bool) -> None:
    assert bool(parse_passwd(line)) == good


@pytest.mark.parametrize(
    ("path", "normal"),
    [("/a//b/", "/a/b"), ("/", "/"), ("a", ""), ("/a/..", ""), ("/./a", ""), ("/a\0b", "")],
)
def test_normal_path(path: str, normal: str) -> None:
    assert normal_path(path) == normal


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("a\nx\nb\n", "a\nb\n"),
        ("x", ""),
        ("a\nx", "a\n"),
        ("a\n\n", None),
        ("", None),
        ("\n", None),
        ("a\fx\n", None),
    ],
)
def test_filter_lines(text: str, left: str | None) -> None:
    assert filter_lines(text, lambda line: line != "x") == left
