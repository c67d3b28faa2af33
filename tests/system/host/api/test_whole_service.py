"""The whole service as its callers see it: real parts over the fake hypervisor, asked through HTTP only."""

from __future__ import annotations

import base64
import json
import shutil
import tempfile
import threading
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
import pytest

from guestwright.host.api.operations.domains import Capabilities, Domains, GuestReply, Guests
from guestwright.host.api.operations.host import Duplicates
from guestwright.host.api.operations.payloads import PayloadsReply
from guestwright.host.api.operations.volumes import Storages, Volumes
from guestwright.host.api.wire import encode, wire_type
from guestwright.host.client.address import UnixAddress
from guestwright.host.client.client import HostClient
from guestwright.host.client.errors import HostRefused
from guestwright.host.client.events import Events, HostEvent
from guestwright.host.service.port import AboutHost, Known
from tests.support.host_daemon import PATIENCE, Site, eventually, site, uuid_of
from tests.support.payload_bench import CANARY, on_medium
from tests.support.xenstore_server import Wire

pytestmark = pytest.mark.system
FACTS = {
    b"attr/PVAddons/Installed": b"1",
    b"data/guestwright/agent/version": b"0.1.0",
    b"data/os_name": b"Debian 12",
    b"data/net/version": b"1.0",
    b"data/net/virtio-0/kind": b"virtio",
    b"data/net/virtio-0/mac": b"52:54:00:00:00:01",
    b"data/net/virtio-0/ipv4/0": b"192.0.2.1",
    b"data/boot/state": b"up",
    b"data/updated": b"1",
}


@pytest.fixture
def place() -> Iterator[Path]:
    found = Path(tempfile.mkdtemp(prefix="gwh-", dir="/dev/shm"))
    (found / "volumes").mkdir()
    yield found
    shutil.rmtree(found, ignore_errors=True)


@pytest.fixture
def one(place: Path) -> Iterator[Site]:
    settings = {"sections": {"volumes": {"main": str(place / "volumes")}}}
    with site(place, 2, settings) as found:
        yield found


@pytest.fixture
def address(place: Path) -> UnixAddress:
    return UnixAddress(path=str(place / "run/api.sock"))


@pytest.fixture
def client(one: Site, address: UnixAddress) -> Iterator[HostClient]:
    with HostClient(address, PATIENCE) as made:
        yield made


@pytest.fixture
def guest(one: Site) -> Iterator[Wire]:
    with one.guest(1) as found:
        for path, value in FACTS.items():
            found.write(path, value)
        yield found


def test_every_answer_is_of_its_documented_type(client: HostClient, guest: Wire) -> None:
    domain = f"/v1/domains/{uuid_of(1)}"
    eventually(lambda: "nics" in (client.guest(uuid_of(1)) or {}).get("facts", {}))
    for path, kind in (
        ("/v1", AboutHost),
        ("/v1/domains", Domains),
        ("/v1/guests", Guests),
        (domain, Known),
        (f"{domain}/guest", GuestReply),
        (f"{domain}/capabilities", Capabilities),
        (f"{domain}/payloads", PayloadsReply),
        ("/v1/duplicates", Duplicates),
        ("/v1/storage", Storages),
        ("/v1/storage/main/volumes", Volumes),
    ):
        found = client.get(path)
        typed = msgspec.convert(found, type=wire_type(kind))
        assert json.loads(encode(msgspec.to_builtins(typed))) == found, path


def test_a_changed_address_is_in_the_stream_of_a_caller(
    client: HostClient, guest: Wire, address: UnixAddress, one: Site
) -> None:
    eventually(lambda: "nics" in (client.guest(uuid_of(1)) or {}).get("facts", {}))
    found: list[HostEvent] = []

    def follow() -> None:
        kinds = ("facts-changed",)
        for event in Events(address, kinds=kinds, subject=uuid_of(1)):
            found.append(event)
            if "192.0.2.77" in json.dumps(event.data):
                return

    thread = threading.Thread(target=follow, daemon=True)
    readers = one.daemon.journal.readers
    thread.start()
    eventually(lambda: one.daemon.journal.readers > readers)
    guest.write(b"data/net/virtio-0/ipv4/0", b"192.0.2.77")
    guest.write(b"data/updated", b"2")
    thread.join(PATIENCE)
    assert found[-1].subject == uuid_of(1)
    assert found[-1].data["source"] == "agent"


