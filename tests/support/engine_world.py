"""A simulated host and inventory in one file of SQLite, which many processes share and any may be killed in.

Theory of operation: as the ports say, an order is done once for each request, and refused when its epoch is
older than one seen for its job. Long orders have two transactions, so that a kill can come between: a volume
is locked after the first one. Every effect is counted, by what it was done to: `twice()` shows each that was
had more than once. What goes wrong is asked for by names: a machine called "…-fails-seal" has that order
refused, "…-stuck" has its new volumes refuse to be deleted, and "…-shy" does not answer the first time.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from typing import Any

from guestwright.base.errors import UsageError
from guestwright.base.record import asdict
from guestwright.engine.jobs.errors import DurableJobTaken, TryAgain
from guestwright.engine.templates.errors import DiskNotFree, MachineHeld, TemplateNotReady
from guestwright.engine.templates.host_port import Order, Place, Standing, Told
from guestwright.engine.templates.inventory_port import DiskOf, MachineOf
from guestwright.host.volumes.errors import WrongState

Doc = dict[str, Any]


class World:
    """Things by kind and id, each a JSON object.

    Args:
        path: of the file.
        pause: seconds that the middle of a long order takes.
    """

    def __init__(self, path: str, pause: float = 0.0) -> None:
        self.path = path
        self.pause = pause
        with self.change() as cursor:
            cursor.execute("CREATE TABLE IF NOT EXISTS things (kind, id, body, PRIMARY KEY (kind, id))")
            cursor.execute("CREATE TABLE IF NOT EXISTS effects (what PRIMARY KEY, times)")

    @contextmanager
    def change(self) -> Iterator[sqlite3.Cursor]:
        """One transaction; a connection of its own, so that processes may fork."""
        with closing(sqlite3.connect(self.path, timeout=60, isolation_level=None)) as connection:
            connection.execute("PRAGMA synchronous=OFF")  # processes are killed here, machines are not
            cursor = connection.cursor()
            cursor.execute("BEGIN IMMEDIATE")
            try:
                yield cursor
            except BaseException:
                cursor.execute("ROLLBACK")
                raise
            cursor.execute("COMMIT")

    def all(self, kind: str) -> dict[str, Doc]:
        """All things of a kind by id, as they are at one moment."""
        with self.change() as cursor:
            return everything(cursor, kind)

    def twice(self) -> list[tuple[str, int]]:
        """Effects that were had more than once."""
        with self.change() as cursor:
            return cursor.execute("SELECT what, times FROM effects WHERE times > 1").fetchall()

    def effects(self) -> list[str]:
        """All effects."""
        with self.change() as cursor:
            return [row[0] for row in cursor.execute("SELECT what FROM effects ORDER BY rowid")]

    def add_disk(self, disk: str) -> None:
        """A disk that was uploaded; its volume's owner has its name."""
        with self.change() as cursor:
            volume = f"{disk}-volume"
            put(cursor, "volume", volume, {"standing": "legal", "owner": disk, "sha256": f"{len(disk):064x}"})
            put(cursor, "disk", disk, {"volume": volume, "job": "", "adopted": False})

    def add_vm(self, vm: str, *, disks: int = 2) -> None:
        """A machine that is off, with disks."""
        with self.change() as cursor:
            made = [
                asdict(
                    DiskOf(
                        disk=f"{vm}-disk{n}",
                        place=Place(host="h1", domain="d1", volume=f"{vm}-volume{n}"),
                        size=1 << 30,
                        format="qcow2",
                        target=f"vd{'abc'[n]}",
                    )
                )
                for n in range(disks)
            ]
            for disk in made:
                put(cursor, "volume", disk["place"]["volume"], {"standing": "legal", "owner": vm})
            put(cursor, "vm", vm, {"name": vm, "job": "", "ready": True, "disks": made})


def get(cursor: sqlite3.Cursor, kind: str, name: str) -> Doc | None:
    row = cursor.execute("SELECT body FROM things WHERE kind=? AND id=?", (kind, name)).fetchone()
    return None if row is None else dict(json.loads(row[0]))


def put(cursor: sqlite3.Cursor, kind: str, name: str, body: Mapping[str, Any] | None) -> None:
    if body is None:
        cursor.execute("DELETE FROM things WHERE kind=? AND id=?", (kind, name))
    else:
        cursor.execute("INSERT OR REPLACE INTO things VALUES (?, ?, ?)", (kind, name, json.dumps(body)))


