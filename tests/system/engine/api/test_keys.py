"""Every operation that makes something, sent twice with one Idempotency-Key."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.support.engine_api import PASSWORD, ApiStand, standing

pytestmark = pytest.mark.system

PATIENCE = 120.0
KEY = {"Idempotency-Key": "order 4711"}
BODIES: dict[str, dict[str, Any]] = {
    "/hosts": {"name": "one", "address": "host.lan:8421"},
    "/users": {"name": "bob", "password": PASSWORD, "role": "viewer"},
    "/payloads": {"name": "seed", "files": {"motd": "aGVsbG8="}},
}


@pytest.fixture
def stand(tmp_path: Path) -> Iterator[ApiStand]:
    with standing(tmp_path) as made:
        yield made


@pytest.fixture
def client(stand: ApiStand) -> Iterator[TestClient]:
    with stand.admin() as made:
        yield made


def same(one: Any, two: Any) -> None:
    """Two answers are the same but for the number of the request."""
    assert one.status_code == two.status_code == 201, (one.text, two.text)
    assert one.content == two.content
    for name in ("etag", "location", "content-type"):
        assert one.headers.get(name) == two.headers.get(name)
    assert one.headers["x-request-id"] != two.headers["x-request-id"]


@pytest.mark.parametrize("path", BODIES)
def test_the_same_key_is_the_same_answer(client: TestClient, path: str) -> None:
    before = len(client.get(path).json()["items"])
    answers = [client.post(path, json=BODIES[path], headers=KEY) for _ in range(3)]
    same(*answers[:2])
    same(*answers[1:])
    assert len(client.get(path).json()["items"]) == before + 1
    other = client.post(path, json={**BODIES[path], "name": "other"}, headers=KEY)
    assert (other.status_code, other.json()["code"]) == (409, "api-key-reused")
    without = client.post(path, json=BODIES[path])
    assert (without.status_code, without.json()["code"]) == (409, "inventory-taken")


def test_of_a_payload_for_a_machine(stand: ApiStand, client: TestClient) -> None:
    vm = stand.vm("web")
    payload = client.post("/payloads", json=BODIES["/payloads"]).json()["id"]
    path, body = f"/vms/{vm.id}/payloads", {"payload": payload}
    same(client.post(path, json=body, headers=KEY), client.post(path, json=body, headers=KEY))
    assert len(client.get(path).json()["items"]) == 1
    elsewhere = client.post(f"/vms/{stand.vm('db').id}/payloads", json=body, headers=KEY)
    assert elsewhere.json()["code"] == "api-key-reused"


def test_a_guest_is_generalised_once(stand: ApiStand, client: TestClient) -> None:
    path, body = f"/vms/{stand.vm('web').id}/sysprep", {"answers": "canary-of-answers"}
    answers = [client.post(path, json=body, headers=KEY) for _ in range(2)]
    assert [one.status_code for one in answers] == [202, 202]
    assert answers[0].content == answers[1].content
    assert [one[0] for one in stand.guests.asked] == ["sysprep"]
    other = client.post(path, json={"answers": "others"}, headers=KEY)
    assert other.json()["code"] == "api-key-reused"
    assert not any(b"canary-of-answers" in one.read_bytes() for one in stand.directory.glob("engine.db*"))


def test_a_token_is_told_once(stand: ApiStand, client: TestClient) -> None:
    body = {"name": "ci", "seconds": 60}
    made = client.post("/tokens", json=body, headers=KEY)
    assert made.status_code == 201
    again = client.post("/tokens", json=body, headers=KEY)
    assert (again.status_code, again.json()["code"]) == (409, "api-answer-not-kept")
    secrets = (made.json()["token"], PASSWORD)
    assert client.post("/users", json=BODIES["/users"], headers=KEY).status_code == 201
    files = [path.read_bytes() for path in stand.directory.glob("engine.db*")]
    assert files
    for secret in secrets:
        assert not any(secret.encode() in data for data in files)


def test_what_was_refused_is_tried_again(client: TestClient) -> None:
    body = {"payload": "none"}
    for _ in range(2):
        assert client.post("/vms/none/payloads", json=body, headers=KEY).status_code == 404


def test_at_the_same_moment_one_is_made(client: TestClient) -> None:
    answers: list[Any] = []
    body = BODIES["/users"]  # whose password takes a while
    threads = [
        threading.Thread(target=lambda: answers.append(client.post("/users", json=body, headers=KEY)))
        for _ in range(6)
    ]
    for one in threads:
        one.start()
    for one in threads:
        one.join(PATIENCE)
    codes = {one.json().get("code", "made") for one in answers}
    assert "made" in codes
    assert codes <= {"made", "api-key-under-way"}
    assert len([one for one in client.get("/users").json()["items"] if one["name"] == "bob"]) == 1
