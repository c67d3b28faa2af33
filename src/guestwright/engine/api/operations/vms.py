"""Operations on machines as the inventory knows them; making and removing them are jobs."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec

from guestwright.engine.accounts.rights import Right
from guestwright.engine.api.endpoint import Answer, Call, Endpoint
from guestwright.engine.api.lists import ListQuery, listed, matching, query_of, shown
from guestwright.engine.inventory.choices import AgentState, Device
from guestwright.engine.inventory.database import Database
from guestwright.engine.inventory.errors import ChangedMeanwhile, NotInInventory
from guestwright.engine.inventory.facts import Guest
from guestwright.engine.inventory.model import Vm
from guestwright.engine.inventory.query import Filter, Op
from guestwright.engine.inventory.states import Power, VmState
from guestwright.engine.inventory.transaction import Transaction

_TAG: Final = "machines"
_ONE: Final = "/vms/{id}"


class GuestSummary(msgspec.Struct, frozen=True):
    """What lists show of a guest; claims of the guest, of which none is believed.

    Attributes:
        agent: state of its agent, by the host's word.
        agent_reason: of that state.
        agent_since: seconds since 1970.
        hostname: that it gives itself.
        os: that it runs.
        addresses: of its network cards.
        seen: the last sign of it, seconds since 1970; 0 for none.
    """

    agent: AgentState
    agent_reason: str
    agent_since: float
    hostname: str
    os: str
    addresses: tuple[str, ...]
    seen: float


class VmReply(msgspec.Struct, frozen=True):
    """A machine.

    Attributes:
        id: its own; the domain's UUID.
        version: rises with each change.
        created: seconds since 1970, as the next.
        changed: last time.
        name: of the machine.
        vcpus: how many.
        memory: bytes.
        description: for people.
        state: what the engine does with it.
        power: what it does.
        reason: of its state, for people.
        host_id: where it is.
        template_version_id: what it was made from.
        os_family: what it was made for.
        firmware: of the machine.
        machine: type of the machine.
        initialised: whether it has been up once.
        job: who has locked it.
        owner_id: user.
        guest: what its guest says.
    """

    id: str
    version: int
    created: float
    changed: float
    name: str
    vcpus: int
    memory: int
    description: str
    state: VmState
    power: Power
    reason: str
    host_id: str | None
    template_version_id: str | None
    os_family: str
    firmware: str
    machine: str
    initialised: bool
    job: str
    owner_id: str | None
    guest: GuestSummary


class DriveReply(msgspec.Struct, frozen=True):
    """A drive of a machine.

    Attributes:
        id: its own.
        device: kind of drive.
        bus: that it is on.
        target: "sda", "hdc" ….
        disk_id: in it.
        position: order.
        read_only: whether it may only be read.
    """

    id: str
    device: Device
    bus: str
    target: str
    disk_id: str | None
    position: int
    read_only: bool


class NicReply(msgspec.Struct, frozen=True):
    """A network card of a machine.

    Attributes:
        id: its own.
        position: order.
        mac: its address.
        network: that it is on.
        bridge: that it is on.
        model: of the card.
    """

    id: str
    position: int
    mac: str | None
    network: str
    bridge: str
    model: str


class WholeVm(VmReply, frozen=True):
    """A machine with its parts.

    Attributes:
        drives: of the machine.
        nics: of the machine.
    """

    drives: tuple[DriveReply, ...]
    nics: tuple[NicReply, ...]


class VmList(msgspec.Struct, frozen=True):
    """A page of machines; `next` is the cursor of the next one."""

    items: tuple[VmReply, ...]
    next: str | None


class VmChange(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What to change of a machine; what is not given stays.

    Attributes:
        description: for people.
    """

    description: Annotated[str, msgspec.Meta(max_length=4096)] | msgspec.UnsetType = msgspec.UNSET


def summary(guest: Guest) -> GuestSummary:
    """What lists show of a guest."""
    return shown(GuestSummary, guest)


def whole(tx: Transaction, vm: Vm) -> Answer:
    """A machine with its parts, as an answer."""
    mine = Filter("vm_id", Op.IS, vm.id)
    drives = tuple(shown(DriveReply, one) for one in tx.drives.all(mine))
    nics = tuple(shown(NicReply, one) for one in tx.nics.all(mine))
    values = msgspec.structs.asdict(_show(vm, tx.facts.guests([vm.id])[vm.id]))
    return Answer(value=WholeVm(**values, drives=drives, nics=nics), version=vm.version)


def _show(vm: Vm, guest: Guest) -> VmReply:
    values = {name: getattr(vm, name) for name in VmReply.__struct_fields__ if name != "guest"}
    return VmReply(**values, guest=summary(guest))


class _Operations:
    """What the table calls."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self, call: Call) -> VmList:
        with self._database.read() as tx:
            page = tx.vms.page(query_of(call.query))
            guests = tx.facts.guests([one.id for one in page.items])
        return listed(VmList, page, lambda vm: _show(vm, guests[vm.id]))

    def one(self, call: Call) -> Answer:
        with self._database.read() as tx:
            return whole(tx, tx.vms.get(call.path["id"]))

    def change(self, call: Call) -> Answer:
        body: VmChange = call.body
        with self._database.write() as tx:
            vm = matching(call, tx.vms.hold(call.path["id"]), "vm")
            if body.description is not msgspec.UNSET:
                vm = tx.vms.change(vm.id, vm.version, description=body.description)
            return whole(tx, vm)


def vm_endpoints(database: Database) -> tuple[Endpoint, ...]:
    """The table.

    Args:
        database: the inventory.
    """
    do = _Operations(database)
    return (
        Endpoint(
            name="vms",
            method="GET",
            path="/vms",
            right=Right.READ,
            summary="Machines, with what is known of their guests; no guest is asked.",
            handle=do.all,
            reply=VmList,
            query=ListQuery,
            tag=_TAG,
        ),
        Endpoint(
            name="vm",
            method="GET",
            path=_ONE,
            right=Right.READ,
            summary="One machine with its drives and network cards.",
            handle=do.one,
            reply=WholeVm,
            errors=(NotInInventory,),
            tag=_TAG,
        ),
        Endpoint(
            name="vm-change",
            method="PATCH",
            path=_ONE,
            right=Right.VM_CHANGE,
            summary="Change what people read of a machine.",
            handle=do.change,
            reply=WholeVm,
            body=VmChange,
            errors=(NotInInventory, ChangedMeanwhile),
            tag=_TAG,
            matched=True,
        ),
    )
