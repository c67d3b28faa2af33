"""Our client against the real server: answers, refusals, lost services, events over restarts."""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from guestwright.base.errors import EXIT_USAGE
from guestwright.engine.process.settings import default_directory
from guestwright.host.client import address as addresses
from guestwright.host.client.address import Address, TlsAddress, UnixAddress, find_address
from guestwright.host.client.client import HostClient
from guestwright.host.client.errors import (
    BadAddress,
    HostAnswerBad,
    HostLost,
    HostNotTrusted,
    HostRefused,
    HostUnreachable,
    NameNotUnique,
    NoSuchGuest,
)
from guestwright.host.client.events import Events, HostEvent
from guestwright.host.enrol.roles import Role
from guestwright.host.journal import Journal
from tests.support.api_server import PATIENCE, Running, put, serving
from tests.support.host_service import DB1, WEB1

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with serving(tmp_path_factory.mktemp("api"), tls=True) as running:
        yield running


@pytest.fixture(params=["unix", "tls"])
def address(api: Running, request: pytest.FixtureRequest, tmp_path: Path) -> Address:
    if request.param == "unix":
        return UnixAddress(path=api.unix)
    assert api.authority is not None
    assert api.server.port is not None
    put(tmp_path / "me", api.authority.client("me", Role.ADMIN, time.time()))
    return TlsAddress(host="localhost", port=api.server.port, identity=str(tmp_path / "me"))


def test_operations_over_both_ways(address: Address, api: Running) -> None:
    with HostClient(address, PATIENCE) as client:
        assert client.about()["hostname"] == "host1"
        assert client.whoami()["role"] == "admin"
        assert [one["domain"]["name"] for one in client.domains()] == ["web1", "db1"]
        assert client.find("web1")["domain"]["uuid"] == WEB1
        assert client.find(DB1)["domain"]["name"] == "db1"
        assert [one["uuid"] for one in client.guests()] == [WEB1]
        guest = client.guest(WEB1)
        assert guest is not None
        assert guest["facts"]["system"]["value"]["distro"] == "debian"
        assert client.guest(DB1) is None
        assert {one["operation"] for one in client.capabilities(WEB1)} >= {"start", "sysprep"}
        assert client.power(WEB1, "reboot")["domain"]["uuid"] == WEB1
        assert api.host.called[-1] == ("power", WEB1, "reboot")


def test_the_services_refusal_is_ours(address: Address) -> None:
    with HostClient(address, PATIENCE) as client:
        with pytest.raises(HostRefused) as caught:
            client.power(WEB1, "explode")
        assert (caught.value.status, caught.value.code, caught.value.exit_status) == (
            400,
            "api-bad-request",
            EXIT_USAGE,
        )
        assert caught.value.as_dict()["params"]["operation"] == "power"
        assert "openapi.json" in caught.value.advice
        with pytest.raises(NoSuchGuest):
            client.find("nobody")
        with pytest.raises(HostRefused, match="there is no"):
            client.guest("x/../../y")


def test_a_name_that_two_domains_have(api: Running) -> None:
    from guestwright.base.record import replace

    twin = "0c6f5c5e-7a3a-4a43-9e0e-2f1f3f3d9a03"
    known = api.host.known[DB1]
    api.host.known[twin] = replace(known, domain=replace(known.domain, uuid=twin))
    try:
        with HostClient(UnixAddress(path=api.unix)) as client, pytest.raises(NameNotUnique) as caught:
            client.find("db1")
    finally:
        del api.host.known[twin]
    assert twin in caught.value.advice


def test_nobody_there(tmp_path: Path) -> None:
    with HostClient(UnixAddress(path=str(tmp_path / "none"))) as client, pytest.raises(HostUnreachable):
        client.about()
    address = TlsAddress(host="127.0.0.1", port=1, identity=str(tmp_path))
    with HostClient(address) as client, pytest.raises(HostUnreachable, match=r"authority\.pem|No such file"):
        client.about()


@pytest.mark.parametrize("whose", ["client", "server"])
def test_no_trust(api: Running, tmp_path: Path, whose: str) -> None:
    from guestwright.host.enrol.authority import Authority

    assert api.authority is not None
    assert api.server.port is not None
    other = Authority(str(tmp_path / "other"))
    other.create("host2", time.time())
    put(tmp_path / "me", other.client("me", Role.ADMIN, time.time()))
    if whose == "client":  # who trusts the service, but is not known to it
        mine = tmp_path / "me" / "authority.pem"
        mine.write_bytes(Path(api.authority.path("authority.pem")).read_bytes())
    address = TlsAddress(host="localhost", port=api.server.port, identity=str(tmp_path / "me"))
    with HostClient(address) as client, pytest.raises((HostNotTrusted, HostLost)):
        client.about()


