"""The job that makes a machine from a template, on thin or whole copies of its disks.

Theory of operation: the machine is recorded, locked; its disks are made; where they are to be sealed again,
so that what sealing replaces rather than removes differs between machines of one template (oVirt does so
since 4.4.7), they are illegal until that is done; it is defined, gets a payload with what is its own, and is
unlocked. When a step fails all of it is taken away again.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from guestwright.base.record import replace
from guestwright.engine.jobs.model import Context, Kind
from guestwright.engine.templates.copies import (
    Services,
    definition,
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

KIND: Final = "vm.create"
FIELDS: Final = {
    "template": str,
    "name": str,
    "host": str,
    "domain": str,
    "thin": bool,
    "seal": bool,
    "payload?": str,
    "run_once": bool,
}
"""What it takes to make one: ids, but for `name`; `payload` is "" for none."""
_LAYERS: Final = "qcow2"  # whatever the format of what they stand on


def vm_create(services: Services) -> Kind:
    """The kind of job; parameters as in `FIELDS`. It returns `vm` (its id), `disks` (ids) and `sealed`."""
    step = partial(step_of, services)
    return Kind(
        name=KIND,
        version=1,
        check=_check,
        result=_result,
        steps=(
            step("look", _look),
            step("create", _create, _remove),
            step("disks", _disks_made, _delete),
            step("seal", _seal, wanted=seal_wanted),
            step("mark-legal", _mark_legal, _mark_illegal, wanted=seal_wanted),
            step("define", _define, _undefine),
            step("payload", _payload, _take_payload, wanted=_payload_wanted),
            step("unlock", _unlock),
        ),
    )


def _check(parameters: Mapping[str, Any]) -> None:
    check_request(parameters, FIELDS)
    check_name("name", parameters["name"])


def _result(results: Mapping[str, Any]) -> Any:
    return {**results["create"], "sealed": results.get("seal")}


def _payload_wanted(parameters: Mapping[str, Any]) -> bool:
    return bool(parameters["payload"])


def _look(services: Services, context: Context) -> Any:
    return machine_json(services.inventory.template(context.job.parameters["template"]))


def _create(services: Services, context: Context) -> Any:
    wanted = context.job.parameters
    vm, disks = id_for(context, "vm"), _disks(context)
    template = machine_from(context.results["look"])
    services.inventory.add_vm(vm, wanted["name"], context.job.id, template, disks, seal=wanted["seal"])
    return {"vm": vm, "disks": [disk.disk for disk in disks]}


def _remove(services: Services, context: Context) -> None:
    services.inventory.remove_vm(id_for(context, "vm"), context.job.id)


def _disks_made(services: Services, context: Context) -> None:
    wanted = context.job.parameters
    standing = Standing.ILLEGAL if wanted["seal"] else Standing.LEGAL
    template = machine_from(context.results["look"])
    for number, (old, new) in enumerate(zip(template.disks, _disks(context), strict=True)):
        context.check()
        order = order_for(context, f"{number}")
        if wanted["thin"]:
            services.hosts.layer(order, old.place, new.place, standing)
        else:
            told = told_by(context, f"copies disk {number + 1} of {len(template.disks)}")
            services.hosts.copy(order, old.place, new.place, standing, told)
        services.inventory.record(new.place, standing, context.job.id, sealed=False)


def _delete(services: Services, context: Context) -> None:
    remove_all(services, context, _disks(context))


def _seal(services: Services, context: Context) -> Any:
    return seal_all(services, context, _disks(context))


def _mark_legal(services: Services, context: Context) -> None:
    mark_all(services, context, _disks(context), Standing.LEGAL, sealed=True)


def _mark_illegal(services: Services, context: Context) -> None:
    mark_all(services, context, _disks(context), Standing.ILLEGAL, sealed=False)


def _payload(services: Services, context: Context) -> None:
    wanted, vm = context.job.parameters, id_for(context, "vm")
    run_once = wanted["run_once"]
    services.inventory.attach_payload(vm, wanted["payload"], context.job.id, run_once=run_once)
    services.hosts.give_payload(
        order_for(context, ""), wanted["host"], vm, wanted["payload"], run_once=run_once
    )


def _take_payload(services: Services, context: Context) -> None:
    wanted = context.job.parameters
    vm = id_for(context, "vm")
    services.hosts.take_payload(
        order_for(context, ""), wanted["host"], vm, wanted["payload"], run_once=wanted["run_once"]
    )


def _define(services: Services, context: Context) -> None:
    wanted, template = context.job.parameters, machine_from(context.results["look"])
    description = definition(template, wanted["name"], _disks(context))
    services.hosts.define(order_for(context, ""), wanted["host"], id_for(context, "vm"), description)


def _undefine(services: Services, context: Context) -> None:
    services.hosts.undefine(order_for(context, ""), context.job.parameters["host"], id_for(context, "vm"))


def _unlock(services: Services, context: Context) -> None:
    services.inventory.unlock_vm(id_for(context, "vm"), context.job.id)


def _disks(context: Context) -> tuple[DiskOf, ...]:
    wanted = context.job.parameters
    if "look" not in context.results:
        return ()  # nothing was made
    made = new_disks(context, machine_from(context.results["look"]), wanted["host"], wanted["domain"])
    return tuple(replace(disk, format=_LAYERS) for disk in made) if wanted["thin"] else made
