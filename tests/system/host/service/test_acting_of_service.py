"""What acts on guests, by what the whole service knows of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from guestwright.host.acting.ballooning import Ballooning
from guestwright.host.acting.claiming import claims, memory_of
from guestwright.host.acting.host_memory import Range
from guestwright.host.balloon.controller import Controller
from guestwright.host.service.errors import OperationRefused
from guestwright.hypervisor.errors import DomainNotFound
from tests.support.host_daemon import eventually, site, uuid_of

pytestmark = pytest.mark.system
DOMAIN = uuid_of(1)


def test_a_sysprep_is_refused_while_no_agent_is_there(place: Path) -> None:
    with site(place) as one:
        claim = claims(one.service)
        with pytest.raises(OperationRefused, match="agent"), claim(DOMAIN):
            raise AssertionError
        with pytest.raises(DomainNotFound), claim(uuid_of(99)):
            raise AssertionError


def test_the_balloon_hears_what_guests_say(place: Path) -> None:
    with site(place) as one:
        eventually(lambda: one.service.domain(DOMAIN).domid is not None)
        guest = one.guest(1)
        told = {
            b"data/meminfo_total": b"500000",
            b"data/meminfo_free": b"200000",
            b"data/balloon/current": b"524288",
            b"data/balloon/target": b"524288",
            b"data/balloon/settled": b"1",
            b"control/feature-balloon": b"1",
            b"data/updated": b"1",
        }
        for path, value in told.items():
            guest.write(path, value)
        limits = Range(minimum=256 << 10, maximum=1 << 20)
        memory = memory_of(
            one.service, one.hypervisor, one.service.store.client, lambda _: limits, lambda: 1 << 20
        )

        def heard() -> bool:
            return any(one.used == 300000 and one.reports and one.balloons for one in memory.view(0).guests)

        eventually(heard)
        assert memory.view(0).guests[0].actual == 512 << 10
        ballooning = Ballooning(Controller(), memory)
        ballooning.tick()
        (why,) = ballooning.log()
        assert why.after > why.before
        assert one.hypervisor.memory(DOMAIN).actual >> 10 == why.after
        guest.sock.close()


def test_nobody_is_moved_who_was_not_named(place: Path) -> None:
    with site(place) as one:
        memory = memory_of(one.service, one.hypervisor, one.service.store.client)
        assert memory.view(0).guests == ()
        assert memory.view(0).free > 0


def test_memory_moves_in_the_service_where_its_settings_say_so(place: Path) -> None:
    ranges = {str(DOMAIN): [256, 1024]}
    with site(place, settings={"sections": {"balloon": {"enabled": True, "ranges": ranges}}}) as one:
        eventually(lambda: one.service.domain(DOMAIN).domid is not None)
        guest = one.guest(1)
        for path, value in ((b"data/balloon/current", b"524288"), (b"data/balloon/target", b"524288")):
            guest.write(path, value)
        guest.write(b"control/feature-balloon", b"1")
        guest.write(b"data/updated", b"1")
        eventually(lambda: one.hypervisor.memory(DOMAIN).actual > 512 << 20)
        guest.sock.close()
