"""Which domains there are: the same from every hypervisor."""

from __future__ import annotations

import os

import pytest

from guestwright.base.record import replace
from guestwright.hypervisor.domain import Bus, Device, DomainId, Drive, Firmware, OsFamily, State
from guestwright.hypervisor.errors import DomainExists, DomainNotFound, TargetTaken, WrongDomainState
from guestwright.hypervisor.events import EventKind
from guestwright.hypervisor.spec import DriveSpec
from tests.support.hypervisors import MIB, Bench

NOBODY = DomainId("00000000-0000-4000-8000-000000000001")


def test_says_what_it_is(bench: Bench) -> None:
    about = bench.hypervisor.about()
    assert about.kind == ("QEMU" if bench.real else "fake")
    assert about.version.count(".") == 2
    assert about.cpus >= 1
    if bench.real:
        there = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        assert abs(about.memory - there) <= there // 4  # where memory is lent to a machine, it changes
    else:
        assert (about.cpus, about.memory) == (16, 64 << 30)


def test_a_defined_domain_is_off_ours_and_as_asked_for(bench: Bench) -> None:
    channel = bench.channel()
    spec = bench.spec(memory_target=24 * MIB, vcpus=2, os=OsFamily.LINUX, channels=(channel,))
    bench.made.append(spec.uuid)
    made = bench.hypervisor.define(spec)
    found = bench.hypervisor.get(spec.uuid)
    assert made == found
    assert (found.name, found.state, found.run, found.active) == (spec.name, State.OFF, None, False)
    assert (found.owned, found.persistent, found.os) == (True, True, OsFamily.LINUX)
    assert (found.memory_maximum, found.memory_actual, found.vcpus) == (32 * MIB, 24 * MIB, 2)
    assert found.platform.firmware is Firmware.BIOS
    assert found.platform.machine.startswith("pc")
    disk = spec.drives[0].medium
    assert found.drives == (
        Drive(device=Device.DISK, bus=Bus.IDE, target="hda", medium=disk, format="raw"),
        Drive(device=Device.CD, bus=Bus.IDE, target="hdc", read_only=True),
    )
    assert [(each.name, each.path) for each in found.channels] == [(channel.name, channel.path)]
    assert found.balloon
    assert bench.wait(EventKind.DEFINED, spec.uuid).name == spec.name


def test_lists_by_name(bench: Bench) -> None:
    ours = {bench.define(), bench.start()}
    listed = bench.hypervisor.list()
    assert {each.uuid for each in listed} >= ours
    assert [each.name for each in listed] == sorted(each.name for each in listed)


def test_a_uuid_is_defined_once(bench: Bench) -> None:
    domain = bench.define()
    spec = bench.spec()
    with pytest.raises(DomainExists):
        bench.hypervisor.define(replace(spec, uuid=domain))
    assert bench.hypervisor.get(domain).name != spec.name


def test_a_name_is_defined_once(bench: Bench) -> None:
    name = bench.hypervisor.get(bench.define()).name
    with pytest.raises(DomainExists):
        bench.hypervisor.define(bench.spec(name=name))


def test_more_drives_than_places_are_refused(bench: Bench) -> None:
    cds = tuple(DriveSpec(device=Device.CD, bus=Bus.IDE) for _ in range(5))
    with pytest.raises(TargetTaken):
        bench.hypervisor.define(bench.spec(drives=cds))


def test_an_undefined_domain_is_gone(bench: Bench) -> None:
    domain = bench.define()
    bench.hypervisor.undefine(domain)
    with pytest.raises(DomainNotFound):
        bench.hypervisor.get(domain)
    bench.wait(EventKind.UNDEFINED, domain)


def test_a_running_domain_is_not_undefined(bench: Bench) -> None:
    domain = bench.start()
    with pytest.raises(WrongDomainState):
        bench.hypervisor.undefine(domain)
    assert bench.hypervisor.get(domain).state is State.RUNNING


@pytest.mark.parametrize(
    "verb",
    ["get", "defined", "undefine", "start", "stop", "shut_down", "reboot", "pause", "suspend", "memory"],
)
def test_nobody_is_not_found(bench: Bench, verb: str) -> None:
    with pytest.raises(DomainNotFound):
        getattr(bench.hypervisor, verb)(NOBODY)


def test_a_closed_listener_hears_no_more(bench: Bench) -> None:
    heard: list[object] = []
    place = bench.hypervisor.subscribe(heard.append)
    place.close()
    place.close()
    domain = bench.define()
    bench.wait(EventKind.DEFINED, domain)
    assert not heard


def test_a_listener_that_fails_or_asks_back_stops_no_events(bench: Bench) -> None:
    seen = []

    def asks(event: object) -> None:
        seen.append(bench.hypervisor.about())
        raise ValueError(event)

    place = bench.hypervisor.subscribe(asks)
    domain = bench.define()
    bench.hypervisor.undefine(domain)
    bench.wait(EventKind.UNDEFINED, domain)
    place.close()
    assert seen
