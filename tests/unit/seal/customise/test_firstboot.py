"""First-boot scripts: layout, services, and the runner under a real shell."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from guestwright.guestfs.drivers.memory import Content
from guestwright.seal.changes import Note
from guestwright.seal.customise import directives as d
from guestwright.seal.customise import firstboot_files
from guestwright.seal.customise.errors import BadValue, CustomiseUnsupported
from tests.unit.seal.customise.stepwise import customise, guest_of, text

BIN = "/usr/lib/guestwright/firstboot/bin"
NAME = "guestwright-firstboot"
RC: dict[str, Content] = {f"/etc/rc{n}.d/": None for n in (2, 3, 4, 5)}


@pytest.mark.parametrize(
    ("system", "files", "service", "links"),
    [
        ("debian12", {}, f"/etc/systemd/system/{NAME}.service",
         [f"/etc/systemd/system/multi-user.target.wants/{NAME}.service"]),
        ("alpine", {}, f"/etc/init.d/{NAME}", [f"/etc/runlevels/default/{NAME}"]),
        ("sles11", {"/etc/init.d/rc3.d/": None}, f"/etc/init.d/{NAME}", [f"/etc/init.d/rc3.d/S99{NAME}"]),
        ("sles11", RC, f"/etc/init.d/{NAME}", [f"/etc/rc{n}.d/S99{NAME}" for n in (2, 3, 4, 5)]),
        ("centos6", {"/etc/rc.d/rc5.d/": None, **RC}, f"/etc/init.d/{NAME}", [f"/etc/rc.d/rc5.d/S99{NAME}"]),
    ],
)  # fmt: skip
def test_service(system: str, files: dict[str, Content], service: str, links: list[str]) -> None:
    guest = guest_of(system, files)
    customise(
        guest, d.FirstBoot(script=b"#!/bin/sh\necho hi\n", name="setup"), d.FirstBootCommand(command="true")
    )
    assert text(guest, f"{BIN}/scripts/0001-setup") == "#!/bin/sh\necho hi\n"
    assert text(guest, f"{BIN}/scripts/0002-command") == "#!/bin/sh\ntrue\n"
    assert guest.fs.stat(f"{BIN}/scripts/0001-setup").mode == 0o700
    assert guest.fs.stat(f"{BIN}/run").mode == 0o755
    assert BIN in text(guest, service)
    for link in links:
        assert guest.fs.readlink(link) == service
        assert link in text(guest, f"{BIN}/run")


def test_a_waiting_script_is_not_added_again_and_others_come_after_it() -> None:
    first = d.FirstBoot(script=b"one", name="a")
    guest = guest_of("rocky9", {f"{BIN}/scripts/0007-a": "one", f"{BIN}/scripts/junk": ""})
    customise(guest, first, d.FirstBoot(script=b"two", name="a"))
    names = [entry.path.rsplit("/", 1)[1] for entry in guest.fs.listdir(f"{BIN}/scripts")]
    assert names == ["0007-a", "0008-a", "junk"]


def test_ostree_guests_get_it_below_var() -> None:
    guest = guest_of("rocky9", {"/ostree/": None})
    customise(guest, d.FirstBootCommand(command="true"))
    assert guest.fs.stat("/var/lib/guestwright/firstboot/bin/run").mode == 0o755


@pytest.mark.parametrize("system", ["void", "freebsd", "sles11"])
def test_unsupported(system: str) -> None:
    with pytest.raises(CustomiseUnsupported):
        customise(guest_of(system, {}), d.FirstBootCommand(command="true"))


def test_too_many_scripts() -> None:
    guest = guest_of("rocky9", {f"{BIN}/scripts/9999-a": ""})
    with pytest.raises(CustomiseUnsupported):
        customise(guest, d.FirstBootCommand(command="true"))


def test_insserv_is_remarked() -> None:
    guest = guest_of("sles11", {**RC, "/etc/init.d/.depend.start": ""})
    assert any(isinstance(one, Note) for one in customise(guest, d.FirstBootCommand(command="true")))


@pytest.mark.parametrize("command", ["", " \n", "a\0b"])
def test_bad_commands(command: str) -> None:
    with pytest.raises(BadValue):
        d.FirstBootCommand(command=command)


def test_the_runner_runs_each_script_once_in_order(tmp_path: Path) -> None:
    top, link = tmp_path / "bin", tmp_path / "enabled"
    (top / "scripts").mkdir(parents=True)
    link.symlink_to("service")
    runner = firstboot_files.runner(str(tmp_path), (str(link),)).decode()
    log = tmp_path / "log"
    (top / "run").write_text(runner.replace(firstboot_files.LOG, str(log)))
    for number, code in ((1, 0), (2, 3), (3, 0)):
        script = top / "scripts" / f"000{number}-x y"
        script.write_text(
            f"#!/bin/sh\ntest -e '{script}' && echo still-there\necho did-{number}\nexit {code}\n"
        )
        script.chmod(0o700)
    for _ in range(2):
        subprocess.run(["/bin/sh", str(top / "run")], check=True, timeout=30)
    said = log.read_text()
    assert [line for line in said.splitlines() if line.startswith(("did", "still"))] == [
        "did-1",
        "did-2",
        "did-3",
    ]
    assert "0002-x y: exit status 3" in said
    assert not link.is_symlink()
    assert list((top / "scripts").iterdir()) == list((top / "done").iterdir()) == []
