"""The engine's API over a database of its own, with simulated hosts and guests that say what a test wants."""

from __future__ import annotations

import asyncio
import base64
import socket
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvicorn
from argon2 import PasswordHasher
from starlette.applications import Starlette
from starlette.testclient import TestClient

from guestwright.base.errors import GuestwrightError
from guestwright.base.secret import Secret
from guestwright.engine.accounts.passwords import Passwords
from guestwright.engine.accounts.tokens import Tokens
from guestwright.engine.accounts.users import Users, principal
from guestwright.engine.api.app import build
from guestwright.engine.api.guest_port import ExecWish, MediumWish, PowerAction, SysprepWish
from guestwright.engine.api.parts import Parts
from guestwright.engine.disks.finish import DiskServices, disk_upload
from guestwright.engine.disks.remove import disk_remove
from guestwright.engine.hosts.addresses import HostAddresses
from guestwright.engine.hosts.lines import Lines
from guestwright.engine.hosts.orders import Orders
from guestwright.engine.hosts.port import ClientHosts
from guestwright.engine.inventory import states
from guestwright.engine.inventory.choices import Role
from guestwright.engine.inventory.database import Database
from guestwright.engine.inventory.errors import NotInInventory
from guestwright.engine.inventory.model import Disk, TemplateVersion, User, Vm
from guestwright.engine.inventory.states import TemplateEvent, VolumeEvent
from guestwright.engine.jobs.jobs import Jobs
from guestwright.engine.jobs.memory_book import MemoryBook
from guestwright.engine.jobs.memory_journal import MemoryJournal
from guestwright.engine.jobs.model import Kind
from guestwright.engine.jobs.worker import Settings, Worker
from guestwright.engine.payloads.keys import Keys
from guestwright.engine.payloads.payloads import Payloads
from guestwright.engine.templates.copies import Services
from guestwright.engine.templates.create import template_create
from guestwright.engine.templates.database_inventory import DatabaseInventory
from guestwright.engine.templates.import_job import template_import
from guestwright.engine.templates.remove import template_remove
from guestwright.engine.vms.create import vm_create
from guestwright.engine.vms.create_many import vm_create_many
from guestwright.engine.vms.remove import vm_remove
from tests.support import inventories
from tests.support.engine_databases import Clock
from tests.support.engine_world import SimulatedHost, World, put

PASSWORD = "a long enough password"
LOW = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
KEY = "0" * 16


@dataclass
class FakeGuests:
    """`GuestPort`: remembers what was asked, answers what it is told to."""

    asked: list[tuple[str, str, Any]] = field(default_factory=list)
    fails: GuestwrightError | None = None
    power_after: str = "running"
    sysprep_status: str = "running"
    clipboard: str = ""
    files: dict[str, bytes] = field(default_factory=lambda: defaultdict(bytes))

    def _note(self, what: str, vm: str, detail: Any) -> None:
        self.asked.append((what, vm, detail))
        if self.fails is not None:
            raise self.fails

    def power(self, vm: str, action: PowerAction) -> Mapping[str, Any]:
        self._note("power", vm, action)
        return {"power": self.power_after}

    def sysprep(self, vm: str, wish: SysprepWish) -> Mapping[str, Any]:
        self._note("sysprep", vm, wish)
        return {
            "id": "job-1",
            "status": "pending",
            "percent": None,
            "text": "",
            "result": None,
            "error": None,
        }

    def sysprep_job(self, vm: str, job: str, wait: float) -> Mapping[str, Any]:
        self._note("sysprep-job", vm, job)
        if job != "job-1":
            raise NotInInventory(what="sysprep", id=job)
        return {
            "id": job,
            "status": self.sysprep_status,
            "percent": 50,
            "text": "x",
            "result": None,
            "error": None,
        }

    def exec(self, vm: str, wish: ExecWish) -> Mapping[str, Any]:
        self._note("exec", vm, wish)
        out = base64.b64encode(b"out of " + wish.stdin).decode()
        return {"how": "exited", "status": 0, "signal": None, "out": out, "err": ""}

    def memory(self, vm: str, target: int) -> Mapping[str, Any]:
        self._note("memory", vm, target)
        return {"memory_actual": target, "memory_maximum": 1 << 40}

    def insert(self, vm: str, drive: str, wish: MediumWish) -> None:
        self._note("insert", vm, (drive, wish))

    def eject(self, vm: str, drive: str, *, force: bool) -> None:
        self._note("eject", vm, (drive, force))

    def copy(self, vm: str, text: str) -> None:
        self._note("copy", vm, None)
        self.clipboard = text

    def paste(self, vm: str, wait: float) -> str:
        self._note("paste", vm, wait)
        return self.clipboard

    def read_file(self, vm: str, path: str) -> bytes:
        self._note("read-file", vm, path)
        return self.files[path]

    def write_file(self, vm: str, path: str, data: bytes, mode: str) -> None:
        self._note("write-file", vm, (path, mode))
        self.files[path] = data

    def hostname(self, vm: str, name: str) -> str:
        self._note("hostname", vm, name)
        return ""

    def capabilities(self, vm: str) -> list[Mapping[str, Any]]:
        self._note("capabilities", vm, None)
        return [{"operation": "start", "allowed": True, "cause": None, "text": "", "remedy": ""}]


