"""The reader of facts over real stores: C xenstored, oxenstored and our own."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from guestwright.agent.core import facts
from guestwright.agent.core.layout import desired
from guestwright.host.facts.attention import Attention, Pace
from guestwright.host.facts.book import Book, Life
from guestwright.host.facts.decode import decode
from guestwright.host.facts.intake import admit
from guestwright.host.facts.metrics import metrics
from guestwright.host.facts.reading import CHILDREN_MAX, NODES_MAX, WATCHED, read
from guestwright.xenstore.client.client import Client
from guestwright.xenstore.client.errors import TimedOut
from tests.support.xenstored import KINDS, missing, started

pytestmark = pytest.mark.system

GUEST = facts.Facts(
    system=facts.System(
        name="Debian GNU/Linux 12", distro="debian", major="12", uname="6.1.0", family="linux"
    ),
    host=facts.Host(name="web1", domain="example.org"),
    memory=facts.Memory(total=2_000_000, free=1_000_000),
    filesystems=(facts.Filesystem(device="/dev/xvda1", kind="ext4", size=10, free=5, mounts=("/", "/b")),),
    identity=facts.Identity(machine_id="ab", ssh=("ED25519 SHA256:x",)),
    nics=(
        facts.Nic(
            id="vif-0",
            kind="vif",
            name="enX0",
            mac="00:16:3e:00:00:01",
            up=True,
            vif=0,
            addresses=(facts.Address(family=4, address="192.0.2.1", prefix=24, dynamic=True),),
        ),
    ),
    boot="up",
)


@pytest.fixture(scope="module", params=KINDS)
def store(request: pytest.FixtureRequest) -> Iterator[Client]:
    lacking = missing(request.param)
    if lacking and "CI" not in os.environ:
        pytest.skip(f"not installed: {', '.join(lacking)}")
    with started(request.param) as server, Client(server.socket) as client:
        yield client


def publish(store: Client, domid: int, keys: dict[str, bytes]) -> None:
    for path, value in keys.items():
        store.write(f"/local/domain/{domid}/{path}", value)


def test_what_an_agent_publishes_is_read(store: Client) -> None:
    written = desired(GUEST, {"sysprep": "1"}, {})
    publish(store, 7, written)
    raw = dict(store.run(read(7)))
    assert {path: raw[path] for path in written} == written
    told = decode(admit(raw.items()))
    assert told == decode(admit(written.items()))
    assert (told.nics[0].addresses, told.filesystems) == (GUEST.nics[0].addresses, GUEST.filesystems)
    assert metrics(admit(raw.items())).networks == {"0/ip": "192.0.2.1", "0/ipv4/0": "192.0.2.1"}


def test_without_a_domain_there_is_nothing(store: Client) -> None:
    assert store.run(read(4711)) == []


def test_a_guest_that_fills_the_store_is_read_in_part(store: Client) -> None:
    publish(store, 8, {f"data/x{number}": b"1" for number in range(1500)})
    publish(store, 8, {f"attr/vif/{number}/ipv4/0": b"192.0.2.1" for number in range(700)})
    publish(store, 8, {"control/feature-sysprep": b"1", "attr/PVAddons/MajorVersion": b"1"})
    raw = dict(store.run(read(8)))
    assert len(raw) <= NODES_MAX
    assert sum(path.startswith("data/x") for path in raw) <= CHILDREN_MAX
    assert raw["control/feature-sysprep"] == raw["attr/PVAddons/MajorVersion"] == b"1"


def test_what_changes_is_seen_by_a_watch_and_one_look(store: Client) -> None:
    publish(store, 9, desired(GUEST, {}, {}))
    book, life, attention = Book(), Life("u", 9), Attention(Pace(), 0.0)
    book.started(life, 0.0)
    book.look(life, store.run(read(9)), 0.0)
    with store.watch(*(f"/local/domain/9/{one}" for one in WATCHED)) as watch:
        for _ in WATCHED:
            watch.get(5)
        for number in range(50):
            store.write("/local/domain/9/attr/vif/0/ipv4/0", f"192.0.2.{number}")
            store.write("/local/domain/9/data/net/vif-0/ipv4/0", f"192.0.2.{number}")
        events = 0
        try:
            while True:
                watch.get(0.3)
                attention.touched(1.0 + events / 1e6)
                events += 1
        except TimedOut:
            pass
        assert events >= 2
        assert attention.take(1.1)
        news = book.look(life, store.run(read(9)), 1.1)
    (change,) = news.changes
    assert (change.name, change.after[0].addresses[0].address) == ("nics", "192.0.2.49")
