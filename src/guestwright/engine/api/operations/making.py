"""Operations that make and remove machines and templates: each submits a durable job and answers at once.

Theory of operation: what is left out of a request is filled in from the template or the machine, so that the
same request says the same each time; with an Idempotency-Key it gets the job of the first time.
"""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec

from guestwright.engine.accounts.rights import Right
from guestwright.engine.api.endpoint import Answer, Call, Endpoint
from guestwright.engine.api.errors import BadChoice, NothingToMake
from guestwright.engine.api.lists import matching
from guestwright.engine.api.operations.jobs import Accepted, accepted, key_of
from guestwright.engine.api.parts import Parts
from guestwright.engine.inventory.errors import ChangedMeanwhile, NotInInventory
from guestwright.engine.inventory.model import TemplateVersion, Vm
from guestwright.engine.inventory.query import Filter, Op, Query
from guestwright.engine.inventory.states import TemplateState
from guestwright.engine.inventory.transaction import Transaction
from guestwright.engine.jobs.errors import JobBookUnreachable, JobKeyReused
from guestwright.engine.templates.errors import BadTemplateRequest, TemplateUsed
from guestwright.engine.templates.host_port import Place
from guestwright.engine.templates.rows import disks_of, payload_of

_TAG: Final = "making"
_NO_PAYLOAD: Final = "none"  # is no id
_Id = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
_ERRORS: Final = (NotInInventory, BadTemplateRequest, JobKeyReused, JobBookUnreachable)


