"""Payload objects: kept in versions, shown without contents, read by those who may, attached to machines.

Theory of operation: a payload has a name and versions; a version is never changed, only followed by another.
What refers to a payload says which version, or that it wants the newest. Names and sizes of files are open;
contents are encrypted (`sealed`) with keys that are not in the database (`keys`). Reading them takes a right
of its own and leaves a line in the audit log. One permanent and one run-once payload belong to a machine or
a template version at most; what was attached takes effect at the next start of the machine.
"""

from __future__ import annotations

import hmac
import os
from collections.abc import Callable, Mapping
from typing import Any, Final

from sqlalchemy import delete, insert, select

from guestwright.base.record import field, record
from guestwright.engine.accounts.rights import Principal, Right
from guestwright.engine.inventory.choices import Device, Outcome, Persistence
from guestwright.engine.inventory.database import Database
from guestwright.engine.inventory.ids import new_id
from guestwright.engine.inventory.model import PayloadObject, PayloadUse
from guestwright.engine.inventory.query import Filter, Op
from guestwright.engine.inventory.tables import payload_versions
from guestwright.engine.inventory.transaction import Transaction
from guestwright.engine.payloads.errors import BadAttachment, NoSuchVersion, VersionUsed
from guestwright.engine.payloads.keys import Keys
from guestwright.engine.payloads.sealed import seal, unseal
from guestwright.media.payload import payload_of
from guestwright.media.sources.files import Limits, build
from guestwright.media.sources.model import Input

DEFAULTS: Final = Limits(count=256, file_bytes=16 << 10, total_bytes=1 << 20)
"""16 KiB a file: the size that oVirt names to its users (VMPAYLOAD_SIZE_EXCEEDED)."""


@record
class Version:
    """A version of a payload, without contents.

    Attributes:
        payload: id of the payload.
        number: from 1.
        created: when, seconds since 1970.
        author: name of the user.
        form: who reads it: "unattend", "nocloud", "configdrive", "ignition" or "files".
        label: of the volume.
        files: names to sizes in bytes.
        key: id of the key that it is encrypted with.
    """

    payload: str
    number: int
    created: float
    author: str
    form: str
    label: str
    files: Mapping[str, int]
    key: str


@record
class Checked:
    """Files that may be kept.

    Attributes:
        form: see `Version`, as `label`.
        label: of the volume.
        files: names to contents.
    """

    form: str
    label: str
    files: Mapping[str, bytes] = field(repr=False)


@record
class Contents:
    """A version with its contents, which no representation shows."""

    version: Version
    files: Mapping[str, bytes] = field(repr=False)


