"""What must not grow: a write with other people's watches, a child with its siblings, idle connections."""

from __future__ import annotations

import os
import resource
import statistics
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from guestwright.xenstore.core import wire
from tests.support.xenstore_server import Process, Wire, process

pytestmark = pytest.mark.system


@pytest.fixture
def server(tmp_path: os.PathLike[str]) -> Iterator[Process]:
    with process(os.path.join(tmp_path, "run")) as one:
        yield one


def processor_time(server: Process) -> float:
    """Seconds that the server has run so far; other work on the machine does not count."""
    with open(f"/proc/{server.child.pid}/schedstat", encoding="ascii") as stream:
        return int(stream.read().split()[0]) / 1e9


def write_time(server: Process, client: Wire) -> float:
    """Processor time of a thousand writes."""
    begun = processor_time(server)
    for _ in range(1000):
        client.write(b"/written", b"x")
    return processor_time(server) - begun


def test_unrelated_watches_cost_nothing(server: Process) -> None:
    with server.client() as client, ExitStack() as stack:
        before = write_time(server, client)
        for number in range(100):
            watcher = stack.enter_context(server.client())
            for one in range(300):
                watcher.send(wire.WATCH, b"/unrelated/%d/%d\0t\0" % (number, one))
            for _ in range(600):
                watcher.message()
        assert write_time(server, client) < 4 * before  # 40 times in the real servers


def test_children_are_linear(server: Process) -> None:
    with server.client() as client:
        taken = []
        for part in range(8):
            begun = processor_time(server)
            for number in range(1000):
                client.write(b"/directory/child-%d" % (1000 * part + number), b"")
            taken.append(processor_time(server) - begun)
        begun = processor_time(server)
        assert client.ask(wire.RM, b"/directory\0") == b"OK\0"
        assert processor_time(server) - begun < sum(taken)
        assert statistics.median(taken[4:]) < 3 * statistics.median(taken[:4])


def test_ten_thousand_idle_connections(server: Process) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    count = min(10_000, hard - 200)
    taken = []
    with server.client() as writer, ExitStack() as stack:
        watchers = [stack.enter_context(server.client()) for _ in range(count)]
        for number, watcher in enumerate(watchers):
            for one in range(5):
                watcher.send(wire.WATCH, b"/idle/%d/%d\0token\0" % (number, one))
            for _ in range(10):
                watcher.message()
        with open(f"/proc/{server.child.pid}/smaps_rollup", encoding="ascii") as lines:
            held = sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) * 1024
        for number in range(0, count, count // 100):
            begun = time.perf_counter()
            writer.send(wire.WRITE, b"/idle/%d/3\0x" % number)
            assert watchers[number].event() == b"/idle/%d/3 token" % number
            taken.append(time.perf_counter() - begun)
            assert writer.reply() == b"OK\0"
    assert held < 400e6
    assert statistics.median(taken) < 20e-3  # on a busy machine; the bench measures it
