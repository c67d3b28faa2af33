"""`guestwright host …` as programs, against a server over a scripted host."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.api_server import PATIENCE, Running, serving
from tests.support.host_service import DB1, WEB1
from tests.support.program import COMMAND, Done, environment, guestwright, running

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with serving(tmp_path_factory.mktemp("api"), tls=True) as running:
        yield running


def ask(api: Running, *args: str) -> Done:
    return guestwright("host", *args, "--socket", api.unix)


def test_guests_for_people_and_for_programs(api: Running) -> None:
    done = ask(api, "guests")
    assert done.status == 0
    head, web1, db1 = done.out.splitlines()
    assert head.split() == ["NAME", "POWER", "AGENT", "SYSTEM", "ADDRESSES"]
    assert web1.split()[:3] == ["web1", "running", "live"]
    assert "Debian GNU/Linux 12 (bookworm)" in web1
    assert web1.endswith("192.0.2.10 2001:db8::10")
    assert db1.split() == ["db1", "halted", "-", "-", "-"]
    found = ask(api, "guests", "--json").json
    assert (found["kind"], found["schema"]) == ("guestwright.host.guests", 1)
    assert [(one["domain"]["uuid"], one["guest"] is None) for one in found["domains"]] == [
        (WEB1, False),
        (DB1, True),
    ]


def test_one_guest(api: Running) -> None:
    done = ask(api, "guest", "web1")
    assert done.status == 0
    assert "192.0.2.10/24" in done.out
    assert "feature-not-offered" not in done.out
    assert "install or update its tools" in done.out
    assert ask(api, "guest", WEB1, "--json").json["domain"]["domain"]["name"] == "web1"
    assert ask(api, "guest", "db1").status == 0


@pytest.mark.parametrize(
    ("args", "status", "code"),
    [
        (("guest", "nobody"), 1, "client-no-such-domain"),
        (("job", "01x"), 1, "api-no-such-path"),
        (("events", "--after", "rubbish"), 2, "api-bad-request"),
        (("power", "nobody", "start"), 1, "client-no-such-domain"),
    ],
)
def test_refusals_have_codes(api: Running, args: tuple[str, ...], status: int, code: str) -> None:
    done = ask(api, *args, "--json")
    assert (done.status, done.json["error"]["code"]) == (status, code)
    done = ask(api, *args)
    assert done.status == status
    assert done.err.startswith("guestwright: ")


def test_power(api: Running) -> None:
    done = ask(api, "power", "db1", "start")
    assert (done.status, done.out) == (0, "db1 is running\n")
    assert ask(api, "power", "db1", "kill", "--json").json["domain"]["power"] == "halted"
    assert api.host.called[-2:] == [("power", DB1, "start"), ("power", DB1, "kill")]
    assert ask(api, "power", "db1", "explode").status == 2


def test_events_that_are_kept_and_those_that_follow(tmp_path: Path) -> None:
    with serving(tmp_path) as api:
        for number in range(3):
            api.journal.publish("facts-changed", WEB1, {"n": number})
        done = ask(api, "events", "--json")
        kept = [json.loads(line) for line in done.out.splitlines()]
        assert [one["data"]["n"] for one in kept] == [0, 1, 2]
        assert "facts-changed" in ask(api, "events").out
        assert ask(api, "events", "--kind", "x").out == ""
        argv = [*COMMAND, "host", "events", "--follow", "--json", "--after", kept[1]["token"]]
        with running(
            [*argv, "--socket", api.unix], stdout=subprocess.PIPE, text=True, env=environment()
        ) as process:
            assert process.stdout is not None
            assert json.loads(process.stdout.readline())["data"] == {"n": 2}
            api.journal.publish("x", data={"n": 3})
            assert json.loads(process.stdout.readline())["data"] == {"n": 3}
            process.send_signal(signal.SIGINT)
            assert process.wait(PATIENCE) == 130


def test_nobody_there(tmp_path: Path) -> None:
    done = guestwright("host", "guests", "--socket", str(tmp_path / "none"))
    assert done.status == 1
    assert "no host service answers" in done.err


def test_enrolment_from_the_beginning_to_the_end(tmp_path: Path) -> None:
    with serving(tmp_path, tls=True) as api:
        assert api.authority is not None
        at = ("--directory", api.authority.directory)
        out = tmp_path / "ann"
        done = guestwright("host", "enrol", "client", "ann", "--role", "operator", "--out", str(out), *at)
        assert done.status == 0
        assert "ann is operator until" in done.out
        assert stat.S_IMODE(os.stat(out / "client.pem").st_mode) == 0o600
        way = ("--tls", f"localhost:{api.server.port}", "--identity", str(out))
        assert guestwright("host", "guests", *way).status == 0
        renewed = guestwright("host", "enrol", "renew", "ann", "--out", str(out), "--json", *at).json
        assert renewed["grants"][0]["role"] == "operator"
        assert guestwright("host", "power", "web1", "reboot", *way).status == 0
        listed = guestwright("host", "enrol", "list", *at).out
        assert [line.split()[0] for line in listed.splitlines()] == ["NAME", "localhost", "ann", "ann"]
        assert "2 certificate(s) of ann" in guestwright("host", "enrol", "revoke", "ann", *at).out
        done = guestwright("host", "guests", "--json", *way)
        assert (done.status, done.json["error"]["code"]) == (1, "api-forbidden")
        assert "PRIVATE KEY" not in done.out + listed


def test_a_new_authority_and_its_refusals(tmp_path: Path) -> None:
    at = ("--directory", str(tmp_path / "enrol"))
    assert guestwright("host", "enrol", "server", "h", *at).status == 1
    assert guestwright("host", "enrol", "init", *at).status == 0
    assert (
        guestwright("host", "enrol", "init", *at, "--json").json["error"]["code"] == "enrol-authority-exists"
    )
    done = guestwright("host", "enrol", "server", "host7.lan", "192.0.2.7", *at)
    assert done.out.startswith("the service is host7.lan, 192.0.2.7 until ")
    assert guestwright("host", "enrol", "server", "a b", *at).status == 2
    assert guestwright("host", "enrol", "client", "a", "--days", "999", "--out", "x", *at).status == 2
