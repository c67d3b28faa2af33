"""Operations on templates and their versions; making and removing them are jobs."""

from __future__ import annotations

from typing import Final

import msgspec

from guestwright.engine.accounts.rights import Right
from guestwright.engine.api.endpoint import Answer, Call, Endpoint
from guestwright.engine.api.lists import ListQuery, listed, query_of, shown
from guestwright.engine.api.operations.template_ovf import template_ovf_endpoints
from guestwright.engine.api.operations.template_versions import template_version_endpoints
from guestwright.engine.api.parts import Parts
from guestwright.engine.inventory.database import Database
from guestwright.engine.inventory.errors import NotInInventory

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
        *template_version_endpoints(parts.database),
    )
