"""The service as a process, killed and stopped, with the real agent behind an emulated port."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from guestwright.xenstore.client.client import Client
from tests.support.agent_process import agent, made
from tests.support.emulator import port
from tests.support.host_daemon import PATIENCE, eventually, uuid_of
from tests.support.program import guestwright, running

pytestmark = pytest.mark.system

ROOT = Path(__file__).parents[4]


class Served:
    """A service's process.

    Attributes:
        process: it.
        log: its lines.
    """

    def __init__(self, process: subprocess.Popen[str], log: Path) -> None:
        self.process = process
        self.log = log

    @property
    def socket(self) -> str:
        """Of the API."""
        return str(Path(self.log).parent / "run/api.sock")


@contextmanager
def service(place: Path, guests: int = 1, environment: dict[str, str] | None = None) -> Iterator[Served]:
    """The process, once it is ready; ended by SIGTERM unless it has ended."""
    log = place / "service.log"
    argv = [sys.executable, "-m", "tests.support.host_program", str(place), str(guests)]
    variables = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'src'}", **(environment or {})}
    with (
        log.open("ab") as errors,
        running(argv, stdout=subprocess.PIPE, stderr=errors, text=True, env=variables) as process,
    ):
        assert process.stdout is not None
        assert process.stdout.readline() == f"ready {guests}\n", log.read_text()
        yield Served(process, log)
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            assert process.wait(PATIENCE) == 0, log.read_text()
        process.stdout.close()


@contextmanager
def guest(place: Path) -> Iterator[None]:
    """The real agent behind the port of the first domain."""
    root = place / "root"
    made(root / "etc/os-release", 'ID=debian\nPRETTY_NAME="Debian 12"\nVERSION_ID="12"\n', mode=0o644)
    made(root / "etc/hostname", "web1\n", mode=0o644)
    inside = str(place / "inside")
    with port(str(place / "port-1.sock"), inside), agent(["--socket", inside], place, "", str(root)):
        yield


def system_name(one: Served) -> str:
    """What is known of the guest's system."""
    found = guestwright("host", "guest", uuid_of(1), "--json", env={"GUESTWRIGHT_HOST_SOCKET": one.socket})
    facts = (found.json.get("guest") or {}).get("facts", {})
    return str(facts.get("system", {}).get("value", {}).get("name", ""))


def obeys(place: Path, one: Served) -> None:
    """The agent does what it is asked for: nothing is frozen, so a thaw changes nothing."""
    with Client(str(place / "run/xenstore/socket")) as store:
        request = "/local/domain/1/data/guestwright/fsfreeze/request"
        store.write(request, "thaw")
        store.wait_until(request, lambda value: value is None, timeout=PATIENCE)
    assert one.process.poll() is None


def test_a_killed_service_loses_no_domain_and_no_agent(place: Path) -> None:
    with guest(place):
        with service(place) as one:
            eventually(lambda: system_name(one) == "Debian 12")
            obeys(place, one)
            one.process.kill()
            one.process.wait(PATIENCE)
        with service(place) as one:
            assert (
                system_name(one) == "Debian 12"
            )  # from the store's journal, before the agent has said anything
            obeys(place, one)
        with service(place) as one:
            assert system_name(one) == "Debian 12"
            obeys(place, one)


def test_systemd_is_told(place: Path) -> None:
    path = str(place / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
        told.bind(path)
        told.settimeout(PATIENCE)
        with service(place, environment={"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "200000"}):
            words = [told.recv(1000).decode() for _ in range(3)]
        assert words[0].startswith("READY=1\nSTATUS=1 domains")
        assert words[1:] == ["WATCHDOG=1"] * 2
        while (word := told.recv(1000).decode()) == "WATCHDOG=1":
            pass
        assert word == "STOPPING=1"


def test_logs_are_json_with_ids(place: Path) -> None:
    with service(place) as one:
        pass
    lines = [json.loads(line) for line in one.log.read_text().splitlines()]
    assert all({"time", "level", "event", "part"} <= line.keys() for line in lines)
    known = next(line for line in lines if "is known" in line["event"])
    assert (known["domain"], known["domid"]) == (uuid_of(1), 1)
    assert lines[-1]["event"] == "stopped"


def test_two_services_do_not_share_a_directory(place: Path) -> None:
    with service(place) as one:
        options = ["--hypervisor", "fake:///", "--state", str(place / "lib"), "--runtime", str(place / "run")]
        done = guestwright("host", "serve", *options)
        assert done.status == 1
        assert f"process id {one.process.pid}" in done.err


def test_settings_are_checked(place: Path) -> None:
    file = place / "host.toml"
    file.write_text("[channels]\nplugg = true\n")
    done = guestwright("host", "serve", "--check", "--config", str(file))
    assert done.status == 2
    assert "channels.plugg: there is no such setting; is 'plug' meant?" in done.err
    file.write_text("[channels]\nplug = true\n[volumes]\nfast = '/srv/fast'\n")
    assert guestwright("host", "serve", "--check", "--config", str(file)).out == "the settings can be used\n"
