"""`guestwright host exec|file|set|clipboard` as programs, with our real agent in the guest."""

from __future__ import annotations

import base64
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from guestwright.base.record import replace
from guestwright.host.api.operations.exec_streams import exec_stream_endpoints
from guestwright.host.api.operations.guests import guest_endpoints
from guestwright.host.api.reach import Reach
from guestwright.hypervisor.domain import Nic
from tests.support.acting_host import DOMID, ActingHost, acting_host
from tests.support.agent_process import eventually, made
from tests.support.api_server import PATIENCE, Running, serving
from tests.support.host_service import WEB1, ScriptedHost
from tests.support.program import COMMAND, Done, environment, guestwright, running

pytestmark = pytest.mark.system
ALLOWED = """
[features]
exec = true
file = true
clipboard = true
[exec]
commands = ["/bin/sh", "/bin/cat", "/bin/sleep"]
[file]
read = ["{0}"]
write = ["{0}"]
[clipboard]
socket = "/run/clip"
"""


@pytest.fixture(scope="module")
def guest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ActingHost]:
    directory = tmp_path_factory.mktemp("guest")
    os.makedirs(directory / "files")
    os.makedirs(directory / "root/run")
    with acting_host(directory, ALLOWED.format(directory / "files")) as one:
        yield one


@pytest.fixture(scope="module")
def files(guest: ActingHost, tmp_path_factory: pytest.TempPathFactory) -> Path:
    del guest
    return next(tmp_path_factory.getbasetemp().glob("guest*")) / "files"


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory, guest: ActingHost) -> Iterator[Running]:
    host = ScriptedHost()
    known = host.known[WEB1]
    domain = replace(known.domain, nics=(Nic(mac="52:54:00:00:00:01"),))
    host.known[WEB1] = replace(known, domid=DOMID, domain=domain)
    reach = Reach(host, guest.connect)
    more = (*exec_stream_endpoints(reach), *guest_endpoints(reach))
    with serving(tmp_path_factory.mktemp("api"), host=host, more=more) as running:
        yield running


def ask(api: Running, *args: str) -> Done:
    return guestwright("host", *_placed(api, args))


def fed(api: Running, data: bytes, *args: str) -> subprocess.CompletedProcess[bytes]:
    """The program with `data` as its input."""
    argv = [*COMMAND, "host", *_placed(api, args)]
    return subprocess.run(
        argv, input=data, env=environment(), capture_output=True, timeout=PATIENCE, check=False
    )


def _placed(api: Running, args: tuple[str, ...]) -> list[str]:
    """Arguments with the socket, before what belongs to the guest's program."""
    at = args.index("--") if "--" in args else len(args)
    return [*args[:at], "--socket", api.unix, *args[at:]]


def test_exec_passes_on_what_the_program_says_and_its_status(api: Running) -> None:
    done = ask(api, "exec", "web1", "--", "/bin/sh", "-c", "cat; echo out; echo err >&2; exit 7")
    assert (done.status, done.out, done.err) == (7, "out\n", "err\n")
    done = ask(api, "exec", "web1", "--json", "--", "/bin/sh", "-c", "echo 1; kill -9 $$")
    told = done.json["exec"]
    assert (done.status, told["status"], told["signal"]) == (137, None, 9)
    assert base64.b64decode(told["out"]) == b"1\n"
    data = os.urandom(1 << 20)
    piped = fed(api, data, "exec", "web1", "--stdin", "--", "/bin/cat")
    assert (piped.returncode, piped.stdout, piped.stderr) == (0, data, b"")


def test_exec_that_does_not_end_by_itself(api: Running, files: Path) -> None:
    done = ask(api, "exec", "web1", "--timeout", "0.2", "--", "/bin/sleep", "600")
    assert (done.status, done.out) == (1, "")
    assert "did not end by itself: timeout" in done.err
    number = files / "number"
    script = f"echo $$ > {number}; echo on; exec sleep 600"
    argv = [*COMMAND, "host", *_placed(api, ("exec", "web1", "--", "/bin/sh", "-c", script))]
    with running(argv, stdout=subprocess.PIPE, env=environment()) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"on\n"  # as it comes
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == 130
    eventually(lambda: not os.path.exists(f"/proc/{int(number.read_text())}"))


