"""What the service does with xenstored, over our own server in its place."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from guestwright.host.facts.book import Life
from guestwright.host.service.errors import PowerUnanswered
from guestwright.host.service.port import PowerAction
from guestwright.host.service.xen_following import XenFollowing
from guestwright.host.service.xen_power import acknowledged
from guestwright.xenstore.client import domains
from guestwright.xenstore.client.client import Client
from tests.support.agent_process import eventually
from tests.support.xenstore_server import Running

HOME = "/local/domain/7"
KEY = f"{HOME}/control/shutdown"


@pytest.fixture
def serving() -> Iterator[Running]:
    with Running() as one:
        yield one


@pytest.fixture
def store(serving: Running, tmp_path: Path) -> Iterator[Client]:
    path = str(tmp_path / "socket")
    serving.inside(lambda: serving.server.listen(path))
    with Client(path) as client:
        yield client


def test_a_kernel_acknowledges(store: Client) -> None:
    store.write(KEY, "reboot")
    kernel = threading.Timer(0.2, lambda: store.write(KEY, ""))
    kernel.start()
    acknowledged(store, 7, "u1", PowerAction.REBOOT)
    assert store.read_text(KEY) == ""
    kernel.join()


def test_a_guest_that_is_gone_has_done_it(store: Client) -> None:
    acknowledged(store, 8, "u1", PowerAction.SHUTDOWN)


def test_what_nobody_takes_note_of_is_taken_back(store: Client) -> None:
    store.write(KEY, "poweroff")
    with pytest.raises(PowerUnanswered, match=r"u1 took no note of shutdown within 0\.1 s"):
        acknowledged(store, 7, "u1", PowerAction.SHUTDOWN, 0.1)
    assert store.read_text(KEY) == ""


def test_domains_that_come_and_go(serving: Running, store: Client) -> None:
    lives = [Life("u1", 7)]
    released: list[Life] = []
    changed: list[int] = []
    failed: list[BaseException] = []
    ours, theirs = socket.socketpair()
    serving.inside(lambda: serving.server.add(ours, domid=7))
    following = XenFollowing(store, lambda: lives, released.append, lambda: changed.append(1), failed.append)
    following.start()
    eventually(lambda: len(changed) == 1)
    assert released == []
    store.run(domains.release(7))
    eventually(lambda: released == lives)
    assert len(changed) > 1
    following.close()
    theirs.close()
    assert failed == []
