"""The stream of events: pages, and server-sent events that are resumed."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from guestwright.engine.api import event_stream, follower
from guestwright.engine.inventory.choices import Role
from tests.support import inventories
from tests.support.engine_api import ApiStand, listening, standing
from tests.support.engine_databases import Makes

pytestmark = pytest.mark.system
PATIENCE = 120.0


@pytest.fixture
def stand(tmp_path: Path, makes: Makes) -> Iterator[ApiStand]:
    with standing(tmp_path, makes.again()) as one:
        yield one


class Stream:
    """What comes over a connection."""

    def __init__(self, answer: http.client.HTTPResponse) -> None:
        self._answer = answer
        self.place = ""

    def next(self) -> dict[str, str]:
        """The next event; places alone are remembered and left out."""
        fields: dict[str, str] = {}
        while True:
            line = self._answer.readline().decode()
            if not line:
                raise EOFError
            name, _, value = line.rstrip("\n").partition(": ")
            if line != "\n":
                fields[name] = value
                continue
            self.place = fields.get("id", self.place)
            if "data" in fields:
                return fields
            fields = {}


@contextmanager
def following(url: str, token: str, query: str = "", **headers: str) -> Iterator[Stream]:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=PATIENCE)
    headers = {"Accept": "text/event-stream", "Authorization": f"Bearer {token}", **headers}
    connection.request("GET", f"{parts.path}/events{query}", headers=headers)
    answer = connection.getresponse()
    assert answer.status == 200, answer.read()
    try:
        stream = Stream(answer)
        answer.readline()  # "retry"
        answer.readline()
        yield stream
    finally:
        answer.close()
        connection.close()


def add(stand: ApiStand, name: str) -> str:
    with stand.parts.database.write() as tx:
        return tx.vms.add(inventories.vm(name)).id


def viewer(stand: ApiStand) -> str:
    return stand.token(stand.user("ann", Role.VIEWER))


def page(stand: ApiStand, **query: Any) -> Any:
    with stand.client(viewer(stand)) as client:
        return client.get("/events", params=query).json()


def test_pages_go_on_where_the_one_before_ended(stand: ApiStand) -> None:
    with stand.client(viewer(stand)) as client:
        start = client.get("/events").json()
        assert (start["items"], start["missed"]) == ([], False)
        ids = [add(stand, f"vm-{number}") for number in range(3)]
        one = client.get("/events", params={"after": start["token"], "limit": 2}).json()
        assert ([event["subject"] for event in one["items"]], one["more"]) == (ids[:2], True)
        two = client.get("/events", params={"after": one["token"]}).json()
        assert ([event["subject"] for event in two["items"]], two["more"]) == (ids[2:], False)
        only = client.get("/events", params={"after": start["token"], "subject": ids[1]}).json()
        assert [event["subject"] for event in only["items"]] == [ids[1]]
        none = client.get("/events", params={"after": start["token"], "kind": ["host-added", "no"]}).json()
        assert none["items"] == []


def test_a_page_waits_for_what_comes(stand: ApiStand) -> None:
    with stand.client(viewer(stand)) as client:
        start = client.get("/events").json()["token"]
        adding = threading.Timer(0.3, add, (stand, "late"))
        adding.start()
        found: list[Any] = []
        for _ in range(5):  # a machine that stands still for a while has its time over
            found = found or client.get("/events", params={"after": start, "wait": 50}).json()["items"]
        adding.join()
        assert [event["body"]["name"] for event in found] == ["late"]


def test_a_place_of_another_database_says_that_something_was_missed(stand: ApiStand) -> None:
    add(stand, "x")
    told = page(stand, after="zzz.5")
    assert told["missed"]
    assert any(event["kind"] == "vm-added" for event in told["items"])


def test_a_place_that_is_none_is_refused(stand: ApiStand) -> None:
    with stand.client(viewer(stand)) as client:
        for headers in ({}, {"Accept": "text/event-stream"}):
            answer = client.get("/events", params={"after": "nonsense"}, headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (400, "inventory-bad-token")


def test_events_come_as_they_happen_and_are_resumed(stand: ApiStand) -> None:
    token = viewer(stand)
    with listening(stand) as url:
        with following(url, token) as stream:
            first = add(stand, "first")
            told = stream.next()
            data = json.loads(told["data"])
            assert (told["event"], data["subject"], data["body"]["name"]) == ("vm-added", first, "first")
            place = told["id"]
        between = [add(stand, f"between-{number}") for number in range(3)]
        with following(url, token, **{"Last-Event-ID": place}) as stream:
            assert [json.loads(stream.next()["data"])["subject"] for _ in between] == between
            last = add(stand, "last")
            assert json.loads(stream.next()["data"])["subject"] == last


def test_several_listen_each_to_what_they_want(stand: ApiStand) -> None:
    token = viewer(stand)
    with listening(stand) as url, following(url, token) as all_of_it:
        two = add(stand, "zero") and "two"
        with following(url, token, "?kind=host-added") as hosts, following(url, token) as more:
            add(stand, "one")
            with stand.parts.database.write() as tx:
                host = inventories.storage(tx).host_id
            assert json.loads(hosts.next()["data"])["subject"] == host
            assert [json.loads(more.next()["data"])["kind"] for _ in range(3)] == [
                *("vm-added", "host-added", "storage-domain-added"),
            ]
            assert [json.loads(all_of_it.next()["data"])["body"].get("name") for _ in range(2)] == [
                "zero",
                "one",
            ]
            assert two


def test_what_was_pruned_is_told_as_missed(stand: ApiStand) -> None:
    token = viewer(stand)
    with stand.parts.database.read() as tx:
        place = tx.events.token
    for number in range(5):
        add(stand, f"vm-{number}")
    with stand.parts.database.write() as tx:
        tx.events.prune(keep=2)
    with listening(stand) as url, following(url, token, **{"Last-Event-ID": place}) as stream:
        assert stream.next()["event"] == "missed"
        assert [json.loads(stream.next()["data"])["body"]["name"] for _ in range(2)] == ["vm-3", "vm-4"]


def test_a_revoked_token_listens_no_more(stand: ApiStand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_stream, "RECHECK", 0.0)
    user = stand.user("ann", Role.VIEWER)
    token = stand.token(user)
    with listening(stand) as url, following(url, token) as stream:
        add(stand, "before")
        assert stream.next()["event"] == "vm-added"
        with stand.parts.database.write() as tx:
            tx.users.change(user.id, None, enabled=False)
        with pytest.raises((EOFError, http.client.HTTPException, ConnectionError)):
            while True:
                add(stand, inventories.some_id())
                stream.next()


def test_too_many_listeners_are_refused(stand: ApiStand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follower, "LISTENERS_MAX", 0)
    with stand.client(viewer(stand)) as client:
        answer = client.get("/events", headers={"Accept": "text/event-stream"})
    assert (answer.status_code, answer.json()["code"]) == (503, "api-busy")
    assert answer.headers["retry-after"] == "1"


def test_streams_end_when_the_server_does(stand: ApiStand) -> None:
    with listening(stand) as url:
        parts = urlsplit(url)
        connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=PATIENCE)
        headers = {"Accept": "text/event-stream", "Authorization": f"Bearer {viewer(stand)}"}
        connection.request("GET", f"{parts.path}/events", headers=headers)
        answer = connection.getresponse()
        answer.readline()
    assert b"id:" in answer.read()
    connection.close()