def everything(cursor: sqlite3.Cursor, kind: str) -> dict[str, Doc]:
    rows = cursor.execute("SELECT id, body FROM things WHERE kind=?", (kind,))
    return {name: json.loads(body) for name, body in rows}


def count(cursor: sqlite3.Cursor, what: str) -> None:
    cursor.execute(
        "INSERT INTO effects VALUES (?, 1) ON CONFLICT (what) DO UPDATE SET times = times + 1", (what,)
    )


class SimulatedHost:
    """The `HostPort`."""

    def __init__(self, world: World) -> None:
        self._world = world

    def order(self, order: Order, what: str, body: Callable[[sqlite3.Cursor], object]) -> None:
        """Do something once for a request, in one transaction, and count it; refuse older epochs."""
        with self._world.change() as cursor:
            self._fence(cursor, order)
            if get(cursor, "request", order.request) is None:
                body(cursor)
                put(cursor, "request", order.request, {"done": True})
                count(cursor, what)

    def copy(self, order: Order, source: Place, target: Place, standing: Standing, told: Told) -> None:
        with self._world.change() as cursor:
            self._fence(cursor, order)
            if get(cursor, "request", order.request) is None:
                self._fault(cursor, source.volume, "copy")
                owner = self._volume(cursor, source)["owner"]
                put(cursor, "volume", target.volume, {"standing": "locked", "owner": owner, "job": order.job})
        told(1, 2)
        time.sleep(self._world.pause)
        told(2, 2)
        awaited = standing is Standing.ILLEGAL

        def made(cursor: sqlite3.Cursor) -> None:
            self._set(cursor, target, standing=standing, awaited=awaited)

        self.order(order, f"copy {target.volume}", made)

    def layer(self, order: Order, base: Place, target: Place, standing: Standing) -> None:
        def make(cursor: sqlite3.Cursor) -> None:
            below = self._volume(cursor, base)
            if below["standing"] != Standing.SHARED:
                raise WrongState(volume=base.volume, state=below["standing"], problem="it is not shared")
            new = {"standing": standing, "owner": below["owner"], "base": base.volume, "job": order.job}
            new["awaited"] = standing is Standing.ILLEGAL
            put(cursor, "volume", target.volume, new)

        self.order(order, f"layer {target.volume}", make)

    def mark(self, order: Order, volume: Place, standing: Standing) -> None:
        def set_standing(cursor: sqlite3.Cursor) -> None:
            if get(cursor, "volume", volume.volume) is not None:
                self._fault(cursor, volume.volume, f"mark-{standing}")
                found = self._volume(cursor, volume)
                if standing is not Standing.ILLEGAL and found.get("awaited") and not found.get("sealed"):
                    raise WrongState(volume=volume.volume, state="illegal", problem="seal it first")
                self._set(cursor, volume, standing=standing)

        self.order(order, f"{order.request} {volume.volume}", set_standing)

    def seal(self, order: Order, volumes: Sequence[Place], told: Told) -> Mapping[str, Any]:
        def check(cursor: sqlite3.Cursor, one: Place) -> None:
            found = self._volume(cursor, one)
            if found["standing"] != "illegal":
                raise WrongState(
                    volume=one.volume, state=found["standing"], problem="seal takes illegal ones"
                )

        def sealed(cursor: sqlite3.Cursor) -> None:
            for one in volumes:
                self._set(cursor, one, sealed=True)

        with self._world.change() as cursor:
            self._fence(cursor, order)
            if get(cursor, "request", order.request) is None:
                self._fault(cursor, volumes[0].volume, "seal")
                for one in volumes:
                    check(cursor, one)
        told(1, 2)
        time.sleep(self._world.pause)
        told(2, 2)
        what = f"seal {' '.join(one.volume for one in volumes)}"
        self.order(order, what, sealed)
        return {"operations": 7}

    def checksum(self, order: Order, volume: Place, told: Told) -> str:
        def read(cursor: sqlite3.Cursor) -> None:
            self._fault(cursor, volume.volume, "checksum")

        self.order(order, f"{order.request} reads {volume.volume}", read)
        told(1, 1)
        with self._world.change() as cursor:
            return str(self._volume(cursor, volume)["sha256"])

    def delete(self, order: Order, volume: Place) -> None:
        def remove(cursor: sqlite3.Cursor) -> None:
            if get(cursor, "volume", volume.volume) is not None:
                self._fault(cursor, volume.volume, "stuck")
                put(cursor, "volume", volume.volume, None)

        self.order(order, f"{order.request} delete {volume.volume}", remove)

    def define(self, order: Order, host: str, vm: str, description: Mapping[str, Any]) -> None:
        def make(cursor: sqlite3.Cursor) -> None:
            if "fails-define" in description["name"]:
                raise UsageError(problem="asked for")
            put(cursor, "domain", vm, dict(description))

        self.order(order, f"define {vm}", make)

    def undefine(self, order: Order, host: str, vm: str) -> None:
        self.order(order, f"undefine {vm}", lambda cursor: put(cursor, "domain", vm, None))

    def give_payload(self, order: Order, host: str, vm: str, payload: str, *, run_once: bool) -> None:
        body = {"payload": payload, "run_once": run_once}
        self.order(order, f"payload {vm}", lambda cursor: put(cursor, "given", vm, body))

    def take_payload(self, order: Order, host: str, vm: str, payload: str, *, run_once: bool) -> None:
        self.order(order, f"no payload {vm}", lambda cursor: put(cursor, "given", vm, None))

    def _fence(self, cursor: sqlite3.Cursor, order: Order) -> None:
        seen = get(cursor, "epoch", order.job) or {"epoch": 0, "undo": False}
        if (order.epoch, order.undo) < (seen["epoch"], seen["undo"]):
            raise DurableJobTaken(job=order.job, epoch=order.epoch)
        put(cursor, "epoch", order.job, {"epoch": order.epoch, "undo": order.undo})

    def _fault(self, cursor: sqlite3.Cursor, volume: str, what: str) -> None:
        name = self._owner(cursor, volume)
        if f"fails-{what}" in name or (what == "stuck" and "stuck" in name):
            raise UsageError(problem=f"{what} was asked to fail")
        if "shy" in name and get(cursor, "shy", f"{volume} {what}") is None:
            with self._world_later(cursor):
                put(cursor, "shy", f"{volume} {what}", {})
            raise TryAgain(job="", problem="shy")

    @contextmanager
    def _world_later(self, cursor: sqlite3.Cursor) -> Iterator[None]:
        """What stays although the transaction around it is given up."""
        yield
        cursor.execute("COMMIT")
        cursor.execute("BEGIN IMMEDIATE")

    def _owner(self, cursor: sqlite3.Cursor, volume: str) -> str:
        return str((get(cursor, "volume", volume) or {"owner": ""})["owner"])

    def _volume(self, cursor: sqlite3.Cursor, place: Place) -> Doc:
        found = get(cursor, "volume", place.volume)
        if found is None:
            raise WrongState(volume=place.volume, state="gone", problem="there is none")
        return found

    def _set(self, cursor: sqlite3.Cursor, place: Place, **values: Any) -> None:
        put(cursor, "volume", place.volume, {**self._volume(cursor, place), **values})


