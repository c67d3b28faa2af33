"""Requests that are wrong, hostile, repeated or late: what is answered, and that nothing breaks."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from guestwright.engine.accounts import tokens
from guestwright.engine.inventory.choices import Role
from tests.support.engine_api import PASSWORD, ApiStand, standing

pytestmark = pytest.mark.system
PATIENCE = 60.0
JSON = {"Content-Type": "application/json"}
DEEP = b"[" * 50_000


@pytest.fixture
def stand(tmp_path: Path) -> Iterator[ApiStand]:
    with standing(tmp_path) as one:
        yield one


@pytest.fixture
def client(stand: ApiStand) -> Iterator[TestClient]:
    with stand.admin() as one:
        yield one


HOSTILE: dict[str, tuple[dict[str, Any], int, str]] = {
    "no-such-path": ({"url": "/nope"}, 404, "api-no-such-path"),
    "method": ({"method": "PUT", "url": "/vms"}, 405, "api-method-not-allowed"),
    "odd-method": ({"method": "BREW", "url": "/vms"}, 405, "api-method-not-allowed"),
    "malformed": (
        {"method": "POST", "url": "/hosts", "content": b"{", "headers": JSON},
        400,
        "api-bad-request",
    ),
    "no-utf8": (
        {"method": "POST", "url": "/hosts", "content": b'"\xff"', "headers": JSON},
        400,
        "api-bad-request",
    ),
    "deep": ({"method": "POST", "url": "/hosts", "content": DEEP, "headers": JSON}, 400, "api-bad-request"),
    "nan": (
        {"method": "POST", "url": "/tokens", "content": b'{"name":"x","seconds":NaN}', "headers": JSON},
        *(400, "api-bad-request"),
    ),
    "form": ({"method": "POST", "url": "/hosts", "data": {"name": "x"}}, 415, "api-not-json"),
    "large": (
        {"method": "POST", "url": "/hosts", "content": b" " * 70_000, "headers": JSON},
        413,
        "api-body-too-large",
    ),
    "body-where-none-is": ({"method": "POST", "url": "/logout", "content": b"x"}, 400, "api-bad-request"),
    "much-where-none-is": ({"method": "POST", "url": "/logout", "content": b"xx"}, 413, "api-body-too-large"),
    "unknown-field": (
        {"method": "POST", "url": "/hosts", "json": {"name": "x", "admin": True}},
        400,
        "api-bad-request",
    ),
    "lone-surrogate": (
        {
            "method": "POST",
            "url": "/hosts",
            "content": b'{"name":"\\ud800","address":"x:1"}',
            "headers": JSON,
        },
        *(400, "api-bad-request"),
    ),
    "control-characters": (
        {"method": "POST", "url": "/hosts", "json": {"name": "a\nb", "address": "x:1"}},
        *(400, "api-bad-request"),
    ),
    "query-twice": ({"url": "/vms?limit=1&limit=2"}, 400, "api-bad-request"),
    "query-unknown": ({"url": "/vms?order=name"}, 400, "api-bad-request"),
    "query-where-none-is": ({"url": "/whoami?x=1"}, 400, "api-bad-request"),
    "query-long": ({"url": "/vms?cursor=" + "x" * 5000}, 400, "api-bad-request"),
    "limit-low": ({"url": "/vms?limit=0"}, 400, "api-bad-request"),
    "limit-high": ({"url": "/vms?limit=1001"}, 400, "api-bad-request"),
    "cursor-none": ({"url": "/vms?cursor=aaaa"}, 400, "inventory-bad-query"),
    "cursor-of-another-order": (
        {"url": "/vms?sort=-created&cursor=WyJuYW1lIixmYWxzZSwieCIsInkiXQ"},
        400,
        "inventory-bad-query",
    ),
    "sort-unknown": ({"url": "/vms?sort=password"}, 400, "inventory-bad-query"),
    "filter-none": ({"url": "/vms?filter=name"}, 400, "api-bad-request"),
    "filter-unknown": ({"url": "/vms?filter=nope=1"}, 400, "inventory-bad-query"),
    "filter-hidden": ({"url": "/users?filter=password~*"}, 400, "inventory-bad-query"),
    "filter-value": ({"url": "/vms?filter=power=on"}, 400, "inventory-bad-query"),
    "filters-many": ({"url": "/vms?" + "&".join(["filter=name=x"] * 17)}, 400, "inventory-bad-query"),
    "filter-nul": ({"url": "/vms?filter=name=%00"}, 400, "inventory-bad-query"),
    "filter-injection": ({"url": "/vms?filter=name'%20OR%201=1"}, 400, "api-bad-request"),
    "id-nul": ({"url": "/vms/%00"}, 404, "inventory-not-found"),
    "id-long": ({"url": "/vms/" + "x" * 3000}, 404, "inventory-not-found"),
    "id-dots": ({"url": "/vms/%2e%2e%2fusers"}, 404, "api-no-such-path"),
    "job-none": ({"url": "/jobs/nothing"}, 404, "durable-job-not-found"),
    "job-odd": ({"url": "/jobs/%C3%A9%00"}, 404, "durable-job-not-found"),
    "wait-long": ({"url": "/jobs/x?wait=5000"}, 400, "api-bad-request"),
    "event-place": ({"url": "/events?after=x%0Ay"}, 400, "inventory-bad-token"),
    "weak-password": (
        {"method": "POST", "url": "/users", "json": {"name": "bob", "password": "short"}},
        *(422, "account-bad-password"),
    ),
    "bad-user": (
        {"method": "POST", "url": "/users", "json": {"name": "../x", "password": "x" * 20}},
        *(422, "account-bad-name"),
    ),
    "payload-path": (
        {"method": "POST", "url": "/payloads", "json": {"name": "p", "files": {"../../etc/passwd": "eA=="}}},
        *(400, "payload-bad-name"),
    ),
    "payload-no-base64": (
        {"method": "POST", "url": "/payloads", "json": {"name": "p", "files": {"x": "!"}}},
        *(400, "api-bad-request"),
    ),
    "machine-without-name": (
        {"method": "POST", "url": "/vms", "json": {"template": "x"}},
        422,
        "api-bad-choice",
    ),
    "machine-of-nothing": (
        {"method": "POST", "url": "/vms", "json": {"template": "x", "name": "y"}},
        *(404, "inventory-not-found"),
    ),
    "exec-nothing": ({"method": "POST", "url": "/vms/x/exec", "json": {"argv": []}}, 400, "api-bad-request"),
    "key-refused": (
        {
            "method": "POST",
            "url": "/vms/x/power",
            "json": {"action": "start"},
            "headers": {"Idempotency-Key": "k"},
        },
        *(400, "api-no-idempotency-key"),
    ),
    "match-refused": ({"url": "/whoami", "headers": {"If-Match": '"1"'}}, 400, "api-bad-request"),
}


def test_hostile_requests_are_refused_as_problems(client: TestClient) -> None:
    for name, (asked, status, code) in HOSTILE.items():
        answer = client.request(**{"method": "GET", **asked})
        told = answer.json()
        assert (answer.status_code, told["code"], told["status"]) == (status, code, status), (name, told)
        assert answer.headers["content-type"] == "application/problem+json", name
        assert told["type"] == f"urn:guestwright:error:{code}"
        assert answer.headers["x-request-id"]
        if status == 405:
            assert answer.headers["allow"]
    assert client.get("/vms").json() == {"items": [], "next": None}
    assert client.get("/hosts").json()["items"] == []


def test_lists_are_filtered_ordered_and_paged(stand: ApiStand, client: TestClient) -> None:
    for name in ("web-1", "web-2", "db-1"):
        stand.vm(name)
    one = client.get("/vms", params={"limit": 2, "sort": "-name"}).json()
    assert [vm["name"] for vm in one["items"]] == ["web-2", "web-1"]
    two = client.get("/vms", params={"limit": 2, "sort": "-name", "cursor": one["next"]}).json()
    assert ([vm["name"] for vm in two["items"]], two["next"]) == (["db-1"], None)
    query = {"filter": ["name~WEB-*", "power=off", "memory>=1"]}
    assert [vm["name"] for vm in client.get("/vms", params=query).json()["items"]] == ["web-1", "web-2"]
    query = {"filter": ["addresses:has:192.0.2.1"]}
    assert client.get("/vms", params=query).json()["items"] == []
    for path in ("storage", "volumes", "disks", "hosts"):
        items = client.get(f"/{path}").json()["items"]
        assert len(items) == 3, path
        assert client.get(f"/{path}/{items[0]['id']}").json() == items[0]


def test_what_was_changed_meanwhile_is_not_changed_again(stand: ApiStand, client: TestClient) -> None:
    path = f"/vms/{stand.vm('web').id}"
    tag = client.get(path).headers["etag"]
    assert client.get(path, headers={"If-None-Match": tag}).status_code == 304
    changed = client.patch(path, json={"description": "one"}, headers={"If-Match": tag})
    assert (changed.status_code, changed.json()["description"]) == (200, "one")
    assert changed.headers["etag"] != tag
    for late in (
        client.patch(path, json={"description": "two"}, headers={"If-Match": tag}),
        client.delete(path, headers={"If-Match": tag}),
    ):
        assert (late.status_code, late.json()["code"]) == (412, "inventory-changed-meanwhile")
    assert client.get(path).json()["description"] == "one"
    assert client.patch(path, json={}).headers["etag"] == changed.headers["etag"]


@pytest.mark.parametrize("kind", ["hosts", "users", "payloads"])
def test_each_kind_of_thing_keeps_its_versions(client: TestClient, kind: str) -> None:
    bodies: dict[str, Any] = {
        "hosts": {"name": "h", "address": "h:1"},
        "users": {"name": "bob", "password": "a long password"},
        "payloads": {"name": "p", "files": {"a": "eA=="}},
    }
    made = client.post(f"/{kind}", json=bodies[kind])
    assert made.status_code == 201
    path, tag = f"/{kind}/{made.json()['id']}", made.headers["etag"]
    assert made.headers["location"] == f"/api/v1{path}"
    again = client.post(f"/{kind}", json=bodies[kind])
    assert (again.status_code, again.json()["code"]) == (409, "inventory-taken")
    if kind == "payloads":
        changed = client.put(path, json={"files": {"a": "eQ=="}}, headers={"If-Match": tag})
    else:
        change = {"address": "h:2"} if kind == "hosts" else {"full_name": "Bob"}
        changed = client.patch(path, json=change, headers={"If-Match": tag})
    assert (changed.status_code, changed.headers["etag"] != tag) == (200, True)
    late = client.delete(path, headers={"If-Match": tag})
    assert (late.status_code, late.json()["code"]) == (412, "inventory-changed-meanwhile")
    assert client.delete(path, headers={"If-Match": changed.headers["etag"]}).status_code == 204
    assert client.get(path).status_code == 404


def test_the_same_key_with_the_same_request_is_the_same_job(stand: ApiStand, client: TestClient) -> None:
    stand.template("debian")
    body, key = {"template": "debian", "name": "web"}, {"Idempotency-Key": "order 4711"}
    one = client.post("/vms", json=body, headers=key)
    assert one.status_code == 202
    two = client.post("/vms", json=body, headers=key)
    assert two.json()["job"]["id"] == one.json()["job"]["id"]
    assert two.headers["location"] == one.headers["location"] == f"/api/v1/jobs/{one.json()['job']['id']}"
    other = client.post("/vms", json={**body, "name": "db"}, headers=key)
    assert (other.status_code, other.json()["code"]) == (409, "durable-job-key-reused")
    somebody = {"Authorization": f"Bearer {stand.token(stand.user('ann', Role.OPERATOR))}"}
    theirs = client.post("/vms", json={**body, "name": "db"}, headers={**key, **somebody})
    assert theirs.json()["job"]["id"] != one.json()["job"]["id"]
    assert "4711" not in theirs.text


def test_the_same_key_at_the_same_moment_makes_one_job(stand: ApiStand, client: TestClient) -> None:
    stand.template("debian")
    found: list[str] = []

    def ask() -> None:
        body, key = {"template": "debian", "name": "web"}, {"Idempotency-Key": "k"}
        found.append(client.post("/vms", json=body, headers=key).json()["job"]["id"])

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(PATIENCE)
    assert (len(found), len(set(found))) == (8, 1)
    assert len(client.get("/jobs").json()["items"]) == 1


def test_guessing_is_slowed_and_good_logins_end_the_oldest(
    stand: ApiStand, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens, "PER_USER", 5)
    ann = stand.user("ann", Role.VIEWER)
    wrong = {"name": "ann", "password": "not it"}
    codes = [client.post("/login", json=wrong).json()["code"] for _ in range(7)]
    assert codes[:5] == ["account-login-refused"] * 5
    late = client.post("/login", json=wrong)
    assert (late.status_code, late.json()["code"]) == (429, "account-too-many-attempts")
    assert int(late.headers["retry-after"]) >= 1
    assert client.post("/login", json={"name": "nobody", "password": "x"}).json()["code"] == codes[0]
    stand.clock.now += 1000
    good = {"name": "Ann", "password": PASSWORD}
    told = client.post("/login", json=good).json()
    assert (told["user"]["name"], told["expires"]) == ("ann", stand.clock.now + stand.parts.session)
    for _ in range(12):
        assert client.post("/login", json=good).status_code == 200
    mine = {"Authorization": f"Bearer {client.post('/login', json=good).json()['token']}"}
    items = client.get("/tokens", headers=mine).json()["items"]
    assert len(items) <= 5
    assert all(one["user_id"] == ann.id for one in items)
    assert client.post("/logout", headers=mine).status_code == 204
    assert client.get("/whoami", headers=mine).status_code == 401
    client.patch(f"/users/{ann.id}", json={"enabled": False})
    assert client.post("/login", json=good).json()["code"] == "account-login-refused"


def test_a_mistake_of_ours_is_told_without_details(
    stand: ApiStand, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise KeyError("inner-detail")

    monkeypatch.setattr(stand.guests, "capabilities", broken)
    vm = stand.vm("web").id
    with stand.admin() as client:
        answer = client.get(f"/vms/{vm}/capabilities")
    assert (answer.status_code, answer.json()["code"]) == (500, "api-internal")
    assert "inner-detail" not in answer.text
    assert "inner-detail" in caplog.text
    assert answer.headers["x-request-id"] in caplog.text
