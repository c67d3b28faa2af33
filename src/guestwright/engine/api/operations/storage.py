"""Operations on storage domains, volumes and disks: they are looked at here, and changed by jobs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec

from guestwright.engine.accounts.rights import Right
from guestwright.engine.api.endpoint import Answer, Call, Endpoint
from guestwright.engine.api.lists import ListQuery, listed, query_of, shown
from guestwright.engine.api.operations.disk_contents import disk_endpoints
from guestwright.engine.api.operations.disk_remove import disk_remove_endpoint
from guestwright.engine.api.parts import Parts
from guestwright.engine.inventory.choices import DiskFormat
from guestwright.engine.inventory.database import Database
from guestwright.engine.inventory.errors import NotInInventory
from guestwright.engine.inventory.repository import Repository
from guestwright.engine.inventory.states import HostState, Sealing, VolumeKind, VolumeState
from guestwright.engine.inventory.transaction import Transaction

_TAG: Final = "storage"


class StorageReply(msgspec.Struct, frozen=True):
    """A storage domain: a directory of volumes on a host.

    Attributes:
        id: its own.
        version: rises with each change.
        created: seconds since 1970, as the next.
        changed: last time.
        host_id: where it is.
        name: by which the host knows it.
        state: of the link to it.
        reason: of the state, for people.
        capacity: bytes.
        free: bytes.
    """

    id: str
    version: int
    created: float
    changed: float
    host_id: str
    name: str
    state: HostState
    reason: str
    capacity: int
    free: int


class VolumeReply(msgspec.Struct, frozen=True):
    """An image in a storage domain.

    Attributes:
        id: its own.
        version: rises with each change.
        created: seconds since 1970, as the next.
        changed: last time.
        domain_id: its storage domain.
        format: of its file.
        size: bytes that a guest sees.
        state: whether it is fit for use.
        kind: one machine's, or shared by many.
        sealing: whether it has to be, or was sealed.
        reason: of the state, for people.
        generation: the host's.
        parent_id: what it stands on.
        job: who is at work on it.
        description: for people.
    """

    id: str
    version: int
    created: float
    changed: float
    domain_id: str
    format: DiskFormat
    size: int
    state: VolumeState
    kind: VolumeKind
    sealing: Sealing
    reason: str
    generation: int
    parent_id: str | None
    job: str
    description: str


class DiskReply(msgspec.Struct, frozen=True):
    """A disk as its owner sees it.

    Attributes:
        id: its own.
        version: rises with each change.
        created: seconds since 1970, as the next.
        changed: last time.
        name: for people.
        description: for people.
        volume_id: what holds its content.
        shareable: whether several machines may use it at once.
    """

    id: str
    version: int
    created: float
    changed: float
    name: str
    description: str
    volume_id: str | None
    shareable: bool


class StorageList(msgspec.Struct, frozen=True):
    """A page of storage domains; `next` is the cursor of the next one."""

    items: tuple[StorageReply, ...]
    next: str | None


class VolumeList(msgspec.Struct, frozen=True):
    """A page of volumes; `next` is the cursor of the next one."""

    items: tuple[VolumeReply, ...]
    next: str | None


class DiskList(msgspec.Struct, frozen=True):
    """A page of disks; `next` is the cursor of the next one."""

    items: tuple[DiskReply, ...]
    next: str | None


def storage_endpoints(parts: Parts) -> tuple[Endpoint, ...]:
    """The table.

    Args:
        parts: of the engine.
    """
    looks = _Looks(parts.database)
    return (
        *disk_endpoints(parts),  # before /disks/{id}
        *looks.at(
            "storage", "storage-domain", "storage domain", lambda tx: tx.storage, StorageReply, StorageList
        ),
        *looks.at("volumes", "volume", "volume", lambda tx: tx.volumes, VolumeReply, VolumeList),
        *looks.at("disks", "disk", "disk", lambda tx: tx.disks, DiskReply, DiskList),
        disk_remove_endpoint(parts),
    )


class _Looks:
    """Lists and single things of several kinds."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def at(
        self,
        many: str,
        one: str,
        word: str,
        where: Callable[[Transaction], Repository[Any]],
        reply: type[Any],
        page: type[Any],
    ) -> tuple[Endpoint, Endpoint]:
        """The two operations on things of a kind."""

        def listing(call: Call) -> Any:
            with self._database.read() as tx:
                return listed(page, where(tx).page(query_of(call.query)), lambda it: shown(reply, it))

        def looking(call: Call) -> Answer:
            with self._database.read() as tx:
                found = where(tx).get(call.path["id"])
            return Answer(value=shown(reply, found), version=found.version)

        return (
            Endpoint(
                name=many,
                method="GET",
                path=f"/{many}",
                right=Right.READ,
                summary=f"{word.capitalize()}s.",
                handle=listing,
                reply=page,
                query=ListQuery,
                tag=_TAG,
            ),
            Endpoint(
                name=one,
                method="GET",
                path=f"/{many}/{{id}}",
                right=Right.READ,
                summary=f"One {word}.",
                handle=looking,
                reply=reply,
                errors=(NotInInventory,),
                tag=_TAG,
            ),
        )
