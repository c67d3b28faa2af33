"""The client's and the command line's disks, over lines that break, with an engine and a host behind them."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from guestwright.base.errors import GuestwrightError
from guestwright.base.secret import Secret
from guestwright.client import pieces
from guestwright.client.address import server
from guestwright.client.aio import AsyncClient
from guestwright.client.calls import disks
from guestwright.client.client import Client
from guestwright.client.errors import EngineLost, EngineRefused, EngineUnreachable, LocalImageBad
from guestwright.client.logins import Login, Logins
from tests.support.breaking import breaking
from tests.support.disk_stand import STORAGE, DiskStand, contents, disk_stand
from tests.support.engine_server import Engine

pytestmark = pytest.mark.system

SIZE = 5 << 20
DATA = contents(SIZE, 3)


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DiskStand]:
    with disk_stand(tmp_path_factory.mktemp("client-disks")) as made:
        yield made


@pytest.fixture
def engine(stand: DiskStand, tmp_path: Path) -> Engine:
    """The engine's commands, as somebody who has logged in."""
    made = Engine(stand.url, stand.api, tmp_path / "config", stand.token)
    login = Login(server=server(stand.url), token=Secret(stand.token), name="ann")
    Logins(str(made.config / "guestwright" / "engines")).keep(login)
    return made


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pieces, "PIECE", 1 << 20)


def port(stand: DiskStand) -> int:
    return int(stand.url.rpartition(":")[2])


def file(tmp_path: Path, name: str = "disk.raw", data: bytes = DATA) -> str:
    path = tmp_path / name
    path.write_bytes(data)
    return str(path)


def where(stand: DiskStand) -> dict[str, Any]:
    return {"host": stand.host, "storage": STORAGE}


@pytest.mark.usefixtures("small_pieces")
def test_there_and_back_over_a_line_that_breaks(stand: DiskStand, tmp_path: Path) -> None:
    pauses, told = list[float](), list[tuple[int, int]]()
    with breaking(port(stand), 1_500_000, 2) as line:
        with Client(f"http://127.0.0.1:{line.port}", stand.token, sleep=pauses.append) as client:
            job = client.upload_disk(
                file(tmp_path), name="up", **where(stand), progress=lambda *one: told.append(one)
            )
        assert line.broken == 2
    assert pauses
    assert told[-1] == (SIZE, SIZE)
    with Client(stand.url, stand.token) as client:
        disk = client.wait(job["id"])["result"]["disk"]
    told.clear()
    with breaking(port(stand), 1_500_000, 2) as line:
        with Client(f"http://127.0.0.1:{line.port}", stand.token, sleep=pauses.append) as client:
            size = client.download_disk(disk, str(tmp_path / "back"), progress=lambda *one: told.append(one))
        assert line.broken == 2
    assert size == SIZE
    assert (tmp_path / "back").read_bytes() == DATA
    assert told == sorted(told)  # what had come was never fetched again
    assert told[-1] == (SIZE, SIZE)
    assert not (tmp_path / "back.part").exists()


@pytest.mark.usefixtures("small_pieces")
def test_the_same_for_asyncio(stand: DiskStand, tmp_path: Path) -> None:
    async def nothing(_: float) -> None:
        pass

    async def both(url: str) -> int:
        async with AsyncClient(url, stand.token, sleep=nothing) as client:
            job = await client.upload_disk(file(tmp_path), name="aio", **where(stand))
            ended = await client.wait(job["id"])
            return await client.download_disk(ended["result"]["disk"], str(tmp_path / "back"))

    with breaking(port(stand), 2_300_000, 2) as line:
        assert asyncio.run(both(f"http://127.0.0.1:{line.port}")) == SIZE
        assert line.broken == 2
    assert (tmp_path / "back").read_bytes() == DATA


def test_a_line_that_always_breaks_is_given_up_and_gone_on_with_later(
    stand: DiskStand, tmp_path: Path
) -> None:
    begun = list[dict[str, Any]]()
    more: dict[str, Any] = {"name": "later", **where(stand)}
    with (
        breaking(port(stand), 1_000_000, 1 << 30) as line,
        Client(f"http://127.0.0.1:{line.port}", stand.token, sleep=lambda _: None) as client,
        pytest.raises((EngineLost, EngineUnreachable)),
    ):
        # One piece is all of the file: what arrives of it before each break is never told as progress.
        client.upload_disk(file(tmp_path), **more, begun=begun.append, patience=0.0)
    with Client(stand.url, stand.token) as client:
        job = client.upload_disk(file(tmp_path), **more, upload=begun[0]["id"])
        disk = client.wait(job["id"])["result"]["disk"]
        assert disk == begun[0]["disk"]
        client.download_disk(disk, str(tmp_path / "back"))
    assert (tmp_path / "back").read_bytes() == DATA


