"""`guestwright payload`: media are written whole or not at all, read by others' tools, and scrubbed."""

from __future__ import annotations

import grp
import json
import os
import pwd
import stat
import subprocess
from pathlib import Path

import pytest

from tests.support.program import COMMAND, Done, environment, guestwright
from tests.support.tools import needs

pytestmark = pytest.mark.system
CANARY = "h0rseStaple!"
USER_DATA = f"#cloud-config\nhostname: web1\npassword: {CANARY}\nruncmd: [[sh, -c, {CANARY}]]\n"
ANSWERS = (
    f"computer_name: WEB1\nlocale: de-DE\nadministrator_password: {CANARY}\nfirst_logon_commands: [cmd]\n"
)
META = '{"uuid": "u-1", "hostname": "web1", "admin_pass": "' + CANARY + '"}'
IGNITION = (
    '{"ignition": {"version": "3.4.0"}, "passwd": {"users": [{"name": "core", "passwordHash": "'
    + CANARY
    + '"}]}}'
)


def run(*args: object) -> Done:
    return guestwright("payload", *(str(one) for one in args))


def piped(data: bytes, *args: object) -> subprocess.CompletedProcess[bytes]:
    command = [*COMMAND, "payload", *(str(one) for one in args)]
    return subprocess.run(
        command, input=data, capture_output=True, env=environment(), check=False, timeout=60
    )


@pytest.fixture
def inputs(tmp_path: Path) -> Path:
    drive = tmp_path / "drive/openstack/latest"
    drive.mkdir(parents=True)
    (drive / "meta_data.json").write_text(META)
    (drive / "user_data").write_text(USER_DATA)
    (tmp_path / "ud").write_text(USER_DATA)
    (tmp_path / "answers.yaml").write_text(ANSWERS)
    (tmp_path / "a.ign").write_text(IGNITION)
    (tmp_path / "secret").write_text(CANARY)
    return tmp_path


KINDS = {
    "user-data": (["--user-data", "ud", "--instance-id", "i-1", "--hostname", "web1"], "cidata"),
    "answers": (["--answers", "answers.yaml"], "UNATTEND"),
    "config-drive": (["--config-drive", "drive"], "config-2"),
    "ignition": (["--ignition", "a.ign"], "config-2"),
    "file": (["--file", "dir/\u00fcber.txt=secret"], "PAYLOAD"),
}


def options(kind: str, inputs: Path) -> list[str]:
    made = []
    for word in KINDS[kind][0]:
        name, found, path = word.partition("=")
        if found:
            made.append(f"{name}={inputs / path}")
        else:
            made.append(str(inputs / word) if (inputs / word).exists() else word)
    return made


@pytest.mark.parametrize(
    ("kind", "media"),
    [*((kind, "cdrom") for kind in KINDS), ("user-data", "floppy"), ("file", "disk")],
)
def test_a_medium_is_built_inspected_extracted_and_scrubbed(kind: str, media: str, inputs: Path) -> None:
    image, again, twin, out = (inputs / name for name in ("a.img", "b.img", "twin.img", "out"))
    for one in (image, again):
        done = run("build", *options(kind, inputs), "--media", media, "--output", one, "--json")
        assert done.status == 0, done.out + done.err
        assert CANARY not in done.out + done.err
        assert done.json["size"] == one.stat().st_size
    assert stat.S_IMODE(image.stat().st_mode) == 0o600
    assert image.read_bytes() == again.read_bytes()
    shown = run("inspect", image, "--json").json
    assert shown["label"].lower() == KINDS[kind][1].lower()
    form = {"user-data": "nocloud", "answers": "unattend", "config-drive": "configdrive", "file": "files"}
    assert shown["form"] == form.get(kind, kind)
    assert run("inspect", image).status == 0
    assert run("extract", image, "--output", out).status == 0
    found = {str(one.relative_to(out)): one.read_bytes() for one in out.rglob("*") if one.is_file()}
    assert sorted("/" + name for name in found) == sorted(
        one["path"] for one in shown["files"] if one["kind"] == "file"
    )
    if kind != "answers":
        assert any(CANARY.encode() in data for data in found.values())
    done = run("scrub", image, "--output", twin)
    assert done.status == 0, done.err
    assert CANARY.encode() not in twin.read_bytes()
    assert run("inspect", twin, "--json").json["label"] == shown["label"]
    assert run("scrub", twin, "--output", "-").status == 0


@needs("isoinfo")
def test_isoinfo_reads_it_from_a_pipe(inputs: Path) -> None:
    done = piped(USER_DATA.encode(), "build", "--user-data", "-", "--instance-id", "i-1", "--output", "-")
    assert done.returncode == 0, done.stderr
    image = inputs / "piped.iso"
    image.write_bytes(done.stdout)
    said = subprocess.run(["isoinfo", "-i", image, "-d"], capture_output=True, text=True, check=True).stdout
    assert "Volume id: cidata" in said
    for flag, name in (("-R", "/user-data"), ("-J", "/user-data;1")):
        command = ["isoinfo", "-i", str(image), flag, "-x", name]
        assert subprocess.run(command, capture_output=True, check=True).stdout == USER_DATA.encode()


