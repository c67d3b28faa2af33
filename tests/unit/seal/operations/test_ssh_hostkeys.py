"""The unit that makes new SSH host keys."""

from __future__ import annotations

from guestwright.guestfs.drivers.memory import File
from guestwright.seal.operations.ssh_hostkeys import LINE, OPERATION, UNIT
from tests.support.apply_changes import apply_changes
from tests.support.sealing import make_guest

SSHD = {"/usr/sbin/sshd": "", "/usr/bin/ssh-keygen": ""}


def test_unit_runs_early_enough_for_a_socket_and_closes_no_cycle() -> None:
    lines = UNIT.text.splitlines()
    assert "DefaultDependencies=no" in lines
    assert "After=sysinit.target" in lines
    before = next(line for line in lines if line.startswith("Before="))
    assert before == "Before=ssh.service ssh.socket sshd.service sshd.socket shutdown.target"
    assert "ExecStart=/usr/bin/ssh-keygen -A" in lines


def test_unit_is_installed_and_enabled() -> None:
    guest = make_guest(SSHD)
    apply_changes(guest.fs, OPERATION.plan(guest, {}))
    assert guest.fs.read(UNIT.path) == UNIT.text.encode()
    assert guest.fs.stat(UNIT.path).mode == 0o644
    for link in UNIT.links:
        assert guest.fs.readlink(link) == UNIT.path


def test_an_older_unit_is_replaced() -> None:
    guest = make_guest({**SSHD, UNIT.path: "[Unit]\n"})
    apply_changes(guest.fs, OPERATION.plan(guest, {}))
    assert guest.fs.read(UNIT.path) == UNIT.text.encode()


def test_debian_13s_own_unit_counts_only_when_it_is_enabled() -> None:
    unit = {"/usr/lib/systemd/system/sshd-keygen.service": ""}
    enabled = {"/etc/systemd/system/ssh.service.wants/sshd-keygen.service": ""}
    assert list(OPERATION.plan(make_guest({**SSHD, **unit}), {}))
    assert list(OPERATION.plan(make_guest({**SSHD, **unit, **enabled}), {})) == []


def test_sysvinit_line_keeps_the_file_as_it_was() -> None:
    guest = make_guest({**SSHD, "/etc/default/ssh": File("A=1\nB=\xe9", mode=0o640)}, system="devuan")
    apply_changes(guest.fs, OPERATION.plan(guest, {}))
    assert guest.fs.read("/etc/default/ssh").decode() == f"A=1\nB=\xe9\n{LINE}\n"
    assert guest.fs.stat("/etc/default/ssh").mode == 0o640
    assert list(OPERATION.plan(guest, {})) == []
