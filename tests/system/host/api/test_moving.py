"""A domain goes from one host to another over both services' APIs, with what is on its payloads."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from guestwright.base.record import replace
from guestwright.host.acting.migration_job import MigrationJobs
from guestwright.host.api.operations.moving import moving_endpoints
from guestwright.host.capabilities import Operation
from guestwright.host.client.address import UnixAddress
from guestwright.host.client.client import HostClient
from guestwright.host.client.errors import HostRefused
from guestwright.host.client.moving import migrate
from guestwright.host.media.model import Persistence, State
from guestwright.host.volumes.storage import Storage
from guestwright.hypervisor.domain import DomainId
from guestwright.hypervisor.errors import MigrationRefused
from guestwright.hypervisor.events import EventKind
from tests.support.agent_process import eventually
from tests.support.api_server import Running, serving
from tests.support.host_service import ScriptedHost
from tests.support.payload_bench import CANARY, PayloadBench, payload_bench, plain

pytestmark = pytest.mark.system


@contextmanager
def service(directory: Path, bench: PayloadBench, *domains: DomainId) -> Iterator[Running]:
    """The API of a host."""
    host = ScriptedHost()
    known = next(iter(host.known.values()))
    for one in domains:
        host.known[one] = replace(known, domain=bench.hypervisor.get(one))
    host.moves, host.stops = bench.hypervisor.migrate, bench.hypervisor.cancel_migration
    moves = MigrationJobs(host)
    os.makedirs(directory / "state", 0o700, exist_ok=True)
    with Storage(str(directory / "state"), {}, (moves.kind,)) as storage:
        storage.start()
        more = moving_endpoints(host, bench.payloads, storage.jobs)
        with serving(directory, host=host, jobs=storage.jobs, more=more) as running:
            yield running


def client(running: Running) -> HostClient:
    return HostClient(UnixAddress(path=running.unix))


@contextmanager
def two_hosts(directory: Path) -> Iterator[tuple[DomainId, PayloadBench, PayloadBench, Running, Running]]:
    """A domain that runs on the first, with a permanent payload."""
    worlds: dict[str, object] = {}
    with ExitStack() as stack:
        here = stack.enter_context(payload_bench("fake://a", worlds))
        there = stack.enter_context(payload_bench("fake://b", worlds, run=here.run + "-of-b"))
        domain = here.bench.define()
        here.payloads.define(domain, plain(), Persistence.PERMANENT)
        source = stack.enter_context(service(directory / "a", here, domain))
        destination = stack.enter_context(service(directory / "b", there))
        yield domain, here, there, source, destination


def test_a_domain_moves_with_its_payload(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with two_hosts(tmp_path) as (domain, here, there, source, destination):
        here.payloads.start(domain)
        (image,) = here.images()
        before = Path(here.run, image).read_bytes()
        with client(source) as first, client(destination) as second:
            handed = first.post(f"/v1/domains/{domain}/payloads-hand-over")
            place = f"/v1/incoming/{domain}/payloads"
            with pytest.raises(HostRefused, match="but in"):
                second.ask("PUT", place, handed)
            # Two hosts have a directory each, of one path; here the source's is moved out of the way.
            os.rename(here.run, here.run + "-source")
            os.rename(there.run, here.run)
            object.__setattr__(there.payloads.shelf, "directory", here.run)
            (kept,) = second.ask("PUT", place, handed)["payloads"]
            assert (kept["state"], kept["inside"]) == ("attached", True)
            assert Path(here.run, image).read_bytes() == before
            job = first.post(f"/v1/domains/{domain}/migrate", {"destination": "fake://b"})
            job = first.job(job["id"], 50)
            assert (job["status"], job["result"]) == ("done", {"destination": "fake://b"})
            assert source.host.claimed == [Operation.MIGRATE]
            assert CANARY not in str(first.jobs())
        while there.events and there.events[0].kind is not EventKind.STARTED:
            there.events.pop(0)
        there.following.happened(there.events[0])
        (entry,) = there.payloads.of(domain)
        assert (entry.state, entry.incoming) == (State.ATTACHED, 0.0)
        assert there.medium(domain, entry) == os.path.join(here.run, image)
        there.hypervisor.stop(domain)
        os.rename(here.run, there.run)
        os.rename(here.run + "-source", here.run)
        handed_out = handed["payloads"][0]["contents"]
        assert CANARY not in caplog.text
        assert handed_out[:60] not in caplog.text


def test_a_domain_that_stays(tmp_path: Path) -> None:
    with two_hosts(tmp_path) as (domain, here, there, source, destination):

        def refuse(*_: object) -> None:
            raise MigrationRefused(domain=domain, destination="fake://b", detail="as the test wants")

        source.host.moves = refuse
        object.__setattr__(there.payloads.shelf, "directory", here.run)
        with client(source) as first, client(destination) as second:
            job = migrate(first, second, domain, "fake://b")
            assert (job["status"], job["error"]["code"]) == ("failed", "migration-refused")
            assert there.payloads.all() == ()
            source.host.refused.add(Operation.MIGRATE)
            with pytest.raises(HostRefused, match="it is a test"):
                migrate(first, second, domain, "fake://b")
            assert there.payloads.all() == ()
            assert len(here.payloads.of(domain)) == 1


def test_what_the_source_has_not_handed_out(tmp_path: Path) -> None:
    with two_hosts(tmp_path) as (domain, _, there, source, destination):
        with client(source) as first, client(destination) as second:
            handed = first.post(f"/v1/domains/{domain}/payloads-hand-over")
            other = "0c6f5c5e-7a3a-4a43-9e0e-2f1f3f3d9a01"
            bad = {"directory": there.run, "entry": "e30=", "contents": ""}
            for uuid, body in ((other, handed), (domain, {"payloads": [bad]})):
                with pytest.raises(HostRefused) as caught:
                    second.ask("PUT", f"/v1/incoming/{uuid}/payloads", body)
                assert caught.value.code == "api-bad-request"
                assert caught.value.__context__ is None or CANARY not in str(caught.value)
            with pytest.raises(HostRefused):
                first.post(f"/v1/domains/{domain}/migrate", {"destination": "no uri"})
        assert there.payloads.all() == ()


def test_a_service_that_ends_calls_the_move_off_and_the_next_begins_it_again(tmp_path: Path) -> None:
    with two_hosts(tmp_path) as (domain, here, there, _, _):
        here.hypervisor.start(domain)
        guest = here.hypervisor.guest(domain)
        guest.busy = True
        with service(tmp_path / "c", here, domain) as first, client(first) as asked:
            job = asked.post(f"/v1/domains/{domain}/migrate", {"destination": "fake://b"})
            eventually(lambda: any(one[0] == "migrate" for one in first.host.called))
        assert here.hypervisor.get(domain).active
        assert not here.hypervisor.cancel_migration(domain)
        with service(tmp_path / "c", here, domain) as second, client(second) as asked:
            assert asked.job(job["id"])["status"] == "running"
            guest.busy = False
            assert asked.job(job["id"], 50)["status"] == "done"
            assert asked.job(job["id"])["attempt"] == 2
        assert there.hypervisor.get(domain).active
