"""`guestwright up` as a user runs it, on a hypervisor in memory: first run, kill -9, start again, end."""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import ssl
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

from guestwright.engine.process.own_host import runtime_directory
from guestwright.host.client.address import UnixAddress
from guestwright.host.client.client import HostClient
from guestwright.host.client.errors import ClientError
from tests.support.payload_bench import MEMORY
from tests.support.program import COMMAND, environment, guestwright, running

pytestmark = pytest.mark.system

PATIENCE = 240.0


@dataclass
class Up:
    """One run."""

    process: subprocess.Popen[bytes]
    told: dict[str, Any]

    def client(self, token: str = "") -> httpx2.Client:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return httpx2.Client(base_url=self.told["url"], headers=headers, timeout=PATIENCE)

    def end(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)


@pytest.fixture
def place() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="gw-up-", dir=MEMORY))  # it is synced often, and disks are slow
    yield made
    shutil.rmtree(runtime_directory(str(made / "engine")), ignore_errors=True)
    shutil.rmtree(made)


def arguments(place: Path, *more: str) -> tuple[list[str], dict[str, str]]:
    args = ["up", "--json", "--hypervisor", "fake", "--directory", str(place / "engine")]
    given = {"XDG_CONFIG_HOME": str(place / "config"), "XDG_RUNTIME_DIR": str(place / "run")}
    os.makedirs(place / "run", exist_ok=True)
    return [*args, "--listen", "127.0.0.1:0", *more], given


@contextmanager
def up(place: Path, *more: str) -> Iterator[Up]:
    """Run it until the end of the block, and see that it is gone then."""
    args, given = arguments(place, *more)
    with running([*COMMAND, *args], env=environment(given), stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        text = b""
        until = time.monotonic() + PATIENCE
        while not text.endswith(b"}\n"):
            assert select.select([process.stdout], [], [], max(0.0, until - time.monotonic()))[0]
            part = os.read(process.stdout.fileno(), 65536)
            assert part, (text, process.wait(PATIENCE))
            text += part
        yield Up(process, json.loads(text))
        if process.poll() is None:
            process.terminate()


def eventually(what: Callable[[], Any]) -> Any:
    until = time.monotonic() + PATIENCE
    while not (found := what()):
        assert time.monotonic() < until
        time.sleep(0.05)
    return found


def test_a_first_run_a_kill_and_another_run(place: Path) -> None:
    with up(place) as first:
        assert first.told["hypervisor"] == "fake:///"
        token = first.told["token"]
        directory = place / "engine"
        assert (directory / "admin.token").read_text().strip() == token
        for name in ("admin.token", "engine.db", "engine-jobs.db", "payload-keys", "host.toml"):
            assert (directory / name).stat().st_mode & 0o077 == 0, name
        with first.client(token) as client:
            host = eventually(lambda: client.get("/api/v1/hosts?filter=state=up").json()["items"])[0]
            made = {"name": "kept", "files": {"a": "Yg=="}}
            assert client.post("/api/v1/payloads", json=made).status_code == 201
        with HostClient(UnixAddress(path=str(directory / "api.sock"))) as service:
            wanted = {"domain": "main", "volume": "v1", "format": "raw", "size": 1 << 20}
            service.submit_job("volume.create", wanted)
        with first.client(token) as client:
            eventually(lambda: client.get("/api/v1/volumes?filter=state=legal").json()["items"])
        listed = guestwright("host", "list", env=arguments(place)[1], timeout=PATIENCE)
        assert listed.status == 0, listed.err
        assert host["name"] in listed.out
        again = guestwright(*arguments(place)[0], env=arguments(place)[1], timeout=PATIENCE)
        assert again.status == 1
        assert again.json["error"]["code"] == "engine-runs-already"
        first.process.kill()
        first.process.wait(PATIENCE)

    with up(place) as second:
        assert "password" not in second.told
        with second.client(token) as client:
            found = eventually(lambda: client.get("/api/v1/hosts?filter=state=up").json()["items"])
            assert [one["id"] for one in found] == [host["id"]]
            assert client.get("/api/v1/volumes").json()["items"][0]["id"] == "v1"
            assert client.get("/api/v1/payloads").json()["items"][0]["name"] == "kept"
        assert second.end() == 0
    assert not (place / "engine" / "api.sock").exists()


def test_the_host_service_is_started_again(place: Path) -> None:
    with up(place) as one:
        children = Path(f"/proc/{one.process.pid}/task/{one.process.pid}/children").read_text().split()
        socket = UnixAddress(path=str(place / "engine" / "api.sock"))
        with HostClient(socket) as service:
            before = service.about()["started"]
        assert len(children) == 1
        os.kill(int(children[0]), signal.SIGKILL)

        def another() -> bool:
            try:
                with HostClient(socket) as service:
                    return bool(service.about()["started"] != before)
            except ClientError:
                return False

        eventually(another)
        with one.client(one.told["token"]) as client:
            eventually(lambda: client.get("/api/v1/hosts?filter=state=up").json()["items"])
        assert one.end() == 0


def test_the_status_page_takes_a_token_and_a_cookie_only(place: Path) -> None:
    with up(place, "--no-host", "--tls", "on") as one:
        assert one.told["url"].startswith("https://")
        assert one.told["host"] == ""
        context = ssl.create_default_context(cafile=one.told["authority"])
        with httpx2.Client(base_url=one.told["url"], verify=context, timeout=PATIENCE) as client:
            assert client.get("/").status_code == 401
            assert client.post("/login", data={"token": "gwt_nobody"}).status_code == 401
            evil = {"Origin": "https://evil.example"}
            form = {"token": one.told["token"]}
            assert client.post("/login", data=form, headers=evil).status_code == 403
            entered = client.post("/login", data=form)
            assert entered.status_code == 303
            cookie = entered.headers["set-cookie"]
            assert all(word in cookie for word in ("HttpOnly", "SameSite=strict", "Secure"))
            shown = client.get("/")
            assert shown.status_code == 200
            assert "Machines" in shown.text
            assert "script" not in shown.headers["content-security-policy"]
            assert client.get("/api/v1/vms").status_code == 401  # the API takes no cookies
            assert client.post("/logout").status_code == 303
            assert client.get("/").status_code == 401
        assert one.end() == 0


def test_without_a_hypervisor_one_is_told_what_to_do(place: Path) -> None:
    args, given = arguments(place)
    args[args.index("fake")] = f"qemu+unix:///system?socket={place}/none"
    done = guestwright(*args, env=given, timeout=PATIENCE)
    assert done.status == 4
    error = done.json["error"]
    assert error["code"] == "engine-no-hypervisor"
    assert "apt install" in error["hint"]
