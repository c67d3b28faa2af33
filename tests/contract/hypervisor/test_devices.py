"""Drives and channels: the same on every hypervisor."""

from __future__ import annotations

import os
import socket
from concurrent.futures import ThreadPoolExecutor

import pytest

from guestwright.hypervisor.domain import Bus, Device
from guestwright.hypervisor.errors import (
    ChannelExists,
    DriveNotEmpty,
    DriveNotFound,
    DriveNotRemovable,
    HypervisorCannot,
    MediumNotFound,
    TargetTaken,
    WrongDomainState,
)
from guestwright.hypervisor.spec import ChannelSpec, DriveSpec, When
from tests.support.hypervisors import Bench


def test_a_cd_goes_in_and_out_of_the_run_only(bench: Bench) -> None:
    domain = bench.start()
    hypervisor, iso = bench.hypervisor, bench.image("a.iso")
    hypervisor.insert(domain, "hdc", iso)
    hypervisor.insert(domain, "hdc", iso)
    assert hypervisor.get(domain).drive("hdc").medium == iso
    assert hypervisor.defined(domain).drive("hdc").medium == ""
    assert hypervisor.eject(domain, "hdc")
    assert not hypervisor.eject(domain, "hdc")
    assert hypervisor.get(domain).drive("hdc").medium == ""


def test_a_full_drive_is_not_overwritten_but_changed(bench: Bench) -> None:
    domain = bench.start()
    hypervisor, first, second = bench.hypervisor, bench.image("a.iso"), bench.image("b.iso")
    hypervisor.insert(domain, "hdc", first)
    with pytest.raises(DriveNotEmpty):
        hypervisor.insert(domain, "hdc", second)
    assert hypervisor.get(domain).drive("hdc").medium == first
    hypervisor.change(domain, "hdc", second)
    assert hypervisor.get(domain).drive("hdc").medium == second


def test_of_two_who_insert_at_once_one_is_refused(bench: Bench) -> None:
    domain = bench.start()
    media = [bench.image("a.iso"), bench.image("b.iso")]

    def insert(medium: str) -> bool:
        try:
            bench.hypervisor.insert(domain, "hdc", medium)
        except DriveNotEmpty:
            return False
        return True

    with ThreadPoolExecutor(2) as threads:
        done = list(threads.map(insert, media))
    assert sorted(done) == [False, True]
    assert bench.hypervisor.get(domain).drive("hdc").medium == media[done.index(True)]


def test_eject_takes_only_what_it_is_told(bench: Bench) -> None:
    domain = bench.start()
    hypervisor, ours, theirs = bench.hypervisor, bench.image("a.iso"), bench.image("b.iso")
    hypervisor.insert(domain, "hdc", theirs)
    assert not hypervisor.eject(domain, "hdc", only=ours)
    assert hypervisor.get(domain).drive("hdc").medium == theirs
    assert hypervisor.eject(domain, "hdc", only=theirs)


def test_a_forced_eject_empties_the_drive(bench: Bench) -> None:
    domain = bench.start()
    bench.hypervisor.insert(domain, "hdc", bench.image("a.iso"))
    assert bench.hypervisor.eject(domain, "hdc", force=True)
    assert bench.hypervisor.get(domain).drive("hdc").medium == ""


def test_a_missing_medium_changes_nothing(bench: Bench) -> None:
    domain = bench.start()
    iso = bench.image("a.iso")
    bench.hypervisor.insert(domain, "hdc", iso)
    for when in (When.NOW, When.BOTH):
        with pytest.raises(MediumNotFound):
            bench.hypervisor.change(domain, "hdc", f"{bench.directory}/not-there.iso", when=when)
    assert bench.hypervisor.get(domain).drive("hdc").medium == iso
    assert bench.hypervisor.defined(domain).drive("hdc").medium == ""


@pytest.mark.parametrize("running", [True, False], ids=["running", "off"])
def test_a_medium_for_good(bench: Bench, running: bool) -> None:
    domain = bench.start() if running else bench.define()
    hypervisor, iso = bench.hypervisor, bench.image("a.iso")
    hypervisor.insert(domain, "hdc", iso, when=When.BOTH)
    assert hypervisor.defined(domain).drive("hdc").medium == iso
    assert hypervisor.get(domain).drive("hdc").medium == iso
    hypervisor.stop(domain)
    assert hypervisor.start(domain).drive("hdc").medium == iso
    assert hypervisor.eject(domain, "hdc", when=When.NEXT_START)
    assert hypervisor.get(domain).drive("hdc").medium == iso
    assert hypervisor.defined(domain).drive("hdc").medium == ""


def test_no_drive_no_medium(bench: Bench) -> None:
    domain = bench.start()
    iso = bench.image("a.iso")
    with pytest.raises(DriveNotFound):
        bench.hypervisor.insert(domain, "hdd", iso)
    for verb in (bench.hypervisor.insert, bench.hypervisor.change):
        with pytest.raises(DriveNotRemovable):
            verb(domain, "hda", iso)
    with pytest.raises(DriveNotRemovable):
        bench.hypervisor.eject(domain, "hda")


def test_what_does_not_run_takes_nothing_now(bench: Bench) -> None:
    domain = bench.define()
    iso = bench.image("a.iso")
    drive = DriveSpec(device=Device.CD, bus=Bus.SCSI, medium=iso)
    with pytest.raises(WrongDomainState):
        bench.hypervisor.insert(domain, "hdc", iso)
    with pytest.raises(WrongDomainState):
        bench.hypervisor.eject(domain, "hdc")
    with pytest.raises(WrongDomainState):
        bench.hypervisor.attach_drive(domain, drive)
    with pytest.raises(WrongDomainState):
        bench.hypervisor.attach_channel(domain, bench.channel())


