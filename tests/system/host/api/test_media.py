"""Payloads and media over HTTP, with real payloads, a storage domain and the fake hypervisor; sysprep."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import pytest

from guestwright.base.record import replace
from guestwright.host.api.operations.drives import drive_endpoints
from guestwright.host.api.operations.images import image_path
from guestwright.host.api.operations.payloads import PayloadReply, payload_endpoints
from guestwright.host.api.operations.sysprep import sysprep_endpoints
from guestwright.host.api.wire import wire_type
from guestwright.host.capabilities import Operation
from guestwright.host.jobs.jobs import Jobs
from guestwright.host.jobs.kind import Kind
from guestwright.host.jobs.model import Job
from guestwright.host.volumes.storage import Storage
from guestwright.hypervisor.domain import DomainId
from tests.support.api_server import Running, serving
from tests.support.host_service import ScriptedHost
from tests.support.payload_bench import CANARY, PayloadBench, on_medium, payload_bench

pytestmark = pytest.mark.system
USER_DATA = base64.b64encode(f"#cloud-config\npassword: {CANARY}\n".encode()).decode()
CLOUD = {"form": "nocloud", "files": {"user-data": USER_DATA}, "instance_id": "i-1", "hostname": "web1"}


class Submitted:
    """Notes what is submitted, under the real jobs."""

    def __init__(self) -> None:
        self.answers: list[tuple[str, bytes, str, float]] = []

    def submit(
        self, jobs: Jobs, domain: DomainId, answers: bytes, *, filename: str, deadline: float, job: str
    ) -> Job:
        self.answers.append((domain, answers, filename, deadline))
        return jobs.submit("guest.sysprep", {"domain": domain}, job=job)


@pytest.fixture
def bench() -> Iterator[PayloadBench]:
    with payload_bench() as one:
        yield one


@pytest.fixture
def domain(bench: PayloadBench) -> str:
    return str(bench.bench.define())


@pytest.fixture
def submitted() -> Submitted:
    return Submitted()


@pytest.fixture
def api(tmp_path: Path, bench: PayloadBench, domain: str, submitted: Submitted) -> Iterator[Running]:
    host = ScriptedHost()
    known = next(iter(host.known.values()))
    host.known[domain] = replace(known, domain=bench.hypervisor.get(DomainId(domain)))
    os.mkdir(tmp_path / "state", 0o700)
    paths = {"main": str(tmp_path / "volumes")}
    sysprep = Kind(name="guest.sysprep", run=lambda _: None)
    with Storage(str(tmp_path / "state"), paths, (sysprep,)) as storage:
        storage.start()
        more = (
            *payload_endpoints(
                host, bench.payloads, lambda body: image_path(storage.domains, body), storage.jobs
            ),
            *drive_endpoints(host, bench.hypervisor, storage.domains),
            *sysprep_endpoints(host, storage.jobs, submitted),
        )
        with (
            serving(tmp_path, host=host, jobs=storage.jobs, more=more) as running,
            running.client() as client,
        ):
            body = {"domain": "main", "volume": "disc", "format": "raw", "size": 1 << 20}
            job = client.post("/v1/jobs", json={"kind": "volume.create", "parameters": body}).json()
            assert client.get(f"/v1/jobs/{job['id']}?wait=50").json()["status"] == "done"
            yield running


@pytest.fixture
def client(api: Running) -> Iterator[httpx2.Client]:
    with api.client() as client:
        yield client


def code(answer: httpx2.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def test_a_payload_from_its_definition_to_its_end(
    client: httpx2.Client, bench: PayloadBench, domain: str
) -> None:
    one = f"/v1/domains/{domain}/payloads"
    made = client.put(f"{one}/run-once", json=CLOUD)
    assert msgspec.convert(made.json(), type=wire_type(PayloadReply)).state == "defined"
    assert CANARY not in made.text
    assert USER_DATA not in made.text
    bench.payloads.start(DomainId(domain))
    (shown,) = client.get(one).json()["payloads"]
    assert (shown["inside"], shown["label"].lower()) == (True, "cidata")
    target = shown["place"]["target"]
    medium = bench.hypervisor.get(DomainId(domain)).drive(target).medium
    assert CANARY.encode() in on_medium(medium, "/user-data")
    assert os.path.basename(medium) not in client.get(one).text
    assert code(client.put(f"{one}/run-once", json=CLOUD)) == (409, "host-payload-in-use")
    changed = client.put(f"{one}/run-once/medium", json={"storage": "main", "volume": "disc"})
    assert changed.json()["inside"] is False
    assert bench.hypervisor.get(DomainId(domain)).drive(target).medium.endswith("/disc.raw")
    assert client.delete(f"{one}/run-once").json() == {"payloads": []}
    assert code(client.delete(f"{one}/run-once")) == (404, "host-payload-not-found")


def test_a_payload_that_is_consumed(client: httpx2.Client, bench: PayloadBench, domain: str) -> None:
    one = f"/v1/domains/{domain}/payloads/permanent"
    assert client.put(one, json=CLOUD).status_code == 200
    bench.payloads.start(DomainId(domain))
    assert client.post(f"{one}/consumed").json()["state"] == "scrubbed"
    place = client.get(f"/v1/domains/{domain}/payloads").json()["payloads"][0]["place"]
    medium = bench.hypervisor.get(DomainId(domain)).drive(place["target"]).medium
    assert CANARY.encode() not in on_medium(medium, "/user-data")


@pytest.mark.parametrize(
    ("change", "status", "expected"),
    [
        ({"form": "nocloud", "files": {}}, 400, "api-bad-request"),
        ({"files": {"user-data": USER_DATA, "x": ""}}, 400, "api-bad-request"),
        ({"form": "unattend", "files": {}}, 400, "api-bad-request"),
        ({"form": "paper"}, 400, "api-bad-request"),
        ({"wanted": "disk"}, 400, "api-bad-request"),
        ({"files": {"user-data": "%"}}, 400, "api-bad-request"),
        ({"form": "files", "files": {"../../etc/passwd": USER_DATA}}, 400, "payload-"),
        ({"form": "ignition", "files": {"x": USER_DATA}}, 400, "payload-"),
    ],
)
def test_payloads_that_nobody_could_read(
    client: httpx2.Client, domain: str, change: Any, status: int, expected: str
) -> None:
    answer = client.put(f"/v1/domains/{domain}/payloads/run-once", json={**CLOUD, **change})
    assert answer.status_code == status, answer.text
    assert answer.json()["error"]["code"].startswith(expected), answer.text
    assert client.get(f"/v1/domains/{domain}/payloads").json() == {"payloads": []}


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/v1/domains/00000000-0000-4000-8000-000000000000/payloads", (404, "domain-not-found")),
        ("POST", "/payloads/sometimes/show", (400, "api-bad-request")),
        ("POST", "/payloads/permanent/show", (404, "host-payload-not-found")),
        ("DELETE", "/drives/zzz", (404, "drive-not-found")),
    ],
)
def test_refusals(
    client: httpx2.Client, domain: str, method: str, path: str, expected: tuple[int, str]
) -> None:
    url = path if path.startswith("/v1") else f"/v1/domains/{domain}{path}"
    assert code(client.request(method, url)) == expected


def test_an_image_from_storage_goes_in_and_out(
    client: httpx2.Client, api: Running, bench: PayloadBench, domain: str
) -> None:
    bench.hypervisor.start(DomainId(domain))
    drive = f"/v1/domains/{domain}/drives/hdc"
    put = client.put(drive, json={"storage": "main", "volume": "disc"})
    assert put.json()["medium"].endswith("/disc.raw")
    assert api.host.claimed == [Operation.CD_INSERT]
    assert code(client.put(drive, json={"storage": "main", "volume": "none"})) == (404, "volume-not-found")
    assert code(client.put(drive, json={"storage": "x", "volume": "disc"})) == (
        404,
        "volume-domain-not-found",
    )
    bad = client.put(drive, json={"storage": "main", "volume": "../../etc/passwd"})
    assert code(bad) == (400, "volume-bad")
    assert client.delete(f"{drive}?force=true").json()["medium"] == ""
    bench.hypervisor.stop(DomainId(domain))
    halted = client.put(drive, json={"storage": "main", "volume": "disc", "change": True})
    assert halted.json()["medium"].endswith("/disc.raw")
    assert bench.hypervisor.defined(DomainId(domain)).drive("hdc").medium.endswith("/disc.raw")
    assert client.delete(drive).json()["medium"] == ""
    api.host.refused.add(Operation.CD_INSERT)
    refused = client.put(drive, json={"storage": "main", "volume": "disc"})
    assert code(refused) == (409, "host-operation-refused")


def test_a_sysprep_is_a_job_and_its_answers_are_nowhere(
    client: httpx2.Client, api: Running, domain: str, submitted: Submitted
) -> None:
    one = f"/v1/domains/{domain}/sysprep"
    made = client.post(one, json={"answers": CANARY, "deadline": 90, "id": "mine-1"})
    assert (made.status_code, made.json()["kind"], made.json()["id"]) == (202, "guest.sysprep", "mine-1")
    assert submitted.answers == [(domain, CANARY.encode(), "unattend.xml", 90.0)]
    assert CANARY not in made.text + client.get("/v1/jobs").text
    api.host.refused.add(Operation.SYSPREP)
    assert code(client.post(one, json={"answers": CANARY})) == (409, "host-operation-refused")
    for wrong in (
        {},
        {"answers": ""},
        {"answers": "x", "filename": "../x"},
        {"answers": "x", "deadline": 0},
        {"answers": "x", "id": "../x"},
    ):
        assert code(client.post(one, json=wrong)) == (400, "api-bad-request")
    assert len(submitted.answers) == 1
