"""The job that removes a machine with its disks.

Theory of operation: the machine, which must be off, is locked; the hypervisor forgets it; then, in one
transaction, it is marked as going and its volumes are condemned. That is the point of no return: what fails
before is undone, the machine is defined again and gets its payloads back; what fails later goes forward all
the same, because half of a machine is of no use to anybody. A job that somebody cancels too late so ends
compensated with the machine gone. A volume that a host does not delete stays recorded, illegal and condemned.
Where the host does not answer for too long the machine stays `removing`, and can be removed again.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from guestwright.engine.jobs.model import Context, Kind
from guestwright.engine.templates.copies import (
    Services,
    definition,
    machine_from,
    machine_json,
    order_for,
    remove_all,
    step_of,
)
from guestwright.engine.templates.request import check_request

KIND: Final = "vm.remove"
FIELDS: Final = {"vm": str, "name": str, "host?": str}


def vm_remove(services: Services) -> Kind:
    """The kind of job.

    Its parameters, all of them needed: `vm` (id), its `name`, and the id of its `host`, "" for none. It
    returns `vm`, and `left`: ids of volumes that could not be deleted.
    """
    step = partial(step_of, services)
    return Kind(
        name=KIND,
        version=1,
        check=_check,
        result=_result,
        steps=(
            step("hold", _hold, _release),
            step("undefine", _undefine, _define),
            step("condemn", _condemn, _go_on),
            step("delete", _delete),
            step("forget", _forget),
        ),
    )


def _check(parameters: Mapping[str, Any]) -> None:
    check_request(parameters, FIELDS)


def _result(results: Mapping[str, Any]) -> Any:
    return {"vm": results["hold"]["machine"]["id"], "left": results["delete"]}


def _hold(services: Services, context: Context) -> Any:
    vm = context.job.parameters["vm"]
    machine = services.inventory.hold_leaving(vm, context.job.id)
    payloads = services.inventory.payloads_of(vm)
    return {"machine": machine_json(machine), "payloads": [list(one) for one in payloads]}


def _release(services: Services, context: Context) -> None:
    services.inventory.release_vm(context.job.parameters["vm"], context.job.id)


def _undefine(services: Services, context: Context) -> None:
    wanted = context.job.parameters
    if not wanted["host"]:
        return
    for number, (payload, run_once) in enumerate(context.results["hold"]["payloads"]):
        order = order_for(context, f"{number}")
        services.hosts.take_payload(order, wanted["host"], wanted["vm"], payload, run_once=run_once)
    services.hosts.undefine(order_for(context, ""), wanted["host"], wanted["vm"])


def _define(services: Services, context: Context) -> None:
    wanted = context.job.parameters
    vm, host = wanted["vm"], wanted["host"]
    if not host or services.inventory.leaving(vm):
        return
    machine = machine_from(context.results["hold"]["machine"])
    description = definition(machine, wanted["name"], machine.disks)
    services.hosts.define(order_for(context, ""), host, vm, description)
    for number, (payload, run_once) in enumerate(context.results["hold"]["payloads"]):
        services.hosts.give_payload(order_for(context, f"{number}"), host, vm, payload, run_once=run_once)


def _condemn(services: Services, context: Context) -> None:
    services.inventory.begin_removal(context.job.parameters["vm"], context.job.id)


def _delete(services: Services, context: Context) -> list[str]:
    return remove_all(services, context, machine_from(context.results["hold"]["machine"]).disks)


def _forget(services: Services, context: Context) -> None:
    services.inventory.remove_vm(context.job.parameters["vm"], context.job.id)


def _go_on(services: Services, context: Context) -> None:
    """What had begun when the job was given up is brought to its end."""
    wanted = context.job.parameters
    if services.inventory.leaving(wanted["vm"]):
        _delete(services, context)
        _forget(services, context)
        context.leave(f"machine {wanted['name']}", "it is gone: its removal had begun")