class SimulatedInventory:
    """The `InventoryPort`."""

    def __init__(self, world: World) -> None:
        self._world = world

    def hold_vm(self, vm: str, job: str) -> MachineOf:
        with self._world.change() as cursor:
            found = get(cursor, "vm", vm)
            if found is None or found["job"] not in {"", job}:
                raise MachineHeld(vm=vm, problem="another job has it")
            put(cursor, "vm", vm, {**found, "job": job})
        return _machine(vm, found)

    def release_vm(self, vm: str, job: str) -> None:
        with self._world.change() as cursor:
            found = get(cursor, "vm", vm)
            if found is not None and found["job"] == job:
                put(cursor, "vm", vm, {**found, "job": ""})

    def add_template(
        self, template: str, name: str, job: str, source: MachineOf, disks: Sequence[DiskOf], *, seal: bool
    ) -> None:
        self._add("template", template, name, job, disks, seal=seal)

    def unlock_template(self, template: str, job: str) -> None:
        self._unlock("template", template, job, {"shared"})

    def remove_template(self, template: str, job: str) -> None:
        self._remove("template", template)

    def hold_disks(self, disks: Sequence[str], job: str, *, broken: bool = False) -> Sequence[DiskOf]:
        del broken  # free disks of this world are always fit for use
        with self._world.change() as cursor:
            found = {one: get(cursor, "disk", one) for one in disks}
            for name, one in found.items():
                if one is None or one["adopted"] or one["job"] not in {"", job}:
                    raise DiskNotFree(disk=name, problem="somebody has it")
                put(cursor, "disk", name, {**one, "job": job})
        return [
            DiskOf(
                disk=name,
                place=Place(host="h1", domain="d1", volume=one["volume"]),
                size=1 << 30,
                format="qcow2",
                target="",
            )
            for name, one in found.items()
            if one is not None
        ]

    def release_disks(self, disks: Sequence[str], job: str, *, forget: bool) -> None:
        with self._world.change() as cursor:
            for name in disks:
                found = get(cursor, "disk", name)
                if found is not None and found["job"] == job:
                    volume = get(cursor, "volume", found["volume"])
                    usable = volume is not None and volume["standing"] == "legal"
                    assert usable or forget
                    put(cursor, "disk", name, {**found, "job": "", "adopted": False} if usable else None)

    def adopt_template(
        self, template: str, name: str, job: str, source: MachineOf, disks: Sequence[DiskOf], *, seal: bool
    ) -> None:
        self._add("template", template, name, job, disks, seal=seal)
        with self._world.change() as cursor:
            for one in disks:
                held = get(cursor, "disk", one.disk)
                assert held is not None
                put(cursor, "disk", one.disk, {**held, "adopted": True})

    def template(self, template: str) -> MachineOf:
        with self._world.change() as cursor:
            found = get(cursor, "template", template)
        if found is None or not found["ready"]:
            raise TemplateNotReady(template=template, state="locked")
        return _machine(template, found)

    def add_vm(
        self, vm: str, name: str, job: str, template: MachineOf, disks: Sequence[DiskOf], *, seal: bool
    ) -> None:
        self._add("vm", vm, name, job, disks, seal=seal)

    def unlock_vm(self, vm: str, job: str) -> None:
        self._unlock("vm", vm, job, {"legal"})

    def remove_vm(self, vm: str, job: str) -> None:
        self._remove("vm", vm)

    def hold_leaving(self, vm: str, job: str) -> MachineOf:
        with self._world.change() as cursor:
            found = get(cursor, "vm", vm)
        return _machine(vm, found) if found is not None and "going" in found else self.hold_vm(vm, job)

    def payloads_of(self, vm: str) -> Sequence[tuple[str, bool]]:
        with self._world.change() as cursor:
            found = get(cursor, "attached", vm)
        return [] if found is None else [(found["payload"], found["run_once"])]

    def begin_removal(self, vm: str, job: str) -> None:
        with self._world.change() as cursor:
            found = get(cursor, "vm", vm)
            if found is not None and "going" not in found:
                assert found["job"] == job
                put(cursor, "vm", vm, {**found, "going": True})
                for disk in found["disks"]:
                    put(cursor, "condemned", disk["place"]["volume"], {"reason": "removed", "job": job})

    def leaving(self, vm: str) -> bool:
        with self._world.change() as cursor:
            found = get(cursor, "vm", vm)
        return found is None or "going" in found

    def condemn_template(self, template: str, job: str) -> MachineOf:
        with self._world.change() as cursor:
            found = get(cursor, "template", template)
            if found is None or not (found["ready"] or "going" in found):
                raise TemplateNotReady(template=template, state="locked")
            put(cursor, "template", template, {**found, "ready": False, "going": True, "job": job})
            for disk in found["disks"]:
                put(cursor, "condemned", disk["place"]["volume"], {"reason": "removed", "job": job})
        return _machine(template, found)

    def condemned_template(self, template: str, job: str) -> MachineOf | None:
        with self._world.change() as cursor:
            found = get(cursor, "template", template)
        return None if found is None or found["job"] != job else _machine(template, found)

    def record(self, place: Place, standing: Standing, job: str, *, sealed: bool) -> None:
        with self._world.change() as cursor:
            put(cursor, "recorded", place.volume, {"standing": standing, "sealed": sealed, "job": job})

    def condemn(self, place: Place, job: str, reason: str) -> None:
        with self._world.change() as cursor:
            put(cursor, "condemned", place.volume, {"reason": reason, "job": job})

    def forget(self, place: Place, job: str) -> None:
        with self._world.change() as cursor:
            put(cursor, "recorded", place.volume, None)
            put(cursor, "condemned", place.volume, None)

    def attach_payload(self, vm: str, payload: str, job: str, *, run_once: bool) -> None:
        with self._world.change() as cursor:
            put(cursor, "attached", vm, {"payload": payload, "run_once": run_once})

    def set_payload(self, template: str, payload: str, job: str, *, run_once: bool) -> None:
        with self._world.change() as cursor:
            put(cursor, "attached", template, {"payload": payload, "run_once": run_once})

    def _add(
        self, kind: str, name: str, title: str, job: str, disks: Sequence[DiskOf], *, seal: bool
    ) -> None:
        with self._world.change() as cursor:
            if get(cursor, kind, name) is None:
                body = {"name": title, "job": job, "ready": False, "seal": seal}
                put(cursor, kind, name, {**body, "disks": [asdict(disk) for disk in disks]})
                count(cursor, f"add {kind} {name}")

    def _unlock(self, kind: str, name: str, job: str, wanted: set[str]) -> None:
        with self._world.change() as cursor:
            found = get(cursor, kind, name)
            assert found is not None
            for disk in found["disks"]:
                volume = get(cursor, "recorded", disk["place"]["volume"])
                assert volume is not None
                assert volume["standing"] in wanted
                assert volume["sealed"] or not found["seal"]
            put(cursor, kind, name, {**found, "job": "", "ready": True})

    def _remove(self, kind: str, name: str) -> None:
        with self._world.change() as cursor:
            put(cursor, kind, name, None)
            put(cursor, "attached", name, None)


