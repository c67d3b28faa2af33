"""Payloads by ranges over HTTP, and versions that go."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from guestwright.engine.api.operations.payloads import BODY_MAX
from guestwright.engine.inventory.choices import Role
from guestwright.media.sources.files import LIMITS
from tests.support.engine_api import ApiStand, standing

pytestmark = pytest.mark.system

FILES = {"first.sh": b"#!/bin/sh\n", "data/b": bytes(range(256)) * 4, "empty": b""}
DATA = b"".join(FILES.values())
BODY: dict[str, Any] = {
    "name": "web",
    "files": [{"name": name, "size": len(data)} for name, data in FILES.items()],
}


@pytest.fixture
def stand(tmp_path: Path) -> Iterator[ApiStand]:
    with standing(tmp_path) as made:
        yield made


@pytest.fixture
def client(stand: ApiStand) -> Iterator[TestClient]:
    with stand.admin() as made:
        yield made


def begun(client: TestClient, **more: Any) -> str:
    answer = client.post("/payloads/uploads", json={**BODY, **more})
    assert answer.status_code == 201, answer.text
    where = f"/payloads/uploads/{answer.json()['id']}"
    assert answer.headers["location"] == f"/api/v1{where}"
    return where


def put(client: TestClient, where: str, data: bytes, start: int = 0, total: Any = "*") -> Any:
    headers = {"Content-Range": f"bytes {start}-{start + len(data) - 1}/{total}"}
    return client.put(f"{where}/content", content=data, headers=headers)


def contents(client: TestClient, payload: str) -> dict[str, bytes]:
    found = client.get(f"/payloads/{payload}/contents").json()["files"]
    return {name: base64.b64decode(data) for name, data in found.items()}


def test_a_payload_arrives_in_pieces(client: TestClient) -> None:
    where, size = begun(client), len(DATA)
    assert put(client, where, DATA[500:], 500, size).json()["missing"] == [[0, 500]]
    early = client.post(f"{where}/finish", json={})
    assert (early.status_code, early.json()["code"]) == (409, "payload-upload-incomplete")
    assert client.get(where).json()["missing"] == [[0, 500]]
    assert [one["missing"] for one in client.get("/payloads/uploads").json()["items"]] == [None]
    shown = put(client, where, DATA[:500]).json()
    assert (shown["missing"], shown["size"], shown["author"]) == ([], size, "admin0")
    wrong = client.post(f"{where}/finish", json={"sha256": "0" * 64})
    assert (wrong.status_code, wrong.json()["code"]) == (409, "payload-upload-differs")
    made = client.post(f"{where}/finish", json={"sha256": hashlib.sha256(DATA).hexdigest()})
    payload = made.json()["id"]
    assert (made.status_code, made.headers["location"]) == (201, f"/api/v1/payloads/{payload}")
    assert (made.json()["name"], made.json()["current"]) == ("web", 1)
    assert contents(client, payload) == FILES
    assert client.get(where).status_code == 404


def test_without_a_range_it_is_all_of_it(client: TestClient) -> None:
    where = begun(client)
    assert client.put(f"{where}/content", content=DATA).json()["missing"] == []
    assert client.post(f"{where}/finish", json={}).status_code == 201


def test_a_version_of_what_is_there(client: TestClient) -> None:
    there = client.post("/payloads", json={"name": "web", "files": {"a": "MQ=="}}).json()
    where = begun(client, name="", payload=there["id"], payload_version=there["version"])
    put(client, where, DATA)
    assert client.post(f"{where}/finish", json={}).json()["current"] == 2
    assert contents(client, there["id"]) == FILES
    late = client.post(
        "/payloads/uploads", json={**BODY, "name": "", "payload": there["id"], "payload_version": 1}
    )
    assert (late.status_code, late.json()["code"]) == (412, "inventory-changed-meanwhile")


def test_what_is_larger_than_one_request(stand: ApiStand, client: TestClient) -> None:
    stand.parts.payloads.limits = LIMITS
    data = bytes(range(251)) * 40_000
    assert len(data) > 3 * BODY_MAX
    whole = client.post("/payloads", json={"name": "big", "files": {"a": base64.b64encode(data).decode()}})
    assert whole.status_code == 413
    where = begun(client, name="big", files=[{"name": "a", "size": len(data)}])
    for start in range(0, len(data), 5_000_000):
        assert put(client, where, data[start : start + 5_000_000], start).status_code == 200
    payload = client.post(f"{where}/finish", json={}).json()["id"]
    assert contents(client, payload) == {"a": data}


def test_the_same_key_is_the_same_upload_and_the_same_payload(client: TestClient) -> None:
    key = {"Idempotency-Key": "k"}
    made = [client.post("/payloads/uploads", json=BODY, headers=key) for _ in range(2)]
    assert made[0].content == made[1].content
    assert len(client.get("/payloads/uploads").json()["items"]) == 1
    where = f"/payloads/uploads/{made[0].json()['id']}"
    put(client, where, DATA)
    ends = [client.post(f"{where}/finish", json={}, headers=key) for _ in range(2)]
    assert [one.status_code for one in ends] == [201, 201]
    assert ends[0].content == ends[1].content
    assert len(client.get("/payloads").json()["items"]) == 1


@pytest.mark.parametrize(
    ("headers", "data", "status", "code"),
    [
        ({"Content-Range": "bytes 0-9/7"}, b"x" * 10, 416, "payload-upload-outside"),
        ({"Content-Range": f"bytes 0-{len(DATA)}/*"}, DATA + b"x", 416, "payload-upload-outside"),
        ({"Content-Range": f"bytes {len(DATA)}-{len(DATA)}/*"}, b"x", 416, "payload-upload-outside"),
        ({"Content-Range": "bytes 9-0/*"}, b"x", 400, "api-bad-request"),
        ({"Content-Range": "bytes 0-9/*"}, b"x", 400, "api-bad-request"),
        ({"Content-Range": "bytes 0-0/*"}, b"xx", 400, "api-bad-request"),
        ({"Content-Range": "nonsense"}, b"x", 400, "api-bad-request"),
    ],
    ids=["size", "long", "behind", "backwards", "few", "many", "words"],
)
def test_ranges_that_are_none(
    client: TestClient, headers: dict[str, str], data: bytes, status: int, code: str
) -> None:
    where = begun(client)
    answer = client.put(f"{where}/content", content=data, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


@pytest.mark.parametrize(
    ("more", "status", "code"),
    [
        ({"files": []}, 400, "api-bad-request"),
        ({"files": [{"name": "a", "size": -1}]}, 400, "api-bad-request"),
        ({"files": [{"name": "../a", "size": 1}]}, 400, "payload-bad-name"),
        ({"files": [{"name": "a", "size": 1}, {"name": "A", "size": 1}]}, 400, "payload-bad-name"),
        ({"files": [{"name": "a", "size": 20_000}]}, 413, "payload-too-large"),
        ({"name": ""}, 422, "payload-upload-bad"),
        ({"payload": "x"}, 422, "payload-upload-bad"),
        ({"name": "", "payload": "x"}, 404, "inventory-not-found"),
        ({"name": "a\nb"}, 400, "api-bad-request"),
    ],
    ids=str,
)
def test_what_is_not_begun(client: TestClient, more: dict[str, Any], status: int, code: str) -> None:
    answer = client.post("/payloads/uploads", json={**BODY, **more})
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert client.get("/payloads/uploads").json()["items"] == []


def test_it_is_given_up(stand: ApiStand, client: TestClient) -> None:
    where = begun(client)
    put(client, where, DATA[:10])
    assert client.delete(where).status_code == 204
    assert {client.get(where).status_code, put(client, where, DATA).status_code} == {404}
    assert client.delete(where).status_code == 404
    lines = [one["action"] for one in client.get("/audit").json()["items"]]
    assert {"payload-upload-begin", "payload-upload-abandon"} <= set(lines)
    assert "payload-upload-write" not in lines


def test_old_versions_go(stand: ApiStand, client: TestClient) -> None:
    payload = client.post("/payloads", json={"name": "web", "files": {"a": "MQ=="}}).json()["id"]
    client.put(f"/payloads/{payload}", json={"files": {"a": "Mg=="}})
    vm = stand.vm("web").id
    use = client.post(f"/vms/{vm}/payloads", json={"payload": payload, "version": 1}).json()
    versions = f"/payloads/{payload}/versions"
    for number in (1, 2):
        answer = client.delete(f"{versions}/{number}")
        assert (answer.status_code, answer.json()["code"]) == (409, "payload-object-version-used")
    for odd in ("3", "x", "0x1", "-1", "9" * 40, "%C2%B2"):
        answer = client.delete(f"{versions}/{odd}")
        assert (answer.status_code, answer.json()["code"]) == (404, "payload-object-no-version")
    assert client.delete(f"/vms/{vm}/payloads/{use['id']}").status_code == 204
    assert client.delete(f"{versions}/1").status_code == 204
    assert [one["number"] for one in client.get(versions).json()["items"]] == [2]
    viewer = {"Authorization": f"Bearer {stand.token(stand.user('eve', Role.VIEWER))}"}
    assert client.delete(f"{versions}/2", headers=viewer).status_code == 403
