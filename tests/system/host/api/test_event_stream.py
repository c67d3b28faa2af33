"""The event stream as a reader of server-sent events sees it: whole, in order, resumed, told."""

from __future__ import annotations

import http.client
import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from guestwright.host.api import event_stream, resource
from guestwright.host.api.operations import host as host_operations
from guestwright.host.enrol.roles import Role
from guestwright.host.journal import Journal
from guestwright.http_api import sse
from tests.support.api_server import PATIENCE, Running, context, put, serving
from tests.support.host_service import DB1, WEB1

pytestmark = pytest.mark.system


@dataclass
class Message:
    """One dispatched event, by the algorithm of the HTML standard, section 9.2.6."""

    id: str = ""
    event: str = "message"
    data: Any = None


@dataclass
class Source:
    """A reader: fields by line, dispatch at an empty line, the id outlives the event."""

    lines: Any
    last_id: str = ""
    comments: int = 0
    _now: dict[str, str] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Message]:
        for raw in self.lines:
            line = raw.decode().rstrip("\n")
            if line.startswith(":"):
                self.comments += 1
            elif line:
                name, _, value = line.partition(":")
                self._now[name] = value.removeprefix(" ")
                if name == "id":
                    self.last_id = self._now["id"]
            else:
                now, self._now = self._now, {}
                if "data" in now:
                    yield Message(self.last_id, now.get("event", "message"), json.loads(now["data"]))

    def take(self, number: int) -> list[Message]:
        found: list[Message] = []
        for one in self:
            found.append(one)
            if len(found) == number:
                return found
        raise AssertionError(f"the stream ended after {found}")


class UnixConnection(http.client.HTTPConnection):
    """Python's own client on a unix socket."""

    def __init__(self, path: str) -> None:
        super().__init__("host", timeout=PATIENCE)
        self.path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(PATIENCE)
        self.sock.connect(self.path)


@contextmanager
def following(api: Running, query: str = "", last: str = "") -> Iterator[Source]:
    line = UnixConnection(api.unix)
    line.request("GET", "/v1/events" + query, headers={"Last-Event-ID": last} if last else {})
    answer = line.getresponse()
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/event-stream")
    source = Source(answer)
    _until(lambda: api.journal.readers > 0)
    try:
        yield source
    finally:
        answer.close()
        line.close()


def _until(true: Any) -> None:
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_events_come_whole_and_in_order(tmp_path: Path) -> None:
    with serving(tmp_path) as api, following(api) as source:
        for number in range(500):
            api.journal.publish("facts-changed", WEB1, {"n": number, "text": "a\nb\r\n: data: \u2028"})
        found = source.take(500)
    assert [one.data["data"]["n"] for one in found] == list(range(500))
    assert {one.event for one in found} == {"facts-changed"}
    assert found[7].data["subject"] == WEB1
    assert found[7].data["data"]["text"] == "a\nb\r\n: data: \u2028"


def test_a_reader_that_comes_back_goes_on_where_it_was(tmp_path: Path) -> None:
    with serving(tmp_path) as api:
        with following(api) as source:
            for number in range(5):
                api.journal.publish("x", data={"n": number})
            last = source.take(3)[-1].id
        _until(lambda: api.journal.readers == 0)
        with following(api, last=last) as source:
            api.journal.publish("x", data={"n": 5})
            assert [one.data["data"]["n"] for one in source.take(3)] == [3, 4, 5]
        with following(api, query=f"?after={last}") as source:
            assert [one.data["data"]["n"] for one in source.take(3)] == [3, 4, 5]
        with following(api, query="?after=0") as source:
            assert [one.data["data"]["n"] for one in source.take(6)] == [0, 1, 2, 3, 4, 5]


def test_who_comes_too_late_is_told_how_much_and_whose(tmp_path: Path) -> None:
    with serving(tmp_path, journal=Journal("e", most=3)) as api:
        for subject in (WEB1, WEB1, DB1, "", "", ""):
            api.journal.publish("x", subject)
        with following(api, last="e.1") as source:
            first, *rest = source.take(4)
    assert (first.event, first.data) == ("missed", {"events": 2, "subjects": sorted([DB1, WEB1])})
    assert first.id == "e.3"
    assert [one.id for one in rest] == ["e.4", "e.5", "e.6"]


