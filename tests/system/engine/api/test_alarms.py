"""Alarms about shared identities, as the API and the status page show them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from guestwright.engine.following.alarms import Alarms
from guestwright.engine.following.said import Duplicate
from guestwright.engine.page.status import status
from tests.support.engine_api import ApiStand, standing
from tests.support.inventories import some_id

pytestmark = pytest.mark.system


@pytest.fixture
def stand(tmp_path: Path) -> Iterator[ApiStand]:
    with standing(tmp_path) as one:
        yield one


@pytest.fixture
def client(stand: ApiStand) -> Iterator[TestClient]:
    with stand.admin() as one:
        yield one


def test_an_alarm_is_there_while_it_is_so(stand: ApiStand, client: TestClient) -> None:
    assert "Claimed by several machines" not in status(stand.parts, "ann")
    first, second, other = (stand.vm(name) for name in ("web-1", "<web-2>", "db-1"))
    host, gone = str(first.host_id), some_id()
    alarms = Alarms(stand.parts.database, host)
    began = stand.clock.now
    shared = Duplicate(kind="machine-id", value="ab12", domains=(first.id, second.id, gone))
    alarms.all([shared, Duplicate(kind="mac-address", value="52:54:00:00:00:01", domains=(other.id, gone))])
    stand.clock.now += 60

    found = client.get("/alarms", params={"filter": "kind=machine-id"}).json()["items"]
    assert [(one["value"], one["host_id"], one["created"]) for one in found] == [("ab12", host, began)]
    assert found[0]["machines"] == [
        {"id": first.id, "name": "web-1"},
        {"id": second.id, "name": "<web-2>"},
        {"id": gone, "name": ""},
    ]
    assert client.get(f"/alarms/{found[0]['id']}").json() == found[0]
    mine = client.get("/alarms", params={"filter": f"machines:has:{first.id}"}).json()["items"]
    assert mine == found
    assert client.get(f"/vms/{first.id}/guest").json()["alarms"] == found
    page = client.get("/alarms", params={"limit": 1}).json()
    rest = client.get("/alarms", params={"limit": 1, "cursor": page["next"]}).json()
    assert {one["value"] for one in page["items"] + rest["items"]} == {"ab12", "52:54:00:00:00:01"}
    shown = status(stand.parts, "ann")
    assert "ab12" in shown
    assert "&lt;web-2&gt;" in shown

    alarms.over(shared)
    assert client.get(f"/vms/{first.id}/guest").json()["alarms"] == []
    assert client.get(f"/alarms/{found[0]['id']}").status_code == 404
