"""The job that removes a disk that nobody has: one that was uploaded, or that a job left behind.

Theory of operation: the disk is held, so that no machine or template takes it meanwhile; its volume is
condemned and deleted, and the disk forgotten. Once the deletion has begun the job goes forward whatever
happens, also when somebody cancels it. A volume that its host does not delete stays recorded, illegal.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from guestwright.engine.jobs.model import Context, Kind
from guestwright.engine.templates.copies import (
    Services,
    machine_from,
    machine_json,
    remove_all,
    step_of,
)
from guestwright.engine.templates.inventory_port import MachineOf
from guestwright.engine.templates.request import check_request

KIND: Final = "disk.remove"
_FIELDS: Final = {"disk": str}


def disk_remove(services: Services) -> Kind:
    """The kind of job.

    Its parameter: `disk`, its id. It returns `disk`, and `left`: the id of its volume when that could not be
    deleted.
    """
    step = partial(step_of, services)
    return Kind(
        name=KIND,
        version=1,
        check=_check,
        result=_result,
        steps=(
            step("hold", _hold, _release),
            step("delete", _delete, _go_on),
            step("forget", _forget),
        ),
    )


def _check(parameters: Mapping[str, Any]) -> None:
    check_request(parameters, _FIELDS)


def _result(results: Mapping[str, Any]) -> Any:
    return {"disk": results["hold"]["id"], "left": results["delete"]}


def _hold(services: Services, context: Context) -> Any:
    held = services.inventory.hold_disks([_disk(context)], context.job.id, broken=True)
    return machine_json(MachineOf(id=_disk(context), disks=tuple(held), description={}))


def _release(services: Services, context: Context) -> None:
    services.inventory.release_disks([_disk(context)], context.job.id, forget=False)


def _delete(services: Services, context: Context) -> list[str]:
    return remove_all(services, context, machine_from(context.results["hold"]).disks)


def _forget(services: Services, context: Context) -> None:
    services.inventory.release_disks([_disk(context)], context.job.id, forget=True)


def _go_on(services: Services, context: Context) -> None:
    """What had begun when the job was given up is brought to its end."""
    _delete(services, context)
    _forget(services, context)
    context.leave(f"disk {_disk(context)}", "it is gone: its removal had begun")


def _disk(context: Context) -> str:
    return str(context.job.parameters["disk"])
