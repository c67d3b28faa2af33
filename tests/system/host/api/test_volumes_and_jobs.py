"""Volumes up and down by ranges with breaks, and their verbs as jobs, with a real storage domain."""

from __future__ import annotations

import hashlib
import os
import random
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import pytest

from guestwright.base.progress import Step
from guestwright.host.api.operations import volumes as volume_operations
from guestwright.host.api.operations.jobs import JobReply, JobsReply
from guestwright.host.api.operations.volumes import Missing, Volumes, volume_endpoints
from guestwright.host.api.wire import wire_type
from guestwright.host.jobs.kind import Kind, Work
from guestwright.host.jobs.model import Job
from guestwright.host.journal import Journal
from guestwright.host.volumes.metadata import Metadata
from guestwright.host.volumes.storage import Storage
from tests.support.api_server import PATIENCE, serving
from tests.support.tools import needs

pytestmark = pytest.mark.system

SIZE = 5 << 20
DATA = random.Random(5).randbytes(SIZE)
TICKET = "ticket-4711"


def slow(work: Work) -> Any:
    work.progress(Step(name="slow", done=0, total=0, text="at it"))
    while True:
        work.check()
        time.sleep(0.01)


@pytest.fixture
def client(tmp_path: Path) -> Iterator[httpx2.Client]:
    journal = Journal()
    kinds = (Kind(name="volume.slow", run=slow), Kind(name="quick", run=lambda _: {"n": 1}))

    def changed(job: Job) -> None:
        journal.publish("job-changed", job.id, {"status": job.status})

    os.mkdir(tmp_path / "state", 0o700)
    with (
        Storage(
            str(tmp_path / "state"),
            {"main": str(tmp_path / "volumes")},
            kinds,
            changed=changed,
        ) as storage,
        serving(
            tmp_path,
            journal=journal,
            jobs=storage.jobs,
            submitted=("volume.slow",),
            more=volume_endpoints(storage.domains),
        ) as api,
        api.client() as client,
    ):
        storage.start()
        yield client


def begin(client: httpx2.Client, name: str = "web1", **more: Any) -> httpx2.Response:
    body = {"volume": name, "ticket": TICKET, "format": "raw", "size": SIZE, "file_size": SIZE, **more}
    return client.post("/v1/storage/main/uploads", json=body)


def send(client: httpx2.Client, start: int, data: bytes, name: str = "web1") -> httpx2.Response:
    place = {"content-range": f"bytes {start}-{start + len(data) - 1}/{SIZE}"}
    path = f"/v1/storage/main/volumes/{name}/content?ticket={TICKET}"
    return client.put(path, content=data, headers=place)


def job(client: httpx2.Client, kind: str, **parameters: Any) -> Any:
    made = client.post("/v1/jobs", json={"kind": kind, "parameters": parameters})
    assert made.status_code == 202, made.text
    ended = client.get(f"/v1/jobs/{made.json()['id']}?wait=50").json()
    assert msgspec.convert(ended, type=wire_type(JobReply)).status.ended
    return ended


def uploaded(client: httpx2.Client, name: str = "web1") -> None:
    assert begin(client, name).status_code == 200
    assert send(client, 0, DATA, name).json() == {"missing": []}
    ended = job(client, "volume.upload-finish", domain="main", volume=name, ticket=TICKET)
    assert ended["status"] == "done", ended


def test_an_upload_in_pieces_with_breaks_and_back(client: httpx2.Client, tmp_path: Path) -> None:
    assert begin(client, sha256=hashlib.sha256(DATA).hexdigest()).json()["state"] == "locked"
    assert (
        begin(client, sha256=hashlib.sha256(DATA).hexdigest()).status_code == 200
    )  # once more, after a break
    late = (2 << 20) + 333
    assert send(client, late, DATA[late:]).json() == {"missing": [[0, late]]}
    early = client.post(
        "/v1/jobs",
        json={
            "kind": "volume.upload-finish",
            "parameters": {"domain": "main", "volume": "web1", "ticket": TICKET},
        },
    ).json()
    assert client.get(f"/v1/jobs/{early['id']}?wait=50").json()["error"]["code"] == "volume-upload-incomplete"
    found = client.get("/v1/storage/main/volumes/web1/upload").json()
    assert msgspec.convert(found, type=wire_type(Missing)).missing == ((0, late),)
    assert send(client, 0, DATA[:late]).json() == {"missing": []}
    ended = job(client, "volume.upload-finish", domain="main", volume="web1", ticket=TICKET)
    assert ended["status"] == "done", ended
    assert (tmp_path / "volumes" / "web1.raw").read_bytes() == DATA
    assert client.get("/v1/storage/main/volumes/web1/content").content == DATA
    listed = client.get("/v1/storage/main/volumes").json()
    assert msgspec.convert(listed, type=wire_type(Volumes)).volumes[0].state == "legal"
    assert client.get("/v1/storage").json()["storage"] == ["main"]


