"""Both clients against a server that says what the test wrote down: answers, errors, lies, silence."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Protocol

import pytest

from guestwright.base.secret import Secret
from guestwright.client import errors
from guestwright.client.aio import AsyncClient
from guestwright.client.call import Call, thing
from guestwright.client.calls import accounts, guests, hosts, jobs, vms
from guestwright.client.client import Client
from guestwright.client.errors import EngineRefused, RemoteError
from guestwright.client.kinds import VMS
from guestwright.client.stream import Event
from tests.support.scripted_http import Reply, problem, reply, scripted

TOKEN = "gwt_canary"
ID = "01890a5d-ac96-774b-bcce-b302099a8057"


class Both(Protocol):
    """Uses one of the two clients."""

    def __call__(self, url: str, use: Callable[[Any], Any], pauses: list[float] | None = None) -> Any: ...


def blocking(url: str, use: Callable[[Any], Any], pauses: list[float] | None = None) -> Any:
    with Client(url, TOKEN, sleep=([] if pauses is None else pauses).append) as client:
        found = use(client)
        return (
            found if isinstance(found, dict | type(None)) or not hasattr(found, "__next__") else list(found)
        )


def with_asyncio(url: str, use: Callable[[Any], Any], pauses: list[float] | None = None) -> Any:
    async def sleep(seconds: float) -> None:
        if pauses is not None:
            pauses.append(seconds)

    async def main() -> Any:
        async with AsyncClient(url, TOKEN, sleep=sleep) as client:
            found = use(client)
            if hasattr(found, "__aiter__"):
                return [one async for one in found]
            return await found

    return asyncio.run(main())


@pytest.fixture(params=[blocking, with_asyncio], ids=["sync", "async"])
def using(request: pytest.FixtureRequest) -> Both:
    found: Both = request.param
    return found


def test_a_call_is_sent_and_read(using: Both) -> None:
    with scripted([reply({"id": "v", "power": "on"})]) as server:
        found = using(server.url, lambda client: client.do(vms.power("a/b c", "start")))
    assert found == {"id": "v", "power": "on"}
    asked = server.asked[0]
    assert asked.line == "POST /api/v1/vms/a%2Fb%20c/power HTTP/1.1"
    assert asked.headers["authorization"] == f"Bearer {TOKEN}"
    assert asked.headers["content-type"] == "application/json"
    assert "idempotency-key" not in asked.headers
    assert asked.body == b'{"action":"start"}'


def test_a_lost_answer_is_asked_for_again_with_the_same_key(using: Both) -> None:
    pauses: list[float] = []
    lost = Reply(b"")
    with scripted([lost, lost, reply({"job": {"id": "j"}}, 202)]) as server:
        found = using(server.url, lambda client: client.do(vms.create("t", "web")), pauses)
    assert found == {"id": "j"}
    assert len(pauses) == 2
    assert len({one.headers["idempotency-key"] for one in server.asked}) == 1


@pytest.mark.parametrize(
    "call",
    [
        accounts.login("ann", Secret("p")),
        guests.execute("v", ["/bin/true"]),
        VMS.change("v", {"name": "x"}),
    ],
    ids=["login", "exec", "patch"],
)
def test_what_may_not_be_repeated_is_not(using: Both, call: Call[Any]) -> None:
    with scripted([Reply(b"")]) as server, pytest.raises(errors.EngineLost):
        using(server.url, lambda client: client.do(call))
    assert len(server.asked) == 1
    assert "idempotency-key" not in server.asked[0].headers


def test_a_repeated_removal_that_finds_nothing_is_done(using: Both) -> None:
    with scripted([Reply(b""), problem(404, "inventory-no-such")]) as server:
        using(server.url, lambda client: client.do(VMS.remove("v", etag="3")))
    assert server.asked[0].headers["if-match"] == '"3"'


def test_a_first_removal_that_finds_nothing_is_an_error(using: Both) -> None:
    with scripted([problem(404, "inventory-no-such")]) as server, pytest.raises(errors.EngineFoundNothing):
        using(server.url, lambda client: client.do(VMS.remove("v")))


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, errors.EngineDenied),
        (403, errors.EngineDenied),
        (404, errors.EngineFoundNothing),
        (409, errors.EngineConflict),
        (412, errors.EngineConflict),
        (422, EngineRefused),
        (500, EngineRefused),
    ],
)
def test_the_engines_errors_keep_their_code(using: Both, status: int, kind: type[EngineRefused]) -> None:
    sent = problem(status, "some-code", hint="do this", parameters={"name": "x"})
    with scripted([sent]) as server, pytest.raises(kind) as caught:
        using(server.url, lambda client: client.do(VMS.show("v")))
    assert caught.value.code == "some-code"
    assert caught.value.message == "it is some-code"
    assert caught.value.advice == "do this"
    assert caught.value.status == status
    assert caught.value.as_dict()["params"] == {"name": "x"}


def test_not_now_is_tried_again_when_the_engine_says(using: Both) -> None:
    pauses: list[float] = []
    busy = reply({"code": "api-busy", "detail": "busy"}, 503, Retry_After="2")
    with scripted([busy, reply({"id": "v"})]) as server:
        assert using(server.url, lambda client: client.do(VMS.show("v")), pauses) == {"id": "v"}
    assert pauses == [2.0]


def test_what_an_earlier_attempt_still_does_is_asked_for_again(using: Both) -> None:
    pauses: list[float] = []
    there = reply({"code": "api-key-under-way", "detail": "it is being done"}, 409)
    with scripted([there, reply({"id": "h"}, 201)]) as server:
        assert using(server.url, lambda client: client.do(hosts.add("n", "a")), pauses) == {"id": "h"}
    assert pauses == [0.2]


def test_not_for_a_long_time_is_an_error(using: Both) -> None:
    busy = reply({"code": "account-too-many-attempts", "detail": "wait"}, 429, Retry_After="900")
    with scripted([busy]) as server, pytest.raises(errors.EngineBusy) as caught:
        using(server.url, lambda client: client.do(VMS.show("v")))
    assert caught.value.after == 900


HOSTILE = {
    "html": reply(b"<html>It works!</html>", Content_Type="text/html"),
    "html error": reply(b"<html>Bad gateway</html>", 502, Content_Type="text/html"),
    "half of the json": reply(b'{"id": "v'),
    "deep json": reply(b"[" * 100_000),
    "another json": reply([1, 2]),
    "no json at all": reply(b""),
    "error of another kind": reply({"error": "x"}, 400),
    "error that is a list": reply([], 400),
    "no http": Reply(b"SSH-2.0-OpenSSH_9.2p1 Debian\r\n\r\n"),
    "endless head": Reply(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000),
    "two lengths": Reply(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 7\r\n\r\n{}"),
    "redirect": reply({}, 302, Location="http://127.0.0.1:1/elsewhere"),
    "interim for ever": Reply(b"HTTP/1.1 100 Continue\r\n\r\n" * 100),
    "bad chunks": Reply(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_no_engine_says(using: Both, name: str) -> None:
    with scripted([HOSTILE[name]]) as server, pytest.raises(errors.EngineAnswerBad) as caught:
        using(server.url, lambda client: client.do(VMS.show("v")))
    assert TOKEN not in caught.value.message
    assert len(server.asked) == 1


def test_an_answer_that_breaks_off_is_lost(using: Both) -> None:
    half = Reply(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"id"')
    with scripted([half] * 4) as server, pytest.raises(errors.EngineLost):
        using(server.url, lambda client: client.do(VMS.show("v")))
    assert len(server.asked) == 4


def test_an_answer_without_end_is_cut_off(using: Both, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("guestwright.client.wire.ANSWER_MAX", 1 << 16)
    piece = b"ffff\r\n" + b"x" * 0xFFFF + b"\r\n"
    endless = Reply(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + piece * 40)
    with scripted([endless]) as server, pytest.raises(errors.EngineAnswerBad) as caught:
        using(server.url, lambda client: client.do(VMS.show("v")))
    assert "more than" in caught.value.message


def test_silence_ends(using: Both) -> None:
    with scripted([Reply(b"", hold=True)]) as server, pytest.raises(errors.EngineLost) as caught:
        using(server.url, lambda client: client.do(Call("PATCH", ("vms", "v"), thing, body={}, seconds=0.2)))
    assert "no answer in 0.2 s" in caught.value.message


def test_nobody_there(using: Both) -> None:
    with scripted([]) as server:
        url = server.url
    with pytest.raises(errors.EngineUnreachable):
        using(url, lambda client: client.do(VMS.show("v")))


def test_lists_go_on_page_by_page(using: Both) -> None:
    replies = [
        reply({"items": [{"id": "1"}, {"id": "2"}], "next": "c1"}),
        reply({"items": [{"id": "3"}], "next": None}),
    ]
    with scripted(replies) as server:
        found = using(server.url, lambda client: client.all(VMS.all(filters=("agent=live", "name~web-*"))))
    assert [one["id"] for one in found] == ["1", "2", "3"]
    assert server.asked[0].line.split()[1] == "/api/v1/vms?filter=agent%3Dlive&filter=name~web-%2A"
    assert server.asked[1].line.split()[1].endswith("&cursor=c1")


def test_lists_stop_when_there_is_enough(using: Both) -> None:
    with scripted([reply({"items": [{"id": "1"}, {"id": "2"}], "next": "c1"})]) as server:
        assert len(using(server.url, lambda client: client.all(VMS.all(), 1))) == 1


def test_a_list_in_circles_ends(using: Both) -> None:
    with scripted([reply({"items": [], "next": "c"})] * 3) as server, pytest.raises(errors.EngineAnswerBad):
        using(server.url, lambda client: client.all(VMS.all()))


def test_names_and_ids_are_found(using: Both) -> None:
    one = {"id": ID, "name": "web"}
    with scripted([reply(one), reply({"items": [one], "next": None})]) as server:
        assert using(server.url, lambda client: client.find(VMS, ID)) == one
        assert using(server.url, lambda client: client.find(VMS, "web")) == one


def test_ambiguous_names_list_the_ids(using: Both) -> None:
    items = [{"id": "i1", "name": "web"}, {"id": "i2", "name": "web"}, {"id": "i3", "name": "WEB"}]
    with scripted([reply({"items": items})]) as server, pytest.raises(errors.AmbiguousName) as caught:
        using(server.url, lambda client: client.find(VMS, "web"))
    assert "i1, i2" in caught.value.advice


def test_unknown_names(using: Both) -> None:
    with scripted([reply({"items": []})]) as server, pytest.raises(errors.NoSuchThing):
        using(server.url, lambda client: client.find(VMS, "web"))


def test_a_job_is_waited_for_over_a_restart(using: Both) -> None:
    running = {"id": "j", "status": "running", "done": 1, "total": 2}
    replies = [reply(running), *[Reply(b"")] * 4, reply({**running, "status": "done", "result": {"vm": "v"}})]
    seen: list[Any] = []
    with scripted(replies) as server:
        found = using(server.url, lambda client: client.wait("j", seen.append))
    assert found["result"] == {"vm": "v"}
    assert [one["status"] for one in seen] == ["running", "done"]


def test_a_job_that_was_undone_is_an_error(using: Both) -> None:
    job = {
        "id": "j",
        "status": "compensated",
        "error": {"code": "disk-full", "message": "no room", "hint": ""},
    }
    with scripted([reply(job)]) as server, pytest.raises(errors.RemoteJobFailed) as caught:
        using(server.url, lambda client: client.wait("j"))
    assert "no room" in caught.value.message


def test_waiting_for_a_job_ends(using: Both) -> None:
    with scripted([reply({"id": "j", "status": "running"})]) as server, pytest.raises(errors.WaitedTooLong):
        using(server.url, lambda client: client.wait("j", None, 0))


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"


def test_events_go_on_after_a_loss(using: Both) -> None:
    first = (
        b': hi\n\nid: e.1\nevent: x\ndata: {"kind": "vm-changed", "subject": "v", "at": 2.5, "body": {}}\n\n'
    )
    first += b"id: e.2\nda"
    second = b'id: e.2\ndata: {"kind": "vm-changed",\ndata: "subject": "w", "at": 3, "body": {}}\n\n'
    second += b"event: missed\nid: e.9\ndata: {}\n\n"
    replies = [Reply(HEAD + first), Reply(HEAD + second), problem(401, "account-token-refused")]
    found: list[Event] = []

    with scripted(replies) as server, pytest.raises(errors.EngineDenied):
        if using is blocking:
            with Client(server.url, TOKEN, sleep=lambda _: None) as client:
                for one in client.events("e.0"):
                    found.append(one)
        else:
            asyncio.run(_collect(server.url, found))
    assert [(one.token, one.kind, one.subject) for one in found] == [
        ("e.1", "vm-changed", "v"),
        ("e.2", "vm-changed", "w"),
        ("e.9", "missed", ""),
    ]
    assert [one.headers["last-event-id"] for one in server.asked] == ["e.0", "e.1", "e.9"]


async def _collect(url: str, found: list[Event]) -> None:
    async def sleep(_: float) -> None: ...

    async with AsyncClient(url, TOKEN, sleep=sleep) as client:
        async for one in client.events("e.0"):
            found.append(one)


@pytest.mark.parametrize(
    "data",
    [
        reply({"items": []}),
        Reply(HEAD + b"data: no json\n\n"),
        Reply(HEAD + b"data: []\n\n"),
        Reply(HEAD + b"data: " + b"x" * (5 << 20)),
    ],
    ids=["no stream", "no json", "no event", "endless"],
)
def test_streams_of_no_engine(using: Both, data: Reply) -> None:
    with scripted([data]) as server, pytest.raises(errors.EngineAnswerBad):
        using(server.url, lambda client: client.events())


def test_connections_are_used_again_while_they_live() -> None:
    replies = [reply({"id": str(n)}, close=False) for n in range(3)]
    with scripted(replies) as server, Client(server.url) as client:
        for _ in range(3):
            client.do(jobs.show("j"))
        assert len(server.asked) == 3
        assert "authorization" not in server.asked[0].headers


def test_errors_show_no_secrets(using: Both) -> None:
    with scripted([problem(401, "account-login-refused")]) as server, pytest.raises(RemoteError) as caught:
        using(server.url, lambda client: client.do(accounts.login("ann", Secret("canary-password"))))
    assert "canary" not in str(caught.value.as_dict())
