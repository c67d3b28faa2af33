"""A client and the command line of two engines on one database, of which one goes and comes back."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from guestwright.client.aio import AsyncClient
from guestwright.client.calls import accounts, payloads
from guestwright.client.client import Client
from guestwright.client.errors import BadServer, EngineUnreachable
from guestwright.client.kinds import PAYLOADS
from guestwright.engine.api.app import build
from guestwright.engine.inventory.choices import Role
from tests.support.engine_api import PASSWORD, ApiStand, listening, standing
from tests.support.engine_server import Engine

pytestmark = pytest.mark.system

NOWHERE = "http://127.0.0.1:1"


@pytest.fixture
def stand(tmp_path: Path) -> Iterator[ApiStand]:
    with standing(tmp_path) as made:
        yield made


@pytest.fixture
def token(stand: ApiStand) -> str:
    return stand.token(stand.user("ann", Role.ADMIN))


def at(stack: ExitStack, stand: ApiStand) -> str:
    own = replace(stand, app=build(stand.parts))
    return stack.enter_context(listening(own)).removesuffix("/api/v1")


def test_whoever_can_be_reached_is_asked(stand: ApiStand, token: str) -> None:
    with ExitStack() as first, ExitStack() as second:
        one, two = at(first, stand), at(second, stand)
        with Client(one, token, others=[NOWHERE, two], sleep=lambda _: None) as client:
            made = client.do(payloads.add("a", {"x": b"1"}))
            first.close()  # with a connection that was there
            assert client.find(PAYLOADS, "a")["id"] == made["id"]
            client.do(payloads.add("b", {"x": b"1"}))
            assert {one["name"] for one in client.all(PAYLOADS.all())} == {"a", "b"}
            event = next(iter(client.events(after="", kinds=("payload-added",))))
            assert event.subject == made["id"]
            second.close()
            with pytest.raises(EngineUnreachable) as caught:
                client.do(accounts.whoami())
        assert caught.value.params["server"] == two  # the last that answered
        assert one != two


def test_events_go_on_at_the_other_one(stand: ApiStand, token: str) -> None:
    with ExitStack() as first, ExitStack() as second:
        one, two = at(first, stand), at(second, stand)
        with Client(one, token, others=[two]) as client, Client(two, token) as other:
            seen = client.events(after="", kinds=("payload-added",))
            made = [other.do(payloads.add(name, {"x": b"1"}))["id"] for name in "ab"]
            assert [next(seen).subject for _ in range(2)] == made
            first.close()
            made.append(other.do(payloads.add("c", {"x": b"1"}))["id"])
            assert next(seen).subject == made[2]  # once, and none is missed


def test_the_same_for_asyncio(stand: ApiStand, token: str) -> None:
    async def both(one: str, two: str, first: ExitStack) -> list[str]:
        async with AsyncClient(one, token, others=[two]) as client:
            await client.do(payloads.add("a", {"x": b"1"}))
            await asyncio.to_thread(first.close)
            await client.do(payloads.add("b", {"x": b"1"}))
            return [one["name"] async for one in client.all(PAYLOADS.all())]

    with ExitStack() as first, ExitStack() as second:
        assert asyncio.run(both(at(first, stand), at(second, stand), first)) == ["a", "b"]


def test_the_commands_know_all_of_them(stand: ApiStand, token: str, tmp_path: Path) -> None:
    file = tmp_path / "pw"
    file.write_text(PASSWORD)
    with ExitStack() as first, ExitStack() as second:
        one, two = at(first, stand), at(second, stand)
        engine = Engine(one, stand, tmp_path / "config", token)
        args = ("login", one, "--also", two, "--name", "ann", "--password-file", str(file))
        assert engine.ok(*args)["login"]["others"] == [two]
        assert engine.ok("payload", "list")["items"] == []
        first.close()
        assert engine.ok("payload", "list")["items"] == []
        odd = engine.run(*args, "--fingerprint", "00" * 32)
        assert odd.status == 2
        assert isinstance(engine.run("login", one, "--also", "http://far.lan").error, BadServer)
        assert engine.run("logout").status == 0
        assert engine.run("payload", "list").status != 0
