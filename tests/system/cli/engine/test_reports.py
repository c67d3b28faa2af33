"""Commands that tell of what the engine keeps beside things: alarms, syspreps, the audit log."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from guestwright.base.errors import UsageError
from guestwright.client.errors import NoSuchThing
from guestwright.engine.following.alarms import Alarms
from guestwright.engine.following.said import Duplicate
from guestwright.engine.inventory.choices import Role
from tests.support.engine_server import Engine, serving

pytestmark = pytest.mark.system


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    with serving(tmp_path) as made:
        yield made


def test_alarms_of_all_machines_and_of_one(engine: Engine) -> None:
    first, second, other = (engine.stand.vm(name) for name in ("web-1", "web-2", "db-1"))
    alarms = Alarms(engine.stand.parts.database, str(first.host_id))
    key = Duplicate(kind="ssh-host-key", value="SHA256:abc", domains=(first.id, second.id))
    mac = Duplicate(kind="mac-address", value="52:54:00:00:00:01", domains=(other.id, second.id))
    alarms.all([key, mac])
    assert {one["value"] for one in engine.ok("guest", "alarms")["items"]} == {key.value, mac.value}
    mine = engine.ok("guest", "alarms", "web-1")["items"]
    assert [[each["name"] for each in one["machines"]] for one in mine] == [["web-1", "web-2"]]
    assert len(engine.ok("guest", "alarms", "web-2", "--filter", "kind=mac-address")["items"]) == 1
    shown = engine.run("guest", "alarms", "db-1").out
    assert "52:54:00:00:00:01" in shown
    assert "db-1 web-2" in shown
    assert isinstance(engine.run("guest", "alarms", "none").error, NoSuchThing)
    assert engine.ok("guest", "facts", "web-1")["guest"]["alarms"][0]["value"] == key.value
    assert "ssh-host-key SHA256:abc with web-2" in engine.run("guest", "facts", "web-1").out


def test_syspreps_of_a_machine(engine: Engine, tmp_path: Path) -> None:
    engine.stand.vm("win-1")
    file = tmp_path / "unattend.xml"
    file.write_text("CANARY")
    assert engine.ok("vm", "syspreps", "win-1")["items"] == []
    engine.stand.guests.sysprep_status = "done"
    engine.ok("vm", "sysprep", "win-1", "--unattend", str(file), "--wait")
    (kept,) = engine.ok("vm", "syspreps", "win-1", "--filter", "state=vm-down")["items"]
    assert (kept["actor"], kept["percent"]) == ("ann", 100)
    engine.stand.clock.now += 1
    engine.stand.guests.fails = UsageError(problem="there is no agent")
    assert engine.run("vm", "sysprep", "win-1", "--unattend", str(file)).status != 0
    shown = engine.run("vm", "syspreps", "win-1", "--limit", "1")
    assert "there is no agent" in shown.out
    assert "failed" in shown.out
    assert "more than 1" in shown.err
    assert "CANARY" not in shown.out


def test_the_audit_log(engine: Engine) -> None:
    bob = engine.stand.user("bob", Role.VIEWER)
    mine = engine.token
    vm = engine.stand.vm("web-1").id
    for _ in range(3):
        engine.stand.clock.now += 1
        engine.stand.guests.power_after = "running"
        engine.ok("vm", "start", "web-1")
        engine.stand.guests.power_after = "off"
        engine.ok("vm", "stop", "web-1", "--force")
    engine.login(engine.stand.token(bob))
    assert engine.run("audit", "list").error.code == "account-may-not"  # type: ignore[union-attr]  # an error
    engine.login(mine)
    lines = engine.ok("audit", "list", "--subject", vm, "--actor", "ann")["items"]
    assert [one["number"] for one in lines] == sorted((one["number"] for one in lines), reverse=True)
    assert {one["action"] for one in lines} == {"vm-power"}
    assert len(lines) == 6
    done = engine.run("audit", "list", "--limit", "2")
    assert len(done.out.splitlines()) == 3
    assert "more than 2" in done.err
    denied = engine.ok("audit", "list", "--actor", "bob", "--limit", "0")["items"]
    assert ("audit", "denied") in [(one["action"], one["outcome"]) for one in denied]
    assert engine.ok("audit", "list", "--actor", "nobody")["items"] == []