def test_one_file_goes_to_standard_output(inputs: Path) -> None:
    run("build", *options("user-data", inputs), "--output", inputs / "a.iso")
    assert run("extract", inputs / "a.iso", "--file", "/user-data", "--output", "-").out == USER_DATA
    assert run("extract", inputs / "a.iso", "--file", "/nope", "--output", "-").status != 0


@pytest.mark.parametrize("media", ["cdrom", "floppy"])
def test_source_date_epoch_changes_the_time(media: str, inputs: Path) -> None:
    made = []
    for when in ("1000000000", "1700000000"):
        image = inputs / when
        args = ["payload", "build", *options("file", inputs), "--media", media, "--output", str(image)]
        assert guestwright(*args, env={"SOURCE_DATE_EPOCH": when}).status == 0
        made.append(image.read_bytes())
    assert made[0] != made[1]


BAD = {
    "nothing": [],
    "two": ["--user-data", "ud", "--ignition", "a.ign"],
    "no-id": ["--user-data", "ud"],
    "stray": ["--ignition", "a.ign", "--hostname", "x"],
    "both-metas": ["--user-data", "ud", "--meta-data", "ud", "--hostname", "x"],
    "no-file": ["--unattend", "missing.xml"],
    "folder": ["--unattend", "drive"],
    "not-xml": ["--unattend", "ud"],
    "not-json": ["--ignition", "ud"],
    "not-a-drive": ["--config-drive", "."],
    "no-drive": ["--config-drive", "missing"],
    "no-name": ["--file", "secret"],
    "traversal": ["--file", "../x=secret"],
    "absolute": ["--file", "/x=secret"],
    "reserved": ["--file", "NUL=secret"],
    "twice": ["--file", "a=secret", "--file", "A=ud"],
    "large": ["--file", "a=secret", "--limit", "5"],
    "base64": ["--file", "a=secret", "--base64"],
    "base64-alone": ["--ignition", "a.ign", "--base64"],
    "label": ["--file", "a=secret", "--volume-id", "a b"],
    "label-of-cidata": ["--user-data", "ud", "--instance-id", "a", "--volume-id", "other"],
    "stdin-twice": ["--user-data", "-", "--meta-data", "-"],
    "ovirt-large": ["--file", "a=page", "--policy", "ovirt"],
    "ovirt-alone": ["--ignition", "a.ign", "--policy", "ovirt"],
    "fw-cfg": ["--file", "a=secret", "--media", "fw_cfg"],
    "owner": ["--file", "a=secret", "--owner", "no-such-user"],
    "owner-group": ["--file", "a=secret", "--owner", "root:no-such-group"],
    "owner-number": ["--file", "a=secret", "--owner", "0:99999999999"],
    "owner-empty": ["--file", "a=secret", "--owner", ":"],
    "floppy-label": ["--file", "a=secret", "--volume-id", "much-too-long-for-fat", "--media", "floppy"],
    "floppy-full": ["--file", "a=big", "--media", "floppy"],
}


@pytest.mark.parametrize("args", BAD.values(), ids=BAD)
def test_bad_input_writes_nothing(args: list[str], inputs: Path) -> None:
    (inputs / "big").write_bytes(bytes(1_500_000))
    (inputs / "page").write_bytes(bytes(8193))
    (inputs / "out").mkdir()
    before = sorted(os.listdir(inputs))
    made = [f"{a}={inputs / b}" if "=" in one else one for one in args for a, _, b in [one.partition("=")]]
    made = [
        str(inputs / one) if (inputs / one).exists() or one.startswith("missing") else one for one in made
    ]
    done = run("build", *made, "--output", inputs / "out/a.iso")
    assert done.status in {1, 2}
    assert "Traceback" not in done.err
    assert CANARY not in done.err + done.out
    assert done.err.startswith(("guestwright: ", "Usage: "))
    assert not os.listdir(inputs / "out")
    assert sorted(os.listdir(inputs)) == before


def test_an_error_names_file_line_and_column(inputs: Path) -> None:
    (inputs / "bad").write_text("#cloud-config\nusers:\n  - nme: x\nruncmd: x\n")
    args = ["--user-data", inputs / "bad", "--instance-id", "i"]
    done = run("build", *args, "--output", inputs / "out")
    assert done.status == 2
    assert f"{inputs / 'bad'}:3:5: " in done.err
    done = run("validate", *args)
    assert done.status == 2
    assert f"{inputs / 'bad'}:3:5: " in done.err
    assert f"{inputs / 'bad'}:4:9: " in done.err
    body = run("validate", *args, "--json").json
    assert body["valid"] is False
    assert [(one["line"], one["column"]) for one in body["problems"]] == [(3, 5), (4, 9)]


