"""What the client's way to hosts adds: hosts that do not answer, that refuse, and what a machine is given."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from guestwright.base.errors import UsageError
from guestwright.engine.hosts.addresses import HostAddresses
from guestwright.engine.hosts.errors import HostOrderGivenUp, HostOrderImpossible
from guestwright.engine.hosts.lines import Lines
from guestwright.engine.hosts.orders import job_name
from guestwright.engine.hosts.port import ClientHosts
from guestwright.engine.inventory.database import Database
from guestwright.engine.inventory.errors import NotInInventory
from guestwright.engine.inventory.model import Host
from guestwright.engine.jobs.errors import TryAgain
from guestwright.engine.templates.host_port import Order, Place, Standing
from guestwright.host.client.address import TlsAddress, UnixAddress
from guestwright.host.client.errors import HostRefused
from guestwright.host.media.contents import CONTENTS_MAX
from guestwright.host.media.model import Persistence
from guestwright.host.volumes.domain import Domain
from guestwright.hypervisor.domain import DomainId
from guestwright.hypervisor.drivers.fake.hypervisor import FakeHypervisor
from guestwright.media.sources.files import LIMITS
from guestwright.media.sources.model import contents
from tests.support import real_hosts
from tests.support.host_daemon import Site, served
from tests.support.host_port_rigs import PAYLOAD
from tests.support.real_hosts import HOST, STORAGE

pytestmark = pytest.mark.system

VM = "0c6f5c5e-7a3a-4a43-9e0e-2f1f3f3d9a01"
OTHER = "00000000-0000-7000-8000-00000000a002"
SEED = "00000000-0000-7000-8000-0000000000f2"
OWN = "00000000-0000-7000-8000-0000000000f3"
PLAIN: dict[str, Any] = {"name": "web1", "vcpus": 1, "memory": 1 << 30, "disks": []}


def order(request: str = "r", *, undo: bool = False) -> Order:
    return Order(job="j", epoch=1, request=request, undo=undo)


def at(volume: str, host: str = HOST, domain: str = STORAGE) -> Place:
    return Place(host=host, domain=domain, volume=volume)


def nothing(done: int, total: int) -> None:
    del done, total


LARGEST = "00000000-0000-7000-8000-0000000000fe"
LARGE: Any = {f"f{number}": bytes([number]) * LIMITS.file_bytes for number in range(2)}


@pytest.fixture
def place() -> Iterator[Path]:
    with real_hosts.short_directory() as found:
        yield found


@pytest.fixture
def hosts(place: Path) -> Iterator[ClientHosts]:
    seed = {"user-data": b"#cloud-config\nhostname: web1\n"}
    payloads = {
        PAYLOAD: real_hosts.files_payload(PAYLOAD),
        SEED: real_hosts.files_payload(SEED, "nocloud", **seed),
        LARGEST: real_hosts.files_payload(LARGEST, **LARGE),
        OWN: real_hosts.files_payload(OWN, "nocloud", **seed, **{"meta-data": b"instance-id: mine\n"}),
    }
    with real_hosts.hosts_at({HOST: place, OTHER: place}, payloads) as found:
        yield found


@pytest.fixture
def site(place: Path, hosts: ClientHosts) -> Iterator[Site]:
    with served(place, FakeHypervisor("fake:///"), real_hosts.settings(place)) as one:
        yield one


def test_a_host_that_is_away_is_tried_again(place: Path, hosts: ClientHosts) -> None:
    with pytest.raises(TryAgain, match="no host service answers"):
        hosts.delete(order(), at("v"))
    with pytest.raises(TryAgain):
        hosts.give_payload(order(), HOST, VM, PAYLOAD, run_once=True)
    with served(place, FakeHypervisor("fake:///"), real_hosts.settings(place)):
        hosts.delete(order(), at("v"))
    with pytest.raises(TryAgain):  # on a connection that was there
        hosts.delete(order(), at("v"))
    with served(place, FakeHypervisor("fake:///"), real_hosts.settings(place)):
        hosts.delete(order(), at("v"))


def test_a_host_that_nobody_knows_is_an_error(hosts: ClientHosts) -> None:
    with pytest.raises(UsageError, match="no host"):
        hosts.undefine(order(), "nowhere", VM)


def test_what_no_single_host_can_do_is_refused_here(hosts: ClientHosts) -> None:
    with pytest.raises(HostOrderImpossible, match="a copy"):
        hosts.copy(order(), at("v"), at("w", OTHER), Standing.LEGAL, nothing)
    with pytest.raises(HostOrderImpossible, match="a thin copy"):
        hosts.layer(order(), at("v"), at("w", domain="slow"), Standing.LEGAL)
    with pytest.raises(HostOrderImpossible, match="must be whole"):
        hosts.layer(order(), at("v"), at("w"), Standing.SHARED)
    with pytest.raises(HostOrderImpossible, match="sealing"):
        hosts.seal(order(), [at("v"), at("w", OTHER)], nothing)
    assert hosts.seal(order(), [], nothing) == {}


def test_a_refusal_is_the_hosts_own_error_and_can_be_asked_for_again(site: Site, hosts: ClientHosts) -> None:
    for _ in range(2):
        with pytest.raises(HostRefused, match="there is no volume v") as caught:
            hosts.copy(order(), at("v"), at("w"), Standing.LEGAL, nothing)
        assert caught.value.code == "volume-not-found"
    with pytest.raises(HostRefused, match="no storage domain slow"):
        hosts.delete(order("delete"), at("v", domain="slow"))
    with pytest.raises(HostRefused, match="field `memory`"):
        hosts.define(order("define"), HOST, VM, {"name": "web1", "vcpus": 1, "disks": []})
    assert site.service.domains() == ()


def test_what_is_held_is_tried_again(place: Path, site: Site, hosts: ClientHosts) -> None:
    del site
    image = place / "image"
    image.write_bytes(b"i" * 4096)
    real_hosts.put_volume(place, "v", image)
    with Domain(str(place / "volumes")) as domain, domain.changing():
        text = domain.files.read("v.volume", 1 << 16, volume="v")
        held = text.replace(b'"holder": null', b'"holder": {"job": "x", "attempt": 1, "verb": "seal"}')
        held = held.replace(b'"state": "legal"', b'"state": "illegal"')
        domain.files.write("v.volume", held.replace(b'"reason": ""', b'"reason": "sealing"'))
    with pytest.raises(TryAgain, match="v"):
        hosts.delete(order("delete"), at("v"))
    with pytest.raises(TryAgain, match="v"):
        hosts.mark(order("mark"), at("v"), Standing.ILLEGAL)


def test_an_order_that_somebody_cancels_on_the_host(place: Path, site: Site, hosts: ClientHosts) -> None:
    del site
    image = place / "image"
    image.write_bytes(b"i" * 4096)
    real_hosts.put_volume(place, "v", image)
    asked: list[object] = []
    with ExitStack() as stack:
        domain = stack.enter_context(Domain(str(place / "volumes")))
        stack.enter_context(domain.changing())  # nothing is made before it is cancelled

        def cancel(done: int, total: int) -> None:
            del done, total
            if not asked:
                with real_hosts.client(place) as client:
                    asked.append(client.cancel_job(job_name(order("cancelled"))))
                stack.close()

        with pytest.raises(HostOrderGivenUp, match=r"volume\.copy was given up"):
            hosts.copy(order("cancelled"), at("v"), at("w"), Standing.LEGAL, cancel)
    assert sorted(real_hosts.volumes(place)) == ["v"]


def test_a_seed_without_meta_data_gets_the_machines_own(site: Site, hosts: ClientHosts) -> None:
    hosts.define(order("define"), HOST, VM, PLAIN)
    hosts.give_payload(order("give"), HOST, VM, SEED, run_once=False)
    meta = _given(site)["/meta-data"]
    assert VM.encode() in meta
    assert b"web1" in meta
    hosts.take_payload(order("take"), HOST, VM, SEED, run_once=False)
    hosts.give_payload(order("own"), HOST, VM, OWN, run_once=False)
    assert _given(site)["/meta-data"] == b"instance-id: mine\n"


def test_the_largest_that_settings_allow_is_given(site: Site, hosts: ClientHosts) -> None:
    hosts.define(order("define"), HOST, VM, PLAIN)
    hosts.give_payload(order("give"), HOST, VM, LARGEST, run_once=False)
    assert sum(len(data) for data in LARGE.values()) == CONTENTS_MAX
    assert _given(site) == {f"/{name}": data for name, data in LARGE.items()}


def _given(site: Site) -> dict[str, bytes]:
    payloads = site.daemon.payloads
    assert payloads is not None
    return contents(payloads.contents(DomainId(VM), Persistence.PERMANENT).tree)


def test_only_our_own_machines_are_undefined(site: Site, hosts: ClientHosts) -> None:
    hosts.define(order("define"), HOST, VM, PLAIN)
    with pytest.raises(HostRefused, match="web1"):
        hosts.define(order("same-name"), HOST, VM.replace("01", "02"), PLAIN)
    site.hypervisor.start(DomainId(VM))
    with pytest.raises(HostRefused) as caught:
        hosts.undefine(order("running"), HOST, VM)
    assert caught.value.code == "domain-state"
    site.hypervisor.stop(DomainId(VM))
    hosts.undefine(order("off"), HOST, VM)
    assert site.service.domains() == ()


def test_addresses_are_those_of_the_inventory(tmp_path: Path) -> None:
    with Database(f"sqlite:///{tmp_path}/engine.db", clock=lambda: 1.0) as database:
        with database.write() as tx:
            tx.hosts.add(Host(id=HOST, name="one", address="unix:/run/one.sock"))
            tx.hosts.add(Host(id=OTHER, name="two", address="host2.lan"))
        addresses = HostAddresses(database, str(tmp_path))
        assert addresses(HOST) == UnixAddress(path="/run/one.sock")
        there = addresses(OTHER)
        assert isinstance(there, TlsAddress)
        assert (there.host, there.identity) == ("host2.lan", str(tmp_path / "default"))
        with pytest.raises(NotInInventory):
            addresses(SEED)


def test_a_line_is_kept_for_the_next_and_never_after_a_failure() -> None:
    lines = Lines(lambda host: UnixAddress(path=f"/nowhere/{host}"))
    with lines.to("a") as first, lines.to("a") as second:
        assert first is not second
    with lines.to("a") as again, lines.to("b") as other:
        assert again in (first, second)
        assert other not in (first, second)
    with pytest.raises(KeyError), lines.to("b") as broken:
        raise KeyError
    with lines.to("b") as new:
        assert new is not broken
        lines.close()
    with lines.to("b") as after:
        assert after is not new
