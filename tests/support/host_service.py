"""A service of a host whose domains are what a test says, for the API, the client and the command line."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from guestwright.base.record import replace
from guestwright.host.capabilities import Answer, Operation, Power, Situation, judge
from guestwright.host.facts.book import Book, Life
from guestwright.host.facts.duplicates import Duplicate, IdentityKind
from guestwright.host.facts.observations import Agreed, Source
from guestwright.host.facts.state import AgentState
from guestwright.host.service.errors import OperationRefused
from guestwright.host.service.port import (
    AboutHost,
    Agent,
    ChannelState,
    Fact,
    Figures,
    Guest,
    HostService,
    Known,
    PowerAction,
)
from guestwright.hypervisor.domain import (
    Bus,
    Device,
    Domain,
    DomainId,
    Drive,
    Platform,
    State,
    Virtualisation,
)
from guestwright.hypervisor.errors import DomainNotFound
from guestwright.hypervisor.spec import Migration

NOW = 1_790_000_000.0
WEB1 = "0c6f5c5e-7a3a-4a43-9e0e-2f1f3f3d9a01"
DB1 = "0c6f5c5e-7a3a-4a43-9e0e-2f1f3f3d9a02"
KEYS: Mapping[str, bytes] = {
    "attr/PVAddons/Installed": b"1",
    "attr/PVAddons/MajorVersion": b"9",
    "attr/PVAddons/MinorVersion": b"1",
    "data/guestwright/agent/version": b"0.1.0",
    "data/os_name": b"Debian GNU/Linux 12 (bookworm)",
    "data/os_distro": b"debian",
    "data/os_majorver": b"12",
    "data/host_name": b"web1",
    "data/meminfo_total": b"1015000",
    "data/meminfo_free": b"700000",
    "data/net/version": b"1.0",
    "data/net/virtio-0/kind": b"virtio",
    "data/net/virtio-0/name": b"enp1s0",
    "data/net/virtio-0/mac": b"52:54:00:00:00:01",
    "data/net/virtio-0/state": b"up",
    "data/net/virtio-0/ipv4/0": b"192.0.2.10",
    "data/net/virtio-0/ipv4/0/prefix": b"24",
    "data/net/virtio-0/ipv6/0": b"2001:db8::10",
    "data/volumes/0/name": b"/dev/vda1(0c6f)",
    "data/volumes/0/size": b"8000000000",
    "data/volumes/0/free": b"6000000000",
    "data/volumes/0/filesystem": b"ext4",
    "data/volumes/0/mount_points/0": b"/",
    "data/boot/state": b"up",
    "data/updated": b"1",
    "control/feature-shutdown": b"1",
    "control/feature-sysprep": b"1",
    "data/guestwright/features/exec": b"denied: not in agent.toml",
}


def a_domain(uuid: str, name: str, *, runs: bool) -> Domain:
    return Domain(
        uuid=DomainId(uuid),
        name=name,
        state=State.RUNNING if runs else State.OFF,
        platform=Platform(virtualisation=Virtualisation.KVM, machine="q35"),
        run=1 if runs else None,
        memory_maximum=1 << 30,
        memory_actual=1 << 30,
        drives=(Drive(device=Device.CD, bus=Bus.SATA, target="sda"),),
        controllers=frozenset({"usb:qemu-xhci"}),
    )


class ScriptedHost:
    """Implements `HostService`.

    Attributes:
        called: what was asked to be changed, in order.
        go: `power` waits until it is set.
        done: set when `power` has been called.
        broken: whether `domains` has a mistake.
        refused: operations that may not be claimed.
        claimed: those that were.
        moves: moves a domain.
        stops: calls that off.
    """

    def __init__(self) -> None:
        self.called: list[tuple[str, ...]] = []
        self.go = threading.Event()
        self.go.set()
        self.done = threading.Event()
        self.broken = False
        self.refused: set[Operation] = set()
        self.claimed: list[Operation] = []
        self.moves: Callable[[DomainId, Migration], object] = lambda *_: None
        self.stops: Callable[[DomainId], bool] = lambda _: False
        self.known = {WEB1: self._known(WEB1, "web1", runs=True), DB1: self._known(DB1, "db1", runs=False)}
        self.book = Book()
        life = Life(WEB1, 1)
        self.book.started(life, NOW)
        self.book.look(life, KEYS.items(), NOW)

    def _known(self, uuid: str, name: str, *, runs: bool) -> Known:
        agent = Agent(state=AgentState.LIVE, reason="its last sign is 1 s old", last=NOW, version="0.1.0")
        return Known(
            domain=a_domain(uuid, name, runs=runs),
            power=Power.RUNNING if runs else Power.HALTED,
            domid=1 if runs else None,
            agent=agent if runs else None,
            channel=ChannelState.CONNECTED if runs else ChannelState.OFF,
            since=NOW,
        )

    def about(self) -> AboutHost:
        return AboutHost(
            hostname="host1",
            hypervisor="QEMU",
            hypervisor_version="7.2.22",
            uri="qemu:///system",
            version="0.1.0",
            store="own",
            started=NOW,
            granted=frozenset({Operation.EXEC}),
            cpus=8,
            memory=32 << 30,
        )

    def figures(self) -> Figures:
        return Figures(
            domains={"running": 1, "halted": 1},
            agents={"live": 1},
            channels={"connected": 1},
            touches=7,
            delay_seconds=(0.02, 0.03),
        )

    def domains(self) -> tuple[Known, ...]:
        if self.broken:
            raise ValueError("a secret of the programmer's")
        return tuple(self.known.values())

    def domain(self, uuid: str) -> Known:
        try:
            return self.known[uuid]
        except KeyError:
            raise DomainNotFound(domain=uuid) from None

    def refresh(self, uuid: str) -> Known:
        return self.domain(uuid)

    def guest(self, uuid: str) -> Guest | None:
        known, page = self.domain(uuid), self.book.page(uuid)
        if known.agent is None or page is None or known.domid is None:
            return None
        return Guest(
            uuid=uuid,
            domid=known.domid,
            agent=known.agent,
            facts={
                name: Fact(name=name, value=getattr(page.told, name), source=one.source, since=NOW, seen=NOW)
                for name, one in page.stamps.items()
            },
            features=page.told.features,
            tools=self.book.catalogue.judge(page.told.tools, "linux"),
            metrics=page.metrics,
            agreed={"hostname": Agreed(subject="hostname", values=("web1",), source=Source.AGENT, at=NOW)},
            problems=page.problems,
        )

    def capabilities(self, uuid: str) -> tuple[Answer, ...]:
        known = self.domain(uuid)
        return tuple(judge(one, Situation(power=known.power)) for one in Operation)

    def duplicates(self) -> tuple[Duplicate, ...]:
        return (Duplicate(kind=IdentityKind.MAC, value="52:54:00:00:00:01", domains=(DB1, WEB1)),)

    @contextmanager
    def claim(self, uuid: str, operation: Operation) -> Iterator[Known]:
        known = self.domain(uuid)
        if operation in self.refused:
            refusal = {"cause": "blocked-by-operator", "problem": "it is a test", "remedy": "ask the test"}
            raise OperationRefused(operation=operation, domain=uuid, **refusal)
        self.claimed.append(operation)
        yield known

    def power(self, uuid: str, action: PowerAction) -> Known:
        known = self.domain(uuid)
        self.go.wait(60)
        self.called.append(("power", uuid, action))
        power = Power.HALTED if action in (PowerAction.KILL, PowerAction.SHUTDOWN) else Power.RUNNING
        self.known[uuid] = replace(known, power=power)
        self.done.set()
        return self.known[uuid]

    def migrate(self, uuid: str, how: Migration) -> None:
        self.domain(uuid)
        self.called.append(("migrate", uuid, how.destination))
        self.moves(DomainId(uuid), how)

    def cancel_migration(self, uuid: str) -> bool:
        self.called.append(("cancel-migration", uuid))
        return self.stops(DomainId(uuid))

    def plug_channel(self, uuid: str) -> Known:
        self.called.append(("plug-channel", uuid))
        return self.domain(uuid)


def conforms() -> HostService:
    """For the type checker."""
    return ScriptedHost()