def test_what_is_not_allowed(api: Running) -> None:
    done = ask(api, "exec", "web1", "--json", "--", "/bin/ls")
    assert done.status == 1
    assert done.json["error"]["code"].startswith("guest-call-")
    assert ask(api, "exec", "nobody", "--", "/bin/cat").status == 1
    assert ask(api, "exec", "web1").status == 2
    assert ask(api, "exec", "web1", "--env", "x", "--", "/bin/cat").status == 2
    assert ask(api, "file", "read", "web1", "/etc/shadow").status == 1


def test_files_there_and_back(api: Running, files: Path, tmp_path: Path) -> None:
    data = b"\x1b[2J" + os.urandom(70_000)
    there = str(files / "of the guest")
    done = fed(api, data, "file", "write", "web1", there, "--mode", "640")
    assert done.returncode == 0, done.stderr
    assert (files / "of the guest").read_bytes() == data
    assert (files / "of the guest").stat().st_mode & 0o777 == 0o640
    piped = fed(api, b"", "file", "read", "web1", there)
    assert (piped.returncode, piped.stdout) == (0, data)
    here = tmp_path / "here"
    told = ask(api, "file", "read", "web1", there, str(here), "--json").json
    assert (told["file"], told["size"], here.read_bytes()) == (str(here), len(data), data)
    assert ask(api, "file", "write", "web1", there, str(here), "--json").json["size"] == len(data)
    assert ask(api, "file", "read", "web1", there, "--json").status == 2
    assert ask(api, "file", "read", "web1", there, str(tmp_path / "no" / "x")).status == 1
    assert ask(api, "file", "write", "web1", there, str(here), "--mode", "999").status == 2


def test_settings_reach_the_guest(api: Running, guest: ActingHost) -> None:
    done = ask(api, "set", "hostname", "web1", "web-7.example.org", "--json")
    assert (done.status, done.json["setting"], done.json["text"]) == (0, "hostname", "")
    assert (guest.root / "etc/hostname").read_text() == "web-7.example.org\n"
    done = ask(api, "set", "hostname", "web1", "web-7.example.org")
    assert (done.status, done.out) == (0, "it had this name already\n")
    assert ask(api, "set", "hostname", "web1", "a b").status == 2
    assert "off" in ask(api, "set", "clock", "web1").out  # a guest in a process changes no clock
    done = ask(api, "set", "address", "web1", "192.0.2.7/24", "--gateway", "192.0.2.1", "--json")
    assert (done.status, done.json["error"]["code"]) == (1, "guest-call-not-offered")
    done = ask(api, "set", "address", "web1", "dynamic", "--mac", "52:54:00:00:00:99")
    assert done.status == 2
    assert "it has 52:54:00:00:00:01" in done.err


def test_the_clipboard_both_ways(api: Running, guest: ActingHost, tmp_path: Path) -> None:
    file = tmp_path / "clipboard"
    file.write_text("")
    made(tmp_path / "bin/wl-paste", f"#!/bin/sh\ncat {file}\n")
    made(tmp_path / "bin/wl-copy", f"#!/bin/sh\ncat > {file}.new; mv {file}.new {file}\n")
    path = {"PATH": f"{tmp_path}/bin:{os.environ['PATH']}", "WAYLAND_DISPLAY": "x"}
    argv = [sys.executable, "-m", "guestwright.agent", "clipboard", str(guest.root / "run/clip")]
    with running(argv, env=environment(path)) as helper:
        done = fed(api, "Grüße".encode(), "clipboard", "set", "web1")
        assert (done.returncode, done.stdout) == (0, b"5 character(s) are in the clipboard of web1\n"), done
        eventually(lambda: file.read_text() == "Grüße")
        file.write_text("from the guest")
        assert ask(api, "clipboard", "get", "web1", "--wait", "50", "--json").json["text"] == "from the guest"
        file.write_text("\x1b[2J again")
        piped = fed(api, b"", "clipboard", "get", "web1", "--wait", "50")
        assert piped.stdout == b"\x1b[2J again"
        helper.kill()
    assert fed(api, b"\xff", "clipboard", "set", "web1").returncode == 2
    assert ask(api, "clipboard", "get", "web1", "--wait", "99").status == 2
