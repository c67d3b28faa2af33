"""Commands, files and settings over HTTP, with our real agent in the guest."""

from __future__ import annotations

import base64
import logging
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import pytest

from guestwright.base.record import replace
from guestwright.host.api.operations.guests import Accepted, Ended, guest_endpoints
from guestwright.host.api.reach import Reach
from guestwright.host.api.wire import wire_type
from guestwright.host.capabilities import Operation
from guestwright.host.enrol.roles import Role
from tests.support.acting_host import DOMID, ActingHost, acting_host
from tests.support.api_server import Running, context, put, serving
from tests.support.host_service import WEB1, ScriptedHost

pytestmark = pytest.mark.system
CANARY = "CANARY-api-77a1c5"
ALLOWED = """
[features]
exec = true
file = true
[exec]
commands = ["/bin/sh", "/bin/cat", "/bin/sleep"]
[file]
read = ["{0}"]
write = ["{0}"]
"""
ONE = f"/v1/domains/{WEB1}"


@pytest.fixture
def guest(tmp_path: Path) -> Iterator[ActingHost]:
    os.makedirs(tmp_path / "files")
    with acting_host(tmp_path, ALLOWED.format(tmp_path / "files")) as one:
        yield one


@pytest.fixture
def api(tmp_path: Path, guest: ActingHost) -> Iterator[Running]:
    host = ScriptedHost()
    host.known[WEB1] = replace(host.known[WEB1], domid=DOMID)
    reach = Reach(host, guest.connect)
    with serving(tmp_path, host=host, tls=True, more=guest_endpoints(reach)) as running:
        yield running


@pytest.fixture
def client(api: Running) -> Iterator[httpx2.Client]:
    with api.client() as client:
        yield client


def test_a_command_runs_to_its_end(client: httpx2.Client, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="guestwright.audit")
    body = {
        "argv": ["/bin/sh", "-c", "cat; echo said >&2; exit 3"],
        "input": base64.b64encode(CANARY.encode()).decode(),
    }
    answer = client.post(f"{ONE}/exec", json=body)
    done = msgspec.convert(answer.json(), type=wire_type(Ended))
    assert (done.how, done.status, done.out, done.err) == ("exit", 3, CANARY.encode(), b"said\n")
    lines = [one.__dict__["audit"] for one in caplog.records if one.name == "guestwright.audit"]
    assert [(one.get("action"), one.get("operation")) for one in lines] == [("exec", None), (None, "exec")]
    assert lines[0]["who"] == f"uid:{os.geteuid()}"
    assert CANARY not in repr(lines)


def test_what_the_guest_does_not_allow(client: httpx2.Client) -> None:
    answer = client.post(f"{ONE}/exec", json={"argv": ["/bin/ls"]})
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "guest-call-refused")
    answer = client.get(f"{ONE}/file", params={"path": "/etc/shadow"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "guest-call-refused")


def test_a_command_that_takes_too_long_or_says_too_much(client: httpx2.Client) -> None:
    answer = client.post(f"{ONE}/exec", json={"argv": ["/bin/sleep", "600"], "seconds": 0.5})
    assert answer.status_code in (200, 504)
    if answer.status_code == 200:
        assert answer.json()["status"] is None
    body = {"argv": ["/bin/sh", "-c", "while :; do echo yyyyyyyyyyyyyyyy; done"], "output_max": 5000}
    answer = client.post(f"{ONE}/exec", json=body)
    assert answer.json()["error"]["code"] == "host-call-ended"


def test_files_go_in_and_out(client: httpx2.Client, tmp_path: Path) -> None:
    path = tmp_path / "files" / "one"
    data = os.urandom(200_000)
    answer = client.put(f"{ONE}/file", params={"path": str(path), "mode": "640"}, content=data)
    assert msgspec.convert(answer.json(), type=wire_type(Accepted)).text == ""
    assert path.read_bytes() == data
    assert path.stat().st_mode & 0o777 == 0o640
    assert client.get(f"{ONE}/file", params={"path": str(path)}).content == data
    assert client.get(f"{ONE}/file", params={"path": f"{path}2"}).status_code == 502


@pytest.mark.parametrize(
    ("method", "path", "body", "operation"),
    [
        ("POST", "/exec", {"argv": ["/bin/cat"]}, Operation.EXEC),
        ("GET", "/file?path=/x", None, Operation.FILE),
        ("PUT", "/clipboard", {"text": "x"}, Operation.CLIPBOARD),
        ("GET", "/clipboard", None, Operation.CLIPBOARD),
    ],
)
def test_only_administrators_and_only_where_it_is_allowed(
    api: Running,
    client: httpx2.Client,
    tmp_path: Path,
    method: str,
    path: str,
    body: Any,
    operation: Operation,
) -> None:
    assert api.authority is not None
    secure = context(put(tmp_path / "op", api.authority.client("op", Role.OPERATOR, time.time())))
    sent = {} if body is None else {"json": body}
    url = f"https://127.0.0.1:{api.server.port}"
    with httpx2.Client(base_url=url, verify=secure, timeout=60) as operator:
        answer = operator.request(method, ONE + path, **sent)
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "api-role")
    api.host.refused.add(operation)
    answer = client.request(method, ONE + path, **sent)
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "host-operation-refused")
    assert answer.json()["error"]["hint"] == "ask the test"


def test_a_guest_without_a_clipboard(client: httpx2.Client) -> None:
    answer = client.put(f"{ONE}/clipboard", json={"text": "x"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "guest-call-not-offered")


@pytest.mark.parametrize(
    "body",
    [
        {"argv": []},
        {"argv": ["a"], "seconds": 0},
        {"argv": ["a"], "seconds": 1e9},
        {"argv": ["a"], "input": "?"},
    ],
)
def test_commands_that_make_no_sense(client: httpx2.Client, body: Any) -> None:
    answer = client.post(f"{ONE}/exec", json=body)
    assert answer.json()["error"]["code"] == "api-bad-request"
