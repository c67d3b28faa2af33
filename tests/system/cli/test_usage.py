"""Wrong usage exits 2 and says what would be right; failures around a run are errors, not tracebacks."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.support.disks import converted, digest
from tests.support.fork_server import Server
from tests.support.images import small_original
from tests.support.program import COMMAND, environment, start
from tests.support.tools import needs

pytestmark = [pytest.mark.system, needs("mke2fs", "debugfs", "e2fsck", "qemu-img")]

SECRET = "correct-horse-battery-9"


@pytest.fixture
def image(tmp_path: Path) -> Path:
    return converted(Path(small_original().path), tmp_path / "guest.img")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "Usage:"),
        (("sael",), "No such command"),
        (("seal", "sing"), "No such command"),
        (("seal", "run"), "Missing argument"),
        (("seal", "run", "--no-such-option", "IMAGE"), "No such option"),
        (("seal", "run", "--format", "floppy", "IMAGE"), "known: raw, qcow2"),
        (("seal", "run", "--driver", "telepathy", "IMAGE"), "telepathy"),
        (("seal", "run", "--enable", "logfile", "IMAGE"), "logfiles"),
        (("seal", "run", "--disable", "machineid", "IMAGE"), "machine-id"),
        (("seal", "run", "--operations", "defaults,-mashine-id", "IMAGE"), "machine-id"),
        (("seal", "run", "--enable", "", "IMAGE"), "at least one"),
        (("seal", "run", "--enable", "logfiles", "--operations", "all", "IMAGE"), "exclude each other"),
        (("seal", "run", "--root", "disk7", "IMAGE"), "disk0"),
        (("seal", "run", "--plan", "nowhere.json", "IMAGE"), "nowhere.json"),
        (("seal", "run", "--plan", "IMAGE", "IMAGE"), "plan"),
        (("seal", "run", "--plan", "x", "--enable", "logfiles", "IMAGE"), "without a selection"),
        (("seal", "run", "--output", "a.img", "--output", "b.img", "IMAGE"), "1 images need"),
        (("seal", "run", "--output", "IMAGE", "IMAGE"), "exists already"),
        (("seal", "plan", "--save", "IMAGE", "IMAGE"), "exists already"),
        (("seal", "run", "--hostname", "a b", "IMAGE"), "a b"),
        (("seal", "run", "--hostname", "x", "--disable", "customize", "IMAGE"), "customize"),
        (("seal", "run", "--run", "x", "IMAGE"), "--firstboot"),
        (("seal", "run", "--upload", "nowhere:/x", "IMAGE"), "nowhere"),
        (("seal", "run", "--root-password", "password:abc", "IMAGE"), "command line"),
        (("seal", "run", "--remove-user-accounts", "eve", "IMAGE"), "user-account"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_wrong_usage(server: Server, image: Path, arguments: tuple[str, ...], says: str) -> None:
    before = digest(image)
    given = [str(image) if one == "IMAGE" else one for one in arguments]
    ran = server.run(*given, cwd=str(image.parent))
    assert ran.status == 2, ran
    assert says in ran.err + ran.out
    assert "Traceback" not in ran.err
    assert os.listdir(image.parent) == [image.name]
    assert digest(image) == before


def test_the_same_image_twice(server: Server, image: Path) -> None:
    ran = server.run("seal", "run", str(image), str(image))
    assert ran.status in {1, 2}
    assert str(image) in ran.err


def test_errors_as_json(server: Server, image: Path) -> None:
    ran = server.run("seal", "run", "--json", "--enable", "logfile", str(image))
    assert ran.status == 2
    assert ran.json["error"]["code"] == "unknown-operation"
    assert "logfiles" in ran.json["error"]["hint"]


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (("plan", "--save", "missing/plan.json", "IMAGE"), 1),
        (("run", "--output", "missing/copy.img", "IMAGE"), 1),
        (("run", "--manifest", "missing/manifest.json", "IMAGE"), 1),
        (("run", "--manifest", "IMAGE", "IMAGE"), 2),
    ],
    ids=lambda value: value[1] if isinstance(value, tuple) else "",
)
def test_no_place_for_the_result(
    server: Server, image: Path, arguments: tuple[str, ...], status: int
) -> None:
    """Found out before the image is touched."""
    before = digest(image)
    given = [str(image) if one == "IMAGE" else one for one in arguments]
    ran = server.run("seal", *given, cwd=str(image.parent))
    assert ran.status == status, ran
    assert ran.err.startswith("guestwright: "), ran.err
    assert "missing" in ran.err or "exists already" in ran.err
    assert digest(image) == before
    assert os.listdir(image.parent) == [image.name]


@pytest.mark.parametrize("command", ["plan", "run", "verify"])
@pytest.mark.parametrize("form", ["--json", "--allow-snapshots"], ids=["json", "text"])
def test_output_to_a_full_disk(image: Path, command: str, form: str) -> None:
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [*COMMAND, "seal", command, form, str(image)],
            stdout=full,
            stderr=subprocess.PIPE,
            env=environment(),
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr.startswith(b"guestwright: the host refused something: No space left on device")


def test_closed_streams(image: Path) -> None:
    done = subprocess.run(
        ["sh", "-c", '"$@" <&- >&- 2>&-', "sh", *COMMAND, "seal", "run", str(image)],
        env=environment(),
        check=False,
    )
    assert done.returncode == 0


def test_enabled_operations_alone_run(server: Server, image: Path) -> None:
    ran = server.run("seal", "run", "--json", "--enable", "logfiles,machine-id", str(image))
    assert sorted(one["name"] for one in ran.json["operations"] if one["status"] != "disabled") == [
        "logfiles",
        "machine-id",
    ]


def test_output_to_a_reader_that_went_away(server: Server, image: Path) -> None:
    """`guestwright seal plan ... | head -1` ends in silence."""
    process = start(["seal", "plan", "--verbose", str(image)])
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(30) == 141


def test_a_password_shows_nowhere(server: Server, image: Path, tmp_path: Path) -> None:
    """Neither in output, plan, manifest nor image; its hash is in the plan, which only its owner reads."""
    source, plan, work = tmp_path / "pw", tmp_path / "plan.json", tmp_path / "work"
    source.write_text(SECRET + "\n")
    work.mkdir()
    option = ["--root-password", f"file:{source}"]
    planned = server.run("seal", "plan", "--verbose", *option, "--save", str(plan), str(image))
    assert planned.status == 0, planned.err
    assert plan.stat().st_mode & 0o777 == 0o600
    saved = json.loads(plan.read_text())
    hashes = [one["hash"] for one in saved["request"]["directives"]]
    assert len(hashes) == 1
    assert hashes[0].startswith("$")
    copies = [converted(image, work / name) for name in ("one.img", "two.img")]
    for copy, more in zip(copies, (["--verbose"], ["--json"]), strict=True):
        ran = server.run("seal", "run", *more, *option, str(copy))
        assert ran.status == 0, ran.err
        manifest = Path(f"{copy}.guestwright-manifest.json").read_text()
        for text in (ran.out, ran.err, manifest, planned.out, planned.err):
            assert SECRET not in text
            assert "$6$" not in text
            assert "$y$" not in text
    for path in (plan, *copies):
        assert SECRET.encode() not in path.read_bytes()
    assert hashes[0] not in planned.out
    ran = server.run("seal", "run", "--plan", str(plan), str(image))
    assert ran.status == 0, ran.err
    assert hashes[0].encode() in image.read_bytes()


def test_a_password_is_in_no_command_line(image: Path, tmp_path: Path) -> None:
    """Watch /proc while the program and its children run."""
    source = tmp_path / "pw"
    source.write_text(SECRET + "\n")
    process = start(["seal", "run", "--root-password", f"file:{source}", str(image)])
    seen: set[bytes] = set()
    while process.poll() is None:
        for pid in os.listdir("/proc"):
            if pid.isdecimal():
                try:
                    seen.add(Path(f"/proc/{pid}/cmdline").read_bytes())
                except OSError:
                    continue
    process.communicate()
    assert process.returncode == 0
    assert any(b"seal" in one for one in seen)
    assert not any(SECRET.encode() in one for one in seen)