class VmBody(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A machine to be made, or many.

    Attributes:
        template: its id or name, for the newest version that is ready; or the id of a version.
        name: of the machine.
        pattern: of the names of many, `web-{n}` or `web-{n:03}`, instead of `name`.
        count: how many.
        first: number of the first.
        host: id of a host; the template's without it.
        domain: name of a storage domain there; the template's without it.
        thin: whether its disks stand on the template's, or are whole copies.
        seal: whether its disks are sealed again, so that it has nothing in common with others.
        payload: id of a payload object that it gets, or "none"; that of the template without it.
        run_once: whether it gets what `payload` names at the first start only.
    """

    template: _Id
    name: _Id | None = None
    pattern: _Id | None = None
    count: int | None = None
    first: int = 1
    host: _Id | None = None
    domain: _Id | None = None
    thin: bool = True
    seal: bool = False
    payload: _Id | None = None
    run_once: bool = False


class TemplateBody(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A template to be made.

    Attributes:
        vm: id of the machine, which must be off.
        name: of the template; one of that name gets a further version.
        seal: whether its disks are sealed.
        host: id of a host; the machine's without it.
        domain: name of a storage domain there; the machine's without it.
        payload: id of a payload object that machines made from it get, unless they name their own.
        run_once: whether they get it at their first start only.
    """

    vm: _Id
    name: _Id
    seal: bool = True
    host: _Id | None = None
    domain: _Id | None = None
    payload: _Id | None = None
    run_once: bool = False


class VersionQuery(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Which version of a template.

    Attributes:
        number: of it; not needed where there is one only.
    """

    number: Annotated[int, msgspec.Meta(ge=1, lt=1 << 31)] | None = None


class _Operations:
    """What the table calls."""

    def __init__(self, parts: Parts) -> None:
        self._database = parts.database
        self._jobs = parts.jobs

    def vm(self, call: Call) -> Answer:
        body: VmBody = call.body
        if (body.name is None) == (body.pattern is None) or (body.pattern is None) != (body.count is None):
            raise BadChoice(field="name", problem="either name, or pattern and count, must be given")
        with self._database.read() as tx:
            version = _version(tx, body.template)
            place = _place(tx, version, body.template)
            if body.host is not None:
                tx.hosts.get(body.host)
            payload, run_once = _payload(tx, body, version)
        wanted: dict[str, Any] = {
            "template": version.id,
            "name": body.name or body.pattern,
            "host": body.host or place.host,
            "domain": body.domain or place.domain,
            "thin": body.thin,
            "seal": body.seal,
            "payload": payload,
            "run_once": run_once,
        }
        if body.count is None:
            return accepted(self._jobs.submit("vm.create", wanted, key=key_of(call, "vm")))
        wanted |= {"count": body.count, "first": body.first}
        return accepted(self._jobs.submit("vm.create-many", wanted, key=key_of(call, "vm")))

    def template(self, call: Call) -> Answer:
        body: TemplateBody = call.body
        if body.run_once and body.payload is None:
            raise BadChoice(field="run_once", problem="there is no payload")
        with self._database.read() as tx:
            place = _place(tx, tx.vms.get(body.vm), body.vm)
            if body.host is not None:
                tx.hosts.get(body.host)
            payload = "" if body.payload is None else tx.payloads.get(body.payload).id
        wanted = {
            "vm": body.vm,
            "name": body.name,
            "host": body.host or place.host,
            "domain": body.domain or place.domain,
            "seal": body.seal,
            "payload": payload,
            "run_once": body.run_once,
        }
        return accepted(self._jobs.submit("template.create", wanted, key=key_of(call, "template")))

    def remove_template(self, call: Call) -> Answer:
        with self._database.read() as tx:
            template = matching(call, tx.templates.get(call.path["id"]), "template")
            mine = [Filter("template_id", Op.IS, template.id)]
            if call.query.number is not None:
                mine.append(Filter("number", Op.IS, str(call.query.number)))
            versions = tx.template_versions.all(*mine, most=2)
            if len(versions) > 1:
                raise BadChoice(field="number", problem="there are several versions; say which one goes")
            if not versions:
                raise NotInInventory(what="version of template", id=template.name)
            if used := tx.vms.count(Filter("template_version_id", Op.IS, versions[0].id)):
                raise TemplateUsed(template=template.name, count=used)
        wanted = {"template": versions[0].id}
        return accepted(self._jobs.submit("template.remove", wanted, key=key_of(call, "template-remove")))

    def remove_vm(self, call: Call) -> Answer:
        with self._database.read() as tx:
            vm = matching(call, tx.vms.get(call.path["id"]), "vm")
        wanted = {"vm": vm.id, "name": vm.name, "host": vm.host_id or ""}
        return accepted(self._jobs.submit("vm.remove", wanted, key=key_of(call, "vm-remove")))


def _version(tx: Transaction, wanted: str) -> TemplateVersion:
    """The version that is meant.

    Raises:
        NotInInventory: there is no such template.
        NothingToMake: none of its versions is ready.
    """
    version = tx.template_versions.find(wanted)
    if version is not None:
        return version
    template = tx.templates.find(wanted) or tx.templates.named(wanted)
    if template is None:
        raise NotInInventory(what="template", id=wanted)
    mine = (Filter("template_id", Op.IS, template.id), Filter("state", Op.IS, TemplateState.READY))
    found = tx.template_versions.page(Query(filters=mine, sort="number", descending=True, limit=1)).items
    if not found:
        raise NothingToMake(what=f"template {template.name}", problem="no version is ready")
    return found[0]


def _payload(tx: Transaction, body: VmBody, version: TemplateVersion) -> tuple[str, bool]:
    """Id of the payload that is meant, "" for none, and whether it is for the first start only."""
    if body.payload is None:
        return payload_of(tx, version)
    if body.payload == _NO_PAYLOAD:
        return "", False
    return tx.payloads.get(body.payload).id, body.run_once


def _place(tx: Transaction, thing: Vm | TemplateVersion, name: str) -> Place:
    """Where the first disk of a machine or template is."""
    disks = disks_of(tx, thing)
    if not disks:
        raise NothingToMake(what=name, problem="it has no disk")
    return disks[0].place


def making_endpoints(parts: Parts) -> tuple[Endpoint, ...]:
    """The table.

    Args:
        parts: of the engine.
    """
    do = _Operations(parts)
    return (*_machines(do), *_templates(do))


def _machines(do: _Operations) -> tuple[Endpoint, ...]:
    return (
        Endpoint(
            name="vm-create",
            method="POST",
            path="/vms",
            right=Right.VM_CHANGE,
            summary="Make a machine from a template, or many by a pattern of names; a job.",
            handle=do.vm,
            reply=Accepted,
            body=VmBody,
            status=202,
            errors=(*_ERRORS, NothingToMake, BadChoice),
            tag=_TAG,
            keyed=True,
        ),
        Endpoint(
            name="vm-remove",
            method="DELETE",
            path="/vms/{id}",
            right=Right.VM_CHANGE,
            summary="Remove a machine that is off, with its disks; a job.",
            handle=do.remove_vm,
            reply=Accepted,
            status=202,
            errors=(*_ERRORS, ChangedMeanwhile),
            tag=_TAG,
            matched=True,
            keyed=True,
        ),
    )


def _templates(do: _Operations) -> tuple[Endpoint, ...]:
    return (
        Endpoint(
            name="template-create",
            method="POST",
            path="/templates",
            right=Right.TEMPLATE_CHANGE,
            summary="Make a template from a machine that is off, sealed or as it is; a job.",
            handle=do.template,
            reply=Accepted,
            body=TemplateBody,
            status=202,
            errors=(*_ERRORS, NothingToMake, BadChoice),
            tag=_TAG,
            keyed=True,
        ),
        Endpoint(
            name="template-remove",
            method="DELETE",
            path="/templates/{id}",
            right=Right.TEMPLATE_CHANGE,
            summary="Remove a version of a template that no machine was made from; a job.",
            handle=do.remove_template,
            reply=Accepted,
            query=VersionQuery,
            status=202,
            errors=(*_ERRORS, ChangedMeanwhile, BadChoice, TemplateUsed),
            tag=_TAG,
            matched=True,
            keyed=True,
        ),
    )
