"""Memory, media, files, clipboard and host name, from the engine's port to real services of hosts."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from guestwright.base.record import replace
from guestwright.engine.api.guest_port import GuestPort, MediumWish
from guestwright.engine.guests.host_guests import HostGuests
from guestwright.engine.hosts.address import address_of
from guestwright.engine.inventory.database import Database
from guestwright.engine.inventory.model import Host, Vm
from guestwright.host.api.operations.guests import guest_endpoints
from guestwright.host.api.reach import Reach
from guestwright.host.client.address import UnixAddress
from guestwright.host.client.client import HostClient
from guestwright.host.client.errors import HostRefused
from tests.support.acting_host import DOMID, acting_host
from tests.support.api_server import serving
from tests.support.host_daemon import PATIENCE, Site, eventually, site, uuid_of
from tests.support.host_service import WEB1, ScriptedHost

pytestmark = pytest.mark.system

ALLOWED = """
[features]
file = true
[file]
read = ["{0}"]
write = ["{0}"]
"""
MIB = 1 << 20


@pytest.fixture
def place() -> Iterator[Path]:
    found = Path(tempfile.mkdtemp(prefix="gwg-", dir="/dev/shm"))
    (found / "volumes").mkdir()
    (found / "files").mkdir()
    yield found
    shutil.rmtree(found, ignore_errors=True)


def port(place: Path, vm: str, socket: str) -> GuestPort:
    database = Database(f"sqlite:///{place}/engine.db", clock=time.time)
    with database.write() as tx:
        tx.hosts.add(Host(id="h1", name="one", address=f"unix:{socket}"))
        tx.vms.add(Vm(id=vm, name="web1", vcpus=1, memory=MIB, host_id="h1"))

    def addresses(host: str) -> UnixAddress:
        with database.read() as tx:
            found = address_of(tx.hosts.get(host), str(place))
        assert isinstance(found, UnixAddress)
        return found

    return HostGuests(database, addresses)


def test_files_and_what_is_not_offered(place: Path) -> None:
    host = ScriptedHost()
    host.known[WEB1] = replace(host.known[WEB1], domid=DOMID)
    with (
        acting_host(place, ALLOWED.format(place / "files")) as guest,
        serving(place, host=host, more=guest_endpoints(Reach(host, guest.connect))) as running,
    ):
        guests = port(place, WEB1, running.unix)
        path, data = str(place / "files" / "a b"), os.urandom(300_000)
        guests.write_file(WEB1, path, data, "640")
        assert (place / "files" / "a b").stat().st_mode & 0o777 == 0o640
        assert guests.read_file(WEB1, path) == data
        assert guests.hostname(WEB1, "web-7.lan") == ""
        assert (guest.root / "etc/hostname").read_text() == "web-7.lan\n"
        for attempt in (
            lambda: guests.read_file(WEB1, "/etc/shadow"),
            lambda: guests.write_file(WEB1, "/etc/motd", b"", "644"),
            lambda: guests.copy(WEB1, "text"),
            lambda: guests.paste(WEB1, 0.0),
        ):
            with pytest.raises(HostRefused):  # by the guest, as it stands
                attempt()


@pytest.fixture
def one(place: Path) -> Iterator[Site]:
    settings = {"sections": {"volumes": {"main": str(place / "volumes")}}}
    with site(place, 1, settings) as found:
        yield found


def test_memory_and_media(place: Path, one: Site) -> None:
    socket, vm = f"{place}/run/api.sock", str(uuid_of(1))
    guests = port(place, vm, socket)
    with one.guest(1) as wire, HostClient(UnixAddress(path=socket), PATIENCE) as client:
        told = {b"attr/PVAddons/Installed": b"1", b"control/feature-balloon": b"1", b"data/updated": b"1"}
        for path, value in told.items():
            wire.write(path, value)
        eventually(lambda: "balloon" in (client.guest(vm) or {"features": ()})["features"])
        found = guests.memory(vm, 256 * MIB)
        assert found["memory_actual"] == 256 * MIB
        assert found["memory_maximum"] >= 256 * MIB
        with pytest.raises(HostRefused):
            guests.memory(vm, 1 << 45)
        for name in ("disc", "other"):
            wanted = {"domain": "main", "volume": name, "format": "raw", "size": MIB}
            job = client.submit_job("volume.create", wanted)
            assert client.job(job["id"], wait=50)["status"] == "done"
        guests.insert(vm, "sda", MediumWish(storage="main", volume="disc"))
        assert one.hypervisor.get(uuid_of(1)).drive("sda").medium.endswith("/disc.raw")
        with pytest.raises(HostRefused):
            guests.insert(vm, "sda", MediumWish(storage="main", volume="other"))
        guests.insert(vm, "sda", MediumWish(storage="main", volume="other", change=True))
        assert one.hypervisor.get(uuid_of(1)).drive("sda").medium.endswith("/other.raw")
        guests.eject(vm, "sda", force=True)
        assert one.hypervisor.get(uuid_of(1)).drive("sda").medium == ""
        with pytest.raises(HostRefused):
            guests.eject(vm, "sdz", force=False)
