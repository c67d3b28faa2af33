"""Operations on what is kept of syspreps: from the database, also after their hosts have forgotten them."""

from __future__ import annotations

from typing import Final

import msgspec

from guestwright.base.record import replace
from guestwright.engine.accounts.rights import Right
from guestwright.engine.api.endpoint import Call, Endpoint
from guestwright.engine.api.lists import ListQuery, listed, query_of
from guestwright.engine.inventory.database import Database
from guestwright.engine.inventory.errors import NotInInventory
from guestwright.engine.inventory.model import Sysprep
from guestwright.engine.inventory.query import Filter, Op
from guestwright.engine.inventory.states import SysprepState

_TAG: Final = "live"


class SysprepProblem(msgspec.Struct, frozen=True):
    """Why a sysprep failed.

    Attributes:
        code: of the error.
        message: for people.
    """

    code: str
    message: str


class SysprepReply(msgspec.Struct, frozen=True):
    """A sysprep of a machine, as it was last heard of; nothing of its answer file.

    Attributes:
        id: its own.
        version: rises with each change.
        created: when it was asked for, seconds since 1970.
        changed: last time that something was new.
        ended: 0 before.
        vm_id: whose guest.
        actor: who wanted it.
        state: `vm-down` is the good end.
        percent: how much is done; None while nobody knows.
        progress: what it does, in the host's words.
        host: id of the host that does it.
        job: of that host; `/vms/{id}/sysprep/{job}` asks it.
        error: of one that failed.
    """

    id: str
    version: int
    created: float
    changed: float
    ended: float
    vm_id: str
    actor: str
    state: SysprepState
    percent: int | None
    progress: str
    host: str
    job: str
    error: SysprepProblem | None


class SysprepList(msgspec.Struct, frozen=True):
    """A page of syspreps; `next` is the cursor of the next one."""

    items: tuple[SysprepReply, ...]
    next: str | None


def _show(one: Sysprep) -> SysprepReply:
    made = ("percent", "error")
    values = {name: getattr(one, name) for name in SysprepReply.__struct_fields__ if name not in made}
    failed = one.state is SysprepState.FAILED
    return SysprepReply(
        percent=one.percent if one.percent >= 0 else None,
        error=SysprepProblem(code=one.code, message=one.reason) if failed else None,
        **values,
    )


def sysprep_endpoints(database: Database) -> tuple[Endpoint, ...]:
    """The table.

    Args:
        database: the inventory.
    """

    def every(call: Call) -> SysprepList:
        with database.read() as tx:
            vm = tx.vms.get(call.path["id"])
            query = query_of(call.query, Filter("vm_id", Op.IS, vm.id))
            if not query.sort:
                query = replace(query, sort="created", descending=True)
            page = tx.syspreps.page(query)
        return listed(SysprepList, page, _show)

    return (
        Endpoint(
            name="vm-syspreps",
            method="GET",
            path="/vms/{id}/syspreps",
            right=Right.READ,
            summary="Syspreps of a machine, the newest first: who, when, how far, how they ended.",
            handle=every,
            reply=SysprepList,
            query=ListQuery,
            errors=(NotInInventory,),
            tag=_TAG,
        ),
    )
