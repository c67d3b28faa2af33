"""The service over a real libvirt with emulated machines: adoption, ports, the daemon's restart."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from guestwright.host.capabilities import Power
from guestwright.host.journal import Journal
from guestwright.host.process.open_store import open_store
from guestwright.host.service.configuration import Configuration
from guestwright.host.service.own_store import CHANNEL
from guestwright.host.service.port import ChannelState, PowerAction
from guestwright.host.service.service import Service
from guestwright.hypervisor.drivers.libvirt.hypervisor import LibvirtHypervisor
from guestwright.hypervisor.port import Hypervisor
from tests.support.host_daemon import eventually
from tests.support.hypervisors import Bench
from tests.support.libvirtd import NEEDS, private_libvirtd

pytestmark = [pytest.mark.system, NEEDS]


@contextmanager
def served(hypervisor: Hypervisor, place: Path, directory: str) -> Iterator[Service]:
    settings = Configuration(runtime=str(place), state=str(place), channel_directory=directory)
    store = open_store(hypervisor, settings, lambda _: None)
    service = Service(hypervisor, store, Journal(), settings)
    try:
        service.start()
        yield service
    finally:
        service.stop()
        store.close()


def test_domains_of_others_are_taken_as_they_are(place: Path) -> None:
    with private_libvirtd() as daemon:
        hypervisor = LibvirtHypervisor(daemon.uri)
        bench = Bench(hypervisor, daemon.directory, real=True)
        port, other = bench.channel(CHANNEL), bench.channel()
        try:
            with_port = bench.start(channels=(port,))
            without = bench.start(channels=(other,))  # it has a controller for ports
            with served(hypervisor, place, daemon.directory) as service:
                eventually(lambda: service.domain(with_port).channel is ChannelState.CONNECTED)
                first = service.domain(with_port).domid
                known = service.domain(without)
                assert (known.power, known.channel) == (Power.RUNNING, ChannelState.ABSENT)
                service.plug_channel(without)
                eventually(lambda: service.domain(without).channel is ChannelState.CONNECTED)
                service.power(with_port, PowerAction.KILL)
                assert service.domain(with_port).domid is None
                service.power(with_port, PowerAction.START)
                eventually(lambda: service.domain(with_port).channel is ChannelState.CONNECTED)
                second = service.domain(with_port).domid
                assert second != first
                daemon.stop()
                eventually(lambda: service.about().hypervisor_lost is not None)
                daemon.start()
                eventually(lambda: service.about().hypervisor_lost is None)
                assert service.domain(with_port).domid == second
                service.power(without, PowerAction.PAUSE)
                assert service.domain(without).power is Power.PAUSED
            with served(hypervisor, place, daemon.directory) as service:  # the next service
                assert service.domain(with_port).domid == second
                eventually(lambda: service.domain(with_port).channel is ChannelState.CONNECTED)
        finally:
            bench.clean()
            hypervisor.close()
