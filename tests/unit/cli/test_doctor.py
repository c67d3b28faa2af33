"""What `doctor` says, and completion for shells."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from guestwright.cli.doctor import checks
from guestwright.cli.doctor.checks import Finding, look
from guestwright.cli.doctor.command import doctor
from tests.support.program import COMMAND, environment, guestwright
from tests.support.tools import needs


def test_each_finding_tells_what_for_and_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "_module", lambda _: None)
    monkeypatch.setattr(checks, "_loaded", lambda _: None)
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr(checks, "_TOOL_PATH", "/nowhere")
    found = look()
    assert len({one.name for one in found}) == len(found)
    missing = [one for one in found if not one.found]
    assert {"e2fsck", "qemu-img", "libext2fs", "libguestfs", "guestwright[client]"} <= {
        one.name for one in missing
    }
    assert all(one.purpose for one in found)
    assert all(one.remedy for one in missing)
    assert not any(one.remedy for one in found if one.found)


@pytest.mark.parametrize(("needed", "status"), [(True, 1), (False, 0)])
def test_only_what_is_needed_makes_it_fail(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], needed: bool, status: int
) -> None:
    one = Finding(name="tool", found=False, needed=needed, purpose="x", remedy="apt install tool")
    monkeypatch.setattr(checks, "look", lambda: (one,))
    assert doctor.main([], standalone_mode=False) == status
    assert "apt install tool" in capsys.readouterr().out


def test_json_of_this_machine() -> None:
    done = guestwright("doctor", "--json")
    assert done.json["ok"] == (done.status == 0)
    assert {"name", "found", "needed", "purpose", "detail", "remedy"} == set(done.json["checks"][0])


def test_tools_of_root_are_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    tool = tmp_path / "sometool"
    tool.write_text("#!/bin/sh\n")
    tool.chmod(0o755)
    monkeypatch.setattr(checks, "_TOOL_PATH", str(tmp_path))
    assert checks.which("sometool") == str(tool)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_scripts_for_shells(shell: str) -> None:
    done = guestwright("completion", shell)
    assert done.status == 0
    assert "_GUESTWRIGHT_COMPLETE" in done.out
    assert guestwright("completion", shell, "--json").json["script"] == done.out.strip()


@needs("bash")
def test_the_script_is_bash() -> None:
    script = guestwright("completion", "bash").out
    bash = shutil.which("bash")
    assert bash is not None
    done = subprocess.run([bash, "-n"], input=script, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


def test_words_are_completed() -> None:
    asked = {"_GUESTWRIGHT_COMPLETE": "bash_complete", "COMP_WORDS": "guestwright vm st", "COMP_CWORD": "2"}
    done = subprocess.run(COMMAND, env=environment(asked), capture_output=True, text=True, check=False)
    assert {line.partition(",")[2] for line in done.stdout.split()} == {"start", "stop"}
    assert json.dumps(done.stderr) == '""'
