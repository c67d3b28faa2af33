"""`guestwright store`: JSON, errors, dumps, serving."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from guestwright.xenstore.client.client import Client
from guestwright.xenstore.client.errors import AccessDenied, QuotaExceeded
from tests.support.fork_server import Ran, Server
from tests.support.program import COMMAND, environment, running
from tests.support.tools import needs
from tests.support.xenstored import Xenstored, started

pytestmark = pytest.mark.system


@pytest.fixture
def store() -> Iterator[Xenstored]:
    with started("ours") as one:
        yield one


def run(server: Server, store: Xenstored, *args: str) -> Ran:
    ran = server.run("store", *args, env=store.environment())
    assert "Traceback" not in ran.err
    return ran


def test_json(server: Server, store: Xenstored) -> None:
    with Client(store.socket) as client:
        client.write("/a/b", "text")
        client.write("/a/c", b"\xff\0")
        client.set_perms("/a/b", ["n0", "r5"])
    nodes = run(server, store, "ls", "--json", "-p", "/a").json["nodes"]
    assert nodes == [
        {"path": "/a", "value": "", "perms": ["n0"]},
        {"path": "/a/b", "value": "text", "perms": ["n0", "r5"]},
        {"path": "/a/c", "value": None, "base64": "/wA=", "perms": ["n0"]},
    ]
    assert run(server, store, "read", "--json", "/a/b", "/a/c").json["nodes"] == [
        {"path": "/a/b", "value": "text"},
        {"path": "/a/c", "value": None, "base64": "/wA="},
    ]
    assert run(server, store, "list", "--json", "/a").json["directories"] == [
        {"path": "/a", "names": ["b", "c"]}
    ]
    missing = run(server, store, "exists", "--json", "/a", "/x")
    assert missing.json["exists"] == {"/a": True, "/x": False}
    assert missing.status == 1
    for args in (
        ["write", "/w", "1"],
        ["mkdir", "/w"],
        ["chmod", "/w", "n0"],
        ["rm", "/w"],
    ):
        done = run(server, store, args[0], "--json", *args[1:])
        assert done.json == {"kind": "guestwright.store.done", "schema": 1, "paths": ["/w"]}
        assert done.status == 0
    lines = run(server, store, "watch", "--json", "-n", "1", "/a").out.splitlines()
    assert [json.loads(line) for line in lines] == [{"path": "/a", "watched": "/a", "missed": False}]


@pytest.mark.parametrize(
    ("args", "code", "status"),
    [
        (["read", "/none"], "xenstore-no-such-path", 1),
        (["ls", "/none"], "xenstore-no-such-path", 1),
        (["read", "/a", "/none"], "xenstore-no-such-path", 1),
        (["write", "bad.path", "1"], "xenstore-invalid", 1),
        (["write", "/a", "x" * 5000], "xenstore-too-big", 1),
        (["watch", "--wait", "0.05", "-n", "2", "/a"], "xenstore-timeout", 1),
        (["chmod", "/a", "n40000"], "xenstore-no-such-path", 1),
        (["restore", "/dev/null"], "store-bad-dump", 2),
        (["write", "/a", "x\\"], "usage", 2),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, list) else "",
)
def test_errors(args: list[str], code: str, status: int, server: Server, store: Xenstored) -> None:
    with Client(store.socket) as client:
        client.write("/a", "1")
    ran = run(server, store, args[0], "--json", *args[1:])
    assert ran.status == status
    assert f'"code": "{code}"' in ran.out
    plain = run(server, store, *args)
    assert plain.status == status
    assert plain.err.startswith("guestwright: ")
    assert len(plain.err.splitlines()) <= 2


@pytest.mark.parametrize("address", ["none", "file", "directory"])
def test_no_server(address: str, server: Server, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "directory").mkdir()
    path = str(tmp_path / address)
    for ran in (
        server.run("store", "ls", env={"XENSTORED_PATH": path}),
        server.run("store", "ls", "--socket", path),
        server.run("store", "exists", "--socket", path, "/"),
    ):
        assert ran.status == 1
        assert "no xenstored answers" in ran.err
        assert path in ran.err


def test_a_socket_that_one_may_not_use(store: Xenstored) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can become somebody else")
    os.chmod(os.path.dirname(store.socket), 0o755)
    os.chmod(store.socket, 0o600)
    done = subprocess.run(
        [*COMMAND, "store", "ls", "--socket", store.socket],
        env=environment(),
        user=65534,
        capture_output=True,
        text=True,
        check=False,
    )
    if "No module named" in done.stderr or "Permission denied: '/" in done.stderr:
        pytest.skip("this checkout is not readable for others")
    assert done.returncode == 1
    assert "Permission denied" in done.stderr


def test_a_server_that_does_not_answer(server: Server, store: Xenstored) -> None:
    store.process.send_signal(signal.SIGSTOP)
    try:
        ran = run(server, store, "read", "--timeout", "0.2", "/a")
    finally:
        store.process.send_signal(signal.SIGCONT)
    assert ran.status == 1
    assert "within 0.2 s" in ran.err


def test_all_or_nothing(server: Server, store: Xenstored) -> None:
    assert run(server, store, "write", "/a", "1", "/b", "2").status == 0
    assert run(server, store, "write", "/a", "changed", "/bad//path", "2").status == 1
    assert run(server, store, "rm", "/a", "/none/such").status == 1
    assert run(server, store, "mkdir", "/c", "/bad//path").status == 1
    assert run(server, store, "ls").out == 'tool = ""\n xenstored = ""\na = "1"\nb = "2"\n'


@pytest.mark.parametrize("kind", ["c", "ocaml", "ours"])
def test_dump_and_restore(kind: str, server: Server, tmp_path: Path) -> None:
    with started(kind) as one, Client(one.socket) as client:
        client.write("/vm/a/b", bytes(range(256)))
        client.write("/vm/c", "text")
        client.set_perms("/vm/c", ["n0", "r5", "w2"])
        before = client.tree("/vm", perms=True)
        file = tmp_path / "vm.json"
        for args in ([], ["--transaction"]):
            ran = run(server, one, "dump", *args, "/vm")
            assert ran.status == 0
            file.write_text(ran.out)
        client.write("/vm/c", "changed")
        client.rm("/vm/a")
        client.write("/vm/new", "")
        assert run(server, one, "restore", "--replace", str(file)).status == 0
        after = client.tree("/vm", perms=True)
        assert sorted(one.path for one in after) == sorted(one.path for one in before)
        assert {one.path: (one.value, one.perms) for one in after} == {
            one.path: (one.value, one.perms) for one in before
        }
        assert run(server, one, "restore", "--root", "/x/y", "--no-permissions", str(file)).status == 0
        assert client.read("/x/y/a/b") == bytes(range(256))
        assert client.get_perms("/x/y/c") == client.get_perms("/x/y")
        assert run(server, one, "restore", "--root", "/", str(file)).status == 0
        assert client.read("/c") == b"text"


def test_a_whole_store_goes_from_one_server_to_another(server: Server, tmp_path: Path) -> None:
    with started("ours") as one, started("ours") as other:
        with Client(one.socket) as client:
            for number in range(300):
                client.write(f"/local/domain/{number}/name", str(number))
        file = tmp_path / "all.json"
        file.write_text(run(server, one, "dump").out)
        assert run(server, other, "restore", "--replace", str(file)).status == 0
        assert run(server, one, "ls", "-fp").out == run(server, other, "ls", "-fp").out


def serving(directory: Path, *args: str) -> AbstractContextManager[subprocess.Popen[str]]:
    return running(
        [*COMMAND, "store", "serve", "--directory", str(directory), *args],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@needs("xenstore-read")
def test_serve(tmp_path: Path) -> None:
    """Says when it is ready, serves Xen's tools, ends on SIGTERM, and the next one knows what it knew."""
    socket = str(tmp_path / "store" / "socket")
    for _ in range(2):
        with serving(tmp_path / "store") as process:
            assert process.stdout is not None
            assert process.stdout.readline() == f"serving at {socket}\n"
            env = {**os.environ, "XENSTORED_PATH": socket}
            subprocess.run(["xenstore-write", "/kept/a", "1"], env=env, check=True)
            shown = subprocess.run(["xenstore-read", "/kept/a"], env=env, check=True, capture_output=True)
            assert shown.stdout == b"1\n"
            second = subprocess.run(
                [*COMMAND, "store", "serve", "--directory", str(tmp_path / "store"), "--json"],
                env=environment(),
                capture_output=True,
                text=True,
                check=False,
            )
            assert second.returncode == 1
            assert "already" in json.loads(second.stdout)["error"]["message"]
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0


