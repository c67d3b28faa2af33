"""Others than our agent: what they say of guests, how old it is, and what does not fit."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from guestwright.base.record import replace
from guestwright.host.facts.observations import Agreed, Source
from guestwright.host.service.port import EventKind
from guestwright.host.service.witnesses import AGENT, OPEN_MAX
from guestwright.hypervisor.domain import Channel
from guestwright.hypervisor.drivers.fake.hypervisor import FakeHypervisor
from guestwright.hypervisor.statement import SeenCard, Statement, Witness
from tests.support.host_daemon import Site, eventually, machine, served, uuid_of

pytestmark = pytest.mark.system
OFTEN = {"witnesses": 0.1}
LINES: list[socket.socket] = []


def mac(number: int) -> str:
    return f"52:54:00:00:00:{number:02x}"


def host_of(directory: Path, count: int = 1) -> FakeHypervisor:
    """Domains with a port for qemu-ga, and one that says who it is."""
    hypervisor = FakeHypervisor(f"fake:///{directory.name}")
    for number in range(1, count + 1):
        one = machine(number, directory)
        port = Channel(name=AGENT, path=str(directory / f"ga-{number}.sock"))
        hypervisor.adopt(replace(one, channels=(*one.channels, port)))
        run(hypervisor, number)
        card = SeenCard(mac=mac(number).upper(), addresses=("192.0.2.1",))
        tell(hypervisor, number, Witness.GUEST_AGENT, Statement(hostname=f"web{number}", cards=(card,)))
    return hypervisor


def run(hypervisor: FakeHypervisor, number: int) -> None:
    """Start a domain; its qemu-ga opens its port, to which somebody is connected."""
    found = hypervisor.start(uuid_of(number)).channel(AGENT)
    assert found is not None
    line = socket.socket(socket.AF_UNIX)
    line.connect(found.path)
    hypervisor.guest(uuid_of(number)).open_channel(AGENT)
    LINES.append(line)


@pytest.fixture(autouse=True)
def lines() -> Iterator[None]:
    yield
    while LINES:
        LINES.pop().close()


def tell(hypervisor: FakeHypervisor, number: int, witness: Witness, statement: Statement) -> None:
    hypervisor.guest(uuid_of(number)).told[witness] = statement


def agreed(one: Site, number: int = 1) -> dict[str, Agreed]:
    found = one.service.guest(uuid_of(number))
    assert found is not None
    return dict(found.agreed)


def test_what_they_say_and_what_does_not_fit(place: Path) -> None:
    hypervisor = host_of(place)
    card = f"mac:{mac(1)}"
    began = time.time()
    with served(place, hypervisor, OFTEN) as one:
        eventually(lambda: card in agreed(one))
        found = agreed(one)
        assert (found[card].values, found[card].source) == (("192.0.2.1",), Source.QEMU_GA)
        assert (found["hostname"].values, found["hostname"].source) == (("web1",), Source.QEMU_GA)
        assert began <= found["hostname"].at <= time.time()
        stranger = SeenCard(mac=mac(9), addresses=("192.0.2.99",))
        seen = Statement(cards=(SeenCard(mac=mac(1), addresses=("192.0.2.77",)), stranger))
        tell(hypervisor, 1, Witness.NEIGHBOURS, seen)
        tell(
            hypervisor, 1, Witness.LEASES, Statement(cards=(SeenCard(mac=mac(1), addresses=("192.0.2.1",)),))
        )
        data = one.wait_event(EventKind.FACTS_DISAGREE)
        assert data == {"about": card, "text": "neighbour-table says 192.0.2.77; qemu-ga does not"}
        eventually(
            lambda: {word.source for word in agreed(one)[card].others} == {Source.DHCP, Source.NEIGHBOUR}
        )
        assert agreed(one)[card].disagreement == data["text"]
        assert f"mac:{mac(9)}" not in agreed(one)
        with one.guest(1) as guest:
            for path, value in {
                "data/guestwright/agent/version": "1.0.0",
                "data/host_name": "db1",
                "data/net/version": "1.0",
                "data/net/a/mac": mac(1),
                "data/net/a/ipv4/0": "192.0.2.1",
                "data/net/a/ipv4/1": "192.0.2.77",
            }.items():
                guest.write(path.encode(), value.encode())
            about_name = one.wait_event(EventKind.FACTS_DISAGREE, lambda data: data["about"] == "hostname")
            assert about_name["text"] == "qemu-ga says web1; agent does not"
            assert agreed(one)["hostname"].source is Source.AGENT
        tell(hypervisor, 1, Witness.GUEST_AGENT, Statement(hostname="db1"))
        one.wait_event(EventKind.FACTS_DISAGREE, lambda data: data == {"about": "hostname", "text": ""})


def test_what_is_said_of_a_life_ends_with_it(place: Path) -> None:
    hypervisor = host_of(place)
    with served(place, hypervisor, OFTEN) as one:
        eventually(lambda: "hostname" in agreed(one))
        hypervisor.stop(uuid_of(1))
        eventually(lambda: one.service.guest(uuid_of(1)) is None)
        hypervisor.guest(uuid_of(1)).told.clear()
        run(hypervisor, 1)
        eventually(lambda: one.service.guest(uuid_of(1)) is not None)
        assert agreed(one) == {}


def test_agents_that_keep_questions_cost_others_nothing(place: Path) -> None:
    count = OPEN_MAX + 2
    hypervisor = host_of(place, count)
    silent = [hypervisor.guest(uuid_of(number)) for number in range(1, OPEN_MAX)]
    for guest in silent:
        guest.answers.clear()
    try:
        with served(place, hypervisor, OFTEN) as one:
            for number in range(OPEN_MAX, count + 1):
                eventually(lambda number=number: "hostname" in agreed(one, number))  # type: ignore[misc]  # mypy infers no default for it
            assert "hostname" not in agreed(one, 1)
            silent.pop().answers.set()
            eventually(lambda: "hostname" in agreed(one, OPEN_MAX - 1))
    finally:
        for guest in silent:
            guest.answers.set()
