"""The service over the fake hypervisor: lives, lines, facts, events, and what does not leak."""

from __future__ import annotations

from pathlib import Path

import pytest

from guestwright.host.capabilities import Cause, Operation, Power
from guestwright.host.facts.state import AgentState
from guestwright.host.service.errors import OperationRefused
from guestwright.host.service.own_store import CHANNEL
from guestwright.host.service.port import ChannelState, EventKind, PowerAction
from guestwright.hypervisor.drivers.fake.hypervisor import FakeHypervisor
from guestwright.hypervisor.errors import DomainNotFound
from guestwright.hypervisor.events import Event
from guestwright.hypervisor.events import EventKind as Happened
from guestwright.hypervisor.spec import RunOnce
from guestwright.xenstore.core.wire import Errno
from tests.support.host_daemon import Site, eventually, machine, served, site, uuid_of
from tests.support.xenstore_server import Wire

pytestmark = pytest.mark.system


def publish(guest: Wire, address: str = "192.0.2.1") -> None:
    """What an agent writes first."""
    keys = {
        "attr/PVAddons/MajorVersion": "1",
        "attr/PVAddons/Installed": "1",
        "attr/vif/0/ipv4/0": address,
        "control/feature-sysprep": "1",
        "data/guestwright/agent/version": "1.0.0",
        "data/os_name": "Debian 12",
        "data/boot/state": "up",
        "data/updated": "1",
    }
    for path, value in keys.items():
        guest.write(path.encode(), value.encode())


def state_of(one: Site, number: int) -> AgentState | None:
    agent = one.service.domain(uuid_of(number)).agent
    return None if agent is None else agent.state


def test_an_adopted_domain_is_listened_to(place: Path) -> None:
    with site(place) as one:
        known = one.service.domain(uuid_of(1))
        assert (known.power, known.domain.owned, known.domid) == (Power.RUNNING, False, 1)
        assert state_of(one, 1) is AgentState.NEVER
        with one.guest(1) as guest:
            assert guest.read(b"domid") == b"1"
            assert guest.read(b"name") == b"web1"
            assert guest.read(b"memory/target") == b"524288"
            assert guest.read(b"device/vif/0/mac") == b"52:54:00:00:00:01"
            publish(guest)
            one.wait_event(EventKind.AGENT_CHANGED, lambda data: data["state"] == "live")
            eventually(lambda: "nics" in one.service.guest(uuid_of(1)).facts)  # type: ignore[union-attr]
            seen = one.service.guest(uuid_of(1))
            assert seen is not None
            assert seen.facts["system"].value.name == "Debian 12"
            assert seen.metrics.networks["0/ip"] == "192.0.2.1"
            assert (seen.agent.state, seen.agent.version) == (AgentState.LIVE, "1.0.0")
            guest.write(b"attr/vif/0/ipv4/0", b"192.0.2.77")
            data = one.wait_event(EventKind.FACTS_CHANGED, lambda data: "192.0.2.77" in str(data))
            assert "nics" in data["changes"]
            eventually(lambda: one.service.domain(uuid_of(1)).channel is ChannelState.CONNECTED)
        assert {answer.operation for answer in one.service.capabilities(uuid_of(1))} == set(Operation)


def test_a_guest_writes_only_where_it_may(place: Path) -> None:
    with site(place, 2) as one, one.guest(1) as guest, one.guest(2) as other:
        publish(other)
        for path in (
            b"memory/target",
            b"domid",
            b"/local/domain/2/data/os_name",
            b"/guestwright/lives/1",
            b"/x",
        ):
            assert guest.ask(11, path + b"\0evil") is Errno.EACCES, path
        assert guest.read(b"/guestwright/lives/2") is Errno.EACCES
        assert guest.read(b"/local/domain/2/data/os_name") is Errno.EACCES


def test_nothing_of_an_old_life_is_in_the_next(place: Path) -> None:
    with site(place) as one:
        with one.guest(1) as guest:
            publish(guest)
            eventually(lambda: state_of(one, 1) is AgentState.LIVE)
        one.hypervisor.stop(uuid_of(1))
        eventually(lambda: one.service.domain(uuid_of(1)).domid is None)
        assert one.service.guest(uuid_of(1)) is None
        assert one.service.domain(uuid_of(1)).channel is ChannelState.OFF
        one.hypervisor.start(uuid_of(1))
        eventually(lambda: one.service.domain(uuid_of(1)).domid == 2)
        with one.guest(1) as guest:
            assert guest.read(b"domid") == b"2"
            assert guest.read(b"data/os_name") is Errno.ENOENT
            assert guest.read(b"/local/domain/1/data/os_name") is Errno.EACCES
        assert state_of(one, 1) is AgentState.NEVER
        store = one.service.store.client
        assert store.children("/local/domain") == ["2"]
        assert store.children("/guestwright/lives") == ["2"]


