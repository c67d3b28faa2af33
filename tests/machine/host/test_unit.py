"""The systemd unit of the host service, under a real systemd."""

from __future__ import annotations

import signal
import subprocess
from functools import partial
from pathlib import Path

import pytest

from tests.support.systemd_here import Machine, needs_systemd, systemd
from tests.support.tools import needs

pytestmark = [pytest.mark.machine, pytest.mark.timeout(600)]
UNIT = Path(__file__).parents[3] / "packaging" / "guestwright-host.service"
NAME = "guestwright-host"
# As packaged, but the watchdog does not wait for two minutes.
_SOONER = "[Service]\nWatchdogSec=8\nTimeoutAbortSec=8\n"
_SETTINGS = '[hypervisor]\nuri = "fake:///"\n'


@needs("systemd-analyze")
def test_systemd_finds_nothing_wrong_with_it(tmp_path: Path) -> None:
    text = UNIT.read_text().replace("/usr/bin/guestwright host serve", "/bin/true")
    (tmp_path / UNIT.name).write_text(text)
    argv = ["systemd-analyze", "verify", "--man=no", str(tmp_path / UNIT.name)]
    done = subprocess.run(argv, check=False, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


def _another(machine: Machine, before: str) -> bool:
    """Whether another process than that is ready."""
    pid, state = machine.show(NAME, "MainPID"), machine.show(NAME, "SubState")
    return state == "running" and pid not in ("0", before)


@needs_systemd
def test_it_is_ready_watched_restarted_and_stopped() -> None:
    files = {"etc/guestwright/host.toml": _SETTINGS, f"opt/units/{NAME}.service.d/sooner.conf": _SOONER}
    with systemd([UNIT], files) as machine:
        machine.run("systemctl", "start", NAME)  # returns when it has said READY=1
        assert machine.show(NAME, "ActiveState") == "active"
        assert machine.show(NAME, "StatusText") == "0 domains"
        about = machine.run("guestwright", "host", "about", "--json")
        assert '"uri": "fake:///"' in about
        modes = machine.run("stat", "-c", "%a", "/var/lib/guestwright", "/run/guestwright")
        assert modes.split() == ["700", "755"]

        for how in (signal.SIGKILL, signal.SIGSTOP):  # the second is the watchdog's affair
            pid = machine.show(NAME, "MainPID")
            machine.run("kill", f"-{int(how)}", pid)
            machine.until(partial(_another, machine, pid))

        machine.run("systemctl", "stop", NAME)
        assert machine.show(NAME, "ActiveState") == "inactive"
        assert (machine.show(NAME, "Result"), machine.show(NAME, "ExecMainStatus")) == ("success", "0")
        machine.run("test", "-e", "/run/guestwright/xenstore/state")  # what guests have said outlives it
