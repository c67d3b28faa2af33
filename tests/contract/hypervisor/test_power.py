"""Runs of domains: the same on every hypervisor."""

from __future__ import annotations

import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from guestwright.base.record import replace
from guestwright.hypervisor.domain import Bus, Device, DomainId, State
from guestwright.hypervisor.errors import (
    BadDomainSpec,
    DomainNotFound,
    DriveNotFound,
    DriveNotRemovable,
    MediumNotFound,
    MigrationCancelled,
    MigrationRefused,
    WrongDomainState,
)
from guestwright.hypervisor.events import EventKind, Reason
from guestwright.hypervisor.spec import BootFrom, DriveSpec, Migration, RunOnce
from tests.support.hypervisors import MIB, Bench


def booted(bench: Bench) -> None:
    """Give firmware the time to reach our boot sector: until then the button is nobody's."""
    if bench.real:
        time.sleep(1.0)


def press(bench: Bench, domain: object, verb: str, kind: EventKind) -> None:
    """Ask until the guest hears: how long firmware takes depends on the machine."""
    for _ in range(20):
        with suppress(WrongDomainState):  # it has heard, and the event is under way
            getattr(bench.hypervisor, verb)(domain)
        end = time.monotonic() + 1.0
        while time.monotonic() < end:
            if any(each.kind is kind and each.domain == domain for each in list(bench.told)):
                return
            time.sleep(0.02)
    raise AssertionError(bench.told)


def test_start_runs_and_stop_ends_it(bench: Bench) -> None:
    domain = bench.define()
    begun = bench.hypervisor.start(domain)
    assert begun.state is State.RUNNING
    assert begun.run is not None
    assert bench.hypervisor.get(domain).run == begun.run
    assert bench.wait(EventKind.STARTED, domain).reason is Reason.BOOTED
    bench.hypervisor.stop(domain)
    bench.hypervisor.stop(domain)
    assert bench.hypervisor.get(domain).state is State.OFF
    assert bench.wait(EventKind.STOPPED, domain).reason is Reason.DESTROYED


def test_each_run_has_its_own_number(bench: Bench) -> None:
    domain = bench.define()
    first = bench.hypervisor.start(domain).run
    bench.hypervisor.stop(domain)
    assert bench.hypervisor.start(domain).run != first


def test_a_running_domain_is_not_started_again(bench: Bench) -> None:
    domain = bench.start()
    with pytest.raises(WrongDomainState):
        bench.hypervisor.start(domain)


def test_a_missing_disk_is_named_and_nothing_runs(bench: Bench) -> None:
    missing = DriveSpec(device=Device.DISK, bus=Bus.IDE, medium=f"{bench.directory}/not-there.img")
    domain = bench.define(drives=(missing,))
    with pytest.raises(MediumNotFound):
        bench.hypervisor.start(domain)
    assert bench.hypervisor.get(domain).state is State.OFF


def test_shut_down_asks_the_guest(bench: Bench) -> None:
    domain = bench.start()
    booted(bench)
    press(bench, domain, "shut_down", EventKind.STOPPED)
    assert bench.wait(EventKind.STOPPED, domain).reason is Reason.GUEST
    assert bench.hypervisor.get(domain).state is State.OFF


def test_reboot_keeps_the_run(bench: Bench) -> None:
    domain = bench.start()
    run = bench.hypervisor.get(domain).run
    booted(bench)
    press(bench, domain, "reboot", EventKind.REBOOTED)
    assert bench.hypervisor.get(domain).run == run


@pytest.mark.parametrize("verb", ["shut_down", "reboot", "pause", "unpause", "suspend"])
def test_what_does_not_run_is_not_asked(bench: Bench, verb: str) -> None:
    domain = bench.define()
    with pytest.raises(WrongDomainState):
        getattr(bench.hypervisor, verb)(domain)


def test_pause_and_unpause(bench: Bench) -> None:
    domain = bench.start()
    for _ in range(2):
        bench.hypervisor.pause(domain)
        assert bench.hypervisor.get(domain).state is State.PAUSED
    bench.wait(EventKind.PAUSED, domain)
    for _ in range(2):
        bench.hypervisor.unpause(domain)
        assert bench.hypervisor.get(domain).state is State.RUNNING


def test_a_suspended_domain_comes_back(bench: Bench) -> None:
    domain = bench.start()
    medium = bench.image("kept.iso")
    bench.hypervisor.insert(domain, "hdc", medium)
    bench.hypervisor.suspend(domain)
    assert bench.hypervisor.get(domain).state is State.SUSPENDED
    assert bench.wait(EventKind.STOPPED, domain).reason is Reason.SAVED
    bench.told.clear()
    with pytest.raises(WrongDomainState):
        bench.hypervisor.start(domain, RunOnce(paused=True))
    bench.hypervisor.start(domain)
    assert bench.wait(EventKind.STARTED, domain).reason is Reason.RESTORED
    assert bench.hypervisor.get(domain).drive("hdc").medium == medium
    assert bench.hypervisor.defined(domain).drive("hdc").medium == ""