@pytest.mark.parametrize(
    ("said", "error"),
    [
        (b"", HostLost),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{}", HostLost),
        (b"SSH-2.0-x\r\n", HostLost),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]", HostAnswerBad),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno", HostAnswerBad),
        (b"HTTP/1.1 502 Bad\r\nContent-Length: 2\r\n\r\n{}", HostAnswerBad),
    ],
)
def test_something_else_answers(tmp_path: Path, said: bytes, error: type[Exception]) -> None:
    path = str(tmp_path / "s")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(path)
        listening.listen()

        def answer() -> None:
            line, _ = listening.accept()
            with line:
                line.recv(10000)
                line.sendall(said)

        thread = threading.Thread(target=answer)
        thread.start()
        with HostClient(UnixAddress(path=path), PATIENCE) as client, pytest.raises(error):
            client.about()
        thread.join(PATIENCE)


def test_events_go_on_over_a_restart_of_the_service(tmp_path: Path) -> None:
    found: list[HostEvent] = []
    two, five = threading.Event(), threading.Event()

    def follow() -> None:
        events = Events(UnixAddress(path=str(tmp_path / "api.sock")), sleep=lambda _: time.sleep(0.01))
        for event in islice(events, 5):
            found.append(event)
            if len(found) == 2:
                two.set()
        five.set()

    thread = threading.Thread(target=follow)
    with serving(tmp_path, journal=Journal("a")) as api:
        thread.start()
        while api.journal.readers == 0:
            time.sleep(0.01)
        api.journal.publish("x", WEB1, {"n": 1})
        api.journal.publish("x", WEB1, {"n": 2})
        assert two.wait(PATIENCE)
    journal = Journal("b")
    journal.publish("x", data={"n": 3})
    with serving(tmp_path, journal=journal) as api:
        while api.journal.readers == 0:
            time.sleep(0.01)
        journal.publish("x", data={"n": 4})
        assert five.wait(PATIENCE)
    thread.join(PATIENCE)
    assert [(one.kind, one.data.get("n")) for one in found] == [
        *(("x", 1), ("x", 2)),
        ("missed", None),
        *(("x", 3), ("x", 4)),
    ]
    assert [one.token for one in found] == ["a.1", "a.2", "b.0", "b.1", "b.2"]


def test_events_give_up_in_the_end(tmp_path: Path) -> None:
    address = UnixAddress(path=str(tmp_path / "none"))
    with pytest.raises(HostUnreachable):
        next(iter(Events(address, patience=0.05, sleep=lambda _: time.sleep(0.01))))


def test_a_connection_that_the_server_has_closed_is_made_again(tmp_path: Path) -> None:
    with HostClient(UnixAddress(path=str(tmp_path / "api.sock"))) as client:
        with serving(tmp_path):
            assert client.about()
        with serving(tmp_path):
            assert client.about()


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ((None, None, None), "/run/guestwright/api.sock"),
        (("/a", None, None), "/a"),
        ((None, "h", None), "h:8443"),
        ((None, "h:1", None), "h:1"),
        ((None, "[::1]:5", None), "::1:5"),
        ((None, "::1", None), "::1:8443"),
    ],
)
def test_where_to_look(given: tuple[str | None, ...], found: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GUESTWRIGHT_HOST", "GUESTWRIGHT_HOST_SOCKET", "GUESTWRIGHT_IDENTITY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(addresses, "places", lambda: ("/nowhere/a", "/nowhere/b"))
    assert str(find_address(*given)) == found


def test_the_socket_of_guestwright_up_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GUESTWRIGHT_HOST", "GUESTWRIGHT_HOST_SOCKET"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    first, second, third = addresses.places()
    assert (first, third) == ("/run/guestwright/api.sock", "/var/lib/guestwright/engine/api.sock")
    monkeypatch.setattr(addresses, "places", lambda: (str(tmp_path / "none"), second))
    os.makedirs(os.path.dirname(second))
    Path(second).touch()  # no socket
    assert str(find_address(None, None, None)) == "/run/guestwright/api.sock"
    os.unlink(second)
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(second)
        assert str(find_address(None, None, None)) == second
        assert str(find_address("/a", None, None)) == "/a"
        assert str(find_address(None, "far:1", None)) == "far:1"
        monkeypatch.setenv("GUESTWRIGHT_HOST_SOCKET", "/b")
        assert str(find_address(None, None, None)) == "/b"


def test_the_last_place_is_where_the_engine_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert addresses.places()[2] == os.path.join(default_directory(), "api.sock")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert addresses.places()[1] == os.path.join(default_directory(), "api.sock")


def test_the_environment_says_where_unless_options_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GUESTWRIGHT_HOST", "far:99")
    monkeypatch.setenv("GUESTWRIGHT_IDENTITY", "/i")
    assert find_address(None, None, None) == TlsAddress(host="far", port=99, identity="/i")
    assert str(find_address("/a", None, None)) == "/a"


@pytest.mark.parametrize(
    "given", [("/a", "h"), (None, "h:x"), (None, ":1"), (None, "[::1"), ("x" * 108, None)]
)
def test_addresses_that_make_no_sense(given: tuple[str | None, str | None]) -> None:
    with pytest.raises(BadAddress):
        find_address(*given, None)


def test_the_client_costs_a_program_little() -> None:
    import subprocess
    import sys

    code = "import guestwright.host.client.events, sys, json; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"msgspec", "starlette", "uvicorn", "cryptography", "asyncio"} & set(json.loads(done.stdout))
