"""The balloon controller on a fake hypervisor and, for Xen, on a store."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator

import pytest

from guestwright.base.record import replace
from guestwright.host.acting.ballooning import Ballooning
from guestwright.host.acting.errors import ReservationRefused
from guestwright.host.acting.host_memory import (
    BalloonFacts,
    QemuMemory,
    Range,
    XenMemory,
    available,
    fixed_ranges,
)
from guestwright.host.balloon.controller import Controller
from guestwright.host.balloon.model import Why
from guestwright.host.balloon.reservations import Reservation
from guestwright.host.errors import NotEnoughMemory
from guestwright.hypervisor.domain import DomainId
from guestwright.hypervisor.drivers.fake.hypervisor import FakeHypervisor
from guestwright.hypervisor.errors import HypervisorUnreachable
from guestwright.hypervisor.spec import check_memory
from guestwright.xenstore.client.client import Client
from tests.support.agent_process import eventually
from tests.support.hypervisors import Bench, fake_bench
from tests.support.xenstore_server import Running

MIB = 1024  # KiB
TOTAL = 2048 * MIB


@pytest.fixture
def bench() -> Iterator[Bench]:
    with fake_bench() as one:
        yield one


def guest(bench: Bench) -> DomainId:
    return bench.start(memory_maximum=1024 * MIB << 10, memory_target=512 * MIB << 10)


def held(bench: Bench) -> int:
    return sum(
        bench.hypervisor.memory(one.uuid).actual >> 10 for one in bench.hypervisor.list() if one.active
    )


class Host:
    """A host of 2 GiB with guests between 256 MiB and 1 GiB."""

    def __init__(self, bench: Bench, *domains: DomainId) -> None:
        self.facts: dict[DomainId, BalloonFacts] = {}
        self.told: list[Why | str] = []
        self.memory = QemuMemory(
            bench.hypervisor,
            fixed_ranges({one: Range(minimum=256 * MIB, maximum=1024 * MIB) for one in domains}),
            self.facts.get,
            lambda: TOTAL - held(bench),
        )
        seconds = itertools.count()
        self.ballooning = Ballooning(
            Controller(), self.memory, told=self.told.append, clock=lambda: float(next(seconds)), period=0.01
        )


def test_guests_share_what_is_there_and_make_room(bench: Bench) -> None:
    one, two = guest(bench), guest(bench)
    host = Host(bench, one, two)
    for _ in range(30):
        host.ballooning.tick()
    sizes = [bench.hypervisor.memory(each).actual >> 10 for each in (one, two)]
    assert sizes[0] == sizes[1] > 900 * MIB
    host.ballooning.start()
    granted = host.ballooning.reserve(
        Reservation(name="r", owner="o", minimum=512 * MIB, maximum=512 * MIB, deadline=1e9)
    )
    assert granted.granted == 512 * MIB
    assert TOTAL - held(bench) >= 512 * MIB
    host.ballooning.transfer("r", DomainId("x"))
    host.ballooning.drop("r")
    with pytest.raises(NotEnoughMemory):
        host.ballooning.reserve(Reservation(name="s", owner="o", minimum=TOTAL, maximum=TOTAL, deadline=1e9))
    host.ballooning.stop()
    reasons = [why for why in host.told if isinstance(why, Why)]
    assert {why.domain for why in reasons} == {one, two}
    assert tuple(reasons) == host.ballooning.log()


def test_who_waits_when_it_ends_is_told(bench: Bench) -> None:
    host = Host(bench)
    threading.Timer(0.1, host.ballooning.stop).start()
    with pytest.raises(ReservationRefused):
        host.ballooning.reserve(Reservation(name="s", owner="o", minimum=1, maximum=1, deadline=1e9))


def test_others_domains_and_those_without_a_driver_are_left_alone(bench: Bench) -> None:
    ours, others = guest(bench), guest(bench)
    host = Host(bench, ours)
    host.facts[ours] = BalloonFacts(supported=False)
    for _ in range(5):
        host.ballooning.tick()
    assert host.told == []
    assert [one.domain for one in host.memory.view(0).guests] == [ours]
    assert others not in [one.domain for one in host.memory.view(0).guests]


def test_a_stuck_guest_is_seen_and_another_run_begins_anew(bench: Bench) -> None:
    one = guest(bench)
    host = Host(bench, one)
    host.facts[one] = BalloonFacts(total=512 * MIB, free=100 * MIB, reports=True, stuck="no memory")
    host.ballooning.tick()
    (seen,) = host.memory.view(0).guests
    assert (seen.used, seen.reports, seen.stuck) == (412 * MIB, True, "no memory")
    bench.hypervisor.stop(one)
    assert host.memory.view(0).guests == ()
    bench.hypervisor.start(one)
    (seen,) = host.memory.view(0).guests
    assert seen.target == seen.actual == 512 * MIB


def test_a_host_that_cannot_be_looked_at_is_told_once(bench: Bench) -> None:
    host = Host(bench, guest(bench))
    bench.hypervisor.close()
    with pytest.raises(HypervisorUnreachable):
        host.ballooning.tick()
    host.ballooning.start()
    eventually(lambda: len(host.told) == 1)
    host.ballooning.stop()
    assert len(host.told) == 1


class Libxl(FakeHypervisor):
    """What the toolstack does on Xen: the target is a key, and a guest's memory follows some other time."""

    def __init__(self, bench: Bench, store: Client, video: int) -> None:
        self._world = bench.hypervisor._world  # type: ignore[attr-defined]  # the domains of the bench
        self._store = store
        self._video = video
        store.write("/local/domain/7/memory/videoram", str(video))

    def set_memory_target(self, domain: DomainId, amount: int) -> None:
        check_memory(amount, self.get(domain).memory_maximum)
        self._store.write("/local/domain/7/memory/target", str((amount >> 10) - self._video))


@pytest.mark.parametrize("video", [0, 16 * MIB])
def test_on_xen_the_target_is_a_key_and_what_differs_is_taken_once(bench: Bench, video: int) -> None:
    one = guest(bench)
    facts = {one: BalloonFacts(reports=True, settled=False)}
    with Running() as serving, Client(_address(serving, bench)) as store:
        for name, value in (("target", 500 * MIB), ("dynamic-min", 256 * MIB), ("dynamic-max", 2000 * MIB)):
            store.write(f"/local/domain/7/memory/{name}", str(value))
        toolstack = Libxl(bench, store, video)
        memory = XenMemory(toolstack, store, {one: 7}.get, facts.get, lambda: 1600 * MIB)
        assert [seen.balloons for seen in memory.view(0).guests] == [False]
        facts[one] = replace(facts[one], settled=True)
        (seen,) = memory.view(1).guests
        assert (seen.balloons, seen.actual, seen.target) == (True, 500 * MIB, 500 * MIB)
        ballooning = Ballooning(Controller(), memory, clock=lambda: 2.0)
        ballooning.tick()
        assert int(store.read_text("/local/domain/7/memory/target")) == 1024 * MIB - video
        (why,) = ballooning.log()
        (seen,) = memory.view(3).guests
        assert seen.actual == 500 * MIB  # the offset stays
        store.rm("/local/domain/7")
        assert memory.view(4).guests == ()
        step = Controller().step(memory.view(5), 5.0)
        assert step.moves == ()
        assert why.before == 500 * MIB


def test_what_this_host_has() -> None:
    assert available() > 0


def _address(serving: Running, bench: Bench) -> str:
    path = f"{bench.directory}/socket"
    serving.inside(lambda: serving.server.listen(path))
    return path
