"""Uploads of payloads while the engine is killed: what was answered is there, and none is half a payload."""

from __future__ import annotations

import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx2
import pytest

from guestwright.engine.process.own_host import runtime_directory
from tests.support.payload_bench import MEMORY
from tests.support.up import PATIENCE, up

pytestmark = pytest.mark.system

SIZE = 12_000
DELAYS = (0.0, 0.002, 0.005, 0.01, 0.02, 0.05)


@pytest.fixture
def place() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="gw-kill-", dir=MEMORY))
    yield made
    shutil.rmtree(runtime_directory(str(made / "engine")), ignore_errors=True)
    shutil.rmtree(made)


def finish(url: str, token: str, upload: str) -> None:
    headers = {"Authorization": f"Bearer {token}"}
    with suppress(httpx2.HTTPError), httpx2.Client(base_url=url, headers=headers, timeout=PATIENCE) as client:
        client.post(f"/api/v1/payloads/uploads/{upload}/finish", json={})


def put(client: httpx2.Client, upload: str, start: int, data: bytes) -> Any:
    headers = {"Content-Range": f"bytes {start}-{start + len(data) - 1}/{SIZE}"}
    return client.put(f"/api/v1/payloads/uploads/{upload}/content", content=data, headers=headers).json()


def test_it_is_a_payload_or_an_upload_whenever_the_engine_is_killed(place: Path) -> None:
    token, begun, ends = "", list[str](), set[str]()
    for number, delay in enumerate((*DELAYS, None)):
        with up(place, "--no-host") as one, one.client(token := one.told.get("token", token)) as client:
            for before, upload in enumerate(begun):
                ends.add(how_it_is(client, upload, f"p{before}"))
            if delay is None:
                assert one.end() == 0
                break
            body = {"name": f"p{number}", "files": [{"name": "a", "size": SIZE}]}
            upload = client.post("/api/v1/payloads/uploads", json=body).json()["id"]
            assert put(client, upload, 6000, b"2" * 6000)["missing"] == [[0, 6000]]
            assert put(client, upload, 0, b"1" * 6000)["missing"] == []
            begun.append(upload)
            thread = threading.Thread(target=finish, args=(one.told["url"], token, upload))
            thread.start()
            time.sleep(delay)
            one.process.kill()
            one.process.wait(PATIENCE)
            thread.join(PATIENCE)
    assert ends <= {"upload", "payload"}
    assert len(begun) == len(DELAYS)


def how_it_is(client: httpx2.Client, upload: str, name: str) -> str:
    """Exactly one of the two is there, and it is whole."""
    there = client.get(f"/api/v1/payloads/uploads/{upload}")
    made = client.get(f"/api/v1/payloads?filter=name={name}").json()["items"]
    assert (there.status_code == 200) != bool(made), (there.text, made)
    if made:
        versions = client.get(f"/api/v1/payloads/{made[0]['id']}/versions").json()["items"]
        assert versions[0]["files"] == {"a": SIZE}
        return "payload"
    assert there.json()["missing"] == []
    return "upload"
