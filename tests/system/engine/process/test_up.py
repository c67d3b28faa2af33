"""`guestwright up` as a user runs it, on a hypervisor in memory: first run, kill -9, start again, end."""

from __future__ import annotations

import base64
import os
import shutil
import signal
import ssl
import subprocess
import tempfile
import time
from collections.abc import Iterator
from functools import partial
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
from tests.support.up import PATIENCE, arguments, eventually, up

pytestmark = pytest.mark.system


@pytest.fixture
def place() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="gw-up-", dir=MEMORY))  # it is synced often, and disks are slow
    yield made
    shutil.rmtree(runtime_directory(str(made / "engine")), ignore_errors=True)
    shutil.rmtree(made)


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


def changed(file: Path, before: bytes) -> bool:
    return file.read_bytes() != before


def rotate(place: Path, *more: str) -> Any:
    done = guestwright(
        "payload", "rotate-key", "--json", "--directory", str(place / "engine"), *more, timeout=PATIENCE
    )
    assert done.status == 0, done.err
    return done.json["payload_key"]


def test_the_key_of_payloads_changes_while_the_engine_runs(place: Path) -> None:
    config = place / "engine.toml"
    config.write_text("[payloads]\nfile_kib = 64\ntotal_kib = 128\n")
    with up(place, "--no-host", "--config", str(config)) as one, one.client(one.told["token"]) as client:
        base = "/api/v1/payloads"

        def add(name: str, size: int = 1) -> httpx2.Response:
            data = base64.b64encode(b"x" * size).decode()
            return client.post(base, json={"name": name, "files": {"a": data}})

        def readable(made: httpx2.Response) -> bool:
            return client.get(f"{base}/{made.json()['id']}/contents").status_code == 200

        made = [add(f"p{number}") for number in range(5)]
        assert add("large", 64 << 10).status_code == 201  # the settings count
        assert add("larger", (64 << 10) + 1).status_code == 413
        first = rotate(place)
        assert (first["encrypted_anew"], first["unreadable"], len(first["former"])) == (6, 0, 1)
        made.append(add("new"))
        assert all(readable(each) for each in made)

        staged = rotate(place, "--stage")["staged"]
        made.append(add("between"))
        used = rotate(place, "--use", staged)
        assert (used["key"], used["encrypted_anew"]) == (staged, 8)
        assert set(used["former"]) == {first["key"], *first["former"]}
        made.append(add("after"))
        assert rotate(place, "--use", staged)["encrypted_anew"] == 0
        gone = rotate(place, "--drop-former", "--yes")
        assert (set(gone["dropped"]), gone["needed"]) == (set(used["former"]), [])
        assert all(readable(each) for each in made)
        assert len((place / "engine" / "payload-keys").read_text().splitlines()) == 1
        for wrong, code in (("f" * 16, "payload-object-no-key"), ("../x", "payload-object-no-key")):
            done = guestwright(
                *("payload", "rotate-key", "--json", "--directory", str(place / "engine"), "--use", wrong),
                timeout=PATIENCE,
            )
            assert (done.status, done.json["error"]["code"]) == (2, code)
        assert one.end() == 0


def test_a_killed_change_of_keys_loses_nothing(place: Path) -> None:
    with up(place, "--no-host") as one, one.client(one.told["token"]) as client:
        base, count = "/api/v1/payloads", 60
        made = [
            client.post(base, json={"name": f"p{number}", "files": {"a": "eA=="}}).json()["id"]
            for number in range(count)
        ]
        args = ["payload", "rotate-key", "--directory", str(place / "engine")]
        file = place / "engine" / "payload-keys"
        for number, delay in enumerate((0.0, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1)):
            kept = file.read_bytes()
            with running([*COMMAND, *args], env=environment(), stdout=subprocess.DEVNULL) as process:
                eventually(partial(changed, file, kept), 0.001)  # encrypting anew begins
                time.sleep(delay)
                process.kill()
            assert client.get(f"{base}/{made[number * 8]}/contents").status_code == 200
        keys = [line.split()[0] for line in file.read_text().splitlines()]
        assert len(keys) == 8
        rotate(place, "--use", keys[0])
        assert set(rotate(place, "--drop-former", "--yes")["dropped"]) == set(keys[1:])
        for payload in made:
            found = client.get(f"{base}/{payload}/contents")
            assert (found.status_code, found.json()["files"]) == (200, {"a": "eA=="})
        assert one.end() == 0
