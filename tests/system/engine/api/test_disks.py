"""Uploads and downloads of disks through the engine, to and from a real service of a host."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from guestwright.engine.disks.hosts import DiskHosts
from guestwright.engine.disks.uploads import Uploads
from guestwright.engine.inventory import states
from guestwright.engine.inventory.choices import Role
from guestwright.engine.inventory.model import Disk, Volume
from guestwright.engine.inventory.query import Filter, Op
from guestwright.engine.process.stale import give_up_stale
from tests.support.disk_stand import GIB, STORAGE, DiskStand, contents, disk_stand
from tests.support.inventories import some_id

pytestmark = pytest.mark.system

PATIENCE = 120.0
MIB = 1 << 20
DATA = contents(MIB)


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DiskStand]:
    with disk_stand(tmp_path_factory.mktemp("disks")) as made:
        yield made


@pytest.fixture
def client(stand: DiskStand) -> Iterator[httpx2.Client]:
    with client_of(stand, stand.token) as made:
        yield made


def client_of(stand: DiskStand, token: str) -> httpx2.Client:
    headers = {"Authorization": f"Bearer {token}"}
    return httpx2.Client(base_url=f"{stand.url}/api/v1", headers=headers, timeout=PATIENCE)


def ended(client: httpx2.Client, answer: httpx2.Response) -> dict[str, Any]:
    assert answer.status_code == 202, answer.text
    job: dict[str, Any] = answer.json()["job"]
    while job["status"] not in ("done", "compensated"):
        job = client.get(f"/jobs/{job['id']}?wait=20").json()
    return job


def begun(client: httpx2.Client, stand: DiskStand, **more: Any) -> str:
    answer = client.post("/disks/uploads", json=stand.wanted(**more))
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def put(client: httpx2.Client, upload: str, data: bytes, start: int = 0, total: int = MIB) -> httpx2.Response:
    headers = {"Content-Range": f"bytes {start}-{start + len(data) - 1}/{total}"}
    return client.put(f"/disks/uploads/{upload}/content", content=data, headers=headers)


@pytest.fixture(scope="module")
def disk(stand: DiskStand) -> str:
    """A disk that was uploaded whole."""
    with client_of(stand, stand.token) as client:
        upload = begun(client, stand, name="whole")
        assert put(client, upload, DATA).json()["missing"] == []
        job = ended(client, client.post(f"/disks/uploads/{upload}/finish"))
        return str(job["result"]["disk"])


def test_a_disk_arrives_in_pieces_in_any_order(client: httpx2.Client, stand: DiskStand) -> None:
    answer = client.post("/disks/uploads", json=stand.wanted(name="pieces"))
    shown = answer.json()
    where = f"/disks/uploads/{shown['id']}"
    assert answer.headers["location"] == f"/api/v1{where}"
    assert (shown["missing"], shown["job"], shown["storage"]) == ([[0, MIB]], "", STORAGE)
    assert client.get(f"/volumes/{shown['volume']}").json()["state"] == "locked"
    assert put(client, shown["id"], DATA[700_000:], 700_000).json()["missing"] == [[0, 700_000]]
    assert put(client, shown["id"], DATA[:300_000]).json()["missing"] == [[300_000, 700_000]]
    assert client.get(where).json()["missing"] == [[300_000, 700_000]]
    listed = {one["id"]: one for one in client.get("/disks/uploads").json()["items"]}
    assert listed[shown["id"]]["missing"] is None

    early = ended(client, client.post(f"{where}/finish"))
    assert early["status"] == "compensated"
    assert early["error"]["code"] == "volume-upload-incomplete", early
    assert put(client, shown["id"], DATA[300_000:700_000], 300_000).json()["missing"] == []
    job = ended(client, client.post(f"{where}/finish"))
    assert (job["status"], job["kind"]) == ("done", "disk.upload"), job
    assert job["result"] == {"disk": shown["disk"], "volume": shown["volume"]}
    assert client.get(where).status_code == 404
    assert client.get(f"/disks/{shown['disk']}").json()["name"] == "pieces"
    volume = client.get(f"/volumes/{shown['volume']}").json()
    assert (volume["state"], volume["kind"], volume["job"]) == ("legal", "leaf", "")
    assert client.get(f"/disks/{shown['disk']}/content").content == DATA


def test_finishing_again_meanwhile_is_the_same_job(client: httpx2.Client, stand: DiskStand) -> None:
    upload = begun(client, stand)
    put(client, upload, DATA)
    answers = [client.post(f"/disks/uploads/{upload}/finish") for _ in range(3)]
    jobs = {one.json()["job"]["id"] for one in answers if one.status_code == 202}
    assert len(jobs) == 1
    assert {one.status_code for one in answers} <= {202, 404}  # 404: it has ended meanwhile
    ended(client, answers[0])


def test_the_same_key_is_the_same_upload_and_the_same_job(client: httpx2.Client, stand: DiskStand) -> None:
    key, body = {"Idempotency-Key": "k"}, stand.wanted(name="keyed")
    made = [client.post("/disks/uploads", json=body, headers=key).json() for _ in range(2)]
    assert made[0] == made[1]
    assert len([one for one in client.get("/disks").json()["items"] if one["name"] == "keyed"]) == 1
    upload = made[0]["id"]
    put(client, upload, DATA)
    one = client.post(f"/disks/uploads/{upload}/finish", headers=key)
    assert ended(client, one)["status"] == "done"
    again = client.post(f"/disks/uploads/{upload}/finish", headers=key)  # it is no upload any more
    assert (again.status_code, again.content) == (202, one.content)
    other = client.post(f"/disks/uploads/{some_id()}/finish", headers=key)
    assert other.json()["code"] == "api-key-reused"


def test_an_upload_is_given_up_with_all_of_it(client: httpx2.Client, stand: DiskStand) -> None:
    shown = client.post("/disks/uploads", json=stand.wanted(name="gone")).json()
    put(client, shown["id"], DATA[:1000])
    assert shown["volume"] in stand.volumes()
    assert client.delete(f"/disks/uploads/{shown['id']}").status_code == 204
    assert shown["volume"] not in stand.volumes()
    for path in (f"/disks/{shown['disk']}", f"/volumes/{shown['volume']}", f"/disks/uploads/{shown['id']}"):
        assert client.get(path).status_code == 404
    assert client.delete(f"/disks/uploads/{shown['id']}").status_code == 404


def test_what_nobody_goes_on_with_is_given_up(client: httpx2.Client, stand: DiskStand) -> None:
    parts, clock = stand.api.parts, stand.api.clock
    old, alive = (client.post("/disks/uploads", json=stand.wanted()).json() for _ in range(2))
    put(client, old["id"], DATA[:1000])
    clock.now += 3600
    put(client, alive["id"], DATA[:1000])
    disks = Uploads(parts.database, DiskHosts(parts.addresses), clock)
    stand.stop_host()
    assert give_up_stale(parts.database, disks, clock.now - 60)["disk uploads"] == 0  # its host is silent
    stand.start_host()
    assert client.get(f"/disks/uploads/{old['id']}").status_code == 200
    assert give_up_stale(parts.database, disks, clock.now - 60)["disk uploads"] >= 1
    assert client.get(f"/disks/uploads/{old['id']}").status_code == 404
    assert old["volume"] not in stand.volumes()
    assert client.get(f"/disks/uploads/{alive['id']}").json()["missing"] == [[1000, MIB]]


def test_a_disk_is_removed_with_its_volume(client: httpx2.Client, stand: DiskStand) -> None:
    upload = begun(client, stand, name="to-go")
    put(client, upload, DATA)
    made = ended(client, client.post(f"/disks/uploads/{upload}/finish"))["result"]
    where = f"/disks/{made['disk']}"
    assert made["volume"] in stand.volumes()
    stale = client.delete(where, headers={"If-Match": '"99"'})
    assert stale.status_code == 412
    key = {"Idempotency-Key": "remove it"}
    answers = [client.delete(where, headers=key) for _ in range(2)]
    job = ended(client, answers[0])
    assert (job["kind"], job["status"], job["result"]["left"]) == ("disk.remove", "done", []), job
    assert made["volume"] not in stand.volumes()
    assert [client.get(path).status_code for path in (where, f"/volumes/{made['volume']}")] == [404, 404]
    assert client.delete(where).status_code == 404


def test_a_disk_in_use_is_not_removed(client: httpx2.Client, stand: DiskStand) -> None:
    machine = stand.api.vm("has-a-disk")
    with stand.api.parts.database.read() as tx:
        (one,) = tx.drives.all(Filter("vm_id", Op.IS, machine.id))
    answer = client.delete(f"/disks/{one.disk_id}")
    assert (answer.status_code, answer.json()["code"]) == (409, "template-disk-not-free")
    assert client.get(f"/disks/{one.disk_id}").status_code == 200


OUTSIDE = {
    "behind-the-end": ("bytes 1048576-1048577/1048576", b"xx", 416, "disk-upload-outside"),
    "over-the-end": ("bytes 1048575-1048576/1048576", b"xx", 416, "disk-upload-outside"),
    "far-away": ("bytes 9000000000000000000-9000000000000000001/*", b"xx", 416, "disk-upload-outside"),
    "another-size": ("bytes 0-1/99", b"xx", 416, "disk-upload-outside"),
    "more-than-said": ("bytes 0-0/1048576", b"xx", 400, "api-bad-request"),
    "less-than-said": ("bytes 0-9/1048576", b"xx", 400, "api-bad-request"),
    "backwards": ("bytes 9-0/1048576", b"xx", 400, "api-bad-request"),
    "no-range": ("1-2", b"xx", 400, "api-bad-request"),
    "all-too-long": ("", b"x" * (MIB + 1), 400, "api-bad-request"),
}


@pytest.mark.parametrize("name", OUTSIDE)
def test_nothing_is_written_beyond_the_file(client: httpx2.Client, stand: DiskStand, name: str) -> None:
    text, data, status, code = OUTSIDE[name]
    shown = client.post("/disks/uploads", json=stand.wanted(name=name)).json()
    headers = {"Content-Range": text} if text else {}
    answer = client.put(f"/disks/uploads/{shown['id']}/content", content=data, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    if status == 416:
        assert answer.headers["content-range"] == "bytes */1048576"
    file = stand.place / "volumes" / f"{shown['volume']}.raw"
    assert file.stat().st_size == MIB
    assert client.delete(f"/disks/uploads/{shown['id']}").status_code == 204


REFUSED: dict[str, tuple[dict[str, Any], int, str]] = {
    "raw-of-another-size": ({"file_size": 512}, 422, "disk-upload-bad"),
    "no-sectors": ({"size": 1000}, 422, "disk-upload-bad"),
    "empty": ({"size": 0}, 422, "disk-upload-bad"),
    "endless": ({"size": (1 << 62) - 512}, 422, "disk-upload-bad"),
    "no-room": ({"size": 3 * GIB}, 507, "disk-no-room"),
    "nowhere": ({"storage": "none"}, 422, "disk-upload-bad"),
    "no-host": ({"host": "none"}, 404, "inventory-not-found"),
    "another-format": ({"format": "vmdk"}, 400, "api-bad-request"),
    "name": ({"name": " x"}, 422, "disk-upload-bad"),
    "checksum": ({"sha256": "x"}, 400, "api-bad-request"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_is_refused_before_anything_is_made(
    client: httpx2.Client, stand: DiskStand, name: str
) -> None:
    more, status, code = REFUSED[name]
    before = set(stand.volumes())
    answer = client.post("/disks/uploads", json=stand.wanted(**more))
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert set(stand.volumes()) == before


def test_what_is_no_image_never_becomes_a_disk(client: httpx2.Client, stand: DiskStand) -> None:
    upload = begun(client, stand, name="lie", format="qcow2")
    put(client, upload, DATA)
    job = ended(client, client.post(f"/disks/uploads/{upload}/finish"))
    assert job["status"] == "compensated"
    shown = client.get(f"/disks/uploads/{upload}").json()
    assert client.get(f"/volumes/{shown['volume']}").json()["state"] == "locked"
    assert client.get(f"/disks/{shown['disk']}/content").json()["code"] == "disk-empty"
    assert client.delete(f"/disks/uploads/{upload}").status_code == 204


def test_a_wrong_checksum_has_all_of_it_sent_again(client: httpx2.Client, stand: DiskStand) -> None:
    upload = begun(client, stand, name="sum", sha256="0" * 64)
    put(client, upload, DATA)
    job = ended(client, client.post(f"/disks/uploads/{upload}/finish"))
    assert job["status"] == "compensated"
    assert client.get(f"/disks/uploads/{upload}").json()["missing"] == [[0, MIB]]
    assert client.delete(f"/disks/uploads/{upload}").status_code == 204


RANGES = {
    "all": ("", 200, 0, MIB),
    "the-first": ("bytes=0-9", 206, 0, 10),
    "the-rest": ("bytes=1000000-", 206, 1_000_000, MIB),
    "the-last": ("bytes=-5", 206, MIB - 5, MIB),
    "more-than-all": ("bytes=0-99999999", 206, 0, MIB),
    "last-more-than-all": ("bytes=-99999999", 206, 0, MIB),
    "backwards": ("bytes=9-0", 200, 0, MIB),
    "several": ("bytes=0-1,3-4", 200, 0, MIB),
    "another-unit": ("lines=0-1", 200, 0, MIB),
}


@pytest.mark.parametrize("name", RANGES)
def test_a_disk_is_had_by_ranges(client: httpx2.Client, disk: str, name: str) -> None:
    asked, status, start, end = RANGES[name]
    headers = {"Range": asked} if asked else {}
    answer = client.get(f"/disks/{disk}/content", headers=headers)
    assert (answer.status_code, answer.content) == (status, DATA[start:end])
    assert answer.headers["content-type"] == "application/octet-stream"
    said = answer.headers.get("content-range")
    assert said == (f"bytes {start}-{end - 1}/{MIB}" if status == 206 else None)
    with_tag = {**headers, "If-Range": answer.headers["etag"]}
    assert client.get(f"/disks/{disk}/content", headers=with_tag).status_code == status
    stale = {**headers, "If-Range": '"another"'}
    assert client.get(f"/disks/{disk}/content", headers=stale).status_code == 200
    head = client.head(f"/disks/{disk}/content", headers=headers)
    assert (head.status_code, head.headers["content-length"]) == (status, str(end - start))


def test_there_is_nothing_behind_the_end(client: httpx2.Client, disk: str) -> None:
    answer = client.get(f"/disks/{disk}/content", headers={"Range": "bytes=1048576-"})
    assert (answer.status_code, answer.json()["code"]) == (416, "disk-range-empty")
    assert answer.headers["content-range"] == "bytes */1048576"


def test_a_layer_is_no_whole_disk(client: httpx2.Client, stand: DiskStand, disk: str) -> None:
    with stand.api.parts.database.write() as tx:
        base = tx.volumes.get(str(tx.disks.get(disk).volume_id))
        layer = tx.volumes.add(
            Volume(id=some_id(), domain_id=base.domain_id, format=base.format, size=MIB, parent_id=base.id)
        )
        tx.volumes.move(layer.id, states.VOLUME, states.VolumeEvent.FILLED)
        thin = tx.disks.add(Disk(id=some_id(), name="thin", volume_id=layer.id))
        bare = tx.disks.add(Disk(id=some_id(), name="bare"))
    assert client.get(f"/disks/{thin.id}/content").json()["code"] == "disk-is-layer"
    assert client.get(f"/disks/{bare.id}/content").json()["code"] == "disk-empty"


def test_who_only_looks_gets_no_content_and_who_does_is_noted(
    client: httpx2.Client, stand: DiskStand, disk: str
) -> None:
    viewer, admin = stand.token_of(Role.VIEWER), stand.token_of(Role.ADMIN)
    with client_of(stand, viewer) as other:
        assert other.get(f"/disks/{disk}").status_code == 200
        assert other.get(f"/disks/{disk}/content").status_code == 403
        assert other.post("/disks/uploads", json=stand.wanted()).status_code == 403
    client.get(f"/disks/{disk}/content", headers={"Range": "bytes=0-0"})
    with client_of(stand, admin) as other:
        lines = other.get("/audit", params={"subject": disk}).json()["items"]
    said = [(one["action"], one["outcome"], one["detail"].get("range")) for one in lines]
    assert ("disk-download", "done", "bytes=0-0") in said
    assert ("disk-download", "denied", None) in said


def test_a_host_that_is_away_is_told_and_nothing_is_lost(tmp_path: Path) -> None:
    with disk_stand(tmp_path) as stand, client_of(stand, stand.token) as client:
        upload = begun(client, stand)
        assert put(client, upload, DATA[:500_000]).status_code == 200
        stand.stop_host()
        for answer in (
            put(client, upload, DATA[500_000:], 500_000),
            client.get(f"/disks/uploads/{upload}"),
            client.delete(f"/disks/uploads/{upload}"),
            client.post("/disks/uploads", json=stand.wanted(name="other")),
        ):
            assert (answer.status_code, answer.json()["code"]) == (503, "disk-host-silent"), answer.text
        assert [one["id"] for one in client.get("/disks/uploads").json()["items"]] == [upload]
        stand.start_host()
        assert client.get(f"/disks/uploads/{upload}").json()["missing"] == [[500_000, MIB]]
        assert put(client, upload, DATA[500_000:], 500_000).json()["missing"] == []
        assert ended(client, client.post(f"/disks/uploads/{upload}/finish"))["status"] == "done"