@pytest.mark.parametrize("args", [["--journal"], ["--xen", "4.22", "--snapshot", "--json"]], ids=" ".join)
def test_serve_otherwise(args: list[str], tmp_path: Path) -> None:
    with serving(tmp_path / "store", *args) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        assert first.startswith("{" if "--json" in args else "serving at ")
        with Client(str(tmp_path / "store" / "socket")) as client:
            client.write("/a", "1")
            if "4.22" in args:
                with client.watch("/b", depth=0) as watch:
                    assert watch.get(10).path == "/b"
        if "--journal" in args:
            process.kill()
            process.wait(60)
        else:
            process.send_signal(signal.SIGINT)
            assert process.wait(60) == 0
    with serving(tmp_path / "store", *args) as process:
        assert process.stdout is not None
        process.stdout.readline()
        with Client(str(tmp_path / "store" / "socket")) as client:
            assert client.read("/a") == b"1"
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0


def test_serve_guests(tmp_path: Path) -> None:
    """A client of a guest's socket is that guest: its home, its rights, its quotas."""
    port = str(tmp_path / "vm5.port")
    with serving(tmp_path / "store", "--guest", f"5={port}", "--guest", f"6={port}.6") as process:
        assert process.stdout is not None
        process.stdout.readline()
        with Client(str(tmp_path / "store" / "socket")) as host, Client(port) as guest:
            host.write("/local/domain/5/data", "")
            host.set_perms("/local/domain/5/data", ["n5"])
            guest.write("data/hello", "1")
            assert host.read("/local/domain/5/data/hello") == b"1"
            assert host.get_perms("/local/domain/5/data/hello") == ["n5"]
            with pytest.raises(AccessDenied):
                guest.write("/tool/x", "1")
            with pytest.raises(QuotaExceeded):
                guest.write("data/big", bytes(3000))
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0


