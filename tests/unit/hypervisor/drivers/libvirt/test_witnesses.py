"""What witnesses say, out of libvirt's answers; a scripted connection."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, cast

import pytest

from guestwright.hypervisor.domain import DomainId
from guestwright.hypervisor.drivers.libvirt.link import Link
from guestwright.hypervisor.drivers.libvirt.witnesses import LibvirtWitnesses
from guestwright.hypervisor.statement import SeenCard, Statement, Witness

UUID = DomainId("0c6f5c5e-7a3a-4a43-9e0e-2f1f3f3d9a01")
AGENT_UNRESPONSIVE, UNSUPPORTED, NO_DOMAIN = 86, 84, 42
CARDS = {
    "lo": {"addrs": [{"type": 0, "addr": "127.0.0.1", "prefix": 8}], "hwaddr": None},
    "eth0": {"addrs": [{"addr": "192.0.2.1"}, {"addr": "fe80::1"}], "hwaddr": "52:54:00:00:00:01"},
    "eth1": {"addrs": None, "hwaddr": "52:54:00:00:00:02"},
}
SEEN = (
    SeenCard(mac="", addresses=("127.0.0.1",)),
    SeenCard(mac="52:54:00:00:00:01", addresses=("192.0.2.1", "fe80::1")),
    SeenCard(mac="52:54:00:00:00:02"),
)


class Failed(Exception):
    """As libvirt's."""

    def get_error_code(self) -> int:
        return int(self.args[0])


class Handle:
    """A domain that answers as a test says: a value, or the number of an error."""

    def __init__(self, *, alive: bool = True, **answers: Any) -> None:
        self.answers = answers
        self.alive = alive
        self.asked: list[str] = []

    def ID(self) -> int:
        return 1

    def connect(self) -> Any:
        return SimpleNamespace(isAlive=lambda: self.alive)

    def interfaceAddresses(self, source: int) -> Any:
        return self.answer({0: "leases", 1: "agent", 2: "arp"}[source])

    def guestInfo(self, types: int) -> Any:
        return self.answer({2: "os", 8: "hostname"}[types])

    def answer(self, name: str) -> Any:
        self.asked.append(name)
        found = self.answers.get(name, AGENT_UNRESPONSIVE)
        if isinstance(found, int):
            raise Failed(found)
        return found


def witnesses(handle: Handle) -> LibvirtWitnesses:
    @contextmanager
    def call(action: str, domain: str) -> Iterator[Any]:
        del action, domain
        yield SimpleNamespace(lookupByUUIDString=lambda _: handle)

    return LibvirtWitnesses(
        cast("Link", SimpleNamespace(call=call, binding=SimpleNamespace(libvirtError=Failed)))
    )


@pytest.mark.parametrize(
    ("answers", "witness", "wanted"),
    [
        ({"leases": CARDS}, Witness.LEASES, Statement(cards=SEEN)),
        ({"arp": {}}, Witness.NEIGHBOURS, Statement()),
        ({}, Witness.NEIGHBOURS, None),
        ({}, Witness.GUEST_AGENT, None),
        ({"agent": CARDS}, Witness.GUEST_AGENT, Statement(cards=SEEN)),
        (
            {"agent": UNSUPPORTED, "hostname": {"hostname": "web1"}},
            Witness.GUEST_AGENT,
            Statement(hostname="web1"),
        ),
        (
            {
                "agent": {},
                "hostname": {"hostname": 7},
                "os": {"os.pretty-name": "Debian 12", "os.id": "debian"},
            },
            Witness.GUEST_AGENT,
            Statement(system="Debian 12"),
        ),
    ],
)
def test_answers(answers: dict[str, Any], witness: Witness, wanted: Statement | None) -> None:
    assert witnesses(Handle(**answers)).statement(UUID, witness) == wanted


def test_an_agent_that_is_silent_is_asked_once() -> None:
    handle = Handle(hostname={"hostname": "web1"})
    assert witnesses(handle).statement(UUID, Witness.GUEST_AGENT) is None
    assert handle.asked == ["agent"]


@pytest.mark.parametrize("handle", [Handle(arp=NO_DOMAIN), Handle(alive=False)], ids=["gone", "broken"])
def test_what_is_no_answer_is_an_error(handle: Handle) -> None:
    with pytest.raises(Failed):
        witnesses(handle).statement(UUID, Witness.NEIGHBOURS)
