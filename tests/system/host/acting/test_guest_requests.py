"""Exec, files, clipboard and settings from the host's side, with our real agent in the guest."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from guestwright.exec_channel.errors import FailedInGuest, FeatureNotOffered, NoAnswer, RefusedByGuest
from guestwright.host.acting import calls as calls_module
from guestwright.host.acting.calls import Bounds, GuestCalls, Program, Running
from guestwright.host.acting.clipboard import GuestClipboard
from guestwright.host.acting.errors import BadGuestRequest, CallEnded
from guestwright.host.acting.settings import AddressWish, GuestSettings, PowerWish
from tests.support.acting_host import DOMID, ActingHost, acting_host
from tests.support.agent_process import HOME, PATIENCE, ROOT, eventually, made
from tests.support.program import running as program

pytestmark = pytest.mark.system
CANARY = "CANARY-exec-3d9e0b77a1c5"
ALLOWED = """
[features]
exec = true
file = true
clipboard = true
[exec]
commands = ["/bin/sh", "/bin/cat", "/bin/sleep", "/bin/true"]
[file]
read = ["{0}"]
write = ["{0}"]
[clipboard]
socket = "/run/clip"
"""
BOUNDS = Bounds(deadline=120, patience=PATIENCE)


@pytest.fixture
def host(tmp_path: Path) -> Iterator[ActingHost]:
    os.makedirs(tmp_path / "root/run")
    os.makedirs(tmp_path / "files")
    with acting_host(tmp_path, ALLOWED.format(tmp_path / "files")) as one:
        yield one


def calls(host: ActingHost) -> GuestCalls:
    return GuestCalls(host.connect, DOMID, host.actor())


def settings(host: ActingHost) -> GuestSettings:
    return GuestSettings(host.store, DOMID, host.actor(), patience=PATIENCE)


def test_a_program_with_input_and_both_outputs(host: ActingHost) -> None:
    script = "cat; echo said >&2; exit 3"
    done = calls(host).run(Program(argv=["/bin/sh", "-c", script], source=[CANARY.encode() * 500]), BOUNDS)
    assert (done.how, done.status, done.err) == ("exit", 3, b"said\n")
    assert done.out == CANARY.encode() * 500
    (line,) = host.audit
    assert (line.action, line.subject, line.outcome, line.detail) == ("exec", "/bin/sh", "done", "exit 3")
    assert CANARY not in repr(host.audit)


def test_output_comes_while_it_runs_and_leaving_ends_it(host: ActingHost) -> None:
    with calls(host).begin(Program(argv=["/bin/sh", "-c", "echo one; sleep 600"]), BOUNDS) as running:
        assert next(iter(running)) == ("out", b"one\n")
    assert calls(host).run(Program(argv=["/bin/true"]), BOUNDS).status == 0


def test_cancelled_by_another_thread(host: ActingHost) -> None:
    begun: list[Running] = []

    def cancel() -> None:
        eventually(lambda: bool(begun))
        begun[0].cancel("by the operator")

    thread = threading.Thread(target=cancel)
    thread.start()
    with pytest.raises(CallEnded, match="by the operator"):
        calls(host).run(Program(argv=["/bin/sleep", "600"]), BOUNDS, begun=begun.append)
    thread.join()
    assert host.audit[-1].outcome == "host-call-ended"


def test_more_output_than_allowed_ends_it(host: ActingHost) -> None:
    bounds = Bounds(deadline=120, output=10_000, patience=PATIENCE)
    with pytest.raises(CallEnded, match="10000 bytes"):
        calls(host).run(Program(argv=["/bin/sh", "-c", "while :; do echo xxxxxxxxxx; done"]), bounds)


def test_a_deadline_of_the_guests_own(host: ActingHost) -> None:
    done = calls(host).run(Program(argv=["/bin/sleep", "600"]), Bounds(deadline=0.2, patience=PATIENCE))
    assert done.how == "timeout"


def test_a_guest_that_says_nothing_any_more(host: ActingHost, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls_module, "GRACE", 0.2)
    monkeypatch.setattr(calls_module, "_LATER", 0.2)
    (pid,) = (int(one) for one in _agents(host))
    try:
        with (
            pytest.raises((CallEnded, NoAnswer)),
            calls(host).begin(
                Program(argv=["/bin/sh", "-c", "echo one; sleep 600"]), Bounds(deadline=3, patience=PATIENCE)
            ) as running,
        ):
            for _ in running:
                os.kill(pid, signal.SIGSTOP)
    finally:
        os.kill(pid, signal.SIGCONT)


def test_what_the_owner_does_not_allow(host: ActingHost) -> None:
    with pytest.raises(RefusedByGuest):
        calls(host).run(Program(argv=["/usr/bin/id"]), BOUNDS)
    with pytest.raises(RefusedByGuest):
        list(calls(host).read_file("/etc/shadow", BOUNDS))
    with pytest.raises(RefusedByGuest):
        calls(host).run(Program(argv=["backup"], service=True), BOUNDS)
    assert [one.outcome for one in host.audit] == ["guest-call-refused"] * 3


def test_nothing_is_offered_by_default(tmp_path: Path) -> None:
    with acting_host(tmp_path) as host:
        with pytest.raises(FeatureNotOffered, match="disabled in the guest"):
            calls(host).run(Program(argv=["/bin/true"]))
        with pytest.raises(FeatureNotOffered, match="disabled in the guest"):
            GuestClipboard(host.store, DOMID, host.actor()).send("x")
        assert [one.outcome for one in host.audit] == ["guest-call-not-offered"] * 2
        for path in ("data/guestwright/features/settime", "control/feature-settime"):
            host.store.rm(f"{HOME}/{path}")
        with pytest.raises(FeatureNotOffered, match="no agent"):
            settings(host).set_time(1.0)


def test_files_both_ways(host: ActingHost, tmp_path: Path) -> None:
    path = str(tmp_path / "files/data")
    calls(host).write_file(path, [CANARY.encode(), b"x" * 300_000], mode=0o640, bounds=BOUNDS)
    assert os.stat(path).st_mode & 0o777 == 0o640
    assert b"".join(calls(host).read_file(path, BOUNDS)) == CANARY.encode() + b"x" * 300_000
    assert [(one.action, one.subject) for one in host.audit] == [("file-write", path), ("file-read", path)]
    with pytest.raises(FailedInGuest):
        list(calls(host).read_file(path + ".not", BOUNDS))


def test_host_name_and_clock(host: ActingHost) -> None:
    assert settings(host).set_hostname("db7.example.org")
    assert (host.root / "etc/hostname").read_text() == "db7.example.org\n"
    assert not settings(host).set_hostname("db7.example.org")
    assert "off" in settings(host).set_time(1_700_000_000)
    with pytest.raises(FailedInGuest, match="empty"):
        settings(host).set_hostname("a..b")
    for name in ("", "a b", "x" * 65, "é"):
        with pytest.raises(BadGuestRequest):
            settings(host).set_hostname(name)
    with pytest.raises(FailedInGuest, match="not a time"):
        settings(host).set_time(-5)
    assert host.audit[0].subject == "db7.example.org"


def test_addresses(host: ActingHost) -> None:
    """Where the guest has no program for it, it does not offer it; what makes no sense is refused before."""
    for wish in (
        AddressWish(device=0, mac="x", address="not an address"),
        AddressWish(device=0, mac="x", address="2001:db8::1/64"),
        AddressWish(device=0, mac="x", family=5),
        AddressWish(device=-1, mac="x"),
        AddressWish(device=0, mac="x", address="192.0.2.1/24", gateway="2001:db8::1"),
    ):
        with pytest.raises(BadGuestRequest):
            settings(host).set_address(wish)
    with pytest.raises(FeatureNotOffered):
        settings(host).set_address(AddressWish(device=0, mac="52:54:00:00:00:01"))


def test_addresses_by_ip(tmp_path: Path) -> None:
    root = tmp_path / "root"
    made(root / "sbin/ip", f'#!/bin/sh\necho "$@" >> {root}/said\n')
    with acting_host(tmp_path) as host, pytest.raises(FailedInGuest, match="no interface"):
        settings(host).set_address(AddressWish(device=0, mac="52:54:00:99:99:99", address="192.0.2.7/24"))


def test_power_is_acknowledged(host: ActingHost) -> None:
    settings(host).power(PowerWish.OFF)
    eventually((host.root / "done").exists)
    assert host.get("control/shutdown") == ""


def test_an_agent_that_does_not_answer_is_asked_no_more(host: ActingHost) -> None:
    (pid,) = (int(one) for one in _agents(host))
    os.kill(pid, signal.SIGSTOP)
    try:
        with pytest.raises(NoAnswer):
            GuestSettings(host.store, DOMID, host.actor(), patience=0.2).set_hostname("late")
        assert host.get("control/setcomputername/action") is None
    finally:
        os.kill(pid, signal.SIGCONT)


def test_the_clipboard_both_ways(host: ActingHost, tmp_path: Path) -> None:
    file = tmp_path / "clipboard"
    file.write_text("")
    made(tmp_path / "bin/wl-paste", f"#!/bin/sh\ncat {file}\n")
    made(tmp_path / "bin/wl-copy", f"#!/bin/sh\ncat > {file}.new; mv {file}.new {file}\n")
    environment = {
        **os.environ,
        "PATH": f"{tmp_path}/bin:{os.environ['PATH']}",
        "WAYLAND_DISPLAY": "x",
        "PYTHONPATH": str(ROOT / "src"),
    }
    argv = [sys.executable, "-m", "guestwright.agent", "clipboard", str(host.root / "run/clip")]
    clipboard = GuestClipboard(host.store, DOMID, host.actor(), patience=PATIENCE)
    with program(argv, env=environment) as helper:
        text = CANARY + " Grüße" * 500
        clipboard.send(text)
        eventually(lambda: file.read_text() == text)
        file.write_text("from the guest, " * 200)
        assert clipboard.receive(PATIENCE) == "from the guest, " * 200
        with pytest.raises(NoAnswer):
            clipboard.receive(0.1)
        helper.kill()
        helper.wait()
    with pytest.raises(BadGuestRequest):
        clipboard.send("x" * (1 << 19))
    assert CANARY not in repr(host.audit)


def _agents(host: ActingHost) -> list[str]:
    """Processes whose root is this host's guest."""
    found = []
    for pid in os.listdir("/proc"):
        if pid.isdigit():
            try:
                line = Path(f"/proc/{pid}/cmdline").read_bytes()
            except OSError:
                continue
            if b"--root\0" + str(host.root).encode() in line:
                found.append(pid)
    return found
