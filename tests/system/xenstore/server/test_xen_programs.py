"""Xen's own programs as clients of our server: test-xenstore and every xenstore-* tool of Debian."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator

import pytest

from tests.support.tools import needs
from tests.support.xenstore_server import Process, process
from tests.support.xenstored import BINARIES, CASES, TEST_XENSTORE

pytestmark = [pytest.mark.system, needs("xenstore-read", TEST_XENSTORE)]

CONTROL = f"{BINARIES}/xenstore-control"  # the one on PATH asks for a hypervisor first


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    with process(str(tmp_path_factory.mktemp("store"))) as running:
        yield running


@pytest.fixture
def empty(tmp_path: os.PathLike[str]) -> Iterator[Process]:
    with process(os.path.join(tmp_path, "run")) as running:
        yield running


def tool(server: Process, *argv: str, status: int = 0) -> str:
    done = subprocess.run(
        argv,
        env={**os.environ, "XENSTORED_PATH": server.socket},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == status, done.stderr
    return done.stdout


@pytest.mark.parametrize("case", CASES)
def test_test_xenstore(server: Process, case: str) -> None:
    output = tool(server, TEST_XENSTORE, "-i", "2000", "-t", case)
    assert re.fullmatch(rf"{case} *: avg: \d+ ns \(\d+ ns \.\. \d+ ns\)\n", output)


def test_it_has_no_other_cases() -> None:
    listed = subprocess.run([TEST_XENSTORE, "-l"], capture_output=True, text=True, check=False).stdout
    assert [line.split(":")[0].strip() for line in listed.splitlines() if line] == list(CASES)


def test_test_xenstore_at_random(server: Process) -> None:
    tool(server, TEST_XENSTORE, "-r", "2")


def test_write_read_list_exists(empty: Process) -> None:
    tool(empty, "xenstore-write", "/a/b", "one", "/a/c", "two\\x00three")
    assert tool(empty, "xenstore-read", "/a/b") == "one\n"
    assert tool(empty, "xenstore-read", "-p", "/a/b", "/a/c") == "/a/b: one\n/a/c: two\\000three\n"
    assert tool(empty, "xenstore-list", "/a") == "b\nc\n"
    assert tool(empty, "xenstore-list", "-p", "/a") == "/a/b\n/a/c\n"
    tool(empty, "xenstore-exists", "/a/b")
    tool(empty, "xenstore-exists", "/a/nothing", status=1)
    tool(empty, "xenstore-read", "/a/nothing", status=1)


def test_ls(empty: Process) -> None:
    tool(empty, "xenstore-write", "/a/b", "one", "/a/c", "two")
    assert tool(empty, "xenstore-ls", "/a") == 'b = "one"\nc = "two"\n'
    assert tool(empty, "xenstore-ls", "-fp").splitlines() == [
        '/tool = ""   (n0)',
        '/tool/xenstored = ""   (n0)',
        '/a = ""   (n0)',
        '/a/b = "one"   (n0)',
        '/a/c = "two"   (n0)',
    ]


def test_ls_of_a_directory_larger_than_a_message(empty: Process) -> None:
    names = [f"a-child-with-a-long-name-{number:04}" for number in range(300)]
    with empty.client() as client:
        for name in names:
            client.write(f"/big/{name}".encode(), b"")
    assert tool(empty, "xenstore-list", "/big").split() == names


def test_rm(empty: Process) -> None:
    tool(empty, "xenstore-write", "/a/b/c", "1", "/a/d", "2")
    tool(empty, "xenstore-rm", "/a/b")
    assert tool(empty, "xenstore-list", "/a") == "d\n"
    tool(empty, "xenstore-rm", "-t", "/a/d")
    tool(empty, "xenstore-exists", "/a", status=1)


def test_chmod(empty: Process) -> None:
    tool(empty, "xenstore-write", "/a/b/c", "1")
    tool(empty, "xenstore-chmod", "-r", "/a", "n0", "r3", "b4")
    assert tool(empty, "xenstore-ls", "-fp", "/a") == '/a/b = ""   (n0,r3,b4)\n/a/b/c = "1"   (n0,r3,b4)\n'
    tool(empty, "xenstore-chmod", "/a/b", "x0", status=1)


def test_watch(empty: Process) -> None:
    watcher = subprocess.Popen(
        ["xenstore-watch", "-n", "3", "/a", "@introduceDomain"],
        env={**os.environ, "XENSTORED_PATH": empty.socket},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert watcher.stdout is not None
    assert [watcher.stdout.readline() for _ in range(2)] == ["/a\n", "@introduceDomain\n"]
    tool(empty, "xenstore-write", "/a/b", "1")
    assert watcher.communicate(timeout=20)[0] == "/a/b\n"


def test_control(empty: Process) -> None:
    assert tool(empty, CONTROL, "check") == "OK\n"
    assert "nodes" in tool(empty, CONTROL, "quota")
    tool(empty, CONTROL, "quota", "set", "nodes", "17")
    assert re.search(r"nodes +17\n", tool(empty, CONTROL, "quota"))
    tool(empty, CONTROL, "no-such-command", status=3)
