"""Domains of a host as machines of the inventory.

Theory of operation: a domain that the engine does not know is adopted: it becomes a machine that is ready,
with its drives, cards and power. Of one that is known only what the hypervisor decides is taken: power, size,
the host. A machine that two hosts have is where it runs; one that is off stays where it was, unless that host
has lost it. Each machine is written in a transaction of its own, and only when something differs.

What a host said a moment ago may be of a machine that a job has removed since. So a domain is adopted only
when the host says again that it is there, after it was seen that the inventory has none such: whoever removes
a machine has the host forget it before the inventory does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from guestwright.base.printable import printable
from guestwright.engine.following.hardware import Hardware
from guestwright.engine.following.said import Known
from guestwright.engine.following.tally import Tally
from guestwright.engine.inventory import states
from guestwright.engine.inventory.database import Database
from guestwright.engine.inventory.model import Host, Vm
from guestwright.engine.inventory.query import Filter, Op, Query
from guestwright.engine.inventory.states import Power, PowerEvent, VmState
from guestwright.engine.inventory.transaction import Transaction

_POWER: Final = {
    "halted": Power.OFF,
    "running": Power.RUNNING,
    "paused": Power.PAUSED,
    "suspended": Power.SUSPENDED,
}
_ACTIVE: Final = frozenset((Power.RUNNING, Power.PAUSED))


def power_of(known: Known) -> Power:
    """What a domain does, in the inventory's words."""
    return Power.CRASHED if known.domain.state == "crashed" else _POWER[known.power]


class Domains:
    """Records the domains of a host.

    Args:
        database: the inventory.
        host: as it is recorded.
        tally: counts what was done and refused.

    Attributes:
        host: id of the host.
        hardware: records drives and cards.
    """

    def __init__(self, database: Database, host: Host, tally: Tally) -> None:
        self._database = database
        self.host = host.id
        self._host = host
        self._tally = tally
        self.hardware = Hardware(host.id, tally)

    def all(self, said: list[Known], again: Callable[[], list[Known]]) -> None:
        """Record all domains of the host; machines that it should have and has not lose it.

        Args:
            said: what the host has said.
            again: has it say so once more, where some are not known; raises what the host's client does.
        """
        new = {one.domain.uuid for one in said if not self.one(one)}
        if new:
            for one in again():
                if one.domain.uuid in new:
                    self.adopt(one)
        there = {one.domain.uuid for one in said}
        for id_ in self._here() - there:
            self.gone(id_)

    def one(self, said: Known) -> bool:
        """Record a domain, if the inventory has it; whether it has."""
        with self._tally.taking("domain"):
            with self._database.read() as tx:
                vm = tx.vms.find(said.domain.uuid)
                if vm is None:
                    return False
                current = not self._news(vm, said) and self.hardware.known(tx, vm, said)
            if current:
                return True
            with self._database.write() as tx:
                vm = tx.vms.find(said.domain.uuid)
                if vm is not None:
                    self._follow(tx, vm, said)
        return True

    def adopt(self, said: Known) -> None:
        """Record a domain that the inventory did not have, and that the host has named once more since."""
        with self._tally.taking("domain"), self._database.write() as tx:
            vm = tx.vms.find(said.domain.uuid)
            if vm is None:
                self._adopt(tx, said)
            else:
                self._follow(tx, vm, said)

    def gone(self, uuid: str) -> None:
        """Record that the host has a domain no more."""
        with self._tally.taking("domain"), self._database.write() as tx:
            vm = tx.vms.find(uuid)
            if vm is None or vm.host_id != self._host.id or vm.job or vm.state is not VmState.READY:
                return
            reason = f"host {self._host.name} has it no more"
            tx.vms.move(uuid, states.POWER, PowerEvent.LOST, reason=reason, host_id=None)
            self._tally.count("domains-gone")

    def unknown(self, reason: str) -> None:
        """Record that nobody can say what the machines of this host do."""
        for id_ in sorted(self._here()):
            with self._tally.taking("domain"), self._database.write() as tx:
                if tx.vms.hold(id_).host_id == self._host.id:
                    tx.vms.move(id_, states.POWER, PowerEvent.LOST, reason=reason)

    def _news(self, vm: Vm, said: Known) -> bool:
        if vm.host_id != self._host.id:
            return self._ours(vm, said)
        return power_of(said) is not vm.power or bool(self._size(vm, said))

    def _ours(self, vm: Vm, said: Known) -> bool:
        """Whether a machine that is recorded elsewhere is here."""
        if vm.host_id is None:
            return True
        return power_of(said) in _ACTIVE and vm.power not in _ACTIVE

    def _size(self, vm: Vm, said: Known) -> dict[str, int]:
        wanted = {"vcpus": said.domain.vcpus, "memory": said.domain.memory_maximum}
        return {name: value for name, value in wanted.items() if value and getattr(vm, name) != value}

    def _adopt(self, tx: Transaction, said: Known) -> None:
        domain = said.domain
        vm = tx.vms.add(
            Vm(
                id=domain.uuid,
                name=self._name(tx, said),
                vcpus=domain.vcpus,
                memory=domain.memory_maximum,
                state=VmState.READY,
                power=Power.UNKNOWN,
                host_id=self._host.id,
                os_family=domain.os,
                firmware=domain.platform.firmware,
                machine=domain.platform.machine,
            )
        )
        self._seen(tx, vm, said)
        self.hardware.keep(tx, vm, said)
        self._tally.count("domains-adopted")

    def _follow(self, tx: Transaction, vm: Vm, said: Known) -> None:
        if vm.host_id != self._host.id:
            if not self._ours(vm, said):
                self._tally.refused("domain", f"{vm.id} is on another host, too")
                return
            vm = tx.vms.change(vm.id, vm.version, host_id=self._host.id)
        size = self._size(vm, said)
        if size:
            vm = tx.vms.change(vm.id, vm.version, **size)
        self._seen(tx, vm, said)
        self.hardware.keep(tx, vm, said)

    def _seen(self, tx: Transaction, vm: Vm, said: Known) -> None:
        power = power_of(said)
        if vm.power is power:
            return
        also = {"initialised": True} if power is Power.RUNNING and not vm.initialised else {}
        tx.vms.move(vm.id, states.POWER, states.SEEN[power], reason="", **also)
        self._tally.count("power-seen")

    def _name(self, tx: Transaction, said: Known) -> str:
        """The domain's name; with the host's, or the uuid's beginning, where another machine has it."""
        name = printable(said.domain.name)
        for one in (name, f"{name}@{self._host.name}", f"{name}@{self._host.name}-{said.domain.uuid[:8]}"):
            if tx.vms.named(one) is None:
                return one
        return f"{name}-{said.domain.uuid}"

    def _here(self) -> set[str]:
        found: set[str] = set()
        cursor = ""
        with self._database.read() as tx:
            while True:
                own = Filter("host_id", Op.IS, self._host.id)
                page = tx.vms.page(Query(filters=(own,), sort="id", limit=1000, cursor=cursor))
                found |= {one.id for one in page.items}
                cursor = page.cursor
                if not cursor:
                    return found
