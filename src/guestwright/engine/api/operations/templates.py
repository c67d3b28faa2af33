"""Operations on templates and their versions; making and removing them are jobs."""

from __future__ import annotations

from typing import Final

import msgspec

from guestwright.engine.accounts.rights import Right
from guestwright.engine.api.endpoint import Answer, Call, Endpoint
from guestwright.engine.api.lists import ListQuery, listed, query_of, shown
from guestwright.engine.api.operations.template_ovf import template_ovf_endpoints
from guestwright.engine.api.parts import Parts
from guestwright.engine.inventory.database import Database
from guestwright.engine.inventory.errors import NotInInventory
from guestwright.engine.inventory.query import Filter, Op
from guestwright.engine.inventory.states import TemplateState

_TAG: Final = "templates"


class TemplateReply(msgspec.Struct, frozen=True):
    """A template: what its versions have in common.

    Attributes:
        id: its own.
        version: of this record; rises with each change.
        created: seconds since 1970, as the next.
        changed: last time.
        name: of the template.
        description: for people.
    """

    id: str
    version: int
    created: float
    changed: float
    name: str
    description: str


class TemplateList(msgspec.Struct, frozen=True):
    """A page of templates; `next` is the cursor of the next one."""

    items: tuple[TemplateReply, ...]
    next: str | None


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


class VersionList(msgspec.Struct, frozen=True):
    """A page of versions; `next` is the cursor of the next one."""

    items: tuple[VersionReply, ...]
    next: str | None


class _Operations:
    """What the table calls."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self, call: Call) -> TemplateList:
        with self._database.read() as tx:
            page = tx.templates.page(query_of(call.query))
        return listed(TemplateList, page, lambda one: shown(TemplateReply, one))

    def one(self, call: Call) -> Answer:
        with self._database.read() as tx:
            found = tx.templates.get(call.path["id"])
        return Answer(value=shown(TemplateReply, found), version=found.version)

    def versions(self, call: Call) -> VersionList:
        with self._database.read() as tx:
            template = tx.templates.get(call.path["id"])
            mine = Filter("template_id", Op.IS, template.id)
            page = tx.template_versions.page(query_of(call.query, mine))
        return listed(VersionList, page, lambda one: shown(VersionReply, one))


def template_endpoints(parts: Parts) -> tuple[Endpoint, ...]:
    """The table, that of OVF packages included.

    Args:
        parts: of the engine.
    """
    do = _Operations(parts.database)
    return (
        *template_ovf_endpoints(parts),  # first, see `everything`
        Endpoint(
            name="templates",
            method="GET",
            path="/templates",
            right=Right.READ,
            summary="Templates.",
            handle=do.all,
            reply=TemplateList,
            query=ListQuery,
            tag=_TAG,
        ),
        Endpoint(
            name="template",
            method="GET",
            path="/templates/{id}",
            right=Right.READ,
            summary="One template.",
            handle=do.one,
            reply=TemplateReply,
            errors=(NotInInventory,),
            tag=_TAG,
        ),
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
    )