def test_a_download_goes_on_after_a_break_and_only_of_the_same_file(client: httpx2.Client) -> None:
    uploaded(client)
    path = "/v1/storage/main/volumes/web1/content"
    whole = client.head(path)
    assert (whole.status_code, whole.headers["content-length"], whole.content) == (200, str(SIZE), b"")
    tag = whole.headers["etag"]
    part = client.get(path, headers={"range": "bytes=1000000-1999999"})
    assert (part.status_code, part.headers["content-range"]) == (206, f"bytes 1000000-1999999/{SIZE}")
    assert part.content == DATA[1000000:2000000]
    rest = client.get(path, headers={"range": "bytes=3000000-", "if-range": tag})
    assert (rest.status_code, rest.content) == (206, DATA[3000000:])
    other = client.get(path, headers={"range": "bytes=3000000-", "if-range": '"other"'})
    assert (other.status_code, len(other.content)) == (200, SIZE)
    beyond = client.get(path, headers={"range": f"bytes={SIZE}-"})
    assert (beyond.status_code, beyond.headers["content-range"]) == (416, f"bytes */{SIZE}")


@needs("curl")
def test_curl_goes_on_with_a_download_that_broke(client: httpx2.Client, tmp_path: Path) -> None:
    uploaded(client)
    half = tmp_path / "half"
    half.write_bytes(DATA[: SIZE // 2])
    url = "http://host/v1/storage/main/volumes/web1/content"
    argv = ["curl", "-fsS", "--unix-socket", str(tmp_path / "api.sock"), "-C", "-", "-o", str(half), url]
    subprocess.run(argv, check=True, timeout=PATIENCE)
    assert half.read_bytes() == DATA


@pytest.mark.parametrize(
    ("place", "length", "status", "code"),
    [
        ("bytes 0-9/100", 11, 400, "api-bad-request"),
        ("bytes 0-9/100", 9, 400, "api-bad-request"),
        ("bytes 9-0/100", 1, 400, "api-bad-request"),
        (f"bytes {SIZE - 1}-{SIZE}/*", 2, 416, "volume-range"),
    ],
)
def test_uploads_that_are_not_what_they_say(
    client: httpx2.Client, place: str, length: int, status: int, code: str
) -> None:
    begin(client)
    path = f"/v1/storage/main/volumes/web1/content?ticket={TICKET}"
    answer = client.put(path, content=b"x" * length, headers={"content-range": place})
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert len(answer.headers["x-request-id"]) == 26


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("GET", "/v1/storage/none/volumes", None, 404, "volume-domain-not-found"),
        ("GET", "/v1/storage/main/volumes/none", None, 404, "volume-not-found"),
        ("GET", "/v1/storage/main/volumes/none/content", None, 404, "volume-not-found"),
        ("GET", "/v1/storage/main/volumes/..%2fmark", None, 404, "api-no-such-path"),
        ("GET", "/v1/storage/main/volumes/.lock", None, 400, "volume-bad"),
        ("GET", "/v1/storage/main/volumes/web1/content", None, 409, "volume-held"),
        ("PUT", "/v1/storage/main/volumes/web1/content?ticket=other", b"x", 409, "volume-held"),
        ("PUT", "/v1/storage/main/volumes/web1/content", b"x", 400, "api-bad-request"),
        ("PATCH", "/v1/storage/main/volumes/web1", {"generation": 77}, 409, "volume-"),
        ("PATCH", "/v1/storage/main/volumes/web1", {}, 400, "api-bad-request"),
        ("POST", "/v1/storage/main/uploads", {"volume": "x"}, 400, "api-bad-request"),
        ("POST", "/v1/jobs", {"kind": "slow2", "parameters": {}}, 400, "job-kind-unknown"),
        ("POST", "/v1/jobs", {"kind": "quick", "parameters": {}}, 400, "job-kind-unknown"),
        ("GET", "/v1/jobs/none", None, 404, "job-not-found"),
        ("GET", "/v1/jobs/.x", None, 400, "job-bad"),
        ("GET", "/v1/jobs/none?wait=51", None, 400, "api-bad-request"),
        ("POST", "/v1/jobs/none/collect", None, 404, "job-not-found"),
    ],
)
def test_refusals(client: httpx2.Client, method: str, path: str, body: Any, status: int, code: str) -> None:
    begin(client)
    sent = {"content": body} if isinstance(body, bytes) else {} if body is None else {"json": body}
    answer = client.request(method, path, **sent)
    assert answer.status_code == status, answer.text
    assert answer.json()["error"]["code"].startswith(code)


