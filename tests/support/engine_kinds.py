"""Kinds of jobs for tests: a saga with effects in the simulated world, and those of the product."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from guestwright.base.errors import UsageError
from guestwright.engine.disks.remove import disk_remove
from guestwright.engine.jobs.errors import NotYet, TryAgain
from guestwright.engine.jobs.jobs import Jobs
from guestwright.engine.jobs.model import Context, Kind, Step
from guestwright.engine.templates.copies import Services
from guestwright.engine.templates.create import template_create
from guestwright.engine.templates.host_port import Order
from guestwright.engine.templates.import_job import template_import
from guestwright.engine.templates.remove import template_remove
from guestwright.engine.vms.create import vm_create
from guestwright.engine.vms.create_many import vm_create_many
from guestwright.engine.vms.remove import vm_remove
from tests.support.engine_world import SimulatedHost, SimulatedInventory, World, get, put

STEPS = ("one", "two", "three")


def saga(world: World, version: int = 1) -> Kind:
    """Three steps; `{"fails": "three"}` fails there, `{"shy": "two"}` says once "try again" there, `{"late":
    "two"}` once "not yet", `{"waits": "two"}` waits there until it is cancelled, `{"stuck": "one"}` cannot be
    undone there, `{"crashes": "two"}` meets what nobody thought of."""
    return Kind(
        name="test.saga",
        version=version,
        steps=tuple(
            Step(name=name, run=partial(_run, world, name), undo=partial(_undo, world, name))
            for name in STEPS
        ),
        patience=60,
        undo_patience=60,
    )


def all_kinds(
    path: str, jobs: Callable[[], Jobs], *, pause: float = 0.0, versions: Sequence[int] = (1,)
) -> list[Kind]:
    """All of them, on one simulated world."""
    world = World(path, pause)
    services = Services(hosts=SimulatedHost(world), inventory=SimulatedInventory(world))
    mine = [saga(world, version) for version in versions]
    return [
        *mine,
        template_create(services),
        vm_create(services),
        vm_create_many(jobs),
        vm_remove(services),
        template_remove(services),
        template_import(services),
        disk_remove(services),
    ]


def _order(context: Context) -> Order:
    return Order(job=context.job.id, epoch=context.job.epoch, request=context.request())


def _run(world: World, name: str, context: Context) -> str:
    wanted = context.job.parameters
    if wanted.get("shy") == name and _first(world, context):
        raise TryAgain(job=context.job.id, problem="shy")
    if wanted.get("late") == name and _first(world, context):
        raise NotYet(job=context.job.id, problem="late", seconds=0.2)
    if wanted.get("crashes") == name:
        raise KeyError(name)
    what = f"{context.job.id} do {name}"
    SimulatedHost(world).order(_order(context), what, lambda _: None)
    while wanted.get("waits") == name:
        context.check()
        raise TryAgain(job=context.job.id, problem="waits")
    if wanted.get("fails") == name:
        raise UsageError(problem="asked for")
    return f"{name} done"


def _undo(world: World, name: str, context: Context) -> None:
    if context.job.parameters.get("stuck") == name:
        context.leave(name, "stuck")
        return
    SimulatedHost(world).order(_order(context), f"{context.job.id} undo {name}", lambda _: None)


def _first(world: World, context: Context) -> bool:
    with world.change() as cursor:
        key = context.request("asked")
        seen = get(cursor, "asked", key) is not None
        put(cursor, "asked", key, {})
    return not seen