def _machine(name: str, found: Doc) -> MachineOf:
    disks = tuple(DiskOf(**{**disk, "place": Place(**disk["place"])}) for disk in found["disks"])
    return MachineOf(id=name, disks=disks, description={"vcpus": 2, "memory": 1 << 30})


def wrong_now(world: World) -> list[str]:
    """What must never be, at whatever moment: a disk that has to be sealed, is not, and may be used."""
    with world.change() as cursor:
        volumes = everything(cursor, "volume")
        recorded = everything(cursor, "recorded")
        owners = [*everything(cursor, "template").items(), *everything(cursor, "vm").items()]
        count_twice = cursor.execute("SELECT what FROM effects WHERE times > 1").fetchall()
    wrong = [f"twice: {what}" for (what,) in count_twice]
    for name, owner in owners:
        for disk in owner["disks"] if owner.get("seal") else ():
            volume = volumes.get(disk["place"]["volume"])
            if volume and volume["standing"] in {"legal", "shared"} and not volume.get("sealed"):
                wrong.append(f"{name}: {disk['place']['volume']} is {volume['standing']} and unsealed")
            known = recorded.get(disk["place"]["volume"])
            if known and known["standing"] in {"legal", "shared"} and not (volume and volume.get("sealed")):
                wrong.append(
                    f"{name}: {disk['place']['volume']} is recorded as {known['standing']}, unsealed"
                )
    return wrong


