"""From the command line to directives, with clear errors and no secret in them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from guestwright.base.errors import GuestwrightError
from guestwright.seal.customise import directives as d
from guestwright.seal.customise.errors import (
    BadOption,
    HostFileUnreadable,
    NeedsRunningGuest,
    PasswordOnCommandLine,
)
from guestwright.seal.customise.options import OPTIONS, REFUSED
from guestwright.seal.customise.parse import new_context, parse_option, parse_options
from guestwright.seal.customise.selectors import Context
from guestwright.seal.passwords.hashing import Scheme

CANARY = "hunter2-canary"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI" + "A" * 43 + " eve"
HASH = "$6$salt$" + "h" * 86


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return Context(random_bytes=lambda size: bytes(range(size)), today=20000, home=str(tmp_path))


@pytest.mark.parametrize(
    ("flag", "value", "wanted"),
    [
        ("--hostname", "web1.lan", d.SetHostname(name="web1.lan")),
        ("--timezone", "UTC", d.SetTimezone(name="UTC")),
        ("--root-password", "disabled", d.SetPassword(user="root", hash="*", day=20000)),
        ("--root-password", "locked", d.SetPassword(user="root", hash="!*", day=20000)),
        ("--password", f"eve:hash:{HASH}", d.SetPassword(user="eve", hash=HASH, day=20000)),
        ("--password", f"eve:locked:hash:{HASH}", d.SetPassword(user="eve", hash="!" + HASH, day=20000)),
        ("--lock", "eve", d.LockAccount(user="eve")),
        ("--ssh-inject", f"root:string:{KEY}", d.InjectSshKey(user="root", keys=KEY)),
        ("--firstboot-command", "echo a:b", d.FirstBootCommand(command="echo a:b")),
        ("--write", "/f:a:b\nc", d.WriteFile(path="/f", data=b"a:b\nc")),
        ("--write", "/f:", d.WriteFile(path="/f", data=b"")),
        ("--append-line", "/f:a:b", d.AppendLine(path="/f", line="a:b")),
        ("--edit", "/f:s/a/b/", d.EditFile(path="/f", regex="a", replacement="b")),
        ("--edit", "/f:s,/a\\,,\\1:,gi", d.EditFile(path="/f", regex="/a,", replacement="\\1:", flags="gi")),
        ("--edit", "/f:s|a\\d|\\||", d.EditFile(path="/f", regex="a\\d", replacement="|")),
        ("--copy", "/a:/b", d.CopyInside(source="/a", dest="/b")),
        ("--move", "/a:/b", d.MoveInside(source="/a", dest="/b")),
        ("--mkdir", "/a", d.MakeDirectories(path="/a")),
        ("--delete", "/a*", d.Delete(glob="/a*")),
        ("--scrub", "/a*", d.Delete(glob="/a*", scrub=True)),
        ("--truncate", "/a", d.TruncateFile(path="/a")),
        ("--truncate-recursive", "/a", d.TruncateRecursive(path="/a")),
        ("--touch", "/a", d.Touch(path="/a")),
        ("--chmod", "644:/a", d.Chmod(mode=0o644, path="/a")),
        ("--chmod", "0644:/a", d.Chmod(mode=0o644, path="/a")),
        ("--chmod", "0o4755:/a:b", d.Chmod(mode=0o4755, path="/a:b")),
        ("--chown", "0:1:/a:b", d.Chown(uid=0, gid=1, path="/a:b")),
        ("--link", "../t:/a:/b", d.LinkTo(target="../t", links=("/a", "/b"))),
    ],
)
def test_option(context: Context, flag: str, value: str, wanted: d.Directive) -> None:
    assert parse_option(flag, value, context) == [wanted]


@pytest.mark.parametrize(
    ("flag", "value"),
    [
        ("--hostname", "a_b"), ("--timezone", "../x"), ("--password", "eve"), ("--password", ":random"),
        ("--root-password", ""), ("--root-password", CANARY), ("--root-password", "random:x"),
        ("--root-password", "fd:x"), ("--root-password", "locked:"), ("--root-password", "locked:locked"),
        ("--root-password", f"hash:{CANARY}"), ("--password", f"1bad:{CANARY}"), ("--password-crypto", "md5"),
        ("--ssh-inject", "root:KEY"), ("--ssh-inject", "root:string:x"), ("--write", "nothing"),
        ("--append-line", "/f:"), ("--append-line", "/f:a\nb"), ("--edit", "/f:y/a/b/"),
        ("--edit", "/f:s/a/b"), ("--edit", "/f:s/a/b/e"), ("--edit", "/f:s/a/b/c/"), ("--chmod", "u+x:/f"),
        ("--chmod", "888:/f"), ("--chmod", "17777:/f"), ("--chmod", "644"), ("--chown", "eve:eve:/f"),
        ("--chown", "1:/f"), ("--link", "/a"), ("--copy", "/a"), ("--upload", "/a"), ("--delete", "relative"),
        ("--nope", "x"), ("--commands-from-file", "/nonexistent"), ("--firstboot", "/nonexistent"),
        ("--copy-in", "/nonexistent:/srv"), ("--copy-in", "/:/srv"), ("--firstboot", "/dev/zero"),
        ("--root-password", "file:/nonexistent"), ("--root-password", "fd:999"), ("--firstboot", "\0"),
        ("--ssh-inject", "root"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_said(context: Context, flag: str, value: str) -> None:
    with pytest.raises(GuestwrightError) as caught:
        parse_option(flag, value, context)
    said = str(caught.value.as_dict())
    assert flag in said
    assert CANARY not in said
    assert caught.value.exit_status in {2, 4}


@pytest.mark.parametrize(
    ("flag", "value"),
    [("--root-password", f"password:{CANARY}"), ("--password", f"eve:locked:password:{CANARY}")],
)
def test_a_password_as_an_argument_is_refused(context: Context, flag: str, value: str) -> None:
    with pytest.raises(PasswordOnCommandLine) as caught:
        parse_option(flag, value, context)
    assert CANARY not in str(caught.value.as_dict())


@pytest.mark.parametrize("flag", sorted(REFUSED))
def test_what_needs_a_running_guest_is_refused(flag: str) -> None:
    with pytest.raises(NeedsRunningGuest, match="never") as caught:
        parse_option(flag, "x")
    assert "--firstboot" in caught.value.advice


def test_passwords_are_hashed_and_forgotten(context: Context, tmp_path: Path) -> None:
    file = tmp_path / "pw"
    file.write_text(f"{CANARY}\nsecond line\n")
    read, write = os.pipe()
    os.write(write, f"{CANARY}\r\nrest".encode())
    selectors = (f"file:{file}", f"fd:{read}", f"locked:file:{file}")
    hashes = []
    for selector in selectors:
        (found,) = parse_option("--root-password", selector, context)
        assert isinstance(found, d.SetPassword)
        assert CANARY not in repr(found)
        assert "$6$" not in repr(found)
        hashes.append(found.hash)
    assert hashes[0] == hashes[1] == hashes[2].removeprefix("!")
    assert os.read(read, 9) == b"rest"
    os.close(read)
    os.close(write)
    stored = tmp_path / "hash"
    stored.write_text(HASH + "\n")
    assert parse_option("--root-password", f"hash-file:{stored}", context) == [
        d.SetPassword(user="root", hash=HASH, day=20000)
    ]


def test_generated_passwords_are_handed_back_once(context: Context) -> None:
    made = parse_options([("--root-password", "random"), ("--password", "eve:locked:random")], context)
    assert [one.user for one in made.generated] == ["root", "eve"]
    for one in made.generated:
        assert len(one.password.reveal()) == 20
        assert one.password.reveal() not in repr(made)


def test_password_crypto_counts_for_all(context: Context) -> None:
    parse_options([("--password-crypto", "sha512"), ("--password-crypto", "yescrypt")], context)
    assert context.scheme is Scheme.YESCRYPT


def test_order_is_kept(context: Context) -> None:
    pairs = [("--mkdir", "/b"), ("--hostname", "a"), ("--mkdir", "/a")]
    kinds = [type(one).__name__ for one in parse_options(pairs, context).directives]
    assert kinds == ["MakeDirectories", "SetHostname", "MakeDirectories"]


def test_upload_and_firstboot_read_local_files(context: Context, tmp_path: Path) -> None:
    script = tmp_path / "set up.sh"
    script.write_bytes(b"#!/bin/sh\n")
    script.chmod(0o2750)
    assert parse_option("--upload", f"{script}:/usr/x", context) == [
        d.UploadFile(
            path="/usr/x", data=b"#!/bin/sh\n", mode=0o2750, uid=os.getuid(), gid=script.stat().st_gid
        )
    ]
    assert parse_option("--firstboot", str(script), context) == [
        d.FirstBoot(script=b"#!/bin/sh\n", name="set-up-sh")
    ]


def test_copy_in(context: Context, tmp_path: Path) -> None:
    top = tmp_path / "site"
    (top / "sub").mkdir(parents=True)
    (top / "sub" / "page").write_text("hi")
    (top / "link").symlink_to("sub")
    found = parse_option("--copy-in", f"{top}/:/srv/", context)
    assert [type(one).__name__ for one in found] == [
        "MakeDirectories",
        "LinkTo",
        "MakeDirectories",
        "UploadFile",
    ]
    last = found[-1]
    assert isinstance(last, d.UploadFile)
    assert (last.path, last.data) == ("/srv/site/sub/page", b"hi")
    os.mkfifo(top / "pipe")
    with pytest.raises(HostFileUnreadable, match="not a regular file"):
        parse_option("--copy-in", f"{top}:/srv", context)


def test_copy_in_is_bounded(context: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").write_bytes(b"x" * 10)
    monkeypatch.setattr("guestwright.seal.customise.local.MAX_TOTAL", 5)
    with pytest.raises(HostFileUnreadable, match="in all"):
        parse_option("--copy-in", f"{tmp_path}/a:/srv", context)
    monkeypatch.setattr("guestwright.seal.customise.local.MAX_ENTRIES", 0)
    with pytest.raises(HostFileUnreadable, match="entries"):
        parse_option("--copy-in", f"{tmp_path}/a:/srv", context)


def test_the_newest_public_key_is_taken(context: Context, tmp_path: Path) -> None:
    (tmp_path / ".ssh").mkdir()
    for number, name in enumerate(("id_rsa.pub", "id_ed25519.pub", "id_x-cert.pub", "other.pub")):
        path = tmp_path / ".ssh" / name
        path.write_text(KEY.replace(" eve", f" {name}"))
        os.utime(path, (number, number))
    (found,) = parse_option("--ssh-inject", "root", context)
    assert isinstance(found, d.InjectSshKey)
    assert found.keys.endswith("id_ed25519.pub")
    assert parse_option("--ssh-inject", f"root:file:{tmp_path}/.ssh/id_ed25519.pub", context) == [found]


def test_commands_from_file(context: Context, tmp_path: Path) -> None:
    file = tmp_path / "commands"
    file.write_text("# first\n\nhostname web1\n  mkdir /a\r\nwrite /etc/motd:one \\\ntwo\nlock eve")
    assert parse_option("--commands-from-file", str(file), context) == [
        d.SetHostname(name="web1"),
        d.MakeDirectories(path="/a"),
        d.WriteFile(path="/etc/motd", data=b"one two"),
        d.LockAccount(user="eve"),
    ]
    assert not context.nested


@pytest.mark.parametrize(
    "line",
    [
        "nope x",
        "commands-from-file x",
        "run x",
        f"root-password password:{CANARY}",
        "hostname a_b",
        "x\n" * 10001,
    ],
)
def test_bad_commands_name_their_line(context: Context, tmp_path: Path, line: str) -> None:
    file = tmp_path / "commands"
    file.write_text(f"# comment\n{line}\n")
    with pytest.raises(BadOption) as caught:
        parse_option("--commands-from-file", str(file), context)
    said = str(caught.value.as_dict())
    assert CANARY not in said
    assert "line 2" in said or "10000 lines" in said
    assert not context.nested


def test_every_option_has_an_example_that_parses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("setup.sh", "motd", "site"):
        (tmp_path / name).write_text("x")
    (tmp_path / "id.pub").write_text(KEY)
    (tmp_path / "pw").write_text("x")
    (tmp_path / "commands").write_text("lock eve")
    context = new_context()
    for option in OPTIONS:
        example = option.example.replace("/root/pw", str(tmp_path / "pw"))
        found = parse_option(option.flag, example, context)
        assert found or option.flag == "--password-crypto"
        assert option.help[0].isupper()
        assert not option.help.endswith(".")
    assert len({option.flag for option in OPTIONS}) == len(OPTIONS)
