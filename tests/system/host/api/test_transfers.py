"""Our client's uploads and downloads through a line that breaks again and again."""

from __future__ import annotations

import os
import random
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from guestwright.host.api.operations.volumes import volume_endpoints
from guestwright.host.client.address import UnixAddress
from guestwright.host.client.errors import HostLost, HostRefused, HostUnreachable
from guestwright.host.client.transfers import download, upload
from guestwright.host.volumes.storage import Storage
from tests.support.api_server import PATIENCE, serving

pytestmark = pytest.mark.system
SIZE = 6 << 20
DATA = random.Random(9).randbytes(SIZE)


@pytest.fixture
def service(tmp_path: Path) -> Iterator[UnixAddress]:
    os.mkdir(tmp_path / "state", 0o700)
    with Storage(str(tmp_path / "state"), {"main": str(tmp_path / "volumes")}) as storage:
        storage.start()
        with serving(tmp_path, jobs=storage.jobs, more=volume_endpoints(storage.domains)) as api:
            yield UnixAddress(path=api.unix)


@contextmanager
def breaking(path: Path, service: UnixAddress, most: int, breaks: int) -> Iterator[UnixAddress]:
    """A line to the service where the first connections break after so many bytes, either way."""
    ended = threading.Event()

    def pump(source: socket.socket, sink: socket.socket, limit: int) -> None:
        left = limit
        try:
            while left > 0 and (data := source.recv(min(65536, left))):
                sink.sendall(data)
                left -= len(data)
            if left > 0:
                sink.shutdown(socket.SHUT_WR)
                return
        except OSError:
            pass
        for one in (source, sink):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen()
        listening.settimeout(0.1)
        lines: list[socket.socket] = []
        threads: list[threading.Thread] = []

        def accept() -> None:
            number = 0
            while not ended.is_set():
                try:
                    near, _ = listening.accept()
                except TimeoutError:
                    continue
                far = socket.socket(socket.AF_UNIX)
                far.connect(service.path)
                near.settimeout(PATIENCE)
                far.settimeout(PATIENCE)
                lines.extend((near, far))
                number += 1
                limit = most if number <= breaks else 1 << 40
                for pair in ((near, far), (far, near)):
                    threads.append(threading.Thread(target=pump, args=(*pair, limit), daemon=True))
                    threads[-1].start()

        accepting = threading.Thread(target=accept)
        accepting.start()
        try:
            yield UnixAddress(path=str(path))
        finally:
            ended.set()
            accepting.join(PATIENCE)
            for one in threads:
                one.join(PATIENCE)
            for line in lines:
                line.close()


def test_there_and_back_over_a_line_that_breaks(service: UnixAddress, tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(DATA)
    pauses: list[float] = []
    with breaking(tmp_path / "up", service, 2_500_000, 3) as line:
        job = upload(line, "main", "web1", str(source), format="raw", size=SIZE, sleep=pauses.append)
    assert job["status"] == "done", job
    assert (tmp_path / "volumes" / "web1.raw").read_bytes() == DATA
    assert len(pauses) in {2, 3}  # a third break only if what was under way was lost
    pauses.clear()
    with breaking(tmp_path / "down", service, 2_500_000, 2) as line:
        assert download(line, "main", "web1", str(target), sleep=pauses.append) == SIZE
    assert target.read_bytes() == DATA
    assert len(pauses) == 2
    assert not (tmp_path / "target.part").exists()


def test_a_line_that_always_breaks_is_given_up(service: UnixAddress, tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes(DATA)
    upload(service, "main", "web1", str(tmp_path / "source"), format="raw", size=SIZE)
    with breaking(tmp_path / "l", service, 50, 1000) as line, pytest.raises((HostLost, HostUnreachable)):
        download(line, "main", "web1", str(tmp_path / "target"), sleep=lambda _: None)
    assert not (tmp_path / "target").exists()


def test_what_the_service_refuses_is_not_tried_again(service: UnixAddress, tmp_path: Path) -> None:
    pauses: list[float] = []
    with pytest.raises(HostRefused, match="no volume"):
        download(service, "main", "none", str(tmp_path / "target"), sleep=pauses.append)
    (tmp_path / "source").write_bytes(b"x" * 512)
    with pytest.raises(HostRefused):
        upload(service, "none", "x", str(tmp_path / "source"), format="raw", size=512, sleep=pauses.append)
    assert pauses == []