def test_a_floppy_is_inserted_changed_and_ejected(bench: Bench) -> None:
    first, second = (bench.image(name, size=1440 << 10) for name in ("a.flp", "b.flp"))
    drives = (*bench.spec().drives, DriveSpec(device=Device.FLOPPY, bus=Bus.FDC, medium=first))
    domain = bench.start(drives=drives)
    hypervisor = bench.hypervisor
    assert hypervisor.get(domain).drive("fda").medium == first
    hypervisor.change(domain, "fda", second)
    assert hypervisor.get(domain).drive("fda").medium == second
    assert hypervisor.eject(domain, "fda")
    hypervisor.insert(domain, "fda", first)
    assert hypervisor.get(domain).drive("fda").medium == first
    assert hypervisor.get(domain).drive("fda").device is Device.FLOPPY


@pytest.mark.parametrize(
    ("device", "bus"),
    [
        (Device.CD, Bus.SCSI),
        (Device.CD, Bus.USB),
        (Device.DISK, Bus.SCSI),
        (Device.DISK, Bus.USB),
    ],
)
def test_a_drive_is_plugged_in_and_out_of_a_run(bench: Bench, device: Device, bus: Bus) -> None:
    domain = bench.start()
    hypervisor, image = bench.hypervisor, bench.image("more.img")
    made = hypervisor.attach_drive(
        domain, DriveSpec(device=device, bus=bus, medium=image, read_only=True, serial="GW-1")
    )
    assert (made.device, made.bus, made.target, made.medium) == (device, bus, "sda", image)
    assert hypervisor.get(domain).drive("sda") == made
    assert len(hypervisor.defined(domain).drives) == 2
    hypervisor.detach_drive(domain, "sda")
    hypervisor.detach_drive(domain, "sda")
    assert len(hypervisor.get(domain).drives) == 2


def test_a_virtio_disk_is_plugged_in_for_good(bench: Bench) -> None:
    domain = bench.start()
    hypervisor, image = bench.hypervisor, bench.image("more.img")
    made = hypervisor.attach_drive(
        domain, DriveSpec(device=Device.DISK, bus=Bus.VIRTIO, medium=image), when=When.BOTH
    )
    assert made.target == "vda"
    assert hypervisor.defined(domain).drive("vda").medium == image
    assert hypervisor.get(domain).drive("vda").medium == image
    hypervisor.stop(domain)
    hypervisor.detach_drive(domain, "vda", when=When.NEXT_START)
    assert len(hypervisor.defined(domain).drives) == 2


@pytest.mark.parametrize("bus", [Bus.IDE, Bus.SATA])
def test_some_buses_take_nothing_while_running(bench: Bench, bus: Bus) -> None:
    domain = bench.start()
    with pytest.raises(HypervisorCannot):
        bench.hypervisor.attach_drive(domain, DriveSpec(device=Device.CD, bus=bus))
    with pytest.raises(HypervisorCannot):
        bench.hypervisor.detach_drive(domain, "hdc")
    assert len(bench.hypervisor.get(domain).drives) == 2


def test_a_name_is_used_once(bench: Bench) -> None:
    domain = bench.define()
    drive = DriveSpec(device=Device.CD, bus=Bus.IDE, target="hdc")
    with pytest.raises(TargetTaken):
        bench.hypervisor.attach_drive(domain, drive, when=When.NEXT_START)
    made = bench.hypervisor.attach_drive(
        domain, DriveSpec(device=Device.CD, bus=Bus.IDE), when=When.NEXT_START
    )
    assert made.target == "hdb"


def test_a_domain_gets_a_channel_while_it_runs(bench: Bench) -> None:
    theirs = bench.channel("org.qemu.guest_agent.0")
    domain = bench.start(channels=(theirs,))
    hypervisor, channel = bench.hypervisor, bench.channel()
    hypervisor.attach_channel(domain, channel, when=When.BOTH)
    hypervisor.attach_channel(domain, channel, when=When.BOTH)
    for view in (hypervisor.get(domain), hypervisor.defined(domain)):
        assert [each.path for each in view.channels] == [theirs.path, channel.path]
    found = hypervisor.get(domain).channel(channel.name)
    assert found is not None
    assert not found.open
    with socket.socket(socket.AF_UNIX) as line:
        line.connect(channel.path)
    hypervisor.stop(domain)
    hypervisor.start(domain)
    with socket.socket(socket.AF_UNIX) as line:
        line.connect(channel.path)


def test_a_run_without_a_controller_gets_a_channel_with_the_next_start(bench: Bench) -> None:
    domain = bench.start()
    hypervisor, channel = bench.hypervisor, bench.channel()
    for when in (When.NOW, When.BOTH):
        with pytest.raises(HypervisorCannot):
            hypervisor.attach_channel(domain, channel, when=when)
    assert hypervisor.defined(domain).channels == ()
    hypervisor.attach_channel(domain, channel, when=When.NEXT_START)
    hypervisor.stop(domain)
    assert hypervisor.start(domain).channels[0].path == channel.path


def test_a_channel_has_one_path(bench: Bench) -> None:
    channel = bench.channel()
    domain = bench.define(channels=(channel,))
    other = ChannelSpec(name=channel.name, path=bench.channel().path)
    with pytest.raises(ChannelExists):
        bench.hypervisor.attach_channel(domain, other, when=When.NEXT_START)
    bench.hypervisor.start(domain)
    with pytest.raises(ChannelExists):
        bench.hypervisor.attach_channel(domain, other)
    bench.hypervisor.stop(domain)
    assert not os.path.exists(channel.path)
