"""Work for two engines, and what has to be there after it: neither less nor more nor twice.

Theory of operation: what a job makes has ids that follow from the job's id, so what has to be on disk, known
to the hypervisors and recorded can be told from the jobs alone: of each that is done all, of each that was
undone nothing.
"""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, Final

from guestwright.base.errors import GuestwrightError
from guestwright.client.call import Call
from guestwright.client.calls import jobs, payloads, templates, vms
from guestwright.client.client import Client
from guestwright.client.errors import (
    EngineBusy,
    EngineConflict,
    EngineLost,
    EngineUnreachable,
    RemoteJobFailed,
    WaitedTooLong,
)
from guestwright.engine.templates.copies import id_for
from guestwright.host.volumes.metadata import Metadata
from tests.support import real_hosts
from tests.support.replicas import PATIENCE, SOURCES, HostService, Stand

Json = dict[str, Any]
MACHINES_MOST: Final = 6
TEMPLATES_MOST: Final = 5
_LOOK: Final = 0.1


def made_by(job: str, what: str) -> str:
    """The id of what a job makes, as the jobs derive it."""
    context: Any = SimpleNamespace(job=SimpleNamespace(id=job))
    return id_for(context, what)


@dataclass(kw_only=True)
class Thing:
    """A machine or a template that is there.

    Attributes:
        host: where.
        id: of the machine, or of the version of the template.
        name: of it.
        volume: its disk.
        sealed: whether that had to be sealed.
        base: id of the version that it was made from; "" for a template.
        payload: whether it has one.
        family: of a template, its id.
    """

    host: int
    id: str
    name: str
    volume: str
    sealed: bool
    base: str = ""
    payload: bool = False
    family: str = ""


@dataclass(kw_only=True)
class Begun:
    """A job.

    Attributes:
        id: of it.
        kind: of it.
        about: the thing that goes, or how what comes will be.
        cancelled: whether somebody cancelled it.
    """

    id: str
    kind: str
    about: Thing
    cancelled: bool = False