@dataclass
class ApiStand:
    """All of it.

    Attributes:
        app: the application; its lifespan is not run yet.
        parts: of which it is made.
        guests: the fake behind it.
        clock: of the database and the API.
        world: of the simulated host; ids of volumes there are those of the inventory.
        worker: of the jobs, in this process; not started.
        directory: of the database's files.
    """

    app: Starlette
    parts: Parts
    guests: FakeGuests
    clock: Clock
    world: World
    worker: Worker
    directory: Path

    def user(self, name: str, role: Role, **more: Any) -> User:
        """A user; the first is made by `begin`, so it must be an administrator's turn first."""
        database, users = self.parts.database, self.parts.users
        with database.read() as tx:
            admin = tx.users.named("root")
        if admin is None:
            admin = users.begin("root", Secret(PASSWORD))
        return users.add(principal(admin, ""), name, Secret(PASSWORD), role, **more)

    def token(self, user: User, seconds: float = 3600.0) -> str:
        """A token with all that a user may."""
        by = principal(user, "")
        rights = {"payload_contents": user.payload_contents, "guest_exec": user.guest_exec}
        with self.parts.database.read() as tx:
            count = tx.tokens.count()
        _, text = self.parts.tokens.issue(by, f"test {count}", seconds, role=None, **rights)
        return text.reveal()

    def client(self, token: str = "") -> TestClient:
        """A client below the root of the API; to be used in a `with` block for streams."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return TestClient(self.app, base_url="http://engine/api/v1", headers=headers)

    def admin(self) -> TestClient:
        """A client with the rights of an administrator and both that come apart."""
        user = self.user(f"admin{self._count()}", Role.ADMIN, payload_contents=True, guest_exec=True)
        return self.client(self.token(user))

    def vm(self, name: str, *, disks: int = 1) -> Vm:
        """A machine that is off and ready, with disks here and on the simulated host."""
        with self.parts.database.write() as tx:
            domain = inventories.storage(tx)
            made = inventories.vm(
                name, host_id=domain.host_id, state=states.VmState.READY, power=states.Power.OFF
            )
            vm = tx.vms.add(made)
            for number in range(disks):
                volume = tx.volumes.add(inventories.volume(domain))
                tx.volumes.move(volume.id, states.VOLUME, VolumeEvent.FILLED)
                disk = tx.disks.add(Disk(id=inventories.some_id(), name=name, volume_id=volume.id))
                tx.drives.add(inventories.drive(disk, number, vm_id=vm.id))
                self._on_host(volume.id, "legal", name)
        return vm

    def template(self, name: str) -> TemplateVersion:
        """A template with one version that is ready."""
        with self.parts.database.write() as tx:
            domain = inventories.storage(tx)
            volume = inventories.volume(domain, states.Sealing.WANTED)
            version = inventories.template_with(tx, [volume])
            tx.templates.change(version.template_id, None, name=name)
            for event in (VolumeEvent.FILLED, VolumeEvent.SEALED):
                tx.volumes.move(volume.id, states.VOLUME, event)
            self._on_host(volume.id, "shared", name)
            return tx.template_versions.move(version.id, states.TEMPLATE, TemplateEvent.UNLOCKED)

    def _on_host(self, volume: str, standing: str, owner: str) -> None:
        with self.world.change() as cursor:
            put(cursor, "volume", volume, {"standing": standing, "owner": owner, "sealed": True})

    def _count(self) -> int:
        with self.parts.database.read() as tx:
            return tx.users.count()


def all_kinds(database: Database, world: World, jobs: list[Jobs]) -> list[Kind]:
    """Kinds of jobs over the inventory and a simulated host."""
    services = Services(hosts=SimulatedHost(world), inventory=DatabaseInventory(database))
    return [
        template_create(services),
        vm_create(services),
        vm_create_many(lambda: jobs[0]),
        vm_remove(services),
        template_remove(services),
    ]


@contextmanager
def standing(directory: Path, url: str = "") -> Iterator[ApiStand]:
    """An API while the block lasts.

    Args:
        directory: for its files.
        url: of its database; "" for one of SQLite in the directory.
    """
    clock = Clock()
    world = World(str(directory / "world.db"))
    with Database(url or f"sqlite:///{directory}/engine.db", clock=clock) as database:
        book, made = MemoryBook(), list[Jobs]()
        addresses = HostAddresses(database, str(directory / "identities"))
        lines = Lines(addresses)
        disks = DiskServices(database=database, orders=Orders(lines))
        payloads = Payloads(database, lambda: Keys(first=KEY, all={KEY: bytes(32)}))
        hosts = ClientHosts(addresses, payloads.for_host)
        real = Services(hosts=hosts, inventory=DatabaseInventory(database))
        kinds = [*all_kinds(database, world, made), disk_upload(disks), template_import(real)]
        kinds.append(disk_remove(real))
        worker = Worker(book, MemoryJournal(), kinds, settings=Settings(poll=0.02))
        made.append(Jobs(book, kinds, wake=worker.wake))
        guests = FakeGuests()
        parts = Parts(
            database=database,
            users=Users(database, Passwords(LOW)),
            tokens=Tokens(database),
            payloads=payloads,
            jobs=made[0],
            guests=guests,
            addresses=addresses,
            clock=clock,
        )
        try:
            yield ApiStand(build(parts), parts, guests, clock, world, worker, directory)
        finally:
            worker.close()
            hosts.close()
            lines.close()


@contextmanager
def listening(stand: ApiStand) -> Iterator[str]:
    """Serve an API for real, on a port of this machine, while the block lasts; gives its URL."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(128)
        config = uvicorn.Config(
            stand.app, log_config=None, access_log=False, lifespan="on", timeout_graceful_shutdown=10
        )
        server = uvicorn.Server(config)
        loops: list[asyncio.AbstractEventLoop] = []

        async def serve() -> None:
            loops.append(asyncio.get_running_loop())
            await server.serve(sockets=[listener])

        thread = threading.Thread(target=lambda: asyncio.run(serve()))
        thread.start()
        try:
            port = listener.getsockname()[1]
            yield f"http://127.0.0.1:{port}/api/v1"
        finally:
            while not server.started and thread.is_alive():
                time.sleep(0.01)
            with suppress(RuntimeError):  # it has ended by itself
                loops[0].call_soon_threadsafe(stand.app.state.close_streams)
            server.should_exit = True
            thread.join()
