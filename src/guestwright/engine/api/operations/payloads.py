"""Operations on payload objects; what is in them is shown by one of them only, to those who may."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec

from guestwright.engine.accounts.rights import Right
from guestwright.engine.api.endpoint import Answer, Call, Endpoint
from guestwright.engine.api.lists import ListQuery, listed, query_of, shown
from guestwright.engine.inventory.database import Database
from guestwright.engine.inventory.errors import ChangedMeanwhile, NameTaken, NotInInventory, StillUsed
from guestwright.engine.inventory.ids import number_of
from guestwright.engine.inventory.model import PayloadObject
from guestwright.engine.payloads.errors import ContentsDamaged, KeyMissing, NoSuchVersion, VersionUsed
from guestwright.engine.payloads.payloads import Payloads
from guestwright.media.sources.errors import BadPayload
from guestwright.media.sources.files import DEFAULT_LABEL

BODY_MAX: Final = 3 << 20
"""Bytes of a request: 1 MiB of contents is 1.4 MiB of Base64, and others may set larger limits."""
_TAG: Final = "payloads"
_ONE: Final = "/payloads/{id}"
_SHOWN: Final = 9  # characters of what is no number
_Label = Annotated[str, msgspec.Meta(min_length=1, max_length=32)]
_Files = Annotated[dict[str, bytes], msgspec.Meta(min_length=1, max_length=1024)]
_Number = Annotated[int, msgspec.Meta(ge=1, lt=1 << 31)]


class PayloadReply(msgspec.Struct, frozen=True):
    """A payload object, without contents.

    Attributes:
        id: its own.
        version: of this record; rises with each change.
        created: seconds since 1970, as the next.
        changed: last time.
        name: of the payload.
        description: for people.
        current: number of the newest version of its contents.
    """

    id: str
    version: int
    created: float
    changed: float
    name: str
    description: str
    current: int


class PayloadList(msgspec.Struct, frozen=True):
    """A page of payload objects; `next` is the cursor of the next one."""

    items: tuple[PayloadReply, ...]
    next: str | None


class PayloadBody(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A payload to be kept.

    Attributes:
        name: of the payload.
        files: contents by name, Base64.
        label: of the volume; with the names it says which form it has.
        description: for people.
    """

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=255, pattern=r"^[^\x00-\x1f\x7f]+$")]
    files: _Files
    label: _Label = DEFAULT_LABEL
    description: Annotated[str, msgspec.Meta(max_length=4096)] = ""


