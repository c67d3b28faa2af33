"""Machines through the API: what lists show, live actions, what is waited for, and the jobs about them."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from guestwright.base.errors import UsageError
from guestwright.engine.api.guest_port import ExecWish, PowerAction, SysprepWish
from guestwright.engine.guests.errors import MachineHostLost
from guestwright.engine.inventory import states
from guestwright.engine.inventory.choices import AgentState
from guestwright.engine.inventory.facts import AgentUpdate, Update
from guestwright.engine.inventory.states import PayloadEvent, VmEvent
from guestwright.engine.jobs.errors import TryAgain
from tests.support.engine_api import ApiStand, standing
from tests.support.engine_databases import Makes

pytestmark = pytest.mark.system
PATIENCE = 120.0


@pytest.fixture
def stand(tmp_path: Path, makes: Makes) -> Iterator[ApiStand]:
    with standing(tmp_path, makes.again()) as one:
        yield one


@pytest.fixture
def client(stand: ApiStand) -> Iterator[TestClient]:
    with stand.admin() as one:
        yield one


def ended(client: TestClient, answer: Any) -> Any:
    """A job at its end."""
    assert answer.status_code == 202, answer.text
    path = answer.headers["location"].removeprefix("/api/v1")
    for _ in range(20):
        job = client.get(path, params={"wait": PATIENCE / 20}).json()
        if job["ended"]:
            return job
    raise AssertionError(job)


def says(stand: ApiStand, vm: str, name: str, value: Any) -> None:
    with stand.parts.database.write() as tx:
        tx.facts.store([Update(vm=vm, name=name, value=value, source="agent", at=tx.now)])


def live(stand: ApiStand, vm: str) -> None:
    with stand.parts.database.write() as tx:
        tx.facts.agents([AgentUpdate(vm=vm, state=AgentState.LIVE, at=tx.now)])


def test_facts_come_with_their_age_and_history(stand: ApiStand, client: TestClient) -> None:
    vm = stand.vm("web").id
    assert client.get(f"/vms/{vm}/guest").json()["age"] is None
    for name in ("one", "two"):
        says(stand, vm, "host", {"name": name})
        stand.clock.now += 10
    told = client.get(f"/vms/{vm}/guest").json()
    assert (told["facts"]["host"]["value"], told["facts"]["host"]["age"]) == ({"name": "two"}, 10)
    assert (told["guest"]["hostname"], told["age"]) == ("two", 10)
    assert client.get("/vms", params={"filter": "hostname=two"}).json()["items"][0]["id"] == vm
    first = client.get(f"/vms/{vm}/history", params={"fact": "host", "limit": 1}).json()
    assert first["items"][0]["value"] == {"name": "two"}
    second = client.get(f"/vms/{vm}/history", params={"fact": "host", "cursor": first["next"]}).json()
    assert ([one["value"]["name"] for one in second["items"]], second["next"]) == (["one"], None)
    assert stand.guests.asked == []


def test_what_is_waited_for(stand: ApiStand, client: TestClient) -> None:
    vm = stand.vm("web").id

    def reached(until: str, timeout: float = 0) -> bool:
        answer = client.post(f"/vms/{vm}/wait", json={"until": until, "timeout": timeout})
        return bool(answer.json()["reached"])

    assert not any(reached(one) for one in ("agent", "ip", "customised"))
    says(stand, vm, "nics", [{"addresses": [{"address": "fe80::1"}, {"address": "127.0.0.1"}]}])
    assert not reached("ip")
    says(stand, vm, "nics", [{"addresses": [{"address": "192.0.2.7"}]}])
    assert reached("ip")
    payload = client.post("/payloads", json={"name": "p", "files": {"a": "eA=="}}).json()["id"]
    use = client.post(f"/vms/{vm}/payloads", json={"payload": payload, "run_once": True}).json()
    coming = threading.Timer(0.3, live, (stand, vm))
    coming.start()
    assert any(reached("agent", 50) for _ in range(5))  # a machine that stands still has its time over
    coming.join()
    assert not reached("customised")
    with stand.parts.database.write() as tx:
        for event in (PayloadEvent.ATTACHED, PayloadEvent.CONSUMED):
            tx.payload_uses.move(use["id"], states.PAYLOAD, event)
    assert reached("customised")


def test_a_start_is_noted_before_the_host_is_asked(stand: ApiStand, client: TestClient) -> None:
    path = f"/vms/{stand.vm('web').id}"
    told = client.post(f"{path}/power", json={"action": "start"}).json()
    assert (told["power"], stand.guests.asked[0][2]) == ("running", PowerAction.START)
    again = client.post(f"{path}/power", json={"action": "start"})
    assert (again.status_code, again.json()["code"]) == (409, "inventory-not-allowed-now")
    stand.guests.power_after = "off"
    assert client.post(f"{path}/power", json={"action": "kill"}).json()["power"] == "off"
    assert len(stand.guests.asked) == 2


@pytest.mark.parametrize(
    ("error", "power"),
    [
        pytest.param(UsageError(problem="no"), "off", id="refused"),
        pytest.param(TryAgain(job="", problem="away"), "unknown", id="nobody-knows"),
    ],
)
def test_a_start_that_fails_leaves_what_is_known(stand: ApiStand, error: Any, power: str) -> None:
    vm = stand.vm("web").id
    stand.guests.fails = error
    with stand.admin() as client:
        answer = client.post(f"/vms/{vm}/power", json={"action": "start"})
        assert answer.json()["code"] == error.code
        assert client.get(f"/vms/{vm}").json()["power"] == power
        lines = client.get("/audit", params={"subject": vm}).json()["items"]
    assert [(one["action"], one["outcome"]) for one in lines] == [("vm-power", "failed")]


def test_a_machine_that_is_worked_on_does_not_start(stand: ApiStand, client: TestClient) -> None:
    vm = stand.vm("web").id
    with stand.parts.database.write() as tx:
        tx.vms.move(vm, states.VM, VmEvent.LOCKED, job="j")
    answer = client.post(f"/vms/{vm}/power", json={"action": "start"})
    assert (answer.status_code, stand.guests.asked) == (409, [])


def test_programs_and_sysprep_reach_the_host_as_asked(stand: ApiStand, client: TestClient) -> None:
    vm = stand.vm("web").id
    body = {"argv": ["/bin/cat"], "stdin": base64.b64encode(b"\x00\xff").decode(), "timeout": 5}
    told = client.post(f"/vms/{vm}/exec", json=body).json()
    assert base64.b64decode(told["out"]) == b"out of \x00\xff"
    wish = stand.guests.asked[0][2]
    assert isinstance(wish, ExecWish)
    assert (wish.argv, wish.stdin, wish.seconds) == (("/bin/cat",), b"\x00\xff", 5)
    answer = client.post(f"/vms/{vm}/sysprep", json={"answers": "secret", "timeout": 60})
    assert (answer.status_code, answer.json()["status"]) == (202, "pending")
    wish = stand.guests.asked[1][2]
    assert isinstance(wish, SysprepWish)
    assert (wish.answers.reveal(), wish.seconds) == ("secret", 60)
    place = answer.headers["location"].removeprefix("/api/v1")
    assert client.get(place).json()["status"] == "running"
    stand.guests.sysprep_status = "done"
    assert client.get(place, params={"wait": 50}).json()["status"] == "done"
    assert client.get(f"/vms/{vm}/sysprep/other").status_code == 404
    assert client.get(f"/vms/{vm}/capabilities").json()["items"][0]["operation"] == "start"
    asked = len(stand.guests.asked)
    for method, path in (("GET", "capabilities"), ("GET", "sysprep/job-1")):
        assert client.request(method, f"/vms/nobody/{path}").status_code == 404
    assert len(stand.guests.asked) == asked


def test_syspreps_are_kept_whatever_becomes_of_them(stand: ApiStand, client: TestClient) -> None:
    vm = stand.vm("win").id
    path = client.post(f"/vms/{vm}/sysprep", json={"answers": "CANARY"}).headers["location"]
    (first,) = client.get(f"/vms/{vm}/syspreps").json()["items"]
    assert (first["state"], first["percent"], first["ended"], first["error"]) == ("requested", None, 0, None)
    assert first["actor"] == client.get("/whoami").json()["name"]
    client.get(path.removeprefix("/api/v1"))
    (first,) = client.get(f"/vms/{vm}/syspreps").json()["items"]
    assert (first["state"], first["percent"], first["progress"]) == ("running", 50, "x")
    stand.guests.sysprep_status = "done"
    client.get(path.removeprefix("/api/v1"))
    stand.clock.now += 5
    stand.guests.fails = UsageError(problem="no agent")
    assert client.post(f"/vms/{vm}/sysprep", json={"answers": "CANARY"}).status_code == 400
    stand.clock.now += 5
    stand.guests.fails = MachineHostLost(vm=vm, host="one", problem="it is gone")
    assert client.post(f"/vms/{vm}/sysprep", json={"answers": "CANARY"}).status_code == 504
    told = client.get(f"/vms/{vm}/syspreps")
    assert "CANARY" not in told.text
    states_ = [(one["state"], (one["error"] or {}).get("code")) for one in told.json()["items"]]
    assert states_ == [("requested", None), ("failed", "usage"), ("vm-down", None)]
    assert "no agent" in told.json()["items"][1]["error"]["message"]
    failed = client.get(f"/vms/{vm}/syspreps", params={"filter": "state=failed"}).json()["items"]
    assert failed == told.json()["items"][1:2]
    assert client.get("/vms/nobody/syspreps").status_code == 404


def test_payloads_of_a_machine(stand: ApiStand, client: TestClient) -> None:
    vm, other = stand.vm("web").id, stand.vm("db").id
    payload = client.post("/payloads", json={"name": "p", "files": {"a": "eA=="}}).json()["id"]
    made = client.post(f"/vms/{vm}/payloads", json={"payload": payload, "device": "floppy"})
    use = made.json()
    assert (use["persistence"], use["device"], use["state"]) == ("permanent", "floppy", "defined")
    assert client.get(f"/vms/{vm}/payloads").json()["items"] == [use]
    assert client.delete(f"/payloads/{payload}").json()["code"] == "inventory-in-use"
    assert client.delete(f"/vms/{other}/payloads/{use['id']}").status_code == 404
    assert client.delete(f"/vms/{vm}/payloads/{use['id']}").status_code == 204
    assert client.put(f"/payloads/{payload}", json={"files": {"b": "eQ=="}}).json()["current"] == 2
    versions = client.get(f"/payloads/{payload}/versions").json()["items"]
    assert [(one["number"], one["files"]) for one in versions] == [(2, {"b": 1}), (1, {"a": 1})]
    for query, files in (({}, {"b": "eQ=="}), ({"version": 1}, {"a": "eA=="})):
        assert client.get(f"/payloads/{payload}/contents", params=query).json()["files"] == files
    assert client.get(f"/payloads/{payload}/contents", params={"version": 9}).status_code == 404


def test_hosts_go_into_maintenance_with_their_storage(stand: ApiStand, client: TestClient) -> None:
    stand.vm("web")
    host = client.get("/hosts").json()["items"][0]["id"]
    assert client.patch(f"/hosts/{host}", json={"maintenance": True}).status_code == 409  # it never was up
    with stand.parts.database.write() as tx:
        tx.hosts.move(host, states.HOST, states.HostEvent.CONNECTED)
        tx.storage.move(tx.storage.all()[0].id, states.STORAGE, states.HostEvent.CONNECTED)
    told = client.patch(f"/hosts/{host}", json={"maintenance": True, "name": "new"}).json()
    assert (told["state"], told["name"]) == ("maintenance", "new")
    assert client.get("/storage").json()["items"][0]["state"] == "maintenance"
    used = client.delete(f"/hosts/{host}")
    assert (used.status_code, used.json()["code"]) == (409, "inventory-in-use")
    assert client.get("/storage").json()["items"] != []
    assert client.patch(f"/hosts/{host}", json={"maintenance": False}).json()["state"] == "unreachable"


def test_a_machine_is_made_and_removed(stand: ApiStand, client: TestClient) -> None:
    stand.template("debian")
    stand.worker.start()
    payload = client.post("/payloads", json={"name": "p", "files": {"a": "eA=="}}).json()["id"]
    body = {"template": "debian", "name": "web", "payload": payload, "run_once": True}
    job = ended(client, client.post("/vms", json=body))
    assert job["status"] == "done", job
    vm = job["result"]["vm"]
    shown = client.get(f"/vms/{vm}").json()
    assert (shown["name"], shown["state"], len(shown["drives"])) == ("web", "ready", 1)
    assert client.get(f"/vms/{vm}/payloads").json()["items"][0]["payload_id"] == payload
    gone = ended(client, client.delete(f"/vms/{vm}"))
    assert (gone["status"], gone["result"]) == ("done", {"vm": vm, "left": []})
    assert client.get(f"/vms/{vm}").status_code == 404
    assert len(client.get("/volumes").json()["items"]) == 1  # the template's
    assert set(stand.world.all("domain")) == set()


def test_a_removal_that_fails_late_can_be_asked_for_again(stand: ApiStand, client: TestClient) -> None:
    vm = stand.vm("web").id
    with stand.parts.database.write() as tx:
        tx.vms.move(vm, states.VM, VmEvent.REMOVING)
    stand.worker.start()
    assert ended(client, client.delete(f"/vms/{vm}"))["status"] == "done"
    assert client.get("/disks").json()["items"] == client.get("/volumes").json()["items"] == []


def test_a_machine_that_runs_is_not_removed(stand: ApiStand, client: TestClient) -> None:
    vm = stand.vm("web").id
    client.post(f"/vms/{vm}/power", json={"action": "start"})
    stand.worker.start()
    job = ended(client, client.delete(f"/vms/{vm}"))
    assert (job["status"], job["error"]["code"]) == ("compensated", "template-machine-held")
    assert client.get(f"/vms/{vm}").json()["state"] == "ready"


def test_many_machines_by_a_pattern_and_a_template_of_one(stand: ApiStand, client: TestClient) -> None:
    version = stand.template("debian")
    stand.worker.start()
    body = {"template": version.template_id, "pattern": "web-{n:02}", "count": 3, "first": 9}
    job = ended(client, client.post("/vms", json=body))
    assert sorted(job["result"]["made"]) == ["web-09", "web-10", "web-11"]
    children = client.get("/jobs", params={"group": job["id"], "status": "done"}).json()["items"]
    assert len(children) == 3
    vm = job["result"]["made"]["web-10"]
    made = ended(client, client.post("/templates", json={"vm": vm, "name": "mine"}))
    assert made["status"] == "done", made
    template = client.get("/templates", params={"filter": "name=mine"}).json()["items"][0]
    versions = client.get(f"/templates/{template['id']}/versions").json()["items"]
    assert [(one["number"], one["state"], one["sealed"]) for one in versions] == [(1, "ready", True)]
    assert client.get(f"/templates/{template['id']}").json() == template
    cancelled = client.post(f"/jobs/{made['id']}/cancel")
    assert (cancelled.status_code, cancelled.json()["code"]) == (409, "durable-job-ended")
    used = client.delete(f"/templates/{version.template_id}")
    assert (used.status_code, used.json()["code"]) == (409, "template-used")
    gone = ended(client, client.delete(f"/templates/{template['id']}", params={"number": 1}))
    assert (gone["status"], gone["result"]["left"]) == ("done", [])
    assert client.get(f"/templates/{template['id']}").status_code == 404
    assert client.delete(f"/templates/{version.template_id}", params={"number": 2}).status_code == 404


def test_machines_get_the_payload_of_their_template(stand: ApiStand, client: TestClient) -> None:
    stand.template("debian")
    payload = client.post("/payloads", json={"name": "p", "files": {"a": "eA=="}}).json()["id"]
    template = client.get("/templates").json()["items"][0]["id"]
    path = f"/templates/{template}/versions/1"
    before = client.get(path)
    assert (before.json()["payload_id"], before.json()["run_once"]) == (None, False)
    old = {"If-Match": before.headers["etag"]}
    told = client.patch(path, json={"payload": payload, "run_once": True}, headers=old)
    assert (told.json()["payload_id"], told.json()["run_once"]) == (payload, True)
    assert client.get(f"/templates/{template}/versions").json()["items"] == [told.json()]
    assert client.get(path).headers["etag"] == told.headers["etag"] != old["If-Match"]
    assert client.patch(path, json={"payload": None}, headers=old).status_code == 412
    assert client.patch(path, json={"payload": "nobody"}).status_code == 404
    assert client.patch(path, json={"payload": None, "run_once": True}).status_code == 422
    for wrong in ("2", "x", "9" * 40):
        assert client.get(f"/templates/{template}/versions/{wrong}").status_code == 404
    assert client.delete(f"/payloads/{payload}").json()["code"] == "inventory-in-use"
    stand.worker.start()
    vm = ended(client, client.post("/vms", json={"template": "debian", "name": "web"}))["result"]["vm"]
    none = {"template": "debian", "name": "bare", "payload": "none"}
    bare = ended(client, client.post("/vms", json=none))["result"]["vm"]
    (use,) = client.get(f"/vms/{vm}/payloads").json()["items"]
    assert (use["payload_id"], use["persistence"]) == (payload, "run-once")
    assert client.get(f"/vms/{bare}/payloads").json()["items"] == []
    assert client.patch(path, json={"payload": None}).json()["payload_id"] is None
