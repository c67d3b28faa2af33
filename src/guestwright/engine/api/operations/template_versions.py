"""Operations on one version of a template: what it is, and which payload machines made from it get."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Annotated, Final

import msgspec

from guestwright.engine.accounts.rights import Right
from guestwright.engine.api.endpoint import Answer, Call, Endpoint
from guestwright.engine.api.errors import BadChoice
from guestwright.engine.api.lists import ListQuery, listed, matching, query_of
from guestwright.engine.inventory.choices import Persistence
from guestwright.engine.inventory.database import Database
from guestwright.engine.inventory.errors import ChangedMeanwhile, NotInInventory
from guestwright.engine.inventory.ids import new_id, number_of
from guestwright.engine.inventory.model import PayloadUse, TemplateVersion
from guestwright.engine.inventory.query import Filter, Op
from guestwright.engine.inventory.states import TemplateState
from guestwright.engine.inventory.transaction import Transaction
from guestwright.engine.templates.rows import payload_of

_TAG: Final = "templates"
_ONE: Final = "/templates/{id}/versions/{number}"


class VersionReply(msgspec.Struct, frozen=True):
    """A version of a template.

    Attributes:
        id: its own.
        version: of this record; rises with each change.
        created: seconds since 1970, as the next.
        changed: last time.
        template_id: whose it is.
        number: from 1.
        label: for people.
        state: whether machines can be made from it.
        sealed: whether its disks had to be sealed.
        source: machine that it was made from.
        vcpus: of machines made from it.
        memory: bytes.
        os_family: what it was made for.
        firmware: of machines made from it.
        machine: type of machines made from it.
        job: who is at work on it.
        payload_id: payload that machines made from it get, unless they name their own; null for none.
        run_once: whether they get it at their first start only.
    """

    id: str
    version: int
    created: float
    changed: float
    template_id: str
    number: int
    label: str
    state: TemplateState
    sealed: bool
    source: str
    vcpus: int
    memory: int
    os_family: str
    firmware: str
    machine: str
    job: str
    payload_id: str | None
    run_once: bool


class VersionList(msgspec.Struct, frozen=True):
    """A page of versions; `next` is the cursor of the next one."""

    items: tuple[VersionReply, ...]
    next: str | None


class VersionChange(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What to change of a version of a template; machines that were made from it stay as they are.

    Attributes:
        payload: id of the payload that machines made from it get unless they name their own; null for none.
        run_once: whether they get it at their first start only.
    """

    payload: Annotated[str, msgspec.Meta(min_length=1, max_length=64)] | None
    run_once: bool = False


class _Operations:
    """What the table calls."""

    def __init__(self, database: Database, randomness: Callable[[int], bytes]) -> None:
        self._database = database
        self._randomness = randomness

    def versions(self, call: Call) -> VersionList:
        with self._database.read() as tx:
            template = tx.templates.get(call.path["id"])
            mine = Filter("template_id", Op.IS, template.id)
            page = tx.template_versions.page(query_of(call.query, mine))
            return listed(VersionList, page, lambda one: show_version(tx, one))

    def one(self, call: Call) -> Answer:
        with self._database.read() as tx:
            return _answer(tx, _version(tx, call))

    def change(self, call: Call) -> Answer:
        body: VersionChange = call.body
        if body.payload is None and body.run_once:
            raise BadChoice(field="run_once", problem="there is no payload")
        with self._database.write() as tx:
            version = tx.template_versions.hold(_version(tx, call).id)
            version = matching(call, version, "template-version")
            if body.payload is not None:
                tx.payloads.hold(body.payload)  # it does not go meanwhile
            for former in tx.payload_uses.all(Filter("template_version_id", Op.IS, version.id)):
                tx.payload_uses.remove(former.id)
            if body.payload is not None:
                tx.payload_uses.add(
                    PayloadUse(
                        id=new_id(tx.now, self._randomness(10)),
                        payload_id=body.payload,
                        persistence=Persistence.RUN_ONCE if body.run_once else Persistence.PERMANENT,
                        template_version_id=version.id,
                    )
                )
            return _answer(tx, tx.template_versions.change(version.id, version.version))


def show_version(tx: Transaction, version: TemplateVersion) -> VersionReply:
    """A version as the API shows it."""
    payload, run_once = payload_of(tx, version)
    also = ("payload_id", "run_once")
    own = {name: getattr(version, name) for name in VersionReply.__struct_fields__ if name not in also}
    return VersionReply(payload_id=payload or None, run_once=run_once, **own)


def _version(tx: Transaction, call: Call) -> TemplateVersion:
    template, number = tx.templates.get(call.path["id"]), call.path["number"]
    wanted = number_of(number) or 0  # which none has
    mine = (Filter("template_id", Op.IS, template.id), Filter("number", Op.IS, str(wanted)))
    found = tx.template_versions.all(*mine, most=1)
    if not found:
        raise NotInInventory(what=f"version of template {template.name}", id=number[:64])
    return found[0]


def _answer(tx: Transaction, version: TemplateVersion) -> Answer:
    return Answer(value=show_version(tx, version), version=version.version)


def template_version_endpoints(
    database: Database, randomness: Callable[[int], bytes] = os.urandom
) -> tuple[Endpoint, ...]:
    """The table.

    Args:
        database: the inventory.
        randomness: so many bytes, cryptographic.
    """
    do = _Operations(database, randomness)
    return (
        Endpoint(
            name="template-versions",
            method="GET",
            path="/templates/{id}/versions",
            right=Right.READ,
            summary="Versions of a template.",
            handle=do.versions,
            reply=VersionList,
            query=ListQuery,
            errors=(NotInInventory,),
            tag=_TAG,
        ),
        Endpoint(
            name="template-version",
            method="GET",
            path=_ONE,
            right=Right.READ,
            summary="One version of a template.",
            handle=do.one,
            reply=VersionReply,
            errors=(NotInInventory,),
            tag=_TAG,
        ),
        Endpoint(
            name="template-version-change",
            method="PATCH",
            path=_ONE,
            right=Right.TEMPLATE_CHANGE,
            summary="Say which payload machines made from a version get, unless they name their own.",
            handle=do.change,
            reply=VersionReply,
            body=VersionChange,
            errors=(NotInInventory, ChangedMeanwhile, BadChoice),
            tag=_TAG,
            matched=True,
        ),
    )
