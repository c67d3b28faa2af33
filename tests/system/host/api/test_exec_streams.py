"""Programs in guests that are followed over HTTP, with our real agent in the guest."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from guestwright.base.record import replace
from guestwright.host.api.operations.exec_streams import exec_stream_endpoints
from guestwright.host.api.reach import Reach
from guestwright.host.capabilities import Operation
from guestwright.host.client.address import UnixAddress
from guestwright.host.client.client import HostClient
from guestwright.host.client.errors import HostRefused
from guestwright.host.client.execution import Execution
from tests.support.acting_host import DOMID, ActingHost, acting_host
from tests.support.agent_process import eventually
from tests.support.api_server import Running, serving
from tests.support.host_service import WEB1, ScriptedHost

pytestmark = pytest.mark.system
CANARY = "CANARY-stream-19ce40"
ALLOWED = """
[features]
exec = true
[exec]
commands = ["/bin/sh", "/bin/cat", "/bin/sleep"]
"""


@pytest.fixture
def guest(tmp_path: Path) -> Iterator[ActingHost]:
    with acting_host(tmp_path, ALLOWED) as one:
        yield one


@pytest.fixture
def api(tmp_path: Path, guest: ActingHost) -> Iterator[Running]:
    host = ScriptedHost()
    host.known[WEB1] = replace(host.known[WEB1], domid=DOMID)
    with serving(tmp_path, host=host, more=exec_stream_endpoints(Reach(host, guest.connect))) as running:
        yield running


@pytest.fixture
def address(api: Running) -> UnixAddress:
    return UnixAddress(path=api.unix)


def everything(run: Execution) -> dict[str, bytes]:
    found = {"out": b"", "err": b""}
    for stream, data in run:
        found[stream] += data
    return found


def test_output_comes_while_it_runs_and_input_when_it_is_sent(address: UnixAddress) -> None:
    script = "echo ready; while read -r word; do echo got $word; done; echo over >&2; exit 3"
    with Execution(address, WEB1, ["/bin/sh", "-c", script]) as run:
        pieces = iter(run)
        assert next(pieces) == ("out", b"ready\n")
        for word in ("one", "two"):
            run.send(f"{word}\n".encode())
            assert next(pieces) == ("out", f"got {word}\n".encode())
        run.finish()
        assert next(pieces) == ("err", b"over\n")
        assert list(pieces) == []
        assert run.ended == {"how": "exit", "status": 3, "signal": None}


def test_more_than_fits_into_one_request(address: UnixAddress) -> None:
    data = os.urandom(3 << 20)
    with Execution(address, WEB1, ["/bin/cat"]) as run:

        def send() -> None:
            run.send(data)
            run.finish()

        sender = threading.Thread(target=send)
        sender.start()
        assert everything(run)["out"] == data
        sender.join()


def test_whoever_leaves_ends_it(address: UnixAddress, guest: ActingHost, tmp_path: Path) -> None:
    pid = tmp_path / "root" / "pid"
    with Execution(address, WEB1, ["/bin/sh", "-c", f"echo $$ > {pid}; echo on; exec sleep 600"]) as run:
        assert next(iter(run)) == ("out", b"on\n")
        number = int(pid.read_text())
        assert os.path.exists(f"/proc/{number}")
    eventually(lambda: not os.path.exists(f"/proc/{number}"))


def test_what_is_not_possible(api: Running, address: UnixAddress) -> None:
    with pytest.raises(HostRefused) as caught, Execution(address, WEB1, ["/bin/true"]) as run:
        everything(run)
    assert caught.value.code.startswith("guest-call-")
    with Execution(address, WEB1, ["/bin/sleep", "600"], seconds=0.3) as run:
        everything(run)
        assert run.ended is not None
        assert run.ended["how"] == "timeout"
    api.host.refused.add(Operation.EXEC)
    with pytest.raises(HostRefused, match="it is a test"):
        Execution(address, WEB1, ["/bin/cat"])
    with HostClient(address) as client, pytest.raises(HostRefused) as caught:
        client.ask("PUT", f"/v1/domains/{WEB1}/exec-stream/{'0' * 32}/input")
    assert caught.value.code == "api-no-such-process"


def test_nothing_of_it_is_in_the_log(address: UnixAddress, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with Execution(address, WEB1, ["/bin/sh", "-c", f": {CANARY}; cat"]) as run:
        run.send(CANARY.encode())
        run.finish()
        assert everything(run)["out"] == CANARY.encode()
    assert "exec" in caplog.text
    assert CANARY not in caplog.text