def test_a_reboot_is_a_new_life(place: Path) -> None:
    with site(place) as one:
        with one.guest(1) as guest:
            publish(guest)
            eventually(lambda: state_of(one, 1) is AgentState.LIVE)
            one.hypervisor.reboot(uuid_of(1))
            eventually(lambda: one.service.domain(uuid_of(1)).domid == 2)
            with pytest.raises(ConnectionError):
                guest.message()
        assert state_of(one, 1) is not AgentState.LIVE
        with one.guest(1) as guest:
            publish(guest, "192.0.2.2")
            eventually(lambda: state_of(one, 1) is AgentState.LIVE)
        assert [data["cause"] for kind, _, data in one.events() if "cause" in data] == ["rebooted"]


def test_a_line_that_breaks_is_made_anew(place: Path) -> None:
    with site(place) as one:
        with one.guest(1) as guest:
            publish(guest)
            eventually(lambda: state_of(one, 1) is AgentState.LIVE)
            guest.sock.sendall(b"\xff" * 5000)
        with one.guest(1) as guest:
            assert guest.read(b"data/os_name") == b"Debian 12"
        assert one.service.domain(uuid_of(1)).domid == 1


def test_an_agent_whose_port_is_closed_is_lost_at_once(place: Path) -> None:
    with site(place) as one, one.guest(1) as guest:
        publish(guest)
        one.wait_event(EventKind.AGENT_CHANGED, lambda data: data["state"] == "live")
        one.hypervisor.use_port(uuid_of(1), CHANNEL, use=False)
        data = one.wait_event(EventKind.AGENT_CHANGED, lambda data: data["state"] == "lost")
        assert data["reason"] == "its channel is closed"
        assert one.service.domain(uuid_of(1)).channel is ChannelState.CONNECTED  # the emulator's end is
        one.hypervisor.use_port(uuid_of(1), CHANNEL, use=True)
        one.wait_event(EventKind.AGENT_CHANGED, lambda data: data["before"] == "lost")
        assert state_of(one, 1) is AgentState.LIVE


def test_domains_come_and_go(place: Path) -> None:
    with site(place) as one:
        one.hypervisor.adopt(machine(2, place))
        one.wait_event(EventKind.DOMAIN_ADDED, lambda data: data["name"] == "web2")
        assert one.service.domain(uuid_of(2)).power is Power.HALTED
        one.service.power(uuid_of(2), PowerAction.START)
        assert one.service.domain(uuid_of(2)).power is Power.RUNNING
        assert one.service.power(uuid_of(2), PowerAction.PAUSE).power is Power.PAUSED
        with pytest.raises(OperationRefused) as refused:
            one.service.power(uuid_of(2), PowerAction.SHUTDOWN)
        assert refused.value.params["cause"] is Cause.POWER
        one.service.power(uuid_of(2), PowerAction.KILL)
        assert [known.domain.name for known in one.service.domains()] == ["web1", "web2"]
        with pytest.raises(DomainNotFound):
            one.service.domain(uuid_of(3))


def test_one_operation_at_a_time(place: Path) -> None:
    with site(place) as one:
        with one.service.claim(uuid_of(1), Operation.PAUSE) as known:
            assert known.busy is Operation.PAUSE
            with pytest.raises(OperationRefused, match="pause is under way"):
                one.service.power(uuid_of(1), PowerAction.PAUSE)
            one.service.power(uuid_of(1), PowerAction.KILL)
        assert one.service.domain(uuid_of(1)).busy is None


