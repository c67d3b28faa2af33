"""What the repository has to know of each kind of thing: table, record, states, and what lists can do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, Generic, TypeVar

from sqlalchemy import ColumnElement, Connection, FromClause, Table

from guestwright.engine.inventory import model, rules, states, tables
from guestwright.engine.inventory.machine import Machine

T = TypeVar("T", bound=model.Thing)
Guard = Callable[[Connection, str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind(Generic[T]):
    """One kind of thing.

    Attributes:
        name: in events and messages: kebab-case.
        table: where it is kept.
        record: what it is read as.
        machines: its states; their columns change by `move` only.
        guards: what must hold besides before an event.
        joined: table with what lists can filter by besides, and how it is joined.
        more: fields of lists in `joined`, by name.
        hidden: columns that lists cannot filter by.
        sort: field that lists are ordered by unless somebody says otherwise.
    """

    name: str
    table: Table
    record: type[T]
    machines: tuple[Machine, ...] = ()
    guards: Mapping[StrEnum, Guard] = field(default_factory=dict)
    joined: FromClause | None = None
    more: Mapping[str, ColumnElement[Any]] = field(default_factory=dict)
    hidden: frozenset[str] = frozenset()
    sort: str = "created"

    @property
    def fields(self) -> dict[str, ColumnElement[Any]]:
        """What lists can filter by."""
        own = {one.name: one for one in self.table.columns if one.name not in self.hidden}
        return {**own, **self.more}

    @property
    def guarded(self) -> frozenset[str]:
        """Columns that `change` may not touch."""
        return frozenset(
            {"id", "version", "created", "changed", *(one for each in self.machines for one in each.columns)}
        )


_GUEST_FIELDS: Final = ("agent", "hostname", "os", "addresses", "seen")

HOST: Final = Kind(name="host", table=tables.hosts, record=model.Host, machines=(states.HOST,), sort="name")
STORAGE: Final = Kind(
    name="storage-domain",
    table=tables.storage_domains,
    record=model.StorageDomain,
    machines=(states.STORAGE,),
    sort="name",
)
VOLUME: Final = Kind(name="volume", table=tables.volumes, record=model.Volume, machines=(states.VOLUME,))
DISK: Final = Kind(name="disk", table=tables.disks, record=model.Disk, sort="name")
UPLOAD: Final = Kind(name="disk-upload", table=tables.uploads, record=model.Upload)
TEMPLATE: Final = Kind(name="template", table=tables.templates, record=model.Template, sort="name")
TEMPLATE_VERSION: Final = Kind(
    name="template-version",
    table=tables.template_versions,
    record=model.TemplateVersion,
    machines=(states.TEMPLATE,),
    guards={states.TemplateEvent.UNLOCKED: rules.fit_for_use},
    sort="number",
)
VM: Final = Kind(
    name="vm",
    table=tables.vms,
    record=model.Vm,
    machines=(states.VM, states.POWER),
    guards={
        states.VmEvent.CREATED: rules.disks_usable,
        states.VmEvent.LOCKED: rules.off,
        states.PowerEvent.START: rules.may_start,
    },
    joined=tables.vms.outerjoin(tables.guests, tables.guests.c.vm_id == tables.vms.c.id),
    more={name: tables.guests.c[name] for name in _GUEST_FIELDS},
    sort="name",
)
DRIVE: Final = Kind(name="drive", table=tables.drives, record=model.Drive, sort="position")
NIC: Final = Kind(name="nic", table=tables.nics, record=model.Nic, sort="position")
SYSPREP: Final = Kind(name="sysprep", table=tables.syspreps, record=model.Sysprep, machines=(states.SYSPREP,))
ALARM: Final = Kind(name="alarm", table=tables.alarms, record=model.Alarm)
PAYLOAD: Final = Kind(name="payload", table=tables.payloads, record=model.PayloadObject, sort="name")
PAYLOAD_UPLOAD: Final = Kind(
    name="payload-upload",
    table=tables.payload_uploads,
    record=model.PayloadUpload,
    hidden=frozenset({"files"}),
)
PAYLOAD_USE: Final = Kind(
    name="payload-use",
    table=tables.payload_uses,
    record=model.PayloadUse,
    machines=(states.PAYLOAD,),
)
USER: Final = Kind(
    name="user", table=tables.users, record=model.User, hidden=frozenset({"password"}), sort="name"
)
TOKEN: Final = Kind(name="token", table=tables.tokens, record=model.Token, hidden=frozenset({"digest"}))

ALL: Final[tuple[Kind[Any], ...]] = (
    *(HOST, STORAGE, VOLUME, DISK, UPLOAD, TEMPLATE, TEMPLATE_VERSION, VM, DRIVE, NIC, SYSPREP),
    *(ALARM, PAYLOAD, PAYLOAD_UPLOAD, PAYLOAD_USE, USER, TOKEN),
)