def test_what_is_refused_is_not_tried_again(stand: DiskStand, tmp_path: Path) -> None:
    pauses = list[float]()
    with Client(stand.url, stand.token, sleep=pauses.append) as client:
        with pytest.raises(EngineRefused) as caught:
            client.download_disk("00000000-0000-7000-8000-00000000ffff", str(tmp_path / "x"))
        assert caught.value.code == "inventory-not-found"
        with pytest.raises(EngineRefused) as caught:
            client.upload_disk(file(tmp_path), name="x", host=stand.host, storage="none")
        assert caught.value.code == "disk-upload-bad"
    assert not pauses
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(
    ("name", "data", "more", "code"),
    [
        pytest.param("disk", b"x" * 512, {}, "disk-format-not-stated", id="no-suffix"),
        pytest.param("disk.qcow2", b"x" * 512, {}, "disk-format-mismatch", id="no-qcow2"),
        pytest.param("disk.img", b"QFI\xfb" + bytes(508), {}, "disk-format-mismatch", id="qcow2-called-raw"),
        pytest.param("disk", b"x" * 512, {"format": "vmdk"}, "remote-local-image", id="vmdk"),
        pytest.param("disk.raw", b"x" * 500, {}, "remote-local-image", id="no-sectors"),
        pytest.param("disk.raw", b"", {}, "remote-local-image", id="empty"),
    ],
)
def test_a_file_that_is_no_disk_is_refused_here(
    stand: DiskStand, tmp_path: Path, name: str, data: bytes, more: dict[str, Any], code: str
) -> None:
    with Client("http://127.0.0.1:1", stand.token) as client, pytest.raises(GuestwrightError) as caught:
        client.upload_disk(file(tmp_path, name, data), name="x", **where(stand), **more)
    assert caught.value.code == code


def test_a_file_that_is_not_the_uploads_is_refused(stand: DiskStand, tmp_path: Path) -> None:
    with Client(stand.url, stand.token) as client:
        made = client.do(disks.begin("o", **where(stand), format="raw", size=512, file_size=512))
        with pytest.raises(LocalImageBad, match="the upload is of 512"):
            client.upload_disk(file(tmp_path), name="o", **where(stand), upload=made["id"])
        assert client.do(disks.upload(made["id"]))["missing"] == [[0, 512]]
        client.do(disks.abandon(made["id"]))


def test_the_commands_move_a_qcow2_there_and_back(engine: Engine, tmp_path: Path) -> None:
    source = tmp_path / "debian.qcow2"
    (tmp_path / "plain").write_bytes(DATA)
    convert = ["qemu-img", "convert", "-f", "raw", "-O", "qcow2", str(tmp_path / "plain"), str(source)]
    subprocess.run(convert, check=True)
    args = ["--host", "one", "--storage", STORAGE, "--wait"]
    job = engine.ok("disk", "upload", str(source), *args)["job"]
    assert job["status"] == "done"
    assert any(one["name"] == "debian" for one in engine.ok("disk", "list")["items"])
    target = tmp_path / "back.qcow2"
    told = engine.ok("disk", "download", job["result"]["disk"], str(target))["download"]
    assert told == {
        "disk": job["result"]["disk"],
        "file": str(target),
        "bytes": source.stat().st_size,
        "format": "qcow2",
    }
    assert target.read_bytes() == source.read_bytes()
    info = json.loads(subprocess.check_output(["qemu-img", "info", "--output=json", str(target)]))
    assert info["virtual-size"] == SIZE
    assert "qcow2" in engine.run("disk", "download", "debian", str(target)).out


def test_the_commands_tell_how_to_go_on_and_give_up(engine: Engine, stand: DiskStand, tmp_path: Path) -> None:
    args = ["disk", "upload", file(tmp_path), "--name", "broken", "--host", "one", "--storage", STORAGE]
    stand.stop_host()
    failed = engine.run(*args, "--format", "qcow2")
    assert failed.status != 0
    stand.start_host()
    made = engine.ok("disk", "uploads")["items"]
    assert made == []
    with Client(stand.url, stand.token) as client:
        begun = client.do(disks.begin("broken", **where(stand), format="raw", size=512, file_size=512))
    failed = engine.run(*args, "--resume", begun["id"])
    assert failed.status == 2
    assert f"--resume {begun['id']}" in failed.err
    assert "broken" in engine.run("disk", "uploads").out
    assert engine.run("disk", "uploads", "--give-up", begun["id"]).status == 0
    assert engine.ok("disk", "uploads")["items"] == []
    assert engine.run("disk", "uploads", "--give-up", begun["id"]).status == 1
