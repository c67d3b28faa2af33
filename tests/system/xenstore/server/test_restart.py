"""What is there after a stop, after kill -9, and when a second server comes."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys

import pytest

from guestwright.xenstore.core import wire
from tests.support.xenstore_server import ROOT, Process, process

pytestmark = pytest.mark.system


@pytest.fixture
def directory(tmp_path: os.PathLike[str]) -> str:
    return os.path.join(tmp_path, "run")


def test_stop_saves_and_start_restores(directory: str) -> None:
    with process(directory) as server, server.client() as client:
        client.write(b"/a/b", bytes(range(256)))
        assert client.ask(wire.SET_PERMS, b"/a\0n7\0r8\0") == b"OK\0"
        assert server.end() == 0
    assert sorted(os.listdir(directory)) == ["state", "xenstored.pid"]
    assert os.stat(os.path.join(directory, "state")).st_mode & 0o777 == 0o600
    with process(directory) as server, server.client() as client:
        assert client.read(b"/a/b") == bytes(range(256))
        assert client.ask(wire.GET_PERMS, b"/a\0") == b"n7\0r8\0"


def test_without_a_journal_a_killed_server_leaves_nothing_that_is_out_of_date(directory: str) -> None:
    with process(directory) as server, server.client() as client:
        client.write(b"/a", b"old")
        server.end()
    with process(directory) as server, server.client() as client:
        client.write(b"/a", b"new")
        server.end(signal.SIGKILL)
    with process(directory) as server, server.client() as client:
        assert client.read(b"/a") == wire.Errno.ENOENT


@pytest.mark.parametrize("seed", range(4))
def test_with_a_journal_a_killed_server_loses_nothing_acknowledged(directory: str, seed: int) -> None:
    chance = random.Random(seed)
    expected: dict[bytes, bytes] = {}
    for _ in range(3):
        with process(directory, journal=True) as server, server.client() as client:
            for path, value in expected.items():
                assert client.read(path) == value
            for _ in range(chance.randrange(300)):
                path = b"/data/%d" % chance.randrange(40)
                value = b"%d" % chance.randrange(1 << 30)
                if path in expected and chance.random() < 0.3:
                    assert client.ask(wire.RM, path + b"\0") == b"OK\0"
                    del expected[path]
                else:
                    client.write(path, value)
                    expected[path] = value
            # Requests underway when the server is killed may count or not, but each as a whole.
            client.send(wire.WRITE, b"/unanswered\0" + b"x" * 1000)
            server.end(signal.SIGKILL)
    with process(directory, journal=True) as server, server.client() as client:
        names = client.ask(wire.DIRECTORY, b"/data\0")
        assert isinstance(names, bytes)
        assert {b"/data/" + one for one in names.split(b"\0")[:-1]} == set(expected)
        assert client.read(b"/unanswered") in {wire.Errno.ENOENT, b"x" * 1000}
        assert client.ask(wire.CONTROL, b"check\0") == b"OK\0"


def test_a_commit_is_there_as_a_whole_or_not_at_all(directory: str) -> None:
    with process(directory, journal=True) as server, server.client() as client:
        client.write(b"/pair/left", b"0")
        client.write(b"/pair/right", b"0")
        for number in range(1, 200):
            begun = client.ask(wire.TRANSACTION_START, b"\0")
            assert isinstance(begun, bytes)
            for side in (b"left", b"right"):
                client.ask(wire.WRITE, b"/pair/%b\0%d" % (side, number), int(begun[:-1]))
            client.send(wire.TRANSACTION_END, b"T\0", int(begun[:-1]))
            if number < 199:
                assert client.reply() == b"OK\0"
        server.end(signal.SIGKILL)
    with process(directory, journal=True) as server, server.client() as client:
        assert client.read(b"/pair/left") == client.read(b"/pair/right")
        assert client.read(b"/pair/left") in {b"198", b"199"}


def test_a_torn_last_line_of_the_journal_is_left_out(directory: str) -> None:
    with process(directory, journal=True) as server, server.client() as client:
        client.write(b"/a", b"1")
        server.end(signal.SIGKILL)
    with open(os.path.join(directory, "state.journal"), "ab") as journal:
        journal.write(b'{"n":[["/b","2"')
    with process(directory, journal=True) as server, server.client() as client:
        assert client.read(b"/a") == b"1"
        assert client.read(b"/b") == wire.Errno.ENOENT


@pytest.mark.parametrize(
    ("file", "content"),
    [("state", b"rubbish\n"), ("state", b"guestwright-xenstore-state 9 0\n{}\n"), ("state.journal", b"{}\n")],
    ids=["no state", "a later version", "no journal"],
)
def test_what_cannot_be_restored_is_refused_and_left(directory: str, file: str, content: bytes) -> None:
    with process(directory, journal=True) as server:
        server.end()
    path = os.path.join(directory, file)
    with open(path, "wb") as stream:
        stream.write(content)
    with pytest.raises(AssertionError, match="is not usable"):
        Process(directory, journal=True)
    with open(path, "rb") as stream:
        assert stream.read() == content
    assert not os.path.exists(os.path.join(directory, "socket"))


def test_two_servers_do_not_share_a_directory(directory: str) -> None:
    with process(directory) as server, server.client() as client:
        client.write(b"/a", b"1")
        with pytest.raises(AssertionError, match=f"by process {server.child.pid}"):
            Process(directory)
        assert client.read(b"/a") == b"1"
        with server.client() as another:
            assert another.read(b"/a") == b"1"


def test_a_socket_of_somebody_else_is_not_taken_away(directory: str) -> None:
    os.mkdir(directory)
    path = os.path.join(directory, "socket")
    program = (
        "import socket,sys;s=socket.socket(socket.AF_UNIX);s.bind(sys.argv[1]);s.listen();"
        "print(flush=True);s.accept();s.accept()"
    )
    other = subprocess.Popen([sys.executable, "-c", program, path], stdout=subprocess.PIPE)
    try:
        assert other.stdout is not None
        other.stdout.readline()
        with pytest.raises(AssertionError, match="somebody listens on the socket"):
            Process(directory)
        assert os.path.exists(path)
    finally:
        other.kill()
        other.communicate()
    with process(directory) as server, server.client() as client:
        assert client.read(b"/tool") == b""


def test_a_file_that_is_no_socket_is_not_taken_away(directory: str) -> None:
    os.mkdir(directory)
    path = os.path.join(directory, "socket")
    with open(path, "w") as stream:
        stream.write("mine")
    with pytest.raises(AssertionError, match="no socket is in the way"):
        Process(directory)
    with open(path) as stream:
        assert stream.read() == "mine"


def test_only_the_owner_may_connect(directory: str) -> None:
    umask = os.umask(0)
    try:
        with process(directory) as server:
            assert os.stat(server.socket).st_mode & 0o777 == 0o600
    finally:
        os.umask(umask)


def test_requests_sent_before_the_stop_and_answered_are_saved(directory: str) -> None:
    """A client writes without pause while the server is told to stop; what was answered is there."""
    with process(directory) as server, server.client() as client:
        for number in range(400):
            client.send(wire.WRITE, b"/stream/%d\0x" % number)
        server.child.send_signal(signal.SIGTERM)
        answered = 0
        try:
            while client.reply() == b"OK\0":
                answered += 1
        except ConnectionError:
            pass
        assert server.child.wait(60) == 0
        server.end()
    with process(directory) as server, server.client() as client:
        for number in range(answered):
            assert client.read(b"/stream/%d" % number) == b"x"


def test_the_replaced_file_is_whole_when_there_is_no_room(directory: str) -> None:
    with process(directory) as server, server.client() as client:
        client.write(b"/a", b"1")
        server.end()
    with open(os.path.join(directory, "state"), "rb") as stream:
        before = stream.read()
    program = (
        "import resource,sys,signal;from guestwright.xenstore.server import state_file;"
        "signal.signal(signal.SIGXFSZ,signal.SIG_IGN);resource.setrlimit(resource.RLIMIT_FSIZE,(10,10));"
        "state_file.write_state(sys.argv[1],{'x':'y'*100})"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, os.path.join(directory, "state")],
        env={**os.environ, "PYTHONPATH": os.path.join(ROOT, "src")},
        capture_output=True,
        check=False,
    )
    assert b"StateNotSaved" in done.stderr
    with open(os.path.join(directory, "state"), "rb") as stream:
        assert stream.read() == before
    assert not [one for one in os.listdir(directory) if "part" in one]
