from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from guestwright.host.service.channels import Channels
from guestwright.host.service.port import ChannelState

PATIENCE = 60.0


class Lines:
    """Where lines are served."""

    def __init__(self) -> None:
        self.served: list[tuple[int, socket.socket]] = []

    def serve(self, domid: int, sock: socket.socket) -> None:
        self.served.append((domid, sock))

    def disconnect(self, domid: int) -> None:
        pass


class Bench:
    """Channels, and what they told."""

    def __init__(self) -> None:
        self.lines = Lines()
        self.told: list[tuple[int, ChannelState, str]] = []
        self.failures: list[BaseException] = []
        self.channels = Channels(self.lines, lambda *one: self.told.append(one), self.failures.append)
        self.channels.start()

    def close(self) -> None:
        self.channels.close()
        for _, sock in self.lines.served:
            sock.close()
        assert not self.failures


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    made.close()


def wait(what: object) -> None:
    until = time.monotonic() + PATIENCE
    while not what():  # type: ignore[operator]  # a function
        assert time.monotonic() < until
        time.sleep(0.005)


def test_it_tries_until_somebody_listens(bench: Bench, tmp_path: Path) -> None:
    path = str(tmp_path / "s")
    bench.channels.open(5, path)
    wait(lambda: bench.told)
    assert bench.told[0][:2] == (5, ChannelState.WAITING)
    assert "No such file" in bench.told[0][2]
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(path)
        listening.listen(1)
        bench.channels.open(5, path)  # again: no second line
        wait(lambda: bench.lines.served)
        wait(lambda: len(bench.told) == 2 or bench.told[-1][1] is ChannelState.CONNECTED)
        assert [domid for domid, _ in bench.lines.served] == [5]


def test_a_line_that_has_ended_is_made_anew_unless_dropped(bench: Bench, tmp_path: Path) -> None:
    path = str(tmp_path / "s")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(path)
        listening.listen(10)
        bench.channels.open(5, path)
        wait(lambda: len(bench.lines.served) == 1)
        bench.channels.closed(5)
        wait(lambda: len(bench.lines.served) == 2)
        bench.channels.drop(5)
        bench.channels.closed(5)
        bench.channels.closed(6)
        time.sleep(0.3)
        assert len(bench.lines.served) == 2


def test_a_path_that_is_too_long_is_told(bench: Bench) -> None:
    bench.channels.open(5, "/" + "x" * 200)
    wait(lambda: bench.told)
    assert "too long" in bench.told[0][2]


def test_it_ends_without_having_begun() -> None:
    channels = Channels(Lines(), lambda *_: None, lambda _: None)
    channels.close()
    assert threading.active_count() >= 1
