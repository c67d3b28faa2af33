"""`seal run --agent`: the agent is in the image as it was built, enabled; e2fsck and debugfs judge."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from guestwright.agent.package import contents, pyz
from tests.support.program import guestwright
from tests.support.tools import needs
from tests.system.conftest import MakeImage

pytestmark = [pytest.mark.system, needs("e2fsck", "mke2fs", "debugfs")]

UNIT = "/etc/systemd/system/guestwright-agent.service"
WANTS = "/etc/systemd/system/multi-user.target.wants/guestwright-agent.service"
PYTHON = ("--write", "/usr/bin/python3.11:", "--link", "python3.11:/usr/bin/python3")


def ask(image: Path, question: str) -> bytes:
    return subprocess.run(["debugfs", "-R", question, image], capture_output=True, check=True).stdout


@pytest.fixture
def image(make_image: MakeImage) -> Path:
    """An image with a Python, as far as names go."""
    made = make_image()
    done = guestwright("seal", "run", "--no-manifest", "--mkdir", "/usr/bin", *PYTHON, str(made))
    assert done.status == 0, done.err
    return made


def test_it_is_there_and_enabled(image: Path) -> None:
    done = guestwright("seal", "run", "--agent", "--no-manifest", str(image))
    assert done.status == 0, done.err
    assert ask(image, f"cat {contents.program()}") == pyz.build()
    assert ask(image, f"cat {UNIT}") == contents.filled(contents.unit())
    assert ask(image, f"cat {contents.CONFIG}") == contents.config()
    assert f'Fast link dest: "{UNIT}"'.encode() in ask(image, f"stat {WANTS}")
    assert subprocess.run(["e2fsck", "-fn", image], capture_output=True, check=False).returncode == 0
    assert guestwright("seal", "verify", str(image)).status == 0


def test_a_second_time_changes_nothing(image: Path) -> None:
    for _ in range(2):
        done = guestwright("seal", "run", "--agent", "--json", "--no-manifest", str(image))
        assert done.status == 0, done.err
    changed = [one["name"] for one in done.json["operations"] if one["status"] == "changed"]
    assert "customize" not in changed


def test_a_saved_plan_holds_it(image: Path, tmp_path: Path) -> None:
    plan = tmp_path / "plan.json"
    assert guestwright("seal", "plan", "--agent", "--save", str(plan), str(image)).status == 0
    assert {"kind": "agent"}.items() <= json.loads(plan.read_text())["request"]["directives"][0].items()
    done = guestwright("seal", "run", "--plan", str(plan), "--no-manifest", str(image))
    assert done.status == 0, done.err
    assert ask(image, f"cat {contents.program()}") == pyz.build()


def test_a_guest_without_python_is_refused_untouched(make_image: MakeImage) -> None:
    image = make_image()
    before = image.read_bytes()
    done = guestwright("seal", "run", "--agent", str(image))
    assert done.status == 4
    assert "the guest has no /usr/bin/python3" in done.err
    assert image.read_bytes() == before


def test_it_may_come_with_its_configuration(image: Path, tmp_path: Path) -> None:
    config = tmp_path / "agent.toml"
    config.write_text("[features]\nexec = true\n")
    upload = f"{config}:{contents.CONFIG}"
    done = guestwright("seal", "run", "--upload", upload, "--agent", "--no-manifest", str(image))
    assert done.status == 0, done.err
    assert ask(image, f"cat {contents.CONFIG}") == config.read_bytes()