def test_clones_that_were_not_sealed_raise_an_alarm(place: Path) -> None:
    with site(place, 2) as one:
        with one.guest(1) as first, one.guest(2) as second:
            for guest in (first, second):
                publish(guest)
                guest.write(b"data/guestwright/identity/machine-id", b"ab12")
            found = one.wait_event(EventKind.DUPLICATE_FOUND)
            assert (found["kind"], found["domains"]) == ("machine-id", [uuid_of(1), uuid_of(2)])
            assert one.service.figures().duplicates == 1
        one.hypervisor.stop(uuid_of(2))
        one.wait_event(EventKind.DUPLICATE_OVER)
        assert one.service.duplicates() == ()


def test_a_port_is_plugged_only_when_that_was_agreed(place: Path) -> None:
    with site(place, port=False) as one:
        known = one.service.domain(uuid_of(1))
        assert known.channel is ChannelState.ABSENT
        assert "not agreed" in known.channel_reason
        assert known.domain.channels == ()
        known = one.service.plug_channel(uuid_of(1))
        assert known.domain.channel(CHANNEL) is not None
        with one.guest(1) as guest:
            publish(guest)
            eventually(lambda: state_of(one, 1) is AgentState.LIVE)


def test_an_operator_can_agree_once_for_all(place: Path) -> None:
    with site(place, port=False, settings={"plug_channels": True}) as one:
        assert one.service.domain(uuid_of(1)).domain.channel(CHANNEL) is not None
        with one.guest(1) as guest:
            assert guest.read(b"domid") == b"1"
        assert one.hypervisor.defined(uuid_of(1)).channel(CHANNEL) is not None


def test_what_was_missed_is_listed_again(place: Path) -> None:
    with site(place) as one:
        world = one.hypervisor._world
        put = world.dispatcher.put
        world.dispatcher.put = lambda event: None  # type: ignore[method-assign]
        put(Event(kind=Happened.LOST))
        one.wait_event(EventKind.HYPERVISOR_LOST)
        assert one.service.about().hypervisor_lost is not None
        one.hypervisor.adopt(machine(2, place))
        one.hypervisor.start(uuid_of(2))
        one.hypervisor.stop(uuid_of(1))
        put(Event(kind=Happened.FOUND))
        one.wait_event(EventKind.DOMAIN_ADDED, lambda data: data["name"] == "web2")
        eventually(lambda: one.service.domain(uuid_of(1)).power is Power.HALTED)
        assert one.service.about().hypervisor_lost is None


def test_a_stopped_service_takes_its_guests_up_again(place: Path) -> None:
    hypervisor = FakeHypervisor("fake:///again")
    close, hypervisor.close = hypervisor.close, lambda: None  # type: ignore[method-assign]  # domains run on
    for number in (1, 2):
        hypervisor.adopt(machine(number, place))
        hypervisor.start(uuid_of(number))
    with served(place, hypervisor) as one, one.guest(1) as guest:
        publish(guest)
        eventually(lambda: state_of(one, 1) is AgentState.LIVE)
        one.service.store.client.write("/local/domain/1/control/x", "from the host")
    hypervisor.stop(uuid_of(2))
    with served(place, hypervisor) as one:
        assert one.domid(1) == 1
        eventually(lambda: state_of(one, 1) is AgentState.LIVE)
        seen = one.service.guest(uuid_of(1))
        assert seen is not None
        assert seen.facts["system"].value.name == "Debian 12"
        assert one.service.store.client.children("/local/domain") == ["1"]
        with one.guest(1) as guest:
            assert guest.read(b"control/x") == b"from the host"
    close()


def test_a_damaged_store_is_put_aside(place: Path) -> None:
    with site(place):
        pass
    (place / "run/xenstore/state").write_bytes(b"nonsense")
    with site(place) as one:
        assert one.domid(1) == 1
    assert (place / "run/xenstore/state.unusable").read_bytes() == b"nonsense"


def test_a_domain_that_is_paused_has_no_line_before_it_runs(place: Path) -> None:
    """As one that comes from another host: its agent is to find the port closed, and to begin anew."""
    with site(place) as one:
        one.hypervisor.stop(uuid_of(1))
        one.hypervisor.start(uuid_of(1), RunOnce(paused=True))
        eventually(lambda: one.service.domain(uuid_of(1)).channel_reason == "the domain is paused")
        assert one.service.domain(uuid_of(1)).channel is ChannelState.WAITING
        with pytest.raises(TimeoutError):
            one.hypervisor.guest(uuid_of(1)).open_channel(CHANNEL, 0.3)
        one.hypervisor.unpause(uuid_of(1))
        one.guest(1).sock.close()
