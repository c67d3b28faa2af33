"""Directives about files."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guestwright.guestfs.drivers.memory import Content, File, HardLink, Link, Special
from guestwright.guestfs.errors import NotFound
from guestwright.guestfs.port import FileKind
from guestwright.seal.changes import Note
from guestwright.seal.customise import directives as d
from guestwright.seal.customise.errors import BadValue, EditRefused, GuestPathMissing
from guestwright.seal.customise.text_lines import renamed_in_hosts, with_line, with_variable
from tests.unit.seal.customise.stepwise import customise, guest_of, text

FILES: dict[str, Content] = {
    "/etc/motd": File("hello\n", mode=0o600, uid=5, gid=6),
    "/etc/alias": Link("motd"),
    "/srv/a/one": File("1", mode=0o640, uid=7),
    "/srv/a/two/three": "333",
    "/srv/a/link": Link("one", uid=9),
    "/srv/empty": "",
    "/srv/b/": None,
    "/dev/pipe": Special(FileKind.FIFO),
}


@pytest.mark.parametrize(
    ("wish", "path", "wanted", "mode", "uid"),
    [
        (d.WriteFile(path="/etc/motd", data=b"new"), "/etc/motd", "new", 0o600, 5),
        (d.WriteFile(path="/etc/alias", data=b"new"), "/etc/motd", "new", 0o600, 5),
        (d.WriteFile(path="/etc/x", data=b"x", mode=0o400, uid=3), "/etc/x", "x", 0o400, 3),
        (d.UploadFile(path="/etc/motd", data=b"up", mode=0o755, uid=1, gid=2), "/etc/motd", "up", 0o755, 1),
        (
            d.UploadFile(path="/etc/alias", data=b"hello\n", mode=0o755, uid=1, gid=2),
            "/etc/motd",
            "hello\n",
            0o755,
            1,
        ),
        (d.UploadFile(path="/etc/new", data=b"up", mode=0o4755, uid=1, gid=2), "/etc/new", "up", 0o4755, 1),
        (d.AppendLine(path="/etc/motd", line="more"), "/etc/motd", "hello\nmore\n", 0o600, 5),
        (d.AppendLine(path="/etc/motd", line="hello"), "/etc/motd", "hello\n", 0o600, 5),
        (d.AppendLine(path="/etc/x", line="new"), "/etc/x", "new\n", 0o644, 0),
        (d.AppendLine(path="/etc/x", line=""), "/etc/x", "\n", 0o644, 0),
        (d.EditFile(path="/etc/motd", regex="h(.)l", replacement="$1-H"), "/etc/motd", "e-Hlo\n", 0o600, 5),
        (d.TruncateFile(path="/etc/alias"), "/etc/motd", "", 0o600, 5),
        (d.TruncateRecursive(path="/srv"), "/srv/a/two/three", "", 0o644, 0),
        (d.Touch(path="/etc/motd"), "/etc/motd", "hello\n", 0o600, 5),
        (d.Touch(path="/etc/x"), "/etc/x", "", 0o644, 0),
        (d.Chmod(mode=0o4711, path="/etc/alias"), "/etc/motd", "hello\n", 0o4711, 5),
        (d.Chown(uid=8, gid=9, path="/etc/motd"), "/etc/motd", "hello\n", 0o600, 8),
        (d.Chown(uid=8, gid=9, path="/etc/alias"), "/etc/motd", "hello\n", 0o600, 5),
        (d.CopyInside(source="/srv/a/one", dest="/etc/x"), "/etc/x", "1", 0o640, 7),
        (d.CopyInside(source="/srv/a/one", dest="/srv/b"), "/srv/b/one", "1", 0o640, 7),
        (d.CopyInside(source="/srv/a", dest="/srv/c"), "/srv/c/two/three", "333", 0o644, 0),
        (d.CopyInside(source="/srv/a", dest="/srv/b/"), "/srv/b/one", "1", 0o640, 7),
        (d.MoveInside(source="/srv/a", dest="/srv/c"), "/srv/c/link", "1", 0o640, 7),
        (d.MoveInside(source="/etc/motd", dest="/srv/b"), "/srv/b/motd", "hello\n", 0o600, 5),
        (d.LinkTo(target="/etc/motd", links=("/srv/l1", "/etc/alias")), "/srv/l1", "hello\n", 0o600, 5),
    ],
    ids=lambda value: type(value).__name__ if type(value).__module__.endswith("directives") else "",
)
def test_file(wish: d.Directive, path: str, wanted: str, mode: int, uid: int) -> None:
    guest = guest_of("debian12", FILES)
    customise(guest, wish)
    stat = guest.fs.stat(path)
    assert (text(guest, path), stat.mode, stat.uid) == (wanted, mode, uid)


@pytest.mark.parametrize(
    "wish",
    [
        d.WriteFile(path="/no/such", data=b""),
        d.WriteFile(path="/etc/motd/below", data=b""),
        d.UploadFile(path="/srv/b", data=b"", mode=0o644, uid=0, gid=0),
        d.EditFile(path="/etc/none", regex="a", replacement="b"),
        d.EditFile(path="/srv/b", regex="a", replacement="b"),
        d.TruncateFile(path="/srv/b"),
        d.TruncateFile(path="/none"),
        d.TruncateRecursive(path="/none"),
        d.Chmod(mode=0, path="/none"),
        d.Chown(uid=0, gid=0, path="/none"),
        d.Touch(path="/no/such"),
        d.CopyInside(source="/none", dest="/x"),
        d.CopyInside(source="/etc/motd", dest="/no/such/x"),
        d.MoveInside(source="/none", dest="/x"),
        d.LinkTo(target="x", links=("/srv/b",)),
        d.LinkTo(target="x", links=("/no/such",)),
        d.MakeDirectories(path="/etc/motd"),
    ],
    ids=lambda wish: f"{type(wish).__name__}",
)
def test_what_cannot_be_done_is_said(wish: d.Directive) -> None:
    guest = guest_of("debian12", FILES)
    with pytest.raises((GuestPathMissing, NotFound, Exception)) as caught:
        customise(guest, wish)
    assert hasattr(caught.value, "code")


def test_directives_build_on_one_another() -> None:
    guest = guest_of("debian12", {})
    customise(
        guest,
        d.MakeDirectories(path="/opt/app/conf", mode=0o750),
        d.UploadFile(path="/opt/app/conf/x", data=b"a=1\n", mode=0o600, uid=1, gid=1),
        d.Touch(path="/opt/app/conf/y"),
        d.AppendLine(path="/etc/notes", line="one"),
        d.AppendLine(path="/etc/notes", line="two"),
        d.Chmod(mode=0o600, path="/etc/notes"),
        d.LinkTo(target="conf", links=("/opt/app/c", "/opt/app/d")),
    )
    assert text(guest, "/opt/app/d/x") == "a=1\n"
    assert text(guest, "/etc/notes") == "one\ntwo\n"
    assert guest.fs.stat("/opt/app/conf").mode == 0o750


def test_delete() -> None:
    guest = guest_of("debian12", {**FILES, "/mnt/data/x": "1"}, mounts=["/mnt/data"])
    customise(guest, d.Delete(glob="/srv/{a,a/one,empty}"), d.Delete(glob="/etc/al*", scrub=True))
    assert [entry.path for entry in guest.fs.listdir("/srv")] == ["/srv/b"]
    assert text(guest, "/etc/motd") == "hello\n"
    customise(guest, d.Delete(glob="/mnt/*"), d.Delete(glob="/nothing*"))
    assert guest.fs.listdir("/mnt/data") == []


def test_copy_says_what_it_leaves_out_and_makes_hard_links_files() -> None:
    guest = guest_of("debian12", {**FILES, "/dev/one": "1", "/dev/two": HardLink("/dev/one")})
    done = customise(guest, d.CopyInside(source="/dev", dest="/copy"))
    assert [one.path for one in done if isinstance(one, Note)] == ["/dev/pipe"]
    assert text(guest, "/copy/two") == "1"


def test_copy_of_a_symlink_is_a_symlink() -> None:
    guest = guest_of("debian12", FILES)
    customise(guest, d.CopyInside(source="/srv/a", dest="/srv/c"))
    assert guest.fs.readlink("/srv/c/link") == "one"
    assert guest.fs.lstat("/srv/c/link").uid == 9


def test_copy_is_bounded() -> None:
    guest = guest_of("debian12", {f"/many/{n}": "" for n in range(4100)})
    with pytest.raises(GuestPathMissing, match="too large"):
        customise(guest, d.CopyInside(source="/many", dest="/copy"))


@pytest.mark.parametrize(
    ("regex", "replacement", "flags", "before", "after"),
    [
        ("a", "b", "", "aa\naa\n", "ba\nba\n"),
        ("a", "b", "g", "aa\r\naa", "bb\r\nbb"),
        ("A", "b", "i", "a", "b"),
        ("^#?(PermitRootLogin) .*$", r"\1 no", "", "#PermitRootLogin yes\n", "PermitRootLogin no\n"),
        ("(?P<k>x)=.*", r"\g<k>=${1}$&", "", "x=1", "x=xx=1"),
        ("x", r"\\\$1\/", "", "x", r"\$1/"),
        ("ä", "ö", "", "ä\udcff", "ö\udcff"),
        ("nope", "x", "", "stays\n", "stays\n"),
    ],
)
def test_edit(regex: str, replacement: str, flags: str, before: str, after: str) -> None:
    guest = guest_of("debian12", {"/f": before.encode("utf-8", "surrogateescape")})
    wish = d.EditFile(path="/f", regex=regex, replacement=replacement, flags=flags)
    if before in {"aa\naa\n", "x=1"}:
        with pytest.raises(EditRefused, match="edited again"):
            customise(guest, wish)
        return
    customise(guest, wish)
    assert guest.fs.read("/f").decode("utf-8", "surrogateescape") == after


@pytest.mark.parametrize(
    ("regex", "replacement"),
    [("(a+)+b", "x"), ("(a|b)*c", "x"), ("(", "x"), (r"(a)\1", "x"), ("a", "$1"), ("a", r"\g<n>"),
     (".*.*.*.*b", "x"), ("(?i)a", "x"), ("[a", "x")],
)  # fmt: skip
def test_edits_that_are_refused(regex: str, replacement: str) -> None:
    guest = guest_of("debian12", {"/f": "a" * 2000})
    with pytest.raises(EditRefused):
        customise(guest, d.EditFile(path="/f", regex=regex, replacement=replacement))


@pytest.mark.parametrize(
    "path", ["", "etc", "/", "//", "/a/../b", "/a/./b", "/a\0b", "/" + "x" * 256, "/x" * 3000]
)
def test_bad_paths(path: str) -> None:
    with pytest.raises(BadValue):
        d.Touch(path=path)


@pytest.mark.parametrize(
    "make",
    [
        lambda: d.AppendLine(path="/a", line="x\ny"),
        lambda: d.EditFile(path="/a", regex="a", replacement="b", flags="e"),
        lambda: d.Chmod(mode=0o10000, path="/a"),
        lambda: d.Chown(uid=-1, gid=0, path="/a"),
        lambda: d.Chown(uid=0, gid=2**32 - 1, path="/a"),
        lambda: d.CopyInside(source="/a", dest="/a/b"),
        lambda: d.MoveInside(source="/a", dest="/a/"),
        lambda: d.LinkTo(target="", links=("/a",)),
        lambda: d.LinkTo(target="x", links=()),
        lambda: d.WriteFile(path="/a", data=bytes(17 << 20)),
        lambda: d.LockAccount(user="-x"),
        lambda: d.FirstBoot(script=b"", name="../x"),
        lambda: d.SetPassword(user="root", hash="*", day=-1),
    ],
)
def test_bad_values(make: object) -> None:
    assert callable(make)
    with pytest.raises(BadValue):
        make()


@pytest.mark.parametrize(
    ("data", "line", "wanted"),
    [(b"", b"x", b"x\n"), (b"a", b"x", b"a\nx\n"), (b"a\r\n", b"x", b"a\r\nx\r\n"),
     (b"a\rb", b"x", b"a\rb\rx\r"),
     (b"x\r\n", b"x", b"x\r\n"), (b"xy\n", b"x", b"xy\nx\n")],
)  # fmt: skip
def test_with_line(data: bytes, line: bytes, wanted: bytes) -> None:
    assert with_line(data, line) == wanted


@given(
    st.binary(max_size=60), st.binary(min_size=1, max_size=8).filter(lambda raw: not set(raw) & set(b"\r\n"))
)
def test_with_line_keeps_the_rest_and_rests(data: bytes, line: bytes) -> None:
    new = with_line(data, line)
    assert new.startswith(data)
    assert with_line(new, line) == new


@pytest.mark.parametrize(
    ("data", "add", "wanted"),
    [
        (b"A=1\n", True, b"A=new\n"),
        (b' A="1 2" \r\nB=2\r\n', True, b' A="new"\r\nB=2\r\n'),
        (b"#A=1\n", False, b"#A=1\n"),
        (b"#A=1\n", True, b"#A=1\nA=new\n"),
        (b"AA=1", True, b"AA=1\nA=new\n"),
        (b"A=", True, b"A=new"),
    ],
)
def test_with_variable(data: bytes, add: bool, wanted: bytes) -> None:
    assert with_variable(data, "A", "new", add=add) == wanted


@given(
    st.lists(st.sampled_from(["127.0.1.1", "old", "old.lan", "x", "#", " ", "\t", "\n", "\r\n", "::1"])).map(
        " ".join
    )
)
def test_hosts_change_only_names(data: str) -> None:
    raw = data.encode()
    new = renamed_in_hosts(raw, "old.lan", "web.example.com")
    assert renamed_in_hosts(new, "old.lan", "web.example.com") == new
    assert len(new.splitlines()) == len(raw.splitlines())
    for before, after in zip(raw.splitlines(), new.splitlines(), strict=True):
        entry = before.split(b"#")[0].split()
        assert after.split(b"#")[0].split()[:1] == entry[:1]
        assert after.partition(b"#")[2] == before.partition(b"#")[2]
        assert len(after.split()) == len(before.split())


@pytest.mark.parametrize("old", ["", "localhost", "localhost.localdomain", "ip6-loopback"])
def test_names_that_say_nothing_are_not_replaced(old: str) -> None:
    data = b"127.0.0.1 localhost localhost.localdomain\n::1 ip6-loopback\n"
    assert renamed_in_hosts(data, old, "web") == data