@dataclass
class Work:
    """Begins jobs, and knows what they leave.

    Attributes:
        stand: that does it.
        rng: decides.
        machines, templates: what there is besides the sources.
        begun: jobs of this run.
        ended: how many jobs ended how, over all runs.
    """

    stand: Stand
    rng: random.Random
    payload: str = ""
    machines: list[Thing] = field(default_factory=list)
    templates: list[Thing] = field(default_factory=list)
    begun: list[Begun] = field(default_factory=list)
    ended: dict[str, int] = field(default_factory=dict)
    number: int = 0
    _busy: set[str] = field(default_factory=set)
    _unsealed: set[str] = field(default_factory=set)

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Look at the disks ten times a second in the block; `nothing_unsealed` judges what was seen."""
        over = threading.Event()

        def look() -> None:
            while not over.wait(_LOOK):
                for host in self.stand.hosts:
                    with suppress(GuestwrightError):  # one went away under the look
                        self._see(real_hosts.volumes(host.place))

        thread = threading.Thread(target=look, name="looks-at-disks")
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def _see(self, volumes: dict[str, Metadata]) -> None:
        self._unsealed |= {one.id for one in volumes.values() if one.state == "legal" and not one.sealed}

    def begin(self, count: int) -> None:
        """Begin so many jobs, each at either engine."""
        if not self.payload:
            call = payloads.add("answers", {"answers.txt": real_hosts.SECRET}, label="ANSWERS")
            self.payload = self._client().do(call)["id"]
        self.begun, self._busy = [], set()
        for _ in range(count):
            self.number += 1
            self._next()
        if self.rng.random() < 0.4:
            one = self.rng.choice(self.begun)
            one.cancelled = True
            try:
                self._client().do(jobs.cancel(one.id))
            except EngineConflict:  # it has ended
                one.cancelled = False

    def _next(self) -> None:
        gone = [one for one in self.machines if one.id not in self._busy]
        used = {one.base for one in self.machines} | self._busy
        old = [one for one in self.templates if one.id not in used]
        bases = [one for one in self.templates if f"going {one.id}" not in self._busy]
        if gone and (len(self.machines) >= MACHINES_MOST or self.rng.random() < 0.25):
            self._remove_vm(self.rng.choice(gone))
        elif old and (len(self.templates) >= TEMPLATES_MOST or self.rng.random() < 0.1):
            self._remove_template(self.rng.choice(old))
        elif bases and (self.rng.random() < 0.5 or not self._free_sources()):
            self._make_vms(self.rng.choice(bases))
        else:
            self._make_template()

    def _free_sources(self) -> list[tuple[int, str]]:
        hosts = enumerate(self.stand.hosts)
        names = [(number, f"{host.name}-source-{n}") for number, host in hosts for n in range(SOURCES)]
        return [one for one in names if one[1] not in self._busy]

    def _make_template(self) -> None:
        host, source = self.rng.choice(self._free_sources())
        self._busy.add(source)
        name = f"template-{self.number}"
        ((vm,),) = self.stand.rows(f"SELECT id FROM vms WHERE name = '{source}'")
        about = Thing(host=host, id="", name=name, volume="", sealed=True)
        self._submit(templates.create(vm, name, seal=True), about)

    def _make_vms(self, base: Thing) -> None:
        self._busy.add(base.id)
        seal, payload = self.rng.random() < 0.5, self.rng.random() < 0.5
        name = f"web-{self.number}-{{n}}"
        about = Thing(host=base.host, id="", name=name, volume="", sealed=seal, base=base.id, payload=payload)
        call = vms.create(
            base.id,
            name,
            count=2,
            thin=self.rng.random() < 0.5,
            seal=seal,
            payload=self.payload if payload else "",
            run_once=payload,
        )
        self._submit(call, about)

    def _remove_vm(self, vm: Thing) -> None:
        self._busy |= {vm.id, vm.base}
        self._submit(vms.remove(vm.id), vm)

    def _remove_template(self, template: Thing) -> None:
        self._busy |= {template.id, f"going {template.id}"}
        self._submit(templates.remove(template.family), template)

    def _submit(self, call: Call[Json], about: Thing) -> None:
        job = self._client().do(call)
        self.begun.append(Begun(id=job["id"], kind=job["kind"], about=about))

    def _client(self) -> Client:
        return self.rng.choice(self.stand.engines).client

    def wait(self, client: Client) -> None:
        """Wait for the ends of all jobs, and note what there is now."""
        for one in self.begun:
            deadline = time.monotonic() + PATIENCE
            while not self._ended(one, client):
                assert time.monotonic() < deadline, f"{one} does not end"
                self.nothing_unsealed()

    def _ended(self, one: Begun, client: Client) -> bool:
        try:
            job = client.wait(one.id, seconds=1)
        except RemoteJobFailed:
            job = client.do(jobs.show(one.id))
        except (WaitedTooLong, EngineUnreachable, EngineLost, EngineBusy):
            return False
        self._note(one, job, client)
        return True

    def _note(self, one: Begun, job: Json, client: Client) -> None:
        assert one.cancelled or job["status"] == "done", job
        key = f"{job['kind']} {job['status']}"
        self.ended[key] = self.ended.get(key, 0) + 1
        done = job["status"] == "done"
        going = done or any("it is gone" in left["reason"] for left in job["leftovers"])
        if job["kind"] == "template.create" and done:
            self._keep_template(one, job)
        elif job["kind"] == "vm.create-many":
            for child in client.all(jobs.all_jobs(group=one.id)):
                assert child["status"] in ("done", "compensated"), child
                assert one.cancelled or child["status"] == "done", child
                if child["status"] == "done":
                    self._keep_machine(one, child)
        elif job["kind"] == "vm.remove" and going:
            assert not done or job["result"]["left"] == [], job
            self.machines.remove(one.about)
        elif job["kind"] == "template.remove" and going:
            assert not done or job["result"]["left"] == [], job
            self.templates.remove(one.about)

    def _keep_template(self, one: Begun, job: Json) -> None:
        one.about.id, one.about.volume = job["result"]["template"], made_by(job["id"], "volume/0")
        ((one.about.family,),) = self.stand.rows(
            f"SELECT template_id FROM template_versions WHERE id = '{one.about.id}'"
        )
        self.templates.append(one.about)

    def _keep_machine(self, one: Begun, child: Json) -> None:
        about = one.about
        self.machines.append(
            Thing(
                host=about.host,
                id=child["result"]["vm"],
                name=child["parameters"]["name"],
                volume=made_by(child["id"], "volume/0"),
                sealed=about.sealed,
                base=about.base,
                payload=about.payload,
            )
        )

    def nothing_unsealed(self) -> None:
        """No volume is fit for use that had to be sealed and is not: on disk until now, and recorded now."""
        for host in self.stand.hosts:
            self._see(volumes_of(host))
        recorded = self.stand.rows("SELECT id, state, sealing FROM volumes")
        kinds = "kind IN ('template.create', 'vm.create')"
        wanted = {
            made_by(id_, "volume/0")
            for id_, parameters in self.stand.rows(f"SELECT id, parameters FROM durable_jobs WHERE {kinds}")
            if json.loads(parameters)["seal"]
        }
        rows = [one for one in recorded if one[0] in wanted and one[1] == "legal" and one[2] != "done"]
        assert not wanted & self._unsealed
        assert not rows, rows


def volumes_of(host: HostService) -> dict[str, Metadata]:
    """What lies in a host's storage; looked at again when something went away under the look."""
    for _ in range(50):
        try:
            return real_hosts.volumes(host.place)
        except GuestwrightError:
            time.sleep(0.02)
    return real_hosts.volumes(host.place)


def eventually(differences: Callable[[], list[str]]) -> None:
    """Wait until nothing differs."""
    deadline = time.monotonic() + PATIENCE / 2
    while wrong := differences():
        assert time.monotonic() < deadline, wrong
        time.sleep(0.2)
