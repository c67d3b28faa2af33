"""Payloads in the whole service, on a fake hypervisor: what starts a domain brings its payload."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from guestwright.base.record import replace
from guestwright.host.media.model import Persistence, Scrub, State
from guestwright.host.media.payloads import Payloads
from guestwright.host.service.port import PowerAction
from guestwright.hypervisor.drivers.fake.hypervisor import FakeHypervisor
from tests.support.host_daemon import Site, eventually, machine, served, site, uuid_of
from tests.support.payload_bench import CANARY, cloud, on_medium, plain

pytestmark = pytest.mark.system
DOMAIN = uuid_of(1)


def payloads_of(one: Site) -> Payloads:
    assert one.daemon.payloads is not None
    return one.daemon.payloads


def test_the_api_starts_a_domain_with_its_payload_and_the_guest_consumes_it(
    place: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with site(place) as one:
        payloads = payloads_of(one)
        payloads.define(DOMAIN, cloud(), Persistence.PERMANENT)
        one.service.power(DOMAIN, PowerAction.KILL)
        eventually(lambda: not one.service.domain(DOMAIN).domain.active)
        one.service.power(DOMAIN, PowerAction.START)
        (entry,) = payloads.of(DOMAIN)
        assert (entry.state, entry.from_start) == (State.ATTACHED, True)
        assert CANARY.encode() in on_medium(payloads.showing.path(entry), "/user-data")
        eventually(lambda: one.service.domain(DOMAIN).domid is not None)
        guest = one.guest(1)
        guest.write(b"data/boot/state", b"up")
        guest.write(b"data/updated", b"1")
        eventually(lambda: payloads.of(DOMAIN)[0].state is State.SCRUBBED)
        (entry,) = payloads.of(DOMAIN)
        assert CANARY.encode() not in on_medium(payloads.showing.path(entry), "/user-data")
        states = [data["state"] for kind, _, data in one.events() if kind == "payload-changed"]
        assert states[0] == "defined"
        assert states[-1] == "scrubbed"
        assert CANARY not in repr(one.events())
        guest.sock.close()
    assert CANARY not in caplog.text
    kept = [path.read_bytes() for path in (place / "lib").rglob("*") if path.is_file()]
    assert kept
    assert not any(CANARY.encode() in data for data in kept)


def test_a_run_once_payload_ends_with_its_run(place: Path) -> None:
    with site(place) as one:
        payloads = payloads_of(one)
        one.service.power(DOMAIN, PowerAction.KILL)
        eventually(lambda: not one.service.domain(DOMAIN).domain.active)
        payloads.define(DOMAIN, plain(), Persistence.RUN_ONCE)
        one.hypervisor.start(DOMAIN)  # by somebody else
        eventually(lambda: payloads.of(DOMAIN)[0].inside)
        one.hypervisor.stop(DOMAIN)
        eventually(lambda: payloads.of(DOMAIN)[0].state is State.FAILED)
        assert list((place / "run/payloads").iterdir()) == []


def test_what_a_guest_said_while_no_service_listened_counts(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hypervisor = FakeHypervisor()
    close = hypervisor.close
    monkeypatch.setattr(hypervisor, "close", lambda: None)  # a real one's domains outlive the service
    hypervisor.adopt(machine(1, place))
    with served(place, hypervisor) as one:
        payloads = payloads_of(one)
        payloads.define(DOMAIN, plain(), Persistence.PERMANENT)
        one.service.power(DOMAIN, PowerAction.START)
        eventually(lambda: one.service.domain(DOMAIN).domid is not None)
        guest = one.guest(1)
        payloads.register.save(replace(payloads.of(DOMAIN)[0], scrub=Scrub.NEVER))
        guest.write(b"data/guestwright/media/consumed", b"PAYLOAD")
        eventually(lambda: payloads.of(DOMAIN)[0].state is State.CONSUMED)
        payloads.register.save(replace(payloads.of(DOMAIN)[0], state=State.ATTACHED, scrub=Scrub.TOLD))
    with served(place, hypervisor) as two:
        eventually(lambda: payloads_of(two).of(DOMAIN)[0].state is State.SCRUBBED)
    guest.sock.close()
    close()