def test_good_input_is_valid_with_warnings(inputs: Path) -> None:
    done = run("validate", *options("user-data", inputs))
    assert done.status == 0
    assert "ud:3:11: password: a password in plain text" in done.err
    assert run("validate", *options("user-data", inputs), "--json").json["valid"] is True


def test_what_is_there_is_replaced_only_when_asked(inputs: Path) -> None:
    out = inputs / "out"
    out.write_text("mine")
    args = [*options("file", inputs), "--output", out]
    assert run("build", *args).status != 0
    assert out.read_text() == "mine"
    assert run("build", *args, "--replace").status == 0
    assert out.stat().st_size > 10_000


@pytest.mark.parametrize("data", [b"", b"\x55\xaa" * 50_000], ids=["empty", "boot"])
@pytest.mark.parametrize("verb", ["inspect", "extract", "scrub"])
def test_what_is_no_medium_is_refused(verb: str, data: bytes, inputs: Path) -> None:
    (inputs / "image").write_bytes(data)
    done = run(verb, inputs / "image", *([] if verb == "inspect" else ["--output", inputs / "out"]))
    assert done.status == 1
    assert not (inputs / "out").exists()


def test_extracting_needs_a_new_folder(inputs: Path) -> None:
    run("build", *options("file", inputs), "--output", inputs / "a.iso")
    assert run("extract", inputs / "a.iso", "--output", inputs / "drive").status == 1
    assert json.loads(run("extract", inputs / "a.iso", "--output", inputs / "n", "--json").out)["files"]


@pytest.mark.parametrize(("size", "more"), [(8192, []), (16_384, ["--limit", "16384"])])
def test_the_policy_of_ovirt(size: int, more: list[str], inputs: Path) -> None:
    (inputs / "page").write_bytes(b"p" * size)
    args = ["--file", f"\u00fcber/a.txt={inputs / 'page'}", "--policy", "ovirt", *more]
    assert run("build", *args, "--output", inputs / "a.iso").status == 0
    done = run("validate", *args[:-1], size - 1) if more else run("validate", *args, "--limit", size - 1)
    assert done.status == 2
    assert "allowed for one file" in done.err


def owners() -> list[tuple[str, int, int]]:
    me = pwd.getpwuid(os.getuid())
    group = grp.getgrgid(me.pw_gid).gr_name
    mine = [me.pw_name, f"{me.pw_name}:{group}", str(me.pw_uid), f"{me.pw_uid}:{me.pw_gid}"]
    found = [(text, me.pw_uid, me.pw_gid) for text in mine]
    return [*found, ("107:108", 107, 108)] if me.pw_uid == 0 else found


@pytest.mark.parametrize(("owner", "uid", "gid"), owners())
def test_an_image_gets_its_owner(owner: str, uid: int, gid: int, inputs: Path) -> None:
    for verb, args in (("build", options("file", inputs)), ("scrub", [str(inputs / "build")])):
        assert run(verb, *args, "--owner", owner, "--output", inputs / verb).status == 0
        about = (inputs / verb).stat()
        assert (about.st_uid, about.st_gid, stat.S_IMODE(about.st_mode)) == (uid, gid, 0o600)
    assert run("build", *options("file", inputs), "--owner", owner, "--output", "-").status == 2


def test_media_are_destroyed(inputs: Path) -> None:
    image, other, left = inputs / "a.iso", inputs / "b.iso", inputs / f".guestwright-{'0' * 16}.part"
    for one in (image, left):
        assert run("build", *options("file", inputs), "--output", one).status == 0
    second = inputs / "second name"
    second.hardlink_to(image)
    done = run("destroy", image, other, "--leftovers", inputs)
    assert done.status == 0, done.err
    assert done.out.splitlines() == [
        f"{image}: destroyed",
        f"{other}: was not there",
        f"{inputs}: 1 leftovers destroyed",
    ]
    assert not image.exists()
    assert not left.exists()
    assert CANARY.encode() not in second.read_bytes(), "it was overwritten, not only removed"
    body = run("destroy", "--json", image).json
    assert body["images"] == [{"path": str(image), "destroyed": False}]


def test_only_a_file_is_destroyed(inputs: Path) -> None:
    (inputs / "link").symlink_to(inputs / "secret")
    for name in ("link", "drive"):
        assert run("destroy", inputs / name).status == 1
    assert (inputs / "secret").read_text() == CANARY
    assert run("destroy").status == 2


def test_ignition_for_fw_cfg_is_the_checked_file(inputs: Path) -> None:
    args = ["--ignition", inputs / "a.ign", "--media", "fw_cfg"]
    done = run("build", *args, "--output", inputs / "out")
    assert done.status == 0, done.err
    assert (inputs / "out").read_text() == IGNITION
    assert stat.S_IMODE((inputs / "out").stat().st_mode) == 0o600
    assert run("build", *args, "--output", "-").out == IGNITION
