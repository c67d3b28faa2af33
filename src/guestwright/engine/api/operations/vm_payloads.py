"""Operations on which machine gets which payload."""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec

from guestwright.engine.accounts.rights import Right
from guestwright.engine.api.endpoint import Answer, Call, Endpoint
from guestwright.engine.api.lists import shown
from guestwright.engine.inventory.choices import Device, Persistence
from guestwright.engine.inventory.database import Database
from guestwright.engine.inventory.errors import NotInInventory
from guestwright.engine.inventory.query import Filter, Op
from guestwright.engine.inventory.states import PayloadState
from guestwright.engine.payloads.errors import NoSuchVersion
from guestwright.engine.payloads.payloads import Payloads

_TAG: Final = "payloads"


class UseReply(msgspec.Struct, frozen=True):
    """That a machine gets a payload.

    Attributes:
        id: its own.
        created: seconds since 1970.
        payload_id: what it gets.
        number: of the version; the newest without it.
        vm_id: who gets it.
        persistence: at every start, or during the next run only.
        device: as which it is shown.
        state: how far it is.
        reason: of the state, for people.
    """

    id: str
    created: float
    payload_id: str
    number: int | None
    vm_id: str | None
    persistence: Persistence
    device: Device
    state: PayloadState
    reason: str


class UseList(msgspec.Struct, frozen=True):
    """The payloads of a machine: at most one permanent and one for the next run."""

    items: tuple[UseReply, ...]


class UseBody(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A payload for a machine, from the next start on; it takes the place of the one before.

    Attributes:
        payload: id.
        run_once: whether at the next start only.
        device: as which it is shown.
        version: number; the newest without it.
    """

    payload: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    run_once: bool = False
    device: Literal["cd", "floppy"] = "cd"
    version: Annotated[int, msgspec.Meta(ge=1, lt=1 << 31)] | None = None


class _Operations:
    """What the table calls."""

    def __init__(self, database: Database, payloads: Payloads) -> None:
        self._database = database
        self._payloads = payloads

    def all(self, call: Call) -> UseList:
        with self._database.read() as tx:
            vm = tx.vms.get(call.path["id"])
            found = tx.payload_uses.all(Filter("vm_id", Op.IS, vm.id))
        return UseList(items=tuple(shown(UseReply, one) for one in found))

    def attach(self, call: Call) -> Answer:
        body: UseBody = call.body
        with self._database.read() as tx:
            vm = tx.vms.get(call.path["id"]).id
        use = self._payloads.attach(
            call.who,
            body.payload,
            Persistence.RUN_ONCE if body.run_once else Persistence.PERMANENT,
            vm=vm,
            device=Device(body.device),
            number=body.version,
        )
        return Answer(value=shown(UseReply, use), location=f"/vms/{vm}/payloads/{use.id}")

    def detach(self, call: Call) -> None:
        use = call.path["use"]
        with self._database.read() as tx:
            found = tx.payload_uses.get(use)
        if found.vm_id != call.path["id"]:
            raise NotInInventory(what="payload-use", id=use)
        self._payloads.detach(call.who, use)


def vm_payload_endpoints(database: Database, payloads: Payloads) -> tuple[Endpoint, ...]:
    """The table.

    Args:
        database: the inventory.
        payloads: of the engine.
    """
    do = _Operations(database, payloads)
    missing = (NotInInventory,)
    return (
        Endpoint(
            name="vm-payloads",
            method="GET",
            path="/vms/{id}/payloads",
            right=Right.READ,
            summary="What a machine gets, and how far that is.",
            handle=do.all,
            reply=UseList,
            errors=missing,
            tag=_TAG,
        ),
        Endpoint(
            name="vm-payload-attach",
            method="POST",
            path="/vms/{id}/payloads",
            right=Right.PAYLOAD_CHANGE,
            summary="Have a machine get a payload from its next start on.",
            handle=do.attach,
            reply=UseReply,
            body=UseBody,
            status=201,
            errors=(NotInInventory, NoSuchVersion),
            tag=_TAG,
            kept=True,
            audited=True,
        ),
        Endpoint(
            name="vm-payload-detach",
            method="DELETE",
            path="/vms/{id}/payloads/{use}",
            right=Right.PAYLOAD_CHANGE,
            summary="Take a payload away from a machine; a run that shows it goes on showing it.",
            handle=do.detach,
            reply=None,
            status=204,
            errors=missing,
            tag=_TAG,
            audited=True,
        ),
    )