def test_a_run_once_start_leaves_the_definition(bench: Bench) -> None:
    domain = bench.define()
    iso, payload = bench.image("once.iso"), bench.image("payload.iso")
    once = RunOnce(
        media=(("hdc", iso),),
        drives=(DriveSpec(device=Device.CD, bus=Bus.IDE, medium=payload),),
        boot=(BootFrom.CD, BootFrom.DISK),
        paused=True,
    )
    begun = bench.hypervisor.start(domain, once)
    assert begun.state is State.PAUSED
    assert begun.drive("hdc").medium == iso
    assert begun.drive("hdb").medium == payload
    assert [each.target for each in bench.hypervisor.defined(domain).drives] == ["hda", "hdc"]
    bench.hypervisor.stop(domain)
    after = bench.hypervisor.start(domain)
    assert [(each.target, bool(each.medium)) for each in after.drives] == [("hda", True), ("hdc", False)]


@pytest.mark.parametrize(
    ("media", "error"),
    [((("hdd", ""),), DriveNotFound), ((("hda", ""),), DriveNotRemovable)],
    ids=["no drive", "a disk"],
)
def test_a_run_once_medium_needs_a_drive(
    bench: Bench, media: tuple[tuple[str, str], ...], error: type[Exception]
) -> None:
    domain = bench.define()
    with pytest.raises(error):
        bench.hypervisor.start(domain, RunOnce(media=media))
    assert bench.hypervisor.get(domain).state is State.OFF


def test_free_memory_is_told(bench: Bench) -> None:
    before = bench.hypervisor.free_memory()
    assert before > 32 * MIB
    bench.start()
    if not bench.real:  # others use the memory of a real host
        assert bench.hypervisor.free_memory() == before - 32 * MIB


def test_memory_is_asked_for_within_bounds(bench: Bench) -> None:
    domain = bench.start()
    before = bench.hypervisor.memory(domain)
    assert (before.maximum, before.actual) == (32 * MIB, 32 * MIB)
    bench.hypervisor.set_memory_target(domain, 24 * MIB)
    for amount in (33 * MIB, MIB + 1, 0, -MIB):
        with pytest.raises(BadDomainSpec):
            bench.hypervisor.set_memory_target(domain, amount)
    bench.hypervisor.stop(domain)
    with pytest.raises(WrongDomainState):
        bench.hypervisor.set_memory_target(domain, 24 * MIB)


def test_a_migration_to_nowhere_leaves_the_domain_running(bench: Bench) -> None:
    domain = bench.start()
    where = f"qemu+unix:///session?socket={bench.directory}/nobody"
    with pytest.raises(MigrationRefused):
        bench.hypervisor.migrate(domain, Migration(destination=where))
    assert bench.hypervisor.get(domain).state is State.RUNNING


def test_a_move_is_called_off(bench: Bench) -> None:
    iso = bench.image("inside.iso")
    domain = bench.start_busy()
    bench.hypervisor.insert(domain, "hdc", iso)
    assert not bench.hypervisor.cancel_migration(domain)
    with bench.neighbour() as there, ThreadPoolExecutor(1) as pool:
        moving = pool.submit(bench.hypervisor.migrate, domain, there.how)
        end = time.monotonic() + 60
        while not bench.hypervisor.cancel_migration(domain):
            assert not moving.done(), moving.result()
            assert time.monotonic() < end
            time.sleep(0.02)
        with pytest.raises(MigrationCancelled):
            moving.result(60)
        assert there.hypervisor.list() == ()
    here = bench.hypervisor.get(domain)
    assert (here.state, here.drive("hdc").medium) == (State.RUNNING, iso)
    assert not bench.hypervisor.cancel_migration(domain)
    assert not bench.hypervisor.cancel_migration(DomainId(str(uuid.uuid4())))
    assert EventKind.STOPPED not in {each.kind for each in bench.told if each.domain == domain}


def test_a_move_comes_to_its_end(bench: Bench) -> None:
    domain = bench.start()
    with bench.neighbour() as there:
        bench.hypervisor.migrate(domain, replace(there.how, bandwidth=0))
        assert bench.wait(EventKind.STOPPED, domain).reason is Reason.MIGRATED
        assert there.hypervisor.get(domain).state is State.RUNNING
        with pytest.raises(DomainNotFound):
            bench.hypervisor.get(domain)
        there.hypervisor.stop(domain)
        there.hypervisor.undefine(domain)
