"""The job that makes a template from a machine, sealed or as it is.

Theory of operation: exactly this order (oVirt's AddVmTemplate has it in its phases), each step kept before
the next begins: the machine is held and the template recorded, locked; its disks are copied, as leaves; they
are marked illegal; all are sealed together; they are marked legal and shared; the machine is released; the
template is unlocked. A copy that is to be sealed is illegal from the moment in which it is whole, so that the
third step finds it so: there is no moment at which a disk is legal and unsealed. When a step fails, the disks
are made illegal first, then deleted; the template is removed; a disk that cannot be deleted stays illegal,
recorded as condemned, and is one of the job's leftovers.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from guestwright.engine.jobs.model import Context, Kind
from guestwright.engine.templates.copies import (
    Services,
    id_for,
    machine_from,
    machine_json,
    mark_all,
    new_disks,
    order_for,
    remove_all,
    seal_all,
    seal_wanted,
    step_of,
    told_by,
)
from guestwright.engine.templates.host_port import Standing
from guestwright.engine.templates.inventory_port import DiskOf
from guestwright.engine.templates.request import check_name, check_request

KIND: Final = "template.create"
_PAYLOAD: Final = {"payload?": str, "run_once": bool}
_FIELDS: Final = {"vm": str, "name": str, "host": str, "domain": str, "seal": bool, **_PAYLOAD}
_NO_PAYLOAD: Final = {"payload": "", "run_once": False}


def template_create(services: Services) -> Kind:
    """The kind of job.

    Its parameters: `vm` (id of the source), `name` of the template, `host` and storage `domain` for its
    disks, `seal`; and, if machines made from it are to get a payload, `payload` (id) and `run_once`. It
    returns `template` (its id), `disks` (ids) and `sealed`: what the host says of the sealing, or null.
    """
    step = partial(step_of, services)
    return Kind(
        name=KIND,
        version=1,
        check=_check,
        result=_result,
        steps=(
            step("hold", _hold, _release),
            step("create", _create, _remove),
            step("copy", _copy, _delete),
            step("mark-illegal", _mark_illegal, wanted=seal_wanted),
            step("seal", _seal, wanted=seal_wanted),
            step("mark-legal", _mark_legal, _mark_illegal, wanted=seal_wanted),
            step("release", _release),
            step("unlock", _unlock),
        ),
    )


def _check(parameters: Mapping[str, Any]) -> None:
    check_request({**_NO_PAYLOAD, **parameters}, _FIELDS)
    check_name("name", parameters["name"])


def _result(results: Mapping[str, Any]) -> Any:
    made = results["create"]
    return {"template": made["template"], "disks": made["disks"], "sealed": results.get("seal")}


def _hold(services: Services, context: Context) -> Any:
    return machine_json(services.inventory.hold_vm(context.job.parameters["vm"], context.job.id))


def _release(services: Services, context: Context) -> None:
    services.inventory.release_vm(context.job.parameters["vm"], context.job.id)


def _create(services: Services, context: Context) -> Any:
    wanted = context.job.parameters
    template, disks = id_for(context, "template"), _disks(context)
    services.inventory.add_template(
        template,
        wanted["name"],
        context.job.id,
        machine_from(context.results["hold"]),
        disks,
        seal=wanted["seal"],
    )
    if payload := wanted.get("payload"):
        services.inventory.set_payload(template, payload, context.job.id, run_once=wanted["run_once"])
    return {"template": template, "disks": [disk.disk for disk in disks]}


def _remove(services: Services, context: Context) -> None:
    services.inventory.remove_template(id_for(context, "template"), context.job.id)


def _copy(services: Services, context: Context) -> None:
    seal = context.job.parameters["seal"]
    standing = Standing.ILLEGAL if seal else Standing.SHARED
    source = machine_from(context.results["hold"])
    for number, (old, new) in enumerate(zip(source.disks, _disks(context), strict=True)):
        context.check()
        told = told_by(context, f"copies disk {number + 1} of {len(source.disks)}")
        services.hosts.copy(order_for(context, f"{number}"), old.place, new.place, standing, told)
        services.inventory.record(new.place, standing, context.job.id, sealed=False)


def _delete(services: Services, context: Context) -> None:
    remove_all(services, context, _disks(context))


def _mark_illegal(services: Services, context: Context) -> None:
    mark_all(services, context, _disks(context), Standing.ILLEGAL, sealed=False)


def _seal(services: Services, context: Context) -> Any:
    return seal_all(services, context, _disks(context))


def _mark_legal(services: Services, context: Context) -> None:
    mark_all(services, context, _disks(context), Standing.SHARED, sealed=True)


def _unlock(services: Services, context: Context) -> None:
    services.inventory.unlock_template(id_for(context, "template"), context.job.id)


def _disks(context: Context) -> tuple[DiskOf, ...]:
    wanted = context.job.parameters
    if "hold" not in context.results:
        return ()  # nothing was made
    return new_disks(context, machine_from(context.results["hold"]), wanted["host"], wanted["domain"])
