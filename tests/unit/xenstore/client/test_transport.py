"""Where a server is looked for, and what a device is given to write."""

from __future__ import annotations

import os
import pty
import socket
import tty
from pathlib import Path

import pytest

from guestwright.xenstore.client.errors import NoServer
from guestwright.xenstore.client.transport import (
    DEVICE_MESSAGE_MAX,
    DEVICES,
    SOCKET,
    DeviceTransport,
    UnixTransport,
    addresses,
    open_transport,
)


@pytest.mark.parametrize(
    ("environment", "found"),
    [
        ({}, (SOCKET, *DEVICES)),
        ({"XENSTORED_PATH": "/x"}, ("/x",)),
        ({"XENSTORED_RUNDIR": "/r"}, ("/r/socket", *DEVICES)),
        ({"XENSTORED_PATH": "/x", "XENSTORED_RUNDIR": "/r"}, ("/x",)),
        ({"XENSTORED_PATH": ""}, (SOCKET, *DEVICES)),
    ],
    ids=str,
)
def test_addresses(environment: dict[str, str], found: tuple[str, ...]) -> None:
    assert addresses(environment) == found


def test_nobody_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NoServer) as caught:
        open_transport(str(tmp_path / "none"))
    assert "No such file" in caught.value.message
    assert "none" in caught.value.message
    monkeypatch.setenv("XENSTORED_PATH", str(tmp_path / "other"))
    with pytest.raises(NoServer, match="other"):
        open_transport()


def test_a_stale_socket(tmp_path: Path) -> None:
    path = str(tmp_path / "socket")
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(path)
    with pytest.raises(NoServer, match="refused"):
        open_transport(path)


def test_a_file_is_no_server(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("")
    with pytest.raises(NoServer):
        open_transport(str(path))


def test_a_socket(tmp_path: Path) -> None:
    path = str(tmp_path / "socket")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        transport = open_transport(path)
        assert isinstance(transport, UnixTransport)
        peer, _ = listener.accept()
        with peer:
            assert transport.receive() is None
            assert transport.send(b"abc") == 3
            assert peer.recv(10) == b"abc"
            peer.send(b"def")
            assert transport.receive() == b"def"
            while transport.send(bytes(1 << 16)):
                pass
        assert not os.get_blocking(transport.fileno())
        assert not os.get_inheritable(transport.fileno())
        transport.close()


def test_a_device() -> None:
    """A terminal in raw mode is a device too; the rules of xenbus are in the contract."""
    main, side = pty.openpty()
    try:
        tty.setraw(side)
        transport = open_transport(os.ttyname(side))
        assert isinstance(transport, DeviceTransport)
        assert transport.message_max == DEVICE_MESSAGE_MAX
        assert transport.receive() is None
        assert transport.send(b"whole") == 5
        assert os.read(main, 100) == b"whole"
        os.write(main, b"answer")
        assert transport.receive() == b"answer"
        transport.close()
        transport.close()
    finally:
        os.close(main)
        os.close(side)


def test_a_device_that_takes_half_a_message_is_broken() -> None:
    main, side = pty.openpty()
    try:
        tty.setraw(side)
        transport = open_transport(os.ttyname(side))
        with pytest.raises(OSError, match="took"):
            for _ in range(100):
                transport.send(bytes(4000))
        transport.close()
    finally:
        os.close(main)
        os.close(side)