def test_after_a_restart_of_the_service_anything_may_be_missed(tmp_path: Path) -> None:
    with serving(tmp_path, journal=Journal("new")) as api, following(api, last="old.17") as source:
        (first,) = source.take(1)
        assert (first.event, first.data) == ("missed", {"events": None, "subjects": None})
        assert source.last_id == "new.0"


def test_a_reader_gets_only_what_it_wants(tmp_path: Path) -> None:
    with serving(tmp_path) as api, following(api, query=f"?subject={WEB1}&kinds=a,b") as source:
        for kind, subject in (("a", DB1), ("c", WEB1), ("a", WEB1), ("b", ""), ("b", WEB1)):
            api.journal.publish(kind, subject)
        assert [(one.event, one.data["subject"]) for one in source.take(2)] == [("a", WEB1), ("b", WEB1)]


def test_a_quiet_stream_tells_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_stream, "HEARTBEAT", 0.05)
    with serving(tmp_path, journal=Journal("e")) as api, following(api, query="?kinds=a") as source:
        for _ in range(4):
            api.journal.publish("b")
        lines = iter(source.lines)
        _until(lambda: next(lines).startswith(b"id: e.4"))


def test_a_reader_that_takes_nothing_is_let_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "PATIENCE", 0.2)
    with serving(tmp_path) as api, following(api):
        for _ in range(400):
            api.journal.publish("x", data={"text": "y" * 20000})
        _until(lambda: api.journal.readers == 0)


def test_a_reader_that_goes_is_noticed(tmp_path: Path) -> None:
    with serving(tmp_path) as api, api.client() as client:
        with following(api):
            assert "guestwright_api_event_streams 1.0" in client.get("/metrics").text
        _until(lambda: api.journal.readers == 0)
        _until(lambda: "guestwright_api_event_streams 0.0" in client.get("/metrics").text)


def test_the_end_of_the_service_ends_the_stream(tmp_path: Path) -> None:
    with serving(tmp_path) as api, following(api) as source:
        ended = threading.Thread(target=lambda: list(source))
        ended.start()
        api.server.stop()
        ended.join(PATIENCE)
        assert not ended.is_alive()


def test_streams_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host_operations, "STREAMS_MAX", 1)
    with serving(tmp_path) as api, api.client() as client:
        with following(api):
            answer = client.get("/v1/events")
            assert (answer.status_code, answer.json()["error"]["code"]) == (503, "api-busy")
        _until(lambda: api.journal.readers == 0)
        with following(api):
            pass


def test_a_revoked_reader_hears_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "RECHECK", 0.0)
    with serving(tmp_path, tls=True) as api:
        assert api.authority is not None
        assert api.server.port is not None
        secure = context(put(tmp_path / "eve", api.authority.client("eve", Role.VIEWER, time.time())))
        line = http.client.HTTPSConnection("127.0.0.1", api.server.port, context=secure, timeout=PATIENCE)
        line.request("GET", "/v1/events")
        source = Source(line.getresponse())
        _until(lambda: api.journal.readers == 1)
        api.journal.publish("x", data={"n": 1})
        assert source.take(1)[0].data["data"] == {"n": 1}
        api.authority.revoke("eve", time.time())
        api.journal.publish("x", data={"n": 2})
        with pytest.raises((http.client.IncompleteRead, AssertionError)):
            source.take(1)
        line.close()
        _until(lambda: api.journal.readers == 0)


def test_a_connection_that_says_nothing_or_half_is_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from guestwright.host.api import protocol

    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.1)
    with serving(tmp_path) as api:
        for sent in (b"", b"GET /v1 HT", b"GET /v1 HTTP/1.1\r\nHost: h\r\nX: "):
            with socket.socket(socket.AF_UNIX) as line:
                line.settimeout(PATIENCE)
                line.connect(api.unix)
                line.sendall(sent)
                assert line.recv(100) == b""
        with api.client() as client:
            assert client.get("/v1").status_code == 200
    assert not os.path.exists(api.unix)
