"""The engine in its process, a host service beside: a domain is adopted, made a template, multiplied."""

from __future__ import annotations

import json
import os
import select
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from guestwright.base.record import replace
from guestwright.host.client.address import UnixAddress
from guestwright.host.client.client import HostClient
from guestwright.hypervisor.domain import Bus, Device, Drive, Nic
from guestwright.hypervisor.drivers.fake.hypervisor import FakeHypervisor
from tests.support.host_daemon import machine, served, uuid_of
from tests.support.payload_bench import MEMORY
from tests.support.program import COMMAND, environment, running

pytestmark = pytest.mark.system

PATIENCE = 240.0


@pytest.fixture
def place() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="gw-story-", dir=MEMORY))  # it is synced often, and disks are slow
    yield made
    shutil.rmtree(made)


@contextmanager
def engine(place: Path) -> Iterator[httpx2.Client]:
    """An engine without a host of its own, and a client of its administrator."""
    args = ["up", "--json", "--no-host", "--directory", str(place / "engine"), "--listen", "127.0.0.1:0"]
    given = environment({"XDG_CONFIG_HOME": str(place / "config")})
    with running([*COMMAND, *args], env=given, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        text = b""
        while not text.endswith(b"}\n"):
            assert select.select([process.stdout], [], [], PATIENCE)[0]
            part = os.read(process.stdout.fileno(), 65536)
            assert part, (text, process.wait(PATIENCE))
            text += part
        told = json.loads(text)
        token = (place / "engine" / "admin.token").read_text().strip()
        headers = {"Authorization": f"Bearer {token}"}
        with httpx2.Client(base_url=told["url"] + "/api/v1", headers=headers, timeout=PATIENCE) as client:
            yield client
        process.terminate()
        assert process.wait(PATIENCE) == 0


def eventually(what: Callable[[], Any]) -> Any:
    until = time.monotonic() + PATIENCE
    while not (found := what()):
        assert time.monotonic() < until
        time.sleep(0.05)
    return found


def done(client: httpx2.Client, answer: httpx2.Response) -> dict[str, Any]:
    """The job of an answer, at its end."""
    assert answer.status_code == 202, answer.text
    id_ = answer.json()["job"]["id"]

    def ended() -> dict[str, Any] | None:
        job: dict[str, Any] = client.get(f"/jobs/{id_}?wait=20").json()
        return job if job["status"] in ("done", "compensated") else None

    job: dict[str, Any] = eventually(ended)
    assert job["status"] == "done", job
    return job


def make_volume(place: Path, name: str) -> None:
    with HostClient(UnixAddress(path=f"{place}/run/api.sock")) as client:
        wanted = {"domain": "main", "volume": name, "format": "qcow2", "size": 1 << 20}
        job = client.submit_job("volume.create", wanted)
        eventually(lambda: client.job(job["id"], wait=10)["status"] == "done")


def test_an_adopted_domain_becomes_a_template_and_machines(place: Path) -> None:
    hypervisor = FakeHypervisor("fake:///story")
    settings: dict[str, Any] = {"sections": {"volumes": {"main": str(place / "volumes")}}}
    with engine(place) as client, served(place, hypervisor, settings):
        address = f"unix:{place}/run/api.sock"
        host = client.post("/hosts", json={"name": "one", "address": address})
        assert host.status_code == 201, host.text
        make_volume(place, "root")
        medium = str(place / "volumes" / "root.qcow2")
        disk = Drive(device=Device.DISK, bus=Bus.VIRTIO, target="vda", medium=medium, format="qcow2")
        eventually(lambda: client.get("/volumes?filter=state=legal").json()["items"])
        card = Nic(mac="52:54:00:00:00:01", source="br0", model="virtio", bridged=True)
        hypervisor.adopt(replace(machine(1, place), drives=(disk,), nics=(card,)))
        eventually(lambda: client.get("/vms?filter=name=web1&filter=power=off").json()["items"])

        wanted = {"vm": uuid_of(1), "name": "debian", "seal": False}
        done(client, client.post("/templates", json=wanted))
        wanted = {"template": "debian", "pattern": "node-{n}", "count": 2, "first": 1}
        done(client, client.post("/vms", json=wanted))

        def names() -> set[str]:
            return {one["name"] for one in client.get("/vms?filter=power=off").json()["items"]}

        eventually(lambda: names() == {"web1", "node-1", "node-2"})
        defined = {one.name: one.uuid for one in hypervisor.list()}
        assert set(defined) == {"web1", "node-1", "node-2"}
        node = defined["node-1"]
        assert [(one.source, one.bridged) for one in hypervisor.get(node).nics] == [("br0", True)]
        started = client.post(f"/vms/{node}/power", json={"action": "start"})
        assert started.status_code == 200, started.text
        eventually(lambda: client.get(f"/vms/{node}").json()["power"] == "running")
        hypervisor.stop(node)
        eventually(lambda: client.get(f"/vms/{node}").json()["power"] == "off")
        done(client, client.delete(f"/vms/{node}"))
        assert {one.name for one in hypervisor.list()} == {"web1", "node-2"}
        eventually(lambda: names() == {"web1", "node-2"})
        kinds = {one["kind"] for one in client.get("/events?after=").json()["items"]}
        assert {"job-changed", "vm-added", "host-changed"} <= kinds
