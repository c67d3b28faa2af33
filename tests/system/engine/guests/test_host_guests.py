"""Live actions on machines, over a host service with scripted domains."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from guestwright.base.secret import Secret
from guestwright.engine.api.guest_port import ExecWish, GuestPort, PowerAction, SysprepWish
from guestwright.engine.guests.errors import (
    MachineHostRefuses,
    MachineHostSilent,
    MachineNowhere,
    NoSuchSysprep,
)
from guestwright.engine.guests.host_guests import HostGuests
from guestwright.engine.hosts.address import address_of
from guestwright.engine.inventory.database import Database
from guestwright.engine.inventory.errors import NotInInventory
from guestwright.engine.inventory.model import Host, Vm
from guestwright.host.acting import sysprep_job
from guestwright.host.client.address import Address
from guestwright.host.client.client import HostClient
from guestwright.host.client.errors import HostRefused
from tests.support.api_server import serving
from tests.support.host_service import WEB1

pytestmark = pytest.mark.system

LOST = "0c6f5c5e-7a3a-4a43-9e0e-2f1f3f3d9aff"


@pytest.fixture
def directory() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="gw-guests-") as made:
        yield Path(made)


@pytest.fixture
def guests(directory: Path) -> Iterator[GuestPort]:
    with Database(f"sqlite:///{directory}/engine.db", clock=time.time) as database:
        with database.write() as tx:
            tx.hosts.add(Host(id="h1", name="one", address=f"unix:{directory}/api.sock"))
            tx.vms.add(Vm(id=WEB1, name="web1", vcpus=1, memory=1, host_id="h1"))
            tx.vms.add(Vm(id=LOST, name="lost", vcpus=1, memory=1))

        def addresses(host: str) -> Address:
            with database.read() as tx:
                return address_of(tx.hosts.get(host), str(directory))

        yield HostGuests(database, addresses)


def test_power_and_capabilities_are_asked_of_the_host(guests: GuestPort, directory: Path) -> None:
    with serving(directory) as running:
        assert guests.power(WEB1, PowerAction.SHUTDOWN) == {"power": "off"}
        assert running.host.called == [("power", WEB1, "shutdown")]
        assert guests.power(WEB1, PowerAction.START) == {"power": "running"}
        found = {one["operation"]: one["allowed"] for one in guests.capabilities(WEB1)}
        assert found["exec"] is False
        assert set(guests.capabilities(WEB1)[0]) == {"operation", "allowed", "cause", "text", "remedy"}


def test_what_the_host_has_not_is_passed_on(guests: GuestPort, directory: Path) -> None:
    with serving(directory):
        with pytest.raises(HostRefused) as caught:
            guests.exec(WEB1, ExecWish(argv=("/bin/true",)))
        assert caught.value.http_status == 404
        with pytest.raises((NoSuchSysprep, HostRefused)):
            guests.sysprep_job(WEB1, "01m7zkpmf99ay6mz7zq82xgtd1", 0)
        with pytest.raises(HostRefused):
            guests.sysprep(WEB1, SysprepWish(answers=Secret("x")))


def test_a_sysprep_is_looked_at_by_its_machine(guests: GuestPort, monkeypatch: pytest.MonkeyPatch) -> None:
    job: dict[str, Any] = {
        "id": "j",
        "kind": sysprep_job.NAME,
        "parameters": {"domain": WEB1},
        "status": "done",
    }
    job |= {"percent": 100, "text": "", "result": {}, "error": None}
    monkeypatch.setattr(HostClient, "job", lambda _client, _name, _wait: job)
    assert guests.sysprep_job(WEB1, "j", 0)["status"] == "done"
    job["parameters"] = {"domain": LOST}
    with pytest.raises(NoSuchSysprep):
        guests.sysprep_job(WEB1, "j", 0)
    job |= {"kind": "volume.copy", "parameters": {"domain": WEB1}}
    with pytest.raises(NoSuchSysprep):
        guests.sysprep_job(WEB1, "j", 0)


def test_that_the_engine_may_not_is_no_fault_of_the_caller(
    guests: GuestPort, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(client: HostClient, uuid: str, action: str) -> None:
        raise HostRefused.of(403, {"code": "api-role", "message": f"{action} takes operator"})

    monkeypatch.setattr(HostClient, "power", refuses)
    with pytest.raises(MachineHostRefuses, match="start takes operator"):
        guests.power(WEB1, PowerAction.START)


def test_who_cannot_be_asked(guests: GuestPort) -> None:
    with pytest.raises(MachineHostSilent):
        guests.power(WEB1, PowerAction.START)
    with pytest.raises(MachineNowhere):
        guests.capabilities(LOST)
    with pytest.raises(NotInInventory):
        guests.capabilities("nobody")
