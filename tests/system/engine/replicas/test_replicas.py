"""Two engines on one PostgreSQL and two hosts, each on its own machine of a network; any one is killed.

While templates and machines are made and removed, of real disks that are really sealed, one of the four dies
by SIGKILL at a random moment. Whatever was begun ends done or compensated; at no time is a disk legal and
unsealed; and in the end there is what the jobs that are done have made: neither less, nor more, nor twice.
`GUESTWRIGHT_REPLICA_RUNS` says how often.
"""

from __future__ import annotations

import os
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

import httpx2
import pytest

from guestwright.client.call import Call, Json, thing
from guestwright.client.calls import jobs, payloads, templates, vms
from guestwright.client.client import Client
from guestwright.client.kinds import PAYLOADS, TEMPLATES, VMS
from tests.support import real_hosts
from tests.support.images import small_original
from tests.support.namespaces import needs_namespaces
from tests.support.postgres import needs_postgres
from tests.support.real_hosts import short_directory
from tests.support.replica_work import Begun, Work, eventually, volumes_of
from tests.support.replicas import PATIENCE, Engine, Stand, replicas, until
from tests.support.tools import needs

pytestmark = [
    pytest.mark.system,
    needs_namespaces,
    needs_postgres,
    needs("qemu-img", "qemu-nbd", "mke2fs", "e2fsck", "debugfs"),
    pytest.mark.timeout(900),  # with the start of everything, on a busy machine
]

RUNS = int(os.environ.get("GUESTWRIGHT_REPLICA_RUNS", "12"))
JOBS = 3  # in each run


@pytest.fixture(scope="module")
def stand() -> Iterator[Stand]:
    with short_directory() as place, replicas(place) as one:
        yield one


def test_both_engines_are_one(stand: Stand) -> None:
    first, second = stand.engines
    token = places(stand)[0]
    ((vm,),) = stand.rows("SELECT id FROM vms WHERE name = 'host0-source-0'")
    wanted = {"vm": vm, "name": "asked-for-twice", "seal": True}
    answers: list[str] = []

    def ask(engine: Engine) -> None:
        headers = {"Authorization": f"Bearer {engine.token}", "Idempotency-Key": "the same"}
        _, context = next(engine.client.settings.places())
        with httpx2.Client(base_url=engine.url, verify=context or True, timeout=PATIENCE) as client:
            answer = client.post("/api/v1/templates", headers=headers, json=wanted)
        answers.append(answer.json()["job"]["id"])

    threads = [threading.Thread(target=ask, args=(engine,)) for engine in (first, second) * 2]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len(set(answers)) == 1
    assert len(answers) == 4
    job = second.client.wait(answers[0], seconds=PATIENCE)
    assert job == first.client.do(jobs.show(answers[0]))
    heard_of(second.client, token, {job["id"]})  # a place in the stream is one at either
    family = first.client.find(TEMPLATES, "asked-for-twice")["id"]
    first.client.wait(second.client.do(templates.remove(family))["id"], seconds=PATIENCE)


def test_the_other_engine_follows_the_hosts_of_one_that_died(stand: Stand) -> None:
    host = stand.hosts[0]
    for victim, other in (stand.engines, stand.engines[::-1]):
        name = f"seen-by-{other.name}"
        token = places(stand)[0]
        victim.kill()
        real_hosts.put_volume(host.place, name, Path(small_original().path))
        uuid = host.define(name)
        until(partial(named, other.client, name))
        job = other.client.do(vms.remove(uuid))
        other.client.wait(job["id"], seconds=PATIENCE)
        heard_of(other.client, token, {job["id"]})
        victim.start()
        victim.ready()


def test_who_follows_events_of_an_engine_that_is_killed_misses_none(stand: Stand) -> None:
    engine, other = stand.engines
    token = places(stand)[0]
    names = [f"token-{number}" for number in range(3)]
    stream = engine.client.events(after=token, kinds=("payload-added",))
    made = []
    for name in names:
        made.append(other.client.do(payloads.add(name, {"answers.txt": b"x"}))["id"])
        assert next(stream).subject == made[-1]
        engine.kill()
        made.append(other.client.do(payloads.add(f"{name}-more", {"answers.txt": b"x"}))["id"])
        engine.start()
        engine.ready()
        assert next(stream).subject == made[-1]
    for one in made:
        other.client.do(PAYLOADS.remove(one))


@pytest.mark.timeout(900 + 60 * RUNS)
def test_any_one_of_four_is_killed(stand: Stand) -> None:
    seed = int(os.environ.get("GUESTWRIGHT_REPLICA_SEED", "20261122"))
    work = Work(stand, random.Random(seed))
    work.begin(JOBS)  # templates to begin with
    work.wait(stand.engines[0].client)
    killed: Counter[str] = Counter()
    began = time.monotonic()
    for number in range(RUNS):
        token = places(stand)[0]
        with work.watched():
            work.begin(JOBS)
            killed[kill_one(work)] += 1
        same_answers(stand, work.begun)
        eventually(lambda: differences(stand, work))
        for engine in stand.engines:
            heard_of(engine.client, token, {one.id for one in work.begun})
        print(f"run {number + 1}: {time.monotonic() - began:.0f} s, {dict(killed)}, {work.ended}", flush=True)
    ended_once(stand)
    single = "SELECT count(*) FROM durable_jobs WHERE kind <> 'vm.create-many'"
    ((jobs_run,), (again,)) = stand.rows(single) + stand.rows(f"{single} AND epoch > 1")
    print(f"{jobs_run} jobs, of which {again} were taken up more than once")


