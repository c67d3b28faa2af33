"""What is done to machines that run, besides power and programs: memory, media, files, clipboard, name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from guestwright.engine.api.guest_port import MediumWish
from guestwright.engine.guests.errors import MachineHostLost
from guestwright.engine.inventory.choices import DiskFormat
from guestwright.engine.inventory.model import Disk, Host, StorageDomain, Volume
from tests.support.engine_api import ApiStand, standing
from tests.support.inventories import some_id

pytestmark = pytest.mark.system

MIB = 1 << 20


@pytest.fixture
def stand(tmp_path: Path) -> Iterator[ApiStand]:
    with standing(tmp_path) as made:
        yield made


@pytest.fixture
def client(stand: ApiStand) -> Iterator[TestClient]:
    with stand.admin() as made:
        yield made


def image(stand: ApiStand, host: str) -> tuple[str, str, str]:
    """A disk on a host: its id, the name of the storage domain, the id of the volume."""
    with stand.parts.database.write() as tx:
        storage = tx.storage.add(StorageDomain(id=some_id(), host_id=host, name=f"iso-{host[-4:]}"))
        volume = tx.volumes.add(Volume(id=some_id(), domain_id=storage.id, format=DiskFormat.RAW, size=MIB))
        disk = tx.disks.add(Disk(id=some_id(), name="drivers", volume_id=volume.id))
    return disk.id, storage.name, volume.id


def test_memory(stand: ApiStand, client: TestClient) -> None:
    vm = stand.vm("web").id
    answer = client.put(f"/vms/{vm}/memory", json={"target": 512 * MIB})
    assert answer.json() == {"memory_actual": 512 * MIB, "memory_maximum": 1 << 40}
    assert stand.guests.asked == [("memory", vm, 512 * MIB)]
    for target in (0, 1023, 1 << 60, "1024"):
        assert client.put(f"/vms/{vm}/memory", json={"target": target}).status_code == 400


def test_media(stand: ApiStand, client: TestClient) -> None:
    vm = stand.vm("web")
    assert vm.host_id is not None
    disk, storage, volume = image(stand, vm.host_id)
    where = f"/vms/{vm.id}/media/sda"
    assert client.put(where, json={"disk": disk, "change": True}).status_code == 204
    assert client.delete(where, params={"force": True}).status_code == 204
    wish = MediumWish(storage=storage, volume=volume, change=True)
    assert stand.guests.asked == [("insert", vm.id, ("sda", wish)), ("eject", vm.id, ("sda", True))]

    with stand.parts.database.write() as tx:
        other = tx.hosts.add(Host(id=some_id(), name="other", address="other.lan")).id
        empty = tx.disks.add(Disk(id=some_id(), name="empty")).id
    elsewhere, _, _ = image(stand, other)
    for named, status, code in (
        (elsewhere, 409, "disk-elsewhere"),
        (empty, 409, "disk-empty"),
        (some_id(), 404, "inventory-not-found"),
    ):
        answer = client.put(where, json={"disk": named})
        assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert len(stand.guests.asked) == 2


def test_files(stand: ApiStand, client: TestClient) -> None:
    vm, data = stand.vm("web").id, bytes(range(256))
    where: dict[str, Any] = {"url": f"/vms/{vm}/file", "params": {"path": "/etc/a b?c"}}
    written = client.put(**{**where, "params": {"path": "/etc/a b?c", "mode": "644"}}, content=data)
    assert written.status_code == 204, written.text
    answer = client.get(**where)
    assert (answer.content, answer.headers["content-type"]) == (data, "application/octet-stream")
    assert answer.headers["cache-control"] == "no-store"
    assert stand.guests.asked == [
        ("write-file", vm, ("/etc/a b?c", "644")),
        ("read-file", vm, "/etc/a b?c"),
    ]
    for wrong in ({}, {"path": "etc"}, {"path": "/x", "mode": "9"}, {"path": "/x", "mode": "77777"}):
        assert client.put(f"/vms/{vm}/file", params=wrong, content=b"").status_code == 400
    large = client.put(**where, content=bytes((16 << 20) + 1))
    assert large.status_code == 413
    lines = [(one["action"], one["subject"]) for one in client.get("/audit").json()["items"]]
    assert ("guest-file-read", vm) in lines
    assert ("guest-file-write", vm) in lines


def test_clipboard_and_name(stand: ApiStand, client: TestClient) -> None:
    vm = stand.vm("web").id
    assert client.put(f"/vms/{vm}/clipboard", json={"text": "hello"}).status_code == 204
    assert client.get(f"/vms/{vm}/clipboard", params={"wait": 3}).json() == {"text": "hello"}
    assert client.get(f"/vms/{vm}/clipboard", params={"wait": 51}).status_code == 400
    assert client.put(f"/vms/{vm}/hostname", json={"name": "web-1"}).json() == {"text": ""}
    assert [one[0] for one in stand.guests.asked] == ["copy", "paste", "hostname"]
    assert ("guest-clipboard-get", vm) in [
        (one["action"], one["subject"]) for one in client.get("/audit").json()["items"]
    ]


def test_what_the_host_says_is_passed_on(stand: ApiStand, client: TestClient) -> None:
    vm = stand.vm("web").id
    stand.guests.fails = MachineHostLost(vm=vm, host="one", problem="it broke off")
    cases: tuple[tuple[str, str, dict[str, Any]], ...] = (
        ("PUT", "memory", {"json": {"target": MIB}}),
        ("DELETE", "media/sda", {}),
        ("GET", "file?path=/x", {}),
        ("GET", "clipboard", {}),
    )
    for method, path, more in cases:
        answer = client.request(method, f"/vms/{vm}/{path}", **more)
        assert answer.status_code == 504, answer.text
    assert client.get("/vms/none/file", params={"path": "/x"}).status_code == 404
