"""`guestwright up` with libvirt's QEMU driver inside the host service: no daemon, and machines run on."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from guestwright.engine.process.own_host import runtime_directory
from guestwright.host.client.address import UnixAddress
from guestwright.host.client.client import HostClient
from guestwright.host.client.errors import ClientError
from tests.support.libvirtd import NEEDS
from tests.support.up import Up, eventually, up

pytestmark = [pytest.mark.system, NEEDS]


@pytest.fixture
def place() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="gw-embed-"))
    made.chmod(0o711)  # QEMU's user gets at what is below
    yield made
    if left := qemu_of(made):
        os.kill(left, signal.SIGKILL)
    shutil.rmtree(runtime_directory(str(made / "engine")), ignore_errors=True)
    shutil.rmtree(made)


EMBEDDED = "00000000-0000-4000-8000-00000000e001"


def ended(service: HostClient, kind: str, **wanted: Any) -> None:
    job = service.submit_job(kind, wanted)
    while job["status"] not in ("done", "failed"):
        job = service.job(job["id"], wait=20)
    assert job["status"] == "done", job


def test_machines_of_an_embedded_driver_run_on(place: Path) -> None:
    socket = UnixAddress(path=str(place / "engine" / "api.sock"))

    def power(one: Up) -> str:
        with one.client(token) as client:
            items = client.get("/api/v1/vms").json()["items"]
            return str(items[0]["power"]) if items else ""

    def seen() -> tuple[int, str]:
        with HostClient(socket) as service:
            shown = service.ask("GET", f"/v1/domains/{EMBEDDED}")
            return int(shown["domid"] or 0), str(shown["power"])

    with up(place, "--emulate", hypervisor="embed") as first:
        assert first.told["hypervisor"] == f"qemu:///embed?root={place}/engine/qemu"
        token = first.told["token"]
        with HostClient(socket) as service:
            ended(service, "volume.create", domain="main", volume="v", format="qcow2", size=64 << 20)
            disks = [{"domain": "main", "volume": "v", "target": "vda"}]
            wanted = {"name": "own", "vcpus": 1, "memory": 64 << 20, "disks": disks}
            ended(service, "domain.define", uuid=EMBEDDED, **wanted)
            service.ask("POST", f"/v1/domains/{EMBEDDED}/power", {"action": "start"})
        before = seen()
        assert before[1] == "running"
        eventually(lambda: power(first) == "running")
        assert first.end() == 0
    pid = qemu_of(place)
    assert pid
    with up(place, hypervisor="") as second:  # without the option it is as it was
        assert second.told["hypervisor"] == first.told["hypervisor"]
        assert seen() == before
        child = Path(f"/proc/{second.process.pid}/task/{second.process.pid}/children").read_text().split()
        os.kill(int(child[0]), signal.SIGKILL)

        def found() -> bool:
            try:
                return seen() == before
            except ClientError:
                return False

        eventually(found)
        assert qemu_of(place) == pid
        with HostClient(socket) as service:
            service.ask("POST", f"/v1/domains/{EMBEDDED}/power", {"action": "kill"})
        eventually(lambda: power(second) == "off")
        assert second.end() == 0


def qemu_of(place: Path) -> int:
    """The process that runs a machine whose disk is below; 0 for none."""
    for one in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            line = one.read_bytes()
            if b"qemu-system" in line.split(b"\0")[0] and os.fsencode(place) in line:
                return int(one.parent.name)
    return 0