def test_attributes_change_for_who_has_seen_them(client: httpx2.Client) -> None:
    uploaded(client)
    path = "/v1/storage/main/volumes/web1"
    seen = msgspec.convert(client.get(path).json(), type=wire_type(Metadata)).generation
    answer = client.patch(path, json={"generation": seen, "description": "a template", "shared": True})
    assert (answer.json()["description"], answer.json()["kind"]) == ("a template", "shared")
    answer = client.patch(path, json={"generation": seen, "description": "no"})
    assert answer.json()["error"]["code"] == "volume-generation-mismatch"


def test_an_upload_that_is_given_up_is_gone(client: httpx2.Client) -> None:
    begin(client)
    assert client.delete(f"/v1/storage/main/volumes/web1/upload?ticket={TICKET}").json() == {"volume": "web1"}
    assert client.get("/v1/storage/main/volumes/web1").status_code == 404


def test_jobs_are_listed_cancelled_and_collected(client: httpx2.Client, tmp_path: Path) -> None:
    made = job(client, "volume.create", domain="main", volume="empty", format="raw", size=1 << 20)
    assert (made["status"], made["percent"]) == ("done", 100)
    again = client.post(
        "/v1/jobs", json={"kind": made["kind"], "parameters": made["parameters"], "id": made["id"]}
    )
    assert again.json()["id"] == made["id"]
    found = msgspec.convert(client.get("/v1/jobs?status=done").json(), type=wire_type(JobsReply)).jobs
    assert [one.id for one in found] == [made["id"]]
    assert client.post(f"/v1/jobs/{made['id']}/cancel").json()["error"]["code"] == "job-not-active"
    assert client.post(f"/v1/jobs/{made['id']}/collect").json()["result"] == made["result"]
    assert client.get("/v1/jobs").json() == {"jobs": []}


def test_a_job_that_runs_is_cancelled(client: httpx2.Client) -> None:
    made = client.post("/v1/jobs", json={"kind": "volume.slow", "parameters": {}}).json()
    assert client.post(f"/v1/jobs/{made['id']}/collect").json()["error"]["code"] == "job-not-ended"
    while client.get(f"/v1/jobs/{made['id']}").json()["text"] != "at it":
        time.sleep(0.01)
    assert client.post(f"/v1/jobs/{made['id']}/cancel").status_code == 200
    assert client.get(f"/v1/jobs/{made['id']}?wait=50").json()["status"] == "aborted"


def test_transfers_are_counted_and_given_back(client: httpx2.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    uploaded(client)
    path = "/v1/storage/main/volumes/web1/content"
    for _ in range(volume_operations.TRANSFERS_MAX + 1):
        assert client.get(path, headers={"range": "bytes=0-0"}).status_code == 206
        assert client.get(path, headers={"range": f"bytes={SIZE}-"}).status_code == 416
        assert client.put(f"{path}?ticket=x", content=b"").status_code == 409
    with client.stream("GET", path) as stream:
        next(stream.iter_raw(1000))
    assert client.get(path).content == DATA
