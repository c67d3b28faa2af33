"""`guestwright host migrate|medium|memory|sysprep|about` as programs, over fake hypervisors."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from guestwright.base.record import replace
from guestwright.host.acting.migration_job import MigrationJobs
from guestwright.host.api.operations.drives import drive_endpoints
from guestwright.host.api.operations.images import image_path
from guestwright.host.api.operations.memory import memory_endpoints
from guestwright.host.api.operations.moving import moving_endpoints
from guestwright.host.api.operations.payloads import payload_endpoints
from guestwright.host.api.operations.sysprep import sysprep_endpoints
from guestwright.host.api.operations.volumes import volume_endpoints
from guestwright.host.jobs.jobs import Jobs
from guestwright.host.jobs.kind import Kind
from guestwright.host.jobs.model import Job
from guestwright.host.media.model import Persistence
from guestwright.host.volumes.storage import Storage
from guestwright.hypervisor.domain import DomainId
from tests.support.agent_process import eventually
from tests.support.api_server import PATIENCE, Running, serving
from tests.support.host_service import ScriptedHost
from tests.support.payload_bench import CANARY, PayloadBench, payload_bench, plain
from tests.support.program import COMMAND, Done, environment, guestwright, running

pytestmark = pytest.mark.system

UNATTEND = '<unattend xmlns="urn:schemas-microsoft-com:unattend"><settings pass="specialize"/></unattend>'


class Syspreps:
    """Accepts them as a kind of job that says what it was given."""

    kind = Kind(name="sysprep", run=lambda work: work.job.parameters)

    def submit(
        self, jobs: Jobs, domain: DomainId, answers: bytes, *, filename: str, deadline: float, job: str
    ) -> Job:
        told = {"domain": domain, "bytes": len(answers), "filename": filename, "deadline": deadline}
        return jobs.submit("sysprep", told, job=job)


@contextmanager
def service(directory: Path, bench: PayloadBench, *domains: DomainId) -> Iterator[Running]:
    """The API of a host."""
    host = ScriptedHost()
    known = next(iter(host.known.values()))
    for one in domains:
        host.known[one] = replace(known, domain=bench.hypervisor.get(one))
    host.moves, host.stops = bench.hypervisor.migrate, bench.hypervisor.cancel_migration
    syspreps = Syspreps()
    directory.mkdir()
    os.mkdir(directory / "state", 0o700)
    kinds = (MigrationJobs(host).kind, syspreps.kind)
    with Storage(str(directory / "state"), {"iso": str(directory / "iso")}, kinds) as storage:
        storage.start()
        more = (
            *moving_endpoints(host, bench.payloads, storage.jobs),
            *payload_endpoints(
                host, bench.payloads, lambda body: image_path(storage.domains, body), storage.jobs
            ),
            *drive_endpoints(host, bench.hypervisor, storage.domains),
            *volume_endpoints(storage.domains),
            *memory_endpoints(host, bench.hypervisor),
            *sysprep_endpoints(host, storage.jobs, syspreps),
        )
        with serving(directory, host=host, jobs=storage.jobs, more=more) as running:
            yield running


@contextmanager
def two_hosts(directory: Path) -> Iterator[tuple[PayloadBench, PayloadBench, Running, Running, DomainId]]:
    """Two that move domains to each other, and a domain that runs on the first."""
    worlds: dict[str, object] = {}
    with ExitStack() as stack:
        here = stack.enter_context(payload_bench("fake://a", worlds))
        there = stack.enter_context(payload_bench("fake://b", worlds, run=here.run + "-of-b"))
        domain = here.bench.start()
        source = stack.enter_context(service(directory / "a", here, domain))
        yield here, there, source, stack.enter_context(service(directory / "b", there)), domain


def ask(api: Running, *args: str) -> Done:
    return guestwright("host", *args, "--socket", api.unix)


def test_a_domain_is_moved(tmp_path: Path) -> None:
    with two_hosts(tmp_path) as (here, there, source, destination, domain):
        here.payloads.define(domain, plain(), Persistence.PERMANENT)
        done = ask(source, "migrate", domain, "fake://b")
        assert done.status == 2
        assert "the domain has a payload" in done.err
        object.__setattr__(there.payloads.shelf, "directory", here.run)  # two hosts have one path each
        done = ask(source, "migrate", domain, "fake://b", "--to-socket", destination.unix)
        assert (done.status, done.out) == (0, f"{domain} is at fake://b\n"), done.err
        assert there.hypervisor.get(domain).active
        assert len(there.payloads.of(domain)) == 1
        assert ask(source, "jobs", "--json").json["jobs"] == []


def test_a_move_that_is_only_begun_and_one_that_fails(tmp_path: Path) -> None:
    with two_hosts(tmp_path) as (_, there, source, destination, domain):
        done = ask(source, "migrate", domain, "fake://nowhere", "--json")
        assert (done.status, done.json["error"]["code"]) == (1, "migration-refused")
        for args in (
            (),
            ("fake://b", "--cancel"),
            ("fake://b", "--no-wait", "--to-socket", destination.unix),
        ):
            assert ask(source, "migrate", domain, *args).status == 2
        job = ask(source, "migrate", domain, "fake://b", "--no-wait", "--json").json["job"]
        assert ask(source, "job", job["id"], "--wait").status == 0
        assert there.hypervisor.get(domain).active


@pytest.mark.parametrize("how", ["cancel", "interrupt"])
def test_a_move_is_called_off(tmp_path: Path, how: str) -> None:
    with two_hosts(tmp_path) as (here, there, source, destination, domain):
        here.hypervisor.guest(domain).busy = True
        here.payloads.define(domain, plain(), Persistence.PERMANENT)
        object.__setattr__(there.payloads.shelf, "directory", here.run)
        before = here.images()
        done = ask(source, "migrate", domain, "--cancel")
        assert (done.status, "no move of" in done.err) == (2, True)
        argv = [*COMMAND, "host", "migrate", domain, "fake://b", "--to-socket", destination.unix]
        with running([*argv, "--socket", source.unix], stderr=subprocess.PIPE, env=environment()) as process:
            eventually(lambda: ("migrate", domain, "fake://b") in source.host.called)
            assert len(there.payloads.of(domain)) == 1
            if how == "cancel":
                done = ask(source, "migrate", domain, "--cancel")
                assert (done.status, done.out) == (0, f"{domain} runs on where it is\n"), done.err
            else:
                process.send_signal(signal.SIGINT)
            assert process.wait(PATIENCE) == 1
            assert process.stderr is not None
            assert b"given up" in process.stderr.read()
        assert here.hypervisor.get(domain).active
        assert (len(here.payloads.of(domain)), here.images()) == (1, before)
        assert (there.payloads.all(), there.hypervisor.list()) == ((), ())


@pytest.fixture
def one(tmp_path: Path) -> Iterator[tuple[PayloadBench, Running, DomainId]]:
    with payload_bench() as bench:
        domain = bench.bench.start()
        with service(tmp_path / "one", bench, domain) as api:
            yield bench, api, domain


def test_media(one: tuple[PayloadBench, Running, DomainId], tmp_path: Path) -> None:
    bench, api, domain = one
    for name in ("a", "b"):
        (tmp_path / name).write_bytes(name.encode() * 512)
        assert ask(api, "volume", "upload", str(tmp_path / name), f"iso/{name}").status == 0
    done = ask(api, "medium", "insert", domain, "hdc", "iso/a")
    assert (done.status, done.out) == (0, f"iso/a is in hdc of {domain}\n"), done.err
    done = ask(api, "medium", "insert", domain, "hdc", "iso/b", "--json")
    assert done.json["error"]["code"] == "drive-not-empty"
    found = ask(api, "medium", "insert", domain, "hdc", "iso/b", "--change", "--json").json["drive"]
    assert found["medium"] == bench.hypervisor.get(domain).drive("hdc").medium
    done = ask(api, "medium", "eject", domain, "hdc", "--force")
    assert (done.status, done.out) == (0, f"hdc of {domain} is empty\n")
    assert ask(api, "medium", "eject", domain, "hdz", "--json").json["error"]["code"] == "drive-not-found"


def test_payloads(one: tuple[PayloadBench, Running, DomainId], tmp_path: Path) -> None:
    bench, api, domain = one
    assert ask(api, "payload", "list", domain).out.count("\n") == 1
    (tmp_path / "ud").write_text(f"#cloud-config\npassword: {CANARY}\n")
    cloud = ("--user-data", str(tmp_path / "ud"), "--instance-id", "i-7", "--hostname", "web7")
    done = ask(api, "payload", "give", domain, *cloud)
    assert (done.status, done.out) == (0, f"{domain} gets it at every start from the next one on\n"), done
    (tmp_path / "win.xml").write_text(UNATTEND)
    given = ask(
        api,
        "payload",
        "give",
        domain,
        "--unattend",
        str(tmp_path / "win.xml"),
        "--run-once",
        "--floppy",
        "--json",
    ).json["payload"]
    assert (given["persistence"], given["wanted"], given["scrub"]) == ("run-once", "floppy", "when-told")
    assert CANARY.encode() not in b"".join(
        one.read_bytes() for one in Path(bench.state).rglob("*") if one.is_file()
    )
    done = ask(api, "payload", "list", domain)
    assert CANARY not in done.out
    assert [line.split()[:2] for line in done.out.splitlines()] == [
        ["WHEN", "FORM"],
        ["permanent", "nocloud"],
        ["run-once", "unattend"],
    ]
    done = ask(api, "payload", "remove", domain, "--run-once", "--json")
    assert [one["persistence"] for one in done.json["payloads"]] == ["permanent"], done
    assert ask(api, "payload", "remove", domain).out == f"{domain} has that payload no more\n"
    assert ask(api, "payload", "remove", domain, "--json").json["error"]["code"] == "host-payload-not-found"
    plain = ask(
        api, "payload", "give", domain, "--file", f"a={tmp_path / 'ud'}", "--volume-id", "MINE", "--json"
    )
    assert (plain.json["payload"]["form"], plain.json["payload"]["label"]) == ("files", "MINE")
    (tmp_path / "ud").write_text("no yaml: [")
    assert ask(api, "payload", "give", domain, *cloud).status == 2


def test_memory(one: tuple[PayloadBench, Running, DomainId]) -> None:
    bench, api, domain = one
    done = ask(api, "memory", domain, "24")
    assert done.status == 0, done.err
    assert "24.0 MiB" in done.out
    assert bench.hypervisor.memory(domain).actual == 24 << 20
    assert ask(api, "memory", domain, "9999").status != 0
    assert ask(api, "memory", domain, "0").status == 2


def test_sysprep(one: tuple[PayloadBench, Running, DomainId], tmp_path: Path) -> None:
    _, api, domain = one
    answers = tmp_path / "unattend.xml"
    answers.write_text("<unattend/>")
    done = ask(api, "sysprep", domain, str(answers), "--deadline", "300", "--json")
    assert done.status == 0, done.err
    told = done.json["job"]["result"]
    assert (told["bytes"], told["filename"], told["deadline"]) == (11, "unattend.xml", 300.0)
    assert ask(api, "sysprep", domain, str(answers)).out == f"{domain} is generalised, and off\n"
    answers.write_bytes(b"\xff")
    assert ask(api, "sysprep", domain, str(answers)).status == 2


def test_about(one: tuple[PayloadBench, Running, DomainId]) -> None:
    _, api, _ = one
    done = ask(api, "about")
    assert done.status == 0, done.err
    assert f"uid:{os.geteuid()}, admin" in done.out
    assert "52:54:00:00:00:01" in done.out
    assert ask(api, "about", "--json").json["about"]["hostname"] == "host1"
