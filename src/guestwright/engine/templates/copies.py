"""New volumes of a job: how they are named, sealed, and taken away again. Of templates as of machines."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final

from guestwright.base.errors import GuestwrightError
from guestwright.base.record import asdict, record, replace
from guestwright.engine.jobs.errors import DurableJobTaken, EngineEnding, TryAgain
from guestwright.engine.jobs.model import Context, Step
from guestwright.engine.templates.host_port import HostPort, Order, Place, Standing, Told
from guestwright.engine.templates.inventory_port import DiskOf, InventoryPort, MachineOf

_NAMESPACE: Final = uuid.UUID("6f1a0d9e-3c5b-4f0e-9a57-2b6c1d8e4f70")


@record
class Services:
    """What the jobs of templates and machines work with."""

    hosts: HostPort
    inventory: InventoryPort


def id_for(context: Context, what: str) -> str:
    """A UUID for something that a job makes: the same each time that it is asked for."""
    return str(uuid.uuid5(_NAMESPACE, f"{context.job.id}/{what}"))


def order_for(context: Context, part: str) -> Order:
    """An order of this step about a part of it."""
    job = context.job
    return Order(job=job.id, epoch=job.epoch, request=context.request(part), undo=context.undoing)


def new_disks(context: Context, machine: MachineOf, host: str, domain: str) -> tuple[DiskOf, ...]:
    """Disks like those of a machine, of the job's own."""
    return tuple(
        replace(
            disk,
            disk=id_for(context, f"disk/{number}"),
            place=Place(host=host, domain=domain, volume=id_for(context, f"volume/{number}")),
        )
        for number, disk in enumerate(machine.disks)
    )


def told_by(context: Context, note: str) -> Told:
    """Progress of an order, which ends when the job is cancelled or somebody else's."""

    def told(done: int, total: int) -> None:
        context.progress(done, total, note)
        context.check()

    return told


def mark_all(
    services: Services, context: Context, disks: Sequence[DiskOf], standing: Standing, *, sealed: bool
) -> None:
    """Change how volumes stand. Illegal is recorded after it is so, legal before anybody could know."""
    for number, disk in enumerate(disks):
        context.check()
        services.hosts.mark(order_for(context, f"{number}-{standing}"), disk.place, standing)
        services.inventory.record(disk.place, standing, context.job.id, sealed=sealed)


def seal_all(services: Services, context: Context, disks: Sequence[DiskOf]) -> dict[str, Any]:
    """Seal volumes together; what the host says of it."""
    places = [disk.place for disk in disks]
    return dict(services.hosts.seal(order_for(context, ""), places, told_by(context, "seals")))


def step_of(services: Services, name: str, run: Any, undo: Any = None, **more: Any) -> Step:
    """A step whose functions take the services, then the context."""
    return Step(name=name, run=partial(run, services), undo=undo and partial(undo, services), **more)


def seal_wanted(parameters: Mapping[str, Any]) -> bool:
    """Whether a job is to seal what it makes."""
    return bool(parameters["seal"])


def remove_all(services: Services, context: Context, disks: Sequence[DiskOf]) -> list[str]:
    """Delete volumes; one that cannot be is made illegal, listed for cleaning, and left.

    Each is condemned before it is deleted, so that it is listed whatever happens then.

    Returns:
        Ids of those that are left.

    Raises:
        TryAgain: the host does not answer.
    """
    left = []
    for number, disk in enumerate(disks):
        context.check()
        services.inventory.condemn(disk.place, context.job.id, "it is being removed")
        try:
            services.hosts.delete(order_for(context, f"{number}"), disk.place)
        except (TryAgain, DurableJobTaken, EngineEnding):
            raise
        except GuestwrightError as error:
            _condemn(services, context, number, disk, error)
            left.append(disk.place.volume)
        else:
            services.inventory.forget(disk.place, context.job.id)
    return left


def definition(machine: MachineOf, name: str, disks: Sequence[DiskOf]) -> dict[str, Any]:
    """A machine as hosts define it.

    Args:
        machine: what it is like.
        name: that it gets.
        disks: its own.
    """
    volumes = [
        {"domain": one.place.domain, "volume": one.place.volume, "target": one.target} for one in disks
    ]
    return {**machine.description, "name": name, "disks": volumes}


def machine_json(machine: MachineOf) -> dict[str, Any]:
    """What a step returns of a machine."""
    return asdict(machine)


def machine_from(value: Any) -> MachineOf:
    """What a step returned of a machine."""
    disks = tuple(
        DiskOf(**{**disk, "place": Place(**disk["place"])})  # as `machine_json` wrote it
        for disk in value["disks"]
    )
    return MachineOf(**{**value, "disks": disks})


def _condemn(
    services: Services, context: Context, number: int, disk: DiskOf, error: GuestwrightError
) -> None:
    place, reason = disk.place, error.message
    services.inventory.condemn(place, context.job.id, reason)
    context.leave(f"volume {place.volume} of {place.domain} on {place.host}", reason)
    try:
        services.hosts.mark(order_for(context, f"{number}-illegal"), place, Standing.ILLEGAL)
    except (TryAgain, DurableJobTaken, EngineEnding):
        raise
    except GuestwrightError as refused:
        context.leave(f"volume {place.volume} may still be used", refused.message)
