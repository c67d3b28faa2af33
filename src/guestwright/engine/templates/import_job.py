"""The job that makes a template of disks that were uploaded, as a descriptor tells of it.

Theory of operation: the disks, which no machine has, are the job's from its first step on. They are held
against the digests that the package has for them. If the template shall be sealed they are marked illegal
before it is recorded, and become legal only after they were sealed here, all together: that somebody wrote
"sealed" into a package proves nothing, and sealing what is sealed already changes nothing. So there is no
moment at which a disk of a sealed template is legal and unsealed. When a step fails, the template and the
disks are removed, as when a template is made of a machine; only disks that could not be had stay as they are.
"""

from __future__ import annotations

import re
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
    order_for,
    remove_all,
    seal_all,
    seal_wanted,
    step_of,
    told_by,
)
from guestwright.engine.templates.errors import BadTemplateRequest, ImportedDiskChanged
from guestwright.engine.templates.host_port import Standing
from guestwright.engine.templates.import_database import with_targets
from guestwright.engine.templates.inventory_port import DiskOf, MachineOf
from guestwright.engine.templates.request import check_name, check_request

KIND: Final = "template.import"
DISKS_MAX: Final = 64
_FIELDS: Final = {"name": str, "disks": list, "machine": dict, "seal": bool}
_TARGET: Final = re.compile(r"[a-z]{2,3}[a-z]{1,2}")
_SHA256: Final = re.compile(r"([0-9a-f]{64})?")
_MACHINE: Final = {
    "vcpus": int,
    "memory": int,
    "os_family": str,
    "firmware": str,
    "machine": str,
    "nics": list,
}
_NIC: Final = {"network", "bridge", "model"}


def template_import(services: Services) -> Kind:
    """The kind of job.

    Its parameters, all of them needed: `name` of the template; `disks`, the boot disk first, each with `disk`
    (id), `target` (name of its drive) and `sha256` of its file or ""; `machine` as `rows.description_of` has
    it; `seal`. It returns `template` (id of the version), `disks` (ids) and `sealed`: what the host says of
    the sealing, or null.
    """
    step = partial(step_of, services)
    return Kind(
        name=KIND,
        version=1,
        check=_check,
        result=_result,
        steps=(
            step("hold", _hold, _give_up),
            step("check", _check_digests, wanted=_digests_known),
            step("mark-illegal", _mark_illegal, wanted=seal_wanted),
            step("create", _create, _remove),
            step("seal", _seal, wanted=seal_wanted),
            step("mark-shared", _mark_shared, _mark_illegal),
            step("unlock", _unlock),
        ),
    )


def _check(parameters: Mapping[str, Any]) -> None:
    check_request(parameters, _FIELDS)
    check_name("name", parameters["name"])
    disks, machine = parameters["disks"], parameters["machine"]
    if not 0 < len(disks) <= DISKS_MAX:
        raise BadTemplateRequest(field="disks", problem=f"1 to {DISKS_MAX} are wanted")
    for one in disks:
        check_request(one, {"disk": str, "target": str, "sha256?": str})
        if not _TARGET.fullmatch(one["target"]) or not _SHA256.fullmatch(one["sha256"]):
            raise BadTemplateRequest(field="disks", problem="a target such as vda, and a SHA-256, are wanted")
    for field in ("disk", "target"):
        if len({one[field] for one in disks}) != len(disks):
            raise BadTemplateRequest(field="disks", problem=f"two have the same {field}")
    check_request(machine, {name if kind is not str else f"{name}?": kind for name, kind in _MACHINE.items()})
    if any(type(one) is not dict or set(one) != _NIC for one in machine["nics"]):
        raise BadTemplateRequest(field="nics", problem="each has network, bridge and model")


def _result(results: Mapping[str, Any]) -> Any:
    made = results["create"]
    return {"template": made["template"], "disks": made["disks"], "sealed": results.get("seal")}


def _digests_known(parameters: Mapping[str, Any]) -> bool:
    return any(one["sha256"] for one in parameters["disks"])


def _hold(services: Services, context: Context) -> Any:
    wanted = context.job.parameters
    held = services.inventory.hold_disks(_ids(context), context.job.id)
    disks = with_targets(held, [one["target"] for one in wanted["disks"]])
    return machine_json(MachineOf(id="", disks=disks, description=wanted["machine"]))


def _give_up(services: Services, context: Context) -> None:
    """The disks go; if it is not known that they were had, they are let go of."""
    remove_all(services, context, _disks(context))
    services.inventory.release_disks(_ids(context), context.job.id, forget="hold" in context.results)


def _check_digests(services: Services, context: Context) -> None:
    wanted = context.job.parameters["disks"]
    for number, (one, disk) in enumerate(zip(wanted, _disks(context), strict=True)):
        context.check()
        if one["sha256"]:
            told = told_by(context, f"reads disk {number + 1} of {len(wanted)}")
            found = services.hosts.checksum(order_for(context, f"{number}"), disk.place, told)
            if found != one["sha256"]:
                raise ImportedDiskChanged(disk=disk.disk, found=found, expected=one["sha256"])


def _mark_illegal(services: Services, context: Context) -> None:
    mark_all(services, context, _disks(context), Standing.ILLEGAL, sealed=False)


def _create(services: Services, context: Context) -> Any:
    wanted, disks, template = context.job.parameters, _disks(context), id_for(context, "template")
    source = machine_from(context.results["hold"])
    services.inventory.adopt_template(
        template, wanted["name"], context.job.id, source, disks, seal=wanted["seal"]
    )
    return {"template": template, "disks": [disk.disk for disk in disks]}


def _remove(services: Services, context: Context) -> None:
    services.inventory.remove_template(id_for(context, "template"), context.job.id)


def _seal(services: Services, context: Context) -> Any:
    return seal_all(services, context, _disks(context))


def _mark_shared(services: Services, context: Context) -> None:
    mark_all(services, context, _disks(context), Standing.SHARED, sealed=context.job.parameters["seal"])


def _unlock(services: Services, context: Context) -> None:
    services.inventory.unlock_template(id_for(context, "template"), context.job.id)


def _ids(context: Context) -> list[str]:
    return [one["disk"] for one in context.job.parameters["disks"]]


def _disks(context: Context) -> tuple[DiskOf, ...]:
    if "hold" not in context.results:
        return ()
    return machine_from(context.results["hold"]).disks
