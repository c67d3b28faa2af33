"""systemd's own verdict on the units that sealing installs."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from guestwright.base.record import replace
from guestwright.seal.operations.ssh_hostkeys import UNIT
from guestwright.seal.units import Unit
from tests.support.tools import needs

SOCKET = """[Unit]
Wants=guestwright-ssh-hostkeys.service
Before=sockets.target
[Socket]
ListenStream=22
"""


def verify(directory: Path, unit: Unit) -> str:
    """What `systemd-analyze verify` says of a guest with a socket-activated ssh and the unit."""
    files = {
        f"{unit.name}.service": unit.text,
        "ssh.socket": SOCKET,
        "ssh.service": "[Service]\nExecStart=/bin/true\n",
    }
    for name, text in files.items():
        (directory / name).write_text(text)
    for target, name in (("sockets", "ssh.socket"), ("multi-user", f"{unit.name}.service")):
        wants = directory / f"{target}.target.wants"
        wants.mkdir()
        (wants / name).symlink_to(directory / name)
    done = subprocess.run(
        [
            "systemd-analyze",
            "verify",
            "--man=no",
            "multi-user.target",
            str(directory / f"{unit.name}.service"),
        ],
        env={"SYSTEMD_UNIT_PATH": f"{directory}:", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return f"{done.stdout}{done.stderr}"


@pytest.mark.system
@needs("systemd-analyze", "ssh-keygen")
def test_host_key_unit_closes_no_ordering_cycle(tmp_path: Path) -> None:
    said = verify(tmp_path, UNIT)
    assert "cycle" not in said
    assert UNIT.name not in said


@pytest.mark.system
@needs("systemd-analyze", "ssh-keygen")
def test_the_verdict_would_notice_a_cycle(tmp_path: Path) -> None:
    assert "ordering cycle" in verify(tmp_path, replace(UNIT, early=False))
