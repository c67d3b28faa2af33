"""Each protection by itself, without the others in front of it."""

from __future__ import annotations

import ctypes
import faulthandler
import os
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from guestwright.confine import landlock, libc, limits, namespaces, privileges, seccomp
from guestwright.confine.descriptors import arrange, close_all_but
from guestwright.confine.limits import Limits
from tests.support.forked import IDENTITIES, forked, said

pytestmark = [pytest.mark.system, pytest.mark.parametrize("identity", IDENTITIES)]

LIBC = ctypes.CDLL(None, use_errno=True)
HAS_LANDLOCK = pytest.mark.skipif(landlock.abi() < 6, reason="this kernel has no Landlock ABI 6")


@pytest.fixture
def listener() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    for parent in (tmp_path, *tmp_path.parents[:3]):
        parent.chmod(parent.stat().st_mode | 0o055)
    (tmp_path / "allowed").write_text("yes")
    (tmp_path / "other").write_text("secret")
    for name in ("allowed", "other"):
        (tmp_path / name).chmod(0o666)
    return tmp_path


def _landlocked(attempt: Callable[[], object], **access: tuple[str, ...]) -> Callable[[], str]:
    def body() -> str:
        privileges.forbid_new_privileges()
        landlock.restrict(**access)  # type: ignore[arg-type] # the names are those of the paths' arguments
        return said(attempt)

    return body


@HAS_LANDLOCK
@pytest.mark.parametrize(
    ("name", "mode", "expected"),
    [("allowed", "r", "yes"), ("other", "r", "PermissionError"), ("allowed", "w", "PermissionError")],
)
def test_landlock_files(identity: str, place: Path, name: str, mode: str, expected: str) -> None:
    attempt = (place / name).read_text if mode == "r" else lambda: (place / name).write_text("x")
    outcome = forked(_landlocked(attempt, read=(str(place / "allowed"),)), identity=identity)
    assert outcome.text.startswith(expected), outcome


@HAS_LANDLOCK
def test_landlock_writing_one_file(identity: str, place: Path) -> None:
    def attempt() -> str:
        (place / "allowed").write_text("new")
        return said(lambda: (place / "fresh").write_text("x"))

    outcome = forked(_landlocked(attempt, write=(str(place / "allowed"),)), identity=identity)
    assert outcome.text.startswith("PermissionError")
    assert (place / "allowed").read_text() == "new"


@HAS_LANDLOCK
def test_landlock_tcp(identity: str, listener: int) -> None:
    def connect() -> None:
        socket.create_connection(("127.0.0.1", listener)).close()

    assert forked(lambda: said(connect), identity=identity).text == "None"
    assert forked(_landlocked(connect), identity=identity).text.startswith("PermissionError")
    bind = _landlocked(lambda: socket.create_server(("127.0.0.1", 0)))
    assert forked(bind, identity=identity).text.startswith("PermissionError")


@HAS_LANDLOCK
def test_landlock_abstract_socket(identity: str) -> None:
    name = f"\0guestwright-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(name)
        server.listen()

        def connect() -> None:
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(name)

        assert forked(lambda: said(connect), identity=identity).text == "None"
        assert forked(_landlocked(connect), identity=identity).text.startswith("PermissionError")


@HAS_LANDLOCK
def test_landlock_signals(identity: str) -> None:
    def body() -> str:
        parent = os.getpid()
        ours, theirs = os.pipe()
        if (pid := os.fork()) == 0:
            privileges.forbid_new_privileges()
            landlock.restrict()
            os.write(theirs, said(lambda: os.kill(parent, 0)).encode())
            os._exit(0)
        os.waitpid(pid, 0)
        return os.read(ours, 1000).decode()

    assert forked(body, identity=identity).text.startswith("PermissionError")


def test_namespaces_network(identity: str, listener: int) -> None:
    def body() -> str:
        assert namespaces.enter().network_namespace
        return said(lambda: socket.create_connection(("127.0.0.1", listener)))

    outcome = forked(body, identity=identity)
    assert outcome.text.startswith(("OSError", "ConnectionRefused")), outcome


def test_namespaces_keep_mounts_private(identity: str) -> None:
    def body() -> int:
        assert namespaces.enter().mount_namespace
        libc.mount("none", "/mnt", "tmpfs", 0)
        return len(os.listdir("/mnt")) + len(
            [line for line in Path("/proc/self/mounts").open() if " /mnt " in line]
        )

    assert forked(body, identity=identity).text == "1"
    assert not os.path.ismount("/mnt")


def test_empty_root(identity: str) -> None:
    def body() -> str:
        assert namespaces.enter().mount_namespace
        assert namespaces.empty_root()
        seen = os.listdir("/") + os.listdir("../..")
        return f"{seen} {said(lambda: os.mkdir('/x'))}"

    text = forked(body, identity=identity).text
    assert text.startswith("[] "), text
    assert "Error" in text


def test_capabilities_are_gone(identity: str) -> None:
    def body() -> str:
        namespaces.enter()
        privileges.shrink_bounding_set()
        privileges.drop_user()
        assert privileges.drop_capabilities()
        lines = Path("/proc/self/status").read_text().splitlines()
        return ",".join(line.split()[1] for line in lines if line.startswith("Cap"))

    assert set(forked(body, identity=identity).text.split(",")) == {"0" * 16}


def test_seccomp_alone(identity: str) -> None:
    def body() -> str:
        privileges.forbid_new_privileges()
        assert seccomp.install(seccomp.worker_policy(os.getpid()))
        return " ".join(said(a).split(":")[0] for a in (socket.socket, os.fork, lambda: open("/etc/passwd")))

    assert forked(body, identity=identity).text == "PermissionError PermissionError PermissionError"


def test_abort_works_under_seccomp(identity: str) -> None:
    def body() -> None:
        privileges.forbid_new_privileges()
        seccomp.install(seccomp.worker_policy(os.getpid()))
        faulthandler.disable()
        os.abort()

    assert forked(body, identity=identity).status == -signal.SIGABRT


def test_file_size_limit(identity: str, place: Path) -> None:
    def body() -> str:
        limits.apply(Limits(file_size=4))
        return said(lambda: (place / "allowed").write_bytes(b"12345"))

    assert "File too large" in forked(body, identity=identity).text


def test_close_all_but(identity: str) -> None:
    def body() -> list[int]:
        kept = [os.dup2(1, number) for number in (50, 70)]
        extra = [os.dup2(1, number) for number in (49, 51, 90)]
        channel = [fd for fd in range(3, 49) if _is_open(fd)]
        close_all_but((*kept, *channel))
        return [fd for fd in (*kept, *extra) if _is_open(fd)]

    assert forked(body, identity=identity).text == "[50, 70]"


def test_arrange_survives_swaps(identity: str) -> None:
    def body() -> bool:
        first, second = os.pipe(), os.pipe()
        arrange({first[1]: second[1], second[1]: first[1]})
        os.write(first[1], b"two")
        os.write(second[1], b"one")
        return (os.read(first[0], 9), os.read(second[0], 9)) == (b"one", b"two")

    assert forked(body, identity=identity).text == "True"


def _is_open(fd: int) -> bool:
    try:
        os.fstat(fd)
    except OSError:
        return False
    return True
