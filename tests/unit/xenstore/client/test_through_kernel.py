"""What is different when the kernel's device is between client and server."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from guestwright.xenstore.client.errors import InvalidRequest
from guestwright.xenstore.client.session import Session
from guestwright.xenstore.client.transport import Declined, DeviceTransport
from guestwright.xenstore.client.watching import Events
from guestwright.xenstore.core import requests, wire


def test_a_request_waits_for_the_reply_to_the_one_before() -> None:
    session = Session(one_at_a_time=True)
    first, second = session.submit(requests.Read(b"/a")), session.submit(requests.Read(b"/b"))
    assert session.outgoing() == first.message
    assert not session.has_output
    assert session.outgoing() is None
    session.feed(wire.frame(wire.WATCH_EVENT, 0, 0, b"/a\0t\0"))  # no reply
    assert not session.has_output
    session.feed(wire.frame(wire.READ, first.request_id, 0, b"1"))
    assert session.outgoing() == second.message


def test_a_watch_that_was_declined_has_failed() -> None:
    session = Session(one_at_a_time=True)
    _, pending = session.watch(b"no good", Events())
    after = session.submit(requests.Read(b"/a"))
    assert session.outgoing() == pending.message
    session.declined("EINVAL")
    assert isinstance(pending.error, InvalidRequest)
    assert session.outgoing() == after.message


@pytest.mark.parametrize(
    ("kind", "error", "expected"),
    [
        pytest.param(wire.WATCH, errno.EINVAL, Declined, id="watch-refused"),
        pytest.param(wire.WATCH, errno.EIO, OSError, id="watch-without-server"),
        pytest.param(wire.READ, errno.EINVAL, OSError, id="not-a-watch"),
    ],
)
def test_whose_error_a_failed_write_is(
    kind: int, error: int, expected: type[Exception], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = tmp_path / "device"
    device.write_bytes(b"")
    transport = DeviceTransport(str(device))

    def fail(_descriptor: int, _data: bytes) -> int:
        raise OSError(error, os.strerror(error))

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", fail)
        with pytest.raises(expected) as caught:
            transport.send(wire.frame(kind, 1, 0, b"x\0t\0"))
    transport.close()
    assert str(caught.value) == "EINVAL" or isinstance(caught.value, OSError)
