"""Large payloads of the client and the command line, over lines that break."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from guestwright.client import parcels, pieces
from guestwright.client.aio import AsyncClient
from guestwright.client.calls import payloads
from guestwright.client.client import Client
from guestwright.client.errors import EngineLost, EngineRefused, EngineUnreachable, UploadDiffers
from guestwright.media.sources.files import LIMITS
from tests.support.breaking import breaking
from tests.support.disk_stand import contents
from tests.support.engine_server import Engine, serving

pytestmark = pytest.mark.system

FILES = {"a.bin": contents(3 << 20, 5), "scripts/b": b"#!/bin/sh\n", "empty": b""}
MORE = {**FILES, "z": bytes(9)}
SIZE = sum(len(data) for data in FILES.values())


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    with serving(tmp_path) as made:
        made.stand.parts.payloads.limits = LIMITS
        yield made


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pieces, "PIECE", 1 << 20)


def port(engine: Engine) -> int:
    return int(engine.url.rpartition(":")[2].partition("/")[0])


def kept(engine: Engine, payload: dict[str, Any]) -> dict[str, bytes]:
    with Client(engine.url, engine.token) as client:
        return dict(client.do(payloads.contents(payload["id"])).files)


def test_a_large_one_over_a_line_that_breaks(engine: Engine) -> None:
    pauses, told, begun = list[float](), list[tuple[int, int]](), list[Any]()
    with breaking(port(engine), 1_300_000, 2) as line:
        with Client(f"http://127.0.0.1:{line.port}", engine.token, sleep=pauses.append) as client:
            made = client.store_payload(
                FILES, name="big", progress=lambda *one: told.append(one), begun=begun.append
            )
            again = client.store_payload(FILES, payload=made["id"], expected=made["version"])
        assert line.broken == 2
    assert pauses
    assert told[-1] == (SIZE, SIZE)
    assert begun[0]["missing"] == [[0, SIZE]]
    assert (made["current"], again["current"]) == (1, 2)
    assert kept(engine, made) == FILES


def test_the_same_for_asyncio(engine: Engine) -> None:
    async def nothing(_: float) -> None:
        pass

    async def send(url: str) -> dict[str, Any]:
        async with AsyncClient(url, engine.token, sleep=nothing) as client:
            return await client.store_payload(FILES, name="aio")

    with breaking(port(engine), 1_300_000, 2) as line:
        made = asyncio.run(send(f"http://127.0.0.1:{line.port}"))
        assert line.broken == 2
    assert kept(engine, made) == FILES


def test_a_small_one_is_one_request(engine: Engine) -> None:
    begun = list[Any]()
    with Client(engine.url, engine.token) as client:
        made = client.store_payload({"a": b"1"}, name="small", description="x", begun=begun.append)
        assert client.store_payload({"a": b"2"}, payload=made["id"])["current"] == 2
        with pytest.raises(EngineRefused) as refused:
            client.store_payload({"a": b"3"}, payload=made["id"], expected=1)
    assert refused.value.code == "inventory-changed-meanwhile"
    assert begun == []


def test_what_was_given_up_is_gone_on_with(engine: Engine) -> None:
    begun = list[dict[str, Any]]()
    with (
        breaking(port(engine), 1_500_000, 1 << 30) as line,
        Client(f"http://127.0.0.1:{line.port}", engine.token, sleep=lambda _: None) as client,
        pytest.raises((EngineLost, EngineUnreachable)),
    ):
        client.store_payload(MORE, name="later", begun=begun.append, patience=0.0)
    with Client(engine.url, engine.token) as client:
        with pytest.raises(UploadDiffers):
            client.store_payload(FILES, upload=begun[0]["id"])
        made = client.store_payload(MORE, upload=begun[0]["id"])
    assert (made["name"], kept(engine, made)["z"]) == ("later", bytes(9))


def test_the_commands(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parcels, "WHOLE_MAX", 1000)
    big = tmp_path / "big"
    big.write_bytes(FILES["a.bin"])
    args = ["payload", "store", "web", "--file", f"a.bin={big}"]
    engine.ok(*args, "--description", "large")
    assert engine.ok(*args, "--new-version")["payload"]["current"] == 2
    failed = engine.run(*args)
    assert failed.status == 1
    assert "--resume" not in failed.err  # it was not begun: the name is taken
    with Client(engine.url, engine.token) as client:
        sizes = [("a.bin", big.stat().st_size)]
        begun = client.do(payloads.begin(sizes, name="half", label="PAYLOAD"))["id"]
        other = client.do(payloads.begin(sizes, name="other"))["id"]
    assert "half" in engine.run("payload", "uploads").out
    small = tmp_path / "small"
    small.write_bytes(b"1")
    wrong = engine.run("payload", "store", "half", "--file", f"a.bin={small}", "--resume", begun)
    assert isinstance(wrong.error, UploadDiffers)
    assert f"--resume {begun}" in wrong.err
    made = engine.ok("payload", "store", "half", "--file", f"a.bin={big}", "--resume", begun)["payload"]
    assert kept(engine, made) == {"a.bin": FILES["a.bin"]}
    assert engine.run("payload", "uploads", "--give-up", other).status == 0
    assert engine.ok("payload", "uploads")["items"] == []
    assert engine.run("payload", "remove", "web", "--version", "2", "--yes").status == 1  # the newest
    assert engine.run("payload", "remove", "web", "--version", "1", "--yes").status == 0
    assert [one["number"] for one in engine.ok("payload", "show", "web")["payload"]["versions"]] == [2]


def test_one_that_is_interrupted_says_how_to_go_on(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: Any) -> bytes:
        raise KeyboardInterrupt

    big = tmp_path / "big"
    big.write_bytes(FILES["a.bin"])
    monkeypatch.setattr(parcels, "send", interrupted)
    failed = engine.run("payload", "store", "web", "--file", f"a.bin={big}")
    (upload,) = engine.ok("payload", "uploads")["items"]
    assert failed.status == 130
    assert f"--resume {upload['id']}" in failed.err