def wrong_at_end(world: World) -> list[str]:
    """What must not be once all jobs have ended: half of anything, or a volume that nobody knows."""
    with world.change() as cursor:
        volumes = everything(cursor, "volume")
        condemned = everything(cursor, "condemned")
        domains = everything(cursor, "domain")
        owners = {**everything(cursor, "template"), **everything(cursor, "vm")}
        vms = everything(cursor, "vm")
        disks = everything(cursor, "disk")
    free = {one["volume"] for one in disks.values() if not one["adopted"]}
    known = free | {disk["place"]["volume"] for owner in owners.values() for disk in owner["disks"]}
    wrong = [f"{name} is still locked" for name, one in owners.items() if one["job"] or not one["ready"]]
    wrong += [
        f"disk {name} is still held" for name, one in disks.items() if one["job"] and not one["adopted"]
    ]
    wrong += [f"volume {name} is nobody's" for name in volumes if name not in known | condemned.keys()]
    wrong += [f"volume {name} is missing" for name in known if name not in volumes]
    wrong += [
        f"condemned {name} is {volumes[name]['standing']}"
        for name in condemned
        if name in volumes and volumes[name]["standing"] not in {"illegal", "locked"}
    ]
    wrong += [f"domain {name} is of no machine" for name in domains if name not in vms]
    return wrong