class ContentsBody(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A further version of a payload.

    Attributes:
        files: contents by name, Base64.
        label: of the volume.
    """

    files: _Files
    label: _Label = DEFAULT_LABEL


class PayloadVersion(msgspec.Struct, frozen=True):
    """A version of a payload, without contents.

    Attributes:
        payload: id.
        number: from 1.
        created: seconds since 1970.
        author: name of the user.
        form: who reads it.
        label: of the volume.
        files: sizes in bytes by name.
    """

    payload: str
    number: int
    created: float
    author: str
    form: str
    label: str
    files: dict[str, int]


class PayloadVersions(msgspec.Struct, frozen=True):
    """All versions, the newest first."""

    items: tuple[PayloadVersion, ...]


class ContentsQuery(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Which version.

    Attributes:
        version: its number; the newest without it.
    """

    version: _Number | None = None


class ContentsReply(msgspec.Struct, frozen=True):
    """A version with its contents.

    Attributes:
        version: which.
        files: contents by name, Base64.
    """

    version: PayloadVersion
    files: dict[str, bytes]


class _Operations:
    """What the table calls."""

    def __init__(self, database: Database, payloads: Payloads) -> None:
        self._database = database
        self._payloads = payloads

    def all(self, call: Call) -> PayloadList:
        with self._database.read() as tx:
            page = tx.payloads.page(query_of(call.query))
        return listed(PayloadList, page, lambda one: shown(PayloadReply, one))

    def one(self, call: Call) -> Answer:
        with self._database.read() as tx:
            return _answer(tx.payloads.get(call.path["id"]))

    def add(self, call: Call) -> Answer:
        body: PayloadBody = call.body
        made = self._payloads.add(call.who, body.name, body.label, body.files, body.description)
        return _answer(made, location=f"/payloads/{made.id}")

    def replace(self, call: Call) -> Answer:
        body: ContentsBody = call.body
        return _answer(self._payloads.replace(call.who, call.path["id"], call.match, body.label, body.files))

    def remove(self, call: Call) -> None:
        self._payloads.remove(call.who, call.path["id"], call.match)

    def forget(self, call: Call) -> None:
        payload, named = call.path["id"], call.path["number"]
        number = number_of(named)
        if number is None:
            raise NoSuchVersion(payload=payload, number=named[:_SHOWN])
        self._payloads.forget(call.who, payload, number)

    def versions(self, call: Call) -> PayloadVersions:
        found = self._payloads.versions(call.path["id"])
        return PayloadVersions(items=tuple(shown(PayloadVersion, one) for one in found))

    def contents(self, call: Call) -> ContentsReply:
        found = self._payloads.contents(call.who, call.path["id"], call.query.version)
        return ContentsReply(version=shown(PayloadVersion, found.version), files=dict(found.files))


def _answer(one: PayloadObject, location: str = "") -> Answer:
    return Answer(value=shown(PayloadReply, one), version=one.version, location=location)


def object_endpoints(database: Database, payloads: Payloads) -> tuple[Endpoint, ...]:
    """The table.

    Args:
        database: the inventory.
        payloads: of the engine.
    """
    do = _Operations(database, payloads)
    return (*_looks(do), _contents(do), *_changes(do), *_removals(do))


def _looks(do: _Operations) -> tuple[Endpoint, ...]:
    missing = (NotInInventory,)
    return (
        Endpoint(
            name="payloads",
            method="GET",
            path="/payloads",
            right=Right.READ,
            summary="Payload objects, without contents.",
            handle=do.all,
            reply=PayloadList,
            query=ListQuery,
            tag=_TAG,
        ),
        Endpoint(
            name="payload",
            method="GET",
            path=_ONE,
            right=Right.READ,
            summary="One payload object, without contents.",
            handle=do.one,
            reply=PayloadReply,
            errors=missing,
            tag=_TAG,
        ),
        Endpoint(
            name="payload-versions",
            method="GET",
            path=f"{_ONE}/versions",
            right=Right.READ,
            summary="Versions of a payload: names and sizes of files, without contents.",
            handle=do.versions,
            reply=PayloadVersions,
            errors=missing,
            tag=_TAG,
        ),
    )


def _contents(do: _Operations) -> Endpoint:
    return Endpoint(
        name="payload-contents",
        method="GET",
        path=f"{_ONE}/contents",
        right=Right.PAYLOAD_CONTENTS,
        summary="What is in a payload; whoever reads it is noted.",
        handle=do.contents,
        reply=ContentsReply,
        query=ContentsQuery,
        errors=(NotInInventory, NoSuchVersion, KeyMissing, ContentsDamaged),
        tag=_TAG,
        audited=True,
        secret=True,
    )


def _changes(do: _Operations) -> tuple[Endpoint, ...]:
    return (
        Endpoint(
            name="payload-add",
            method="POST",
            path="/payloads",
            right=Right.PAYLOAD_CHANGE,
            summary="Keep a payload.",
            handle=do.add,
            reply=PayloadReply,
            body=PayloadBody,
            body_max=BODY_MAX,
            status=201,
            errors=(NameTaken, BadPayload),
            tag=_TAG,
            kept=True,
            audited=True,
        ),
        Endpoint(
            name="payload-replace",
            method="PUT",
            path=_ONE,
            right=Right.PAYLOAD_CHANGE,
            summary="Keep a further version of a payload, the newest from now on.",
            handle=do.replace,
            reply=PayloadReply,
            body=ContentsBody,
            body_max=BODY_MAX,
            errors=(NotInInventory, ChangedMeanwhile, BadPayload),
            tag=_TAG,
            matched=True,
            audited=True,
        ),
    )


def _removals(do: _Operations) -> tuple[Endpoint, ...]:
    return (
        Endpoint(
            name="payload-remove",
            method="DELETE",
            path=_ONE,
            right=Right.PAYLOAD_CHANGE,
            summary="Remove a payload that nothing refers to, with all versions.",
            handle=do.remove,
            reply=None,
            status=204,
            errors=(NotInInventory, StillUsed, ChangedMeanwhile),
            tag=_TAG,
            matched=True,
            audited=True,
        ),
        Endpoint(
            name="payload-version-remove",
            method="DELETE",
            path=f"{_ONE}/versions/{{number}}",
            right=Right.PAYLOAD_CHANGE,
            summary="Remove a version that is not the newest, and that nobody asked for by its number.",
            handle=do.forget,
            reply=None,
            status=204,
            errors=(NotInInventory, NoSuchVersion, VersionUsed),
            tag=_TAG,
            audited=True,
        ),
    )
