"""The engine in its process and a host in its own: memory of large transfers, and kills in their middle."""

from __future__ import annotations

import json
import os
import queue
import select
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from guestwright.client import pieces
from guestwright.client.calls import hosts
from guestwright.client.client import Client
from guestwright.client.kinds import STORAGE
from tests.support import real_hosts
from tests.support.disk_stand import contents, memory_peak, sparse
from tests.support.program import COMMAND, environment, running

pytestmark = pytest.mark.system

PATIENCE = 240.0
LARGE = 160 << 20
GROWTH = 64 << 20  # of the engine's memory, under a file of `LARGE`
SIZE = 6 << 20


class Life:
    """An engine that can be killed and started again at the same address.

    Args:
        place: of its files.
    """

    def __init__(self, place: Path) -> None:
        self.url = "127.0.0.1:0"
        self.pid = 0
        self._place = place
        self._stack = ExitStack()

    def start(self) -> None:
        self._stack.enter_context(self._running())

    def kill(self) -> None:
        os.kill(self.pid, 9)
        self._stack.close()

    def end(self) -> None:
        self._stack.close()

    @property
    def token(self) -> str:
        return (self._place / "engine" / "admin.token").read_text().strip()

    @contextmanager
    def _running(self) -> Iterator[None]:
        listen = self.url.rpartition("/")[2]
        args = ["up", "--json", "--no-host", "--directory", str(self._place / "engine"), "--listen", listen]
        given = environment({"XDG_CONFIG_HOME": str(self._place / "config")})
        with running([*COMMAND, *args], env=given, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            text = b""
            while not text.endswith(b"}\n"):
                assert select.select([process.stdout], [], [], PATIENCE)[0]
                part = os.read(process.stdout.fileno(), 65536)
                assert part, (text, process.wait(PATIENCE))
                text += part
            self.url, self.pid = json.loads(text)["url"], process.pid
            yield
            process.terminate()
            process.wait(PATIENCE)


def eventually(what: Callable[[], Any]) -> Any:
    until = time.monotonic() + PATIENCE
    while not (found := what()):
        assert time.monotonic() < until
        time.sleep(0.05)
    return found


class HostLife:
    """The service of a host that can be killed and started again.

    Args:
        place: of its files.
    """

    def __init__(self, place: Path) -> None:
        self._place = place
        self._stack = ExitStack()
        self._pid = 0

    def start(self) -> None:
        self._pid = self._stack.enter_context(real_hosts.process(self._place)).pid

    def kill(self) -> None:
        os.kill(self._pid, 9)
        self._stack.close()

    def end(self) -> None:
        self._stack.close()


@contextmanager
def site() -> Iterator[tuple[Life, HostLife, dict[str, Any]]]:
    """An engine that knows a host with one storage domain."""
    with real_hosts.short_directory() as place, ExitStack() as ends:
        life, host = Life(place), HostLife(place)
        for one in (life, host):
            ends.callback(one.end)
            one.start()
        with Client(life.url, life.token) as client:
            made = client.do(hosts.add("one", f"unix:{place}/run/api.sock"))
            eventually(lambda: list(client.all(STORAGE.all(filters=("state=up",)))))
        yield life, host, {"host": made["id"], "storage": real_hosts.STORAGE}


def test_kills_and_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with site() as (life, host, where):
        large_disks_need_little_memory(life, tmp_path, where)
        monkeypatch.setattr(pieces, "PIECE", 256 << 10)
        killed_in_the_middle(life, host, tmp_path, where)


def large_disks_need_little_memory(life: Life, tmp_path: Path, where: dict[str, Any]) -> None:
    mark = sparse(tmp_path / "large.raw", LARGE)
    with Client(life.url, life.token) as client:
        memory_peak(life.pid)  # of its start, which takes much for passwords
        before = memory_peak(life.pid)
        job = client.upload_disk(str(tmp_path / "large.raw"), name="large", **where)
        disk = client.wait(job["id"])["result"]["disk"]
        assert client.download_disk(disk, str(tmp_path / "large.back")) == LARGE
        grown = memory_peak(life.pid) - before
        assert grown < GROWTH
    with (tmp_path / "large.back").open("rb") as file:
        for at in (0, LARGE // 4, LARGE // 2, LARGE // 4 * 3, LARGE - len(mark)):
            assert os.pread(file.fileno(), len(mark), at) == mark
    same = ["cmp", str(tmp_path / "large.raw"), str(tmp_path / "large.back")]
    assert subprocess.run(same, check=False).returncode == 0


def killed_in_the_middle(life: Life, host: HostLife, tmp_path: Path, where: dict[str, Any]) -> None:
    data = contents(SIZE, 7)
    (tmp_path / "disk.raw").write_bytes(data)
    killed = {SIZE // 3: life.kill, SIZE * 2 // 3: host.kill}
    told = list[int]()

    def moved(done: int, _: int) -> None:
        told.append(done)
        for at in [at for at in killed if at <= done]:
            killed.pop(at)()
            starting.put(at)

    def upload() -> None:
        with Client(life.url, life.token) as client:
            job = client.upload_disk(
                str(tmp_path / "disk.raw"), name="killed", **where, progress=moved, patience=PATIENCE
            )
            ended.append(client.wait(job["id"]))

    ended, starting = list[dict[str, Any]](), queue.Queue[int]()
    sending = threading.Thread(target=upload)
    sending.start()
    try:
        for one in (life, host):
            starting.get(timeout=PATIENCE)
            one.start()
    finally:
        sending.join(PATIENCE)
    assert ended, "the upload came to no end"
    assert ended[0]["status"] == "done"
    assert told == sorted(told)  # nothing that had arrived was lost
    with Client(life.url, life.token) as client:
        client.download_disk(ended[0]["result"]["disk"], str(tmp_path / "disk.back"))
    assert (tmp_path / "disk.back").read_bytes() == data
