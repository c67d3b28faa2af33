"""Which channel is found."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from guestwright.agent.channel.find import PORT_NAME, find, opened
from guestwright.agent.channel.transport import Port, Transport, UnixSocket, Xenbus


def touch(root: Path, path: str, text: str = "") -> None:
    place = root / path.lstrip("/")
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(text)


@pytest.mark.parametrize(
    ("files", "kind", "path"),
    [
        pytest.param({"/dev/xen/xenbus": ""}, Xenbus, "/dev/xen/xenbus", id="Linux"),
        pytest.param({"/dev/xen/xenstore": ""}, Xenbus, "/dev/xen/xenstore", id="FreeBSD"),
        pytest.param(
            {f"/dev/virtio-ports/{PORT_NAME}": ""}, Port, f"/dev/virtio-ports/{PORT_NAME}", id="udev"
        ),
        pytest.param(
            {"/sys/class/virtio-ports/vport2p3/name": f"{PORT_NAME}\n"}, Port, "/dev/vport2p3", id="no udev"
        ),
        pytest.param(
            {"/dev/xen/xenbus": "", f"/dev/virtio-ports/{PORT_NAME}": ""},
            Xenbus,
            "/dev/xen/xenbus",
            id="both",
        ),
    ],
)
def test_found(files: dict[str, str], kind: type[Transport], path: str, tmp_path: Path) -> None:
    for name, text in files.items():
        touch(tmp_path, name, text)
    assert find("", str(tmp_path)) == (kind, f"{tmp_path}{path}")


def test_nothing(tmp_path: Path) -> None:
    touch(tmp_path, "/sys/class/virtio-ports/vport2p1/name", "org.qemu.guest_agent.0\n")
    assert find("", str(tmp_path)) is None
    assert opened("", str(tmp_path)) is None


@pytest.mark.parametrize(
    ("path", "kind"),
    [("/x/xenbus", Xenbus), ("/x/xenstore", Xenbus), ("/dev/null", Port), ("/x/y", UnixSocket)],
)
def test_named(path: str, kind: type[Transport]) -> None:
    assert find(path) == (kind, path)


def test_a_socket_is_opened_and_carries_bytes(tmp_path: Path) -> None:
    path = str(tmp_path / "socket")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        server.listen(1)
        transport = opened(path)
        assert transport is not None
        end, _ = server.accept()
        with end:
            assert transport.receive() is None
            assert transport.send(b"abc") == 3
            assert end.recv(9) == b"abc"
            end.send(b"def")
            assert transport.receive() == b"def"
            end.close()
            assert transport.receive() == b""
        transport.close()
        transport.close()
    with pytest.raises(ConnectionRefusedError):
        opened(path)


def test_the_device_takes_whole_messages(tmp_path: Path) -> None:
    path = tmp_path / "xenbus"
    path.touch()
    transport = opened(str(path))
    assert transport is not None
    assert transport.send(b"abc") == 3
    assert path.read_bytes() == b"abc"
    transport.close()
    assert not os.path.samefile(path, "/dev/null")