@pytest.mark.parametrize("text", ["5", "=x", "5=", "x=/p", "0=/p", "32752=/p", "-1=/p"])
def test_serve_guests_wrongly(text: str, server: Server, tmp_path: Path) -> None:
    ran = server.run("store", "serve", "--directory", str(tmp_path / "store"), "--guest", text)
    assert ran.status == 2
    assert text in ran.err
    assert not (tmp_path / "store").exists()


def test_serve_a_guest_where_nothing_can_be(server: Server, tmp_path: Path) -> None:
    ran = server.run(
        "store", "serve", "--directory", str(tmp_path / "store"), "--guest", f"5={tmp_path}/none/port"
    )
    assert ran.status == 1
    assert "none/port" in ran.err


def watching(store: Xenstored, *args: str) -> AbstractContextManager[subprocess.Popen[str]]:
    return running(
        [*COMMAND, "store", "watch", *args],
        env=environment({"XENSTORED_PATH": store.socket}),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_watch_goes_on_after_a_restart_and_says_so(store: Xenstored) -> None:
    with watching(store, "-n", "3", "/a") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == "/a\n"
        store.restart()
        assert process.stdout.readline() == "/a\n"
        assert "events may have been missed" in process.stderr.readline()
        with Client(store.socket) as client:
            client.write("/a/b", "1")
        assert process.stdout.readline() == "/a/b\n"
        assert process.wait(60) == 0


def test_watch_is_interrupted(store: Xenstored) -> None:
    with watching(store, "/a") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == "/a\n"
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
        assert process.stderr.read() == ""


def test_a_change_is_interrupted(server: Server, store: Xenstored) -> None:
    store.process.send_signal(signal.SIGSTOP)
    try:
        ran = server.run("store", "write", "/a", "1", env=store.environment(), kill_after=0.5, interrupt=True)
    finally:
        store.process.send_signal(signal.SIGCONT)
    assert ran.status == 130
    assert ran.err == (
        "guestwright: interrupted; what was under way may have been done, but whole or not at all\n"
    )


def test_names_cannot_drive_a_terminal(server: Server) -> None:
    """oxenstored checks nothing in paths that begin with an at sign."""
    with started("ocaml") as one:
        with Client(one.socket) as client:
            client.write("@\x1b[2J", "1")
        for args in (["list", "/"], ["list", "-p", "/"]):
            ran = run(server, one, *args)
            assert ran.status == 0
            assert "\x1b" not in ran.out
            assert "@\\x1b[2J" in ran.out


def test_the_reader_of_a_pipe_goes_away(store: Xenstored) -> None:
    line = f"{' '.join(COMMAND)} store watch /a | head -n 1"
    with running(
        ["bash", "-o", "pipefail", "-c", line],
        env=environment({"XENSTORED_PATH": store.socket}),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == "/a\n"
        until = time.monotonic() + 20
        with Client(store.socket) as client:
            while process.poll() is None and time.monotonic() < until:
                client.write("/a", "1")
                time.sleep(0.02)
        assert process.returncode == 141
        assert "Traceback" not in process.stderr.read()