def named(client: Client, name: str) -> list[Json]:
    return list(client.all(VMS.all(filters=(f"name={name}",))))


def kill_one(work: Work) -> str:
    """Kill one of the four while it works, have it come back, and wait until all jobs have ended."""
    stand, rng = work.stand, work.rng
    victim = rng.choice(stand.services)
    time.sleep(rng.random() * 1.5)
    victim.kill()
    work.nothing_unsealed()
    other = next(one for one in stand.engines if one is not victim)
    stays_away = isinstance(victim, Engine) and rng.random() < 0.5
    if not stays_away:
        victim.start()
    work.wait(victim.client if isinstance(victim, Engine) and not stays_away else other.client)
    if stays_away:
        victim.start()
    victim.ready()
    work.nothing_unsealed()
    return victim.name


def same_answers(stand: Stand, begun: list[Begun]) -> None:
    """Both engines say the same of each job."""
    for one in begun:
        first, second = (engine.client.do(jobs.show(one.id)) for engine in stand.engines)
        assert first == second


def differences(stand: Stand, work: Work) -> list[str]:
    """What there is and should not be, and what should be and is not, at hosts and in the inventory."""
    wrong = []
    for number, host in enumerate(stand.hosts):
        things = [one for one in (*work.machines, *work.templates) if one.host == number]
        wanted = {one.volume: (standing_of(one.base), one.sealed) for one in things}
        wanted |= dict.fromkeys(source_names(host.name), ("legal", False))
        lies = {one.id: (real_hosts.standing(one), bool(one.sealed)) for one in volumes_of(host).values()}
        wrong += told(f"volumes of {host.name}", wanted, lies)
        recorded = stand.rows(
            "SELECT volumes.id, volumes.state, volumes.kind, volumes.sealing, volumes.job FROM volumes"
            f" JOIN storage_domains ON domain_id = storage_domains.id WHERE host_id = '{host.id}'"
        )
        rows = {
            name: ((kind if (state, kind) == ("legal", "shared") else state) + job, sealing == "done")
            for name, state, kind, sealing, job in recorded
        }
        wrong += told(f"recorded volumes of {host.name}", wanted, rows)
        with real_hosts.client(host.place) as client:
            known = [one["domain"] for one in client.domains()]
        defined = {one["uuid"]: one["name"] for one in known if "-source-" not in one["name"]}
        wrong += told(f"domains of {host.name}", {one.id: one.name for one in things if one.base}, defined)
        left = Counter(one["name"] for one in known if one["uuid"] not in defined)
        wrong += told(f"other domains of {host.name}", Counter(source_names(host.name)), left)
    return wrong + recorded_differences(stand, work)


def recorded_differences(stand: Stand, work: Work) -> list[str]:
    """The same of machines, templates and payloads as both engines show them."""
    wrong = []
    machines = {one.id: (one.name, "ready", "", stand.hosts[one.host].id) for one in work.machines}
    sources = Counter(name for host in stand.hosts for name in source_names(host.name))
    versions = {one.id: ("ready", "") for one in work.templates}
    for engine in stand.engines:
        rows = list(engine.client.all(VMS.all()))
        shown = {one["id"]: (one["name"], one["state"], one["job"], one["host_id"]) for one in rows}
        idle = {one["id"]: one["name"] for one in rows if one["name"] in sources and one["state"] == "ready"}
        others = {id_: one for id_, one in shown.items() if id_ not in idle}
        wrong += told(f"machines of {engine.name}", machines, others)
        wrong += told(f"sources of {engine.name}", sources, Counter(idle.values()))
        names = [one["name"] for one in engine.client.all(TEMPLATES.all())]
        wrong += told(
            f"templates of {engine.name}", Counter(one.name for one in work.templates), Counter(names)
        )
    recorded = stand.rows("SELECT id, state, job FROM template_versions")
    wrong += told("versions", versions, {id_: (state, job) for id_, state, job in recorded})
    uses = {vm for (vm,) in stand.rows("SELECT vm_id FROM payload_uses")}
    wrong += told("payloads", {one.id: 1 for one in work.machines if one.payload}, dict.fromkeys(uses, 1))
    return wrong


def told(what: str, wanted: Mapping[str, object], there: Mapping[str, object]) -> list[str]:
    return [
        f"{what}: {name} is {there.get(name)}, not {wanted.get(name)}"
        for name in sorted({*wanted, *there})
        if wanted.get(name) != there.get(name)
    ]


def standing_of(base: str) -> str:
    return "legal" if base else "shared"


def source_names(host: str) -> list[str]:
    return [f"{host}-source-{number}" for number in range(2)]


def places(stand: Stand) -> list[str]:
    """Where the stream of events is, at each engine."""
    return [engine.client.do(Call("GET", ("events",), thing))["token"] for engine in stand.engines]


def heard_of(client: Client, token: str, subjects: set[str]) -> None:
    """Who follows the stream behind a token hears of all these, at either engine."""
    missing = set(subjects)
    for event in client.events(after=token, kinds=("job-changed",)):
        assert event.kind != "missed"
        missing.discard(event.subject)
        if not missing:
            return


def ended_once(stand: Stand) -> None:
    """Each job has one end in the stream of jobs."""
    ends = "what IN ('done', 'compensated')"
    rows = stand.rows(f"SELECT job, count(*) FROM durable_job_events WHERE {ends} GROUP BY job")
    assert {count for _, count in rows} == {"1"}
    assert {job for job, _ in rows} == {job for (job,) in stand.rows("SELECT id FROM durable_jobs")}