class Payloads:
    """The payload objects of an installation.

    Args:
        database: where they are.
        keys: as they are now, see `payloads.keys`.
        limits: what a payload may hold.
        randomness: so many bytes, cryptographic.

    Attributes:
        keys: likewise, as `limits`.
        limits: see above.
    """

    def __init__(
        self,
        database: Database,
        keys: Callable[[], Keys],
        *,
        limits: Limits = DEFAULTS,
        randomness: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self.keys = keys
        self.limits = limits
        self._database = database
        self._randomness = randomness

    def marks(self, data: bytes) -> tuple[str, ...]:
        """By what data is known again without being kept: with each key, the present one first.

        Args:
            data: whatever it is; it may be a secret that could be guessed.
        """
        held = self.keys()
        keys = (held.all[held.first], *held.all.values())
        return tuple(hmac.digest(key, b"guestwright mark\0" + data, "sha256").hex() for key in keys)

    def add(
        self, by: Principal, name: str, label: str, files: Mapping[str, bytes], description: str = ""
    ) -> PayloadObject:
        """Keep a new payload.

        Args:
            by: who does it.
            name: of the payload.
            label: of the volume; with the names of the files it says which form it has, and each form has
                its own rules.
            files: names, relative, with contents.
            description: for people.

        Raises:
            BadPayload: a name, a size or what is in it is not allowed; its kinds say what.
            MayNot, NameTaken, BrokenRule: it was not kept.
        """
        checked = self.checked(label, files)
        with self._database.write() as tx:
            return self.add_in(tx, by, name, checked, description)

    def add_in(
        self, tx: Transaction, by: Principal, name: str, checked: Checked, description: str = ""
    ) -> PayloadObject:
        """As `add`, within a transaction, of files that were checked."""
        by.require(Right.PAYLOAD_CHANGE)
        made = PayloadObject(id=new_id(tx.now, self._randomness(10)), name=name, description=description)
        kept = tx.payloads.add(made)
        self._keep(tx, by, kept, checked)
        tx.audit.write("payload-added", actor=by.name, remote=by.remote, subject=kept.id)
        return kept

    def replace(
        self, by: Principal, payload: str, version: int | None, label: str, files: Mapping[str, bytes]
    ) -> PayloadObject:
        """Keep a further version, which is the newest from now on.

        Args:
            by: who does it.
            payload: id.
            version: of the payload object, which must be the present one; None: whichever it is.
            label: as of `add`.
            files: as of `add`.

        Raises:
            BadPayload, MayNot, NotInInventory, ChangedMeanwhile: it was not kept.
        """
        checked = self.checked(label, files)
        with self._database.write() as tx:
            return self.replace_in(tx, by, payload, version, checked)

    def replace_in(
        self, tx: Transaction, by: Principal, payload: str, version: int | None, checked: Checked
    ) -> PayloadObject:
        """As `replace`, within a transaction, of files that were checked."""
        by.require(Right.PAYLOAD_CHANGE)
        former = tx.payloads.get(payload)
        wanted = former.version if version is None else version
        kept = tx.payloads.change(payload, wanted, current=former.current + 1)
        self._keep(tx, by, kept, checked)
        tx.audit.write("payload-replaced", actor=by.name, remote=by.remote, subject=payload)
        return kept

    def versions(self, payload: str) -> tuple[Version, ...]:
        """All versions, the newest first, without contents.

        Raises:
            NotInInventory: there is no such payload.
        """
        table = payload_versions
        with self._database.read() as tx:
            tx.payloads.get(payload)
            asked = select(*_OPEN).where(table.c.payload_id == payload).order_by(table.c.number.desc())
            return tuple(_version(row) for row in tx.connection.execute(asked))

    def contents(self, by: Principal, payload: str, number: int | None = None) -> Contents:
        """A version with its contents; who reads it is noted, and who tries without the right, too.

        Args:
            by: who wants to read.
            payload: id.
            number: of the version; None: the newest.

        Raises:
            MayNot, NotInInventory, NoSuchVersion, KeyMissing, ContentsDamaged: it cannot be read.
        """
        allowed = Right.PAYLOAD_CONTENTS in by.rights
        with self._database.write() as tx:
            outcome = Outcome.DONE if allowed else Outcome.DENIED
            detail = {"version": number}
            tx.audit.write(
                "payload-read",
                actor=by.name,
                remote=by.remote,
                subject=payload,
                outcome=outcome,
                detail=detail,
            )
        by.require(Right.PAYLOAD_CONTENTS)
        return self.for_host(payload, number)

    def for_host(self, payload: str, number: int | None = None) -> Contents:
        """A version with its contents, to be sent to the host of the machine that it is for; nobody asked.

        Raises:
            NotInInventory, NoSuchVersion, KeyMissing, ContentsDamaged: as `contents`.
        """
        table = payload_versions
        with self._database.read() as tx:
            wanted = tx.payloads.get(payload).current if number is None else number
            asked = select(*_OPEN, table.c.sealed).where(
                table.c.payload_id == payload, table.c.number == wanted
            )
            row = tx.connection.execute(asked).first()
        if row is None:
            raise NoSuchVersion(payload=payload, number=wanted)
        return Contents(
            version=_version(row), files=unseal(self.keys(), row.key, payload, wanted, row.sealed)
        )

    def forget(self, by: Principal, payload: str, number: int) -> None:
        """Remove an old version that nobody asked for by its number.

        Raises:
            VersionUsed: it is the newest, or asked for.
            MayNot, NotInInventory, NoSuchVersion: it was not removed.
        """
        by.require(Right.PAYLOAD_CHANGE)
        table = payload_versions
        with self._database.write() as tx:
            held = tx.payloads.hold(payload)
            if held.current == number:
                raise VersionUsed(payload=payload, number=number, use="the newest")
            used = (Filter("payload_id", Op.IS, payload), Filter("number", Op.IS, str(number)))
            if tx.payload_uses.count(*used):
                raise VersionUsed(payload=payload, number=number, use="attached")
            gone = delete(table).where(table.c.payload_id == payload, table.c.number == number)
            if not tx.connection.execute(gone).rowcount:
                raise NoSuchVersion(payload=payload, number=number)
            tx.audit.write("payload-version-removed", actor=by.name, remote=by.remote, subject=payload)

    def remove(self, by: Principal, payload: str, version: int | None = None) -> None:
        """Remove a payload that nothing refers to, with all versions.

        Raises:
            StillUsed, MayNot, NotInInventory, ChangedMeanwhile: it was not removed.
        """
        by.require(Right.PAYLOAD_CHANGE)
        with self._database.write() as tx:
            tx.payloads.remove(payload, version)
            tx.audit.write("payload-removed", actor=by.name, remote=by.remote, subject=payload)

    def attach(
        self,
        by: Principal,
        payload: str,
        persistence: Persistence,
        *,
        vm: str | None = None,
        template_version: str | None = None,
        device: Device = Device.CD,
        number: int | None = None,
    ) -> PayloadUse:
        """Have a machine, or those made of a template version, get a payload from the next start on.

        It takes the place of the one with the same persistence.

        Raises:
            BadAttachment: not exactly one owner, or a device that is none for payloads.
            NoSuchVersion, MayNot, NotInInventory, NothingToReferTo: it was not attached.
        """
        by.require(Right.PAYLOAD_CHANGE)
        if (vm is None) is (template_version is None):
            raise BadAttachment(problem="it is for a machine, or for a version of a template")
        if device is Device.DISK:
            raise BadAttachment(problem="it is shown as a CD or a floppy")
        owner = (
            Filter("vm_id", Op.IS, vm) if vm else Filter("template_version_id", Op.IS, template_version or "")
        )
        with self._database.write() as tx:
            tx.payloads.hold(payload)  # no version goes meanwhile
            if number is not None and number not in _numbers(tx, payload):
                raise NoSuchVersion(payload=payload, number=number)
            for former in tx.payload_uses.all(owner, Filter("persistence", Op.IS, persistence)):
                tx.payload_uses.remove(former.id)
            use = PayloadUse(
                id=new_id(tx.now, self._randomness(10)),
                payload_id=payload,
                persistence=persistence,
                device=device,
                number=number,
                vm_id=vm,
                template_version_id=template_version,
            )
            kept = tx.payload_uses.add(use)
            subject = vm or template_version or ""
            tx.audit.write("payload-attached", actor=by.name, remote=by.remote, subject=subject)
            return kept

    def detach(self, by: Principal, use: str) -> None:
        """Take a payload away from what has it; a run that shows it goes on showing it until its end.

        Raises:
            MayNot, NotInInventory: it was not taken away.
        """
        by.require(Right.PAYLOAD_CHANGE)
        with self._database.write() as tx:
            gone = tx.payload_uses.remove(use)
            subject = gone.vm_id or gone.template_version_id or ""
            tx.audit.write("payload-detached", actor=by.name, remote=by.remote, subject=subject)

    def checked(self, label: str, files: Mapping[str, bytes]) -> Checked:
        """Files that keep the limits and the rules of their form.

        Raises:
            BadPayload: they do not; its kinds say what.
        """
        inputs = [(name, Input(name=name, data=data)) for name, data in files.items()]
        build(inputs, label=label, limits=self.limits)
        form = payload_of(label, {f"/{name}": data for name, data in files.items()}).form
        return Checked(form=form, label=label, files=files)

    def _keep(self, tx: Transaction, by: Principal, payload: PayloadObject, checked: Checked) -> None:
        keys = self.keys()
        sealed = seal(keys, payload.id, payload.current, checked.files, self._randomness(12))
        row: dict[str, Any] = {
            "payload_id": payload.id,
            "number": payload.current,
            "created": tx.now,
            "author": by.name,
            "form": checked.form,
            "label": checked.label,
            "files": {name: len(data) for name, data in checked.files.items()},
            "key": keys.first,
            "sealed": sealed,
        }
        tx.connection.execute(insert(payload_versions), row)


_OPEN: Final = [one for one in payload_versions.columns if one.name != "sealed"]


def _version(row: Any) -> Version:
    return Version(
        payload=row.payload_id,
        number=row.number,
        created=row.created,
        author=row.author,
        form=row.form,
        label=row.label,
        files=row.files,
        key=row.key,
    )


def _numbers(tx: Transaction, payload: str) -> set[int]:
    table = payload_versions
    return set(tx.connection.scalars(select(table.c.number).where(table.c.payload_id == payload)))
