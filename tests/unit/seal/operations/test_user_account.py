"""Removing accounts: every table, and no directory that others live in."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guestwright.guestfs.drivers.memory import File
from guestwright.seal.operations.user_account import OPERATION, uid_range, without_members
from tests.support.apply_changes import apply_changes
from tests.support.sealing import make_guest, words

DEFS = "UID_MIN\t\t 1000\nUID_MAX 60000\n"


def test_tables_afterwards() -> None:
    guest = make_guest(
        {
            "/etc/login.defs": DEFS,
            "/etc/passwd": "root:x:0:0::/root:\nann:x:1000:1000::/home/ann:\nannika:x:999:999::/srv/a:\n",
            "/etc/shadow": File("root:*:1\nann:$y$j9T$s$h:1\nannika:x:1", mode=0o640, gid=42),
            "/etc/group": "ann:x:1000:\nannika:x:999:ann\nwheel:x:10:ann,annika,ann\n",
            "/etc/gshadow": "ann:!::\nwheel:!:ann:annika,ann\n",
            "/etc/subgid": "ann:1:2\n",
            "/home/ann/.profile": "x",
        }
    )
    apply_changes(guest.fs, OPERATION.plan(guest, {}))
    assert guest.fs.read("/etc/passwd") == b"root:x:0:0::/root:\nannika:x:999:999::/srv/a:\n"
    assert guest.fs.read("/etc/shadow") == b"root:*:1\nannika:x:1"
    assert guest.fs.stat("/etc/shadow").mode == 0o640
    assert guest.fs.stat("/etc/shadow").gid == 42
    assert guest.fs.read("/etc/group") == b"annika:x:999:\nwheel:x:10:annika\n"
    assert guest.fs.read("/etc/gshadow") == b"wheel:!::annika\n"
    assert guest.fs.read("/etc/subgid") == b""
    assert [one.path for one in guest.fs.listdir("/home")] == []


@pytest.mark.parametrize(
    "home",
    ["/", "//", "/home", "/home/", "/var", "/var/lib", "/etc", "/usr/share/x", "/root", "a", "", "/a/../etc"],
)
def test_a_home_that_is_none_stays(home: str) -> None:
    files = {"/etc/login.defs": DEFS, "/etc/passwd": f"eve:x:1000:1000::{home}:/bin/sh\n"}
    guest = make_guest({**files, "/var/lib/x": "", "/usr/share/x/y": "", "/root/x": "", "/home/x": ""})
    assert [word for word in words(OPERATION.plan(guest, {})) if word.startswith(("tree", "remove"))] == []


def test_a_home_with_somebody_elses_in_it_stays() -> None:
    passwd = (
        "eve:x:1000:1000::/srv:/bin/sh\nann:x:900:900::/srv/ann:/bin/sh\nbob:x:1001:1001::/data:/bin/sh\n"
    )
    guest = make_guest({"/etc/login.defs": DEFS, "/etc/passwd": passwd, "/srv/ann/x": "", "/data/x": ""})
    assert words(OPERATION.plan(guest, {})) == ["write /etc/passwd", "note:warning /srv", "tree! /data"]


def test_an_account_named_like_a_spool_directory_takes_its_mail_only() -> None:
    passwd = "crontabs:x:1000:1000::/home/c:/bin/sh\na/b:x:1001:1001::/home/d:/bin/sh\n"
    files = {"/var/spool/cron/crontabs/root": "x", "/var/mail/crontabs/new/1": "x", "/var/mail/a/b": "x"}
    guest = make_guest({"/etc/login.defs": DEFS, "/etc/passwd": passwd, **files})
    assert words(OPERATION.plan(guest, {})) == ["write /etc/passwd", "tree! /var/mail/crontabs"]


def test_root_is_safe_from_any_login_defs() -> None:
    files = {"/etc/login.defs": "UID_MIN 0\nUID_MAX 10\n", "/etc/passwd": "root:x:0:0::/root:/bin/sh\n"}
    assert list(OPERATION.plan(make_guest(files), {})) == []


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (DEFS, (1000, 60000)),
        ("#UID_MIN 1\nUID_MIN 5\nUID_MAX 6 # x\nUID_MIN 7\n", (7, 6)),
        ("UID_MIN 1000\n", None),
        ("UID_MIN ten\nUID_MAX 60000\n", None),
        ("UID_MIN 99999999999\nUID_MAX 1\n", None),
        ("", None),
    ],
)
def test_uid_range(text: str, wanted: tuple[int, int] | None) -> None:
    assert uid_range(text) == wanted


NAMES = st.lists(st.sampled_from(["ann", "bob", "annika", "a"]), max_size=4)


@settings(deadline=None)
@given(NAMES, NAMES)
def test_members_that_go_and_stay(admins: list[str], members: list[str]) -> None:
    line = f"g:!:{','.join(admins)}:{','.join(members)}"
    fields = without_members(line, frozenset({"ann", "a"})).split(":")
    assert fields[:2] == ["g", "!"]
    assert [one for one in fields[2].split(",") if one] == [one for one in admins if one in {"bob", "annika"}]
    assert [one for one in fields[3].split(",") if one] == [
        one for one in members if one in {"bob", "annika"}
    ]


@settings(deadline=None)
@given(st.text(alphabet=":,ab\x00\udcff", max_size=20))
def test_odd_lines_survive(line: str) -> None:
    assert without_members(line, frozenset({"nobody"})) == line
