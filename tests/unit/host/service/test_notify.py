from __future__ import annotations

import socket
from pathlib import Path

import pytest

from guestwright.host.service.notify import Notifier


def test_without_a_manager_nothing_is_sent() -> None:
    notifier = Notifier({}, 1)
    notifier.ready("x")
    assert notifier.interval is None


@pytest.mark.parametrize(
    ("variables", "interval"),
    [
        ({"WATCHDOG_USEC": "2000000"}, 2.0),
        ({"WATCHDOG_USEC": "2000000", "WATCHDOG_PID": "7"}, 2.0),
        ({"WATCHDOG_USEC": "2000000", "WATCHDOG_PID": "8"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "-1"}, None),
    ],
)
def test_the_interval(variables: dict[str, str], interval: float | None) -> None:
    assert Notifier(variables, 7).interval == interval


def test_what_is_said(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
        told.bind(f"\0guestwright-test-{tmp_path.name}")
        notifier = Notifier({"NOTIFY_SOCKET": f"@guestwright-test-{tmp_path.name}"}, 1)
        notifier.ready("3 domains")
        notifier.alive()
        notifier.status("more")
        notifier.stopping()
        assert [told.recv(100) for _ in range(4)] == [
            b"READY=1\nSTATUS=3 domains",
            b"WATCHDOG=1",
            b"STATUS=more",
            b"STOPPING=1",
        ]


def test_a_manager_that_is_gone_is_no_error(tmp_path: Path) -> None:
    Notifier({"NOTIFY_SOCKET": str(tmp_path / "x")}, 1).alive()
