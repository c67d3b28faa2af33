"""The job that removes a version of a template with its disks.

Theory of operation: a version that no machine refers to is locked and its volumes are condemned, in one
transaction: the point of no return. From there the job goes forward whatever happens, also when somebody
cancels it: nobody could make anything of half a template. A volume that a host does not delete, because a
machine that is being made stands on it for instance, stays recorded, illegal and condemned. When a template
has no version any more it is gone, too.
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
from guestwright.engine.templates.request import check_request

KIND: Final = "template.remove"
_FIELDS: Final = {"template": str}


def template_remove(services: Services) -> Kind:
    """The kind of job.

    Its parameter: `template`, id of the version. It returns `template`, and `left`: ids of volumes that could
    not be deleted.
    """
    step = partial(step_of, services)
    return Kind(
        name=KIND,
        version=1,
        check=_check,
        result=_result,
        steps=(
            step("condemn", _condemn, _go_on),
            step("delete", _delete),
            step("forget", _forget),
        ),
    )


def _check(parameters: Mapping[str, Any]) -> None:
    check_request(parameters, _FIELDS)


def _result(results: Mapping[str, Any]) -> Any:
    return {"template": results["condemn"]["id"], "left": results["delete"]}


def _condemn(services: Services, context: Context) -> Any:
    return machine_json(services.inventory.condemn_template(_template(context), context.job.id))


def _delete(services: Services, context: Context) -> list[str]:
    return remove_all(services, context, machine_from(context.results["condemn"]).disks)


def _forget(services: Services, context: Context) -> None:
    services.inventory.remove_template(_template(context), context.job.id)


def _go_on(services: Services, context: Context) -> None:
    """What had begun when the job was given up is brought to its end."""
    condemned = services.inventory.condemned_template(_template(context), context.job.id)
    if condemned is not None:
        remove_all(services, context, condemned.disks)
        _forget(services, context)
    if condemned is not None or "condemn" in context.results:
        context.leave(f"template {_template(context)}", "it is gone: its removal had begun")


def _template(context: Context) -> str:
    return str(context.job.parameters["template"])