def test_power_and_a_payload_by_the_api_alone(client: HostClient, one: Site) -> None:
    uuid = uuid_of(2)
    with pytest.raises(HostRefused) as refused:
        client.power(uuid, "resume")
    assert (refused.value.code, refused.value.status) == ("host-operation-refused", 409)
    assert refused.value.advice
    assert client.power(uuid, "kill")["power"] == "halted"
    user_data = base64.b64encode(f"#cloud-config\npassword: {CANARY}\n".encode()).decode()
    body = {"form": "nocloud", "files": {"user-data": user_data}, "instance_id": "i", "hostname": "h"}
    client.ask("PUT", f"/v1/domains/{uuid}/payloads/run-once", body)
    assert client.power(uuid, "start")["power"] == "running"
    (payload,) = client.get(f"/v1/domains/{uuid}/payloads")["payloads"]
    assert payload["inside"]
    medium = one.hypervisor.get(uuid).drive(payload["place"]["target"]).medium
    assert CANARY.encode() in on_medium(medium, "/user-data")
    client.ask("DELETE", f"/v1/domains/{uuid}/payloads/run-once?force=true")
    events = [kind for kind, _, _ in one.events()]
    assert "payload-changed" in events


def test_a_volume_as_a_disc(client: HostClient, one: Site) -> None:
    parameters = {"domain": "main", "volume": "disc", "format": "raw", "size": 1 << 20}
    job = client.submit_job("volume.create", parameters)
    assert client.job(job["id"], wait=50)["status"] == "done"
    drive = f"/v1/domains/{uuid_of(1)}/drives/sda"
    put = client.ask("PUT", drive, {"storage": "main", "volume": "disc"})
    assert put["medium"].endswith("/disc.raw")
    assert client.ask("DELETE", drive)["medium"] == ""
    assert [kind for kind, subject, _ in one.events() if subject == job["id"]] == ["job-changed"] * 3


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "sysprep", {"answers": CANARY}),
        ("POST", "exec", {"argv": ["/bin/true"]}),
        ("GET", "file?path=/etc/hostname", None),
        ("PUT", "clipboard", {"text": CANARY}),
        ("POST", "clock", None),
        ("PUT", "address", {"device": 0, "mac": "52:54:00:00:00:01", "address": "192.0.2.7/24"}),
        ("PUT", "hostname", {"name": "x"}),
    ],
)
def test_what_is_not_possible_has_a_cause_and_a_remedy(
    client: HostClient, method: str, path: str, body: dict[str, Any] | None
) -> None:
    with pytest.raises(HostRefused) as refused:
        client.ask(method, f"/v1/domains/{uuid_of(1)}/{path}", body)
    error = refused.value
    assert (error.code, error.status) == ("host-operation-refused", 409)
    assert error.as_dict()["params"]["cause"]
    assert error.advice
    assert CANARY not in json.dumps(error.as_dict())
    assert client.jobs() == []


def test_a_memory_target(client: HostClient, guest: Wire, one: Site) -> None:
    domain = f"/v1/domains/{uuid_of(1)}/memory"
    with pytest.raises(HostRefused, match="feature-balloon"):
        client.ask("PUT", domain, {"target": 256 << 20})
    guest.write(b"control/feature-balloon", b"1")
    guest.write(b"data/updated", b"3")
    eventually(lambda: "balloon" in (client.guest(uuid_of(1)) or {})["features"])
    found = client.ask("PUT", domain, {"target": 256 << 20})
    assert found["domain"]["memory_actual"] == 256 << 20
    for wrong in (0, 1025, 1 << 60, "1"):
        with pytest.raises(HostRefused, match="target"):
            client.ask("PUT", domain, {"target": wrong})
    with pytest.raises(HostRefused) as refused:
        client.ask("PUT", domain, {"target": 1 << 40})
    assert refused.value.status == 400


def test_events_that_are_kept_can_be_read_from_the_beginning(
    client: HostClient, address: UnixAddress
) -> None:
    kept = list(islice(Events(address, after="0", follow=False), 1000))
    assert [one.kind for one in kept].count("domain-added") == 2
    assert client.about()["hypervisor"] == "fake"
