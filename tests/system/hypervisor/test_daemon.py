"""libvirt's daemon comes and goes, domains stay; they move between two daemons."""

from __future__ import annotations

import signal
import time

import pytest

from guestwright.hypervisor.domain import Device, State
from guestwright.hypervisor.drivers.libvirt.hypervisor import LibvirtHypervisor
from guestwright.hypervisor.errors import DomainNotFound, HypervisorLost, HypervisorUnreachable
from guestwright.hypervisor.events import EventKind, Reason
from guestwright.hypervisor.spec import Migration
from tests.support.hypervisors import Bench
from tests.support.libvirtd import NEEDS, private_libvirtd

pytestmark = [pytest.mark.system, NEEDS]


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL], ids=["restart", "kill"])
def test_a_daemon_that_restarts_loses_nothing(how: signal.Signals) -> None:
    with private_libvirtd() as daemon:
        hypervisor = LibvirtHypervisor(daemon.uri)
        bench = Bench(hypervisor, daemon.directory, real=True)
        hypervisor.subscribe(bench.told.append)
        channel = bench.channel()
        domain = bench.start(channels=(channel,))
        before = hypervisor.get(domain)
        daemon.stop(how)
        bench.wait(EventKind.LOST, None)
        with pytest.raises((HypervisorLost, HypervisorUnreachable)):
            hypervisor.get(domain)
        daemon.start()
        bench.wait(EventKind.FOUND, None)
        assert hypervisor.get(domain) == before
        assert [each.uuid for each in hypervisor.list()] == [domain]
        bench.told.clear()
        hypervisor.stop(domain)
        assert bench.wait(EventKind.STOPPED, domain).reason is Reason.DESTROYED
        hypervisor.close()
        hypervisor.close()
        with pytest.raises(HypervisorUnreachable):
            hypervisor.list()


def test_a_call_comes_back_before_the_keeper_does() -> None:
    with private_libvirtd() as daemon:
        hypervisor = LibvirtHypervisor(daemon.uri)
        daemon.stop()
        daemon.start()
        end = time.monotonic() + 30
        while True:
            try:
                assert hypervisor.list() == ()
                break
            except (HypervisorLost, HypervisorUnreachable):
                assert time.monotonic() < end
        hypervisor.close()


def test_nobody_there_is_said_at_once() -> None:
    with pytest.raises(HypervisorUnreachable, match="not-there"):
        LibvirtHypervisor("qemu+unix:///session?socket=/tmp/gw-not-there")


def test_a_domain_moves_with_its_definition_and_its_medium() -> None:
    with private_libvirtd() as here, private_libvirtd() as there:
        source, target = LibvirtHypervisor(here.uri), LibvirtHypervisor(there.uri)
        bench, other = Bench(source, here.directory, real=True), Bench(target, there.directory, real=True)
        source.subscribe(bench.told.append)
        target.subscribe(other.told.append)
        domain = bench.start()
        iso = bench.image("payload.iso")
        source.insert(domain, "hdc", iso)
        data = f"unix://{here.directory}/run/migration"
        source.migrate(domain, Migration(destination=there.uri, data=data, unsafe=True))
        assert bench.wait(EventKind.STOPPED, domain).reason is Reason.MIGRATED
        assert other.wait(EventKind.STARTED, domain).reason is Reason.MIGRATED
        with pytest.raises(DomainNotFound):
            source.get(domain)
        moved = target.get(domain)
        assert (moved.state, moved.owned, moved.persistent) == (State.RUNNING, True, True)
        assert moved.drive("hdc").medium == iso
        assert [each.device for each in target.defined(domain).drives] == [Device.DISK, Device.CD]
        assert target.eject(domain, "hdc", only=iso)
        target.stop(domain)
        target.undefine(domain)
        source.close()
        target.close()
