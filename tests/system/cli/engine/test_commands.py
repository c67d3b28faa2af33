"""Every command that asks an engine, against the engine's API over SQLite, with simulated hosts."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from guestwright.client.errors import AmbiguousName, EngineRefused, NoSuchThing, NotLoggedIn
from guestwright.engine.inventory import states
from guestwright.engine.inventory.choices import AgentState, DiskFormat, Role
from guestwright.engine.inventory.facts import AgentUpdate, Update
from guestwright.engine.inventory.model import Disk, StorageDomain, Volume
from tests.support.engine_api import PASSWORD
from tests.support.engine_server import Engine, serving
from tests.support.inventories import some_id
from tests.support.program import guestwright

pytestmark = pytest.mark.system


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    with serving(tmp_path) as made:
        yield made


def test_login_by_password_and_logout(engine: Engine, tmp_path: Path) -> None:
    engine.stand.user("bob", Role.OPERATOR)
    file = tmp_path / "pw"
    file.write_text(PASSWORD + "\n")
    told = engine.ok("login", engine.url, "--name", "bob", "--password-file", str(file))
    assert told["login"]["role"] == "operator"
    kept = told["login"]["file"]
    assert os.stat(kept).st_mode & 0o777 == 0o600
    assert engine.ok("whoami")["whoami"]["name"] == "bob"
    done = engine.run("logout")
    assert done.status == 0
    assert not os.path.exists(kept)
    assert isinstance(engine.run("whoami").error, NotLoggedIn)


def test_login_by_token(engine: Engine, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(engine.token)
    engine.run("logout", "--keep-token")
    assert engine.ok("login", engine.url, "--token-file", str(file))["login"]["name"] == "ann"
    assert "ann" in engine.run("whoami", "--server", engine.url).out


def test_a_wrong_password_is_refused_and_not_shown(engine: Engine) -> None:
    done = engine.run(
        "login", engine.url, "--name", "ann", "--password-file", "-", input="canary wrong one\n"
    )
    assert isinstance(done.error, EngineRefused)
    assert done.error.code == "account-login-refused"
    assert "canary" not in done.out + done.err + done.error.message


def test_lists_of_machines(engine: Engine) -> None:
    for name in ("web-1", "web-2", "db-1"):
        engine.stand.vm(name)
    found = engine.ok("vm", "list", "--filter", "name~web-*", "--sort", "name")
    assert [one["name"] for one in found["items"]] == ["web-1", "web-2"]
    done = engine.run("vm", "list", "--limit", "2")
    assert len(done.out.splitlines()) == 3
    assert "more than 2" in done.err
    assert engine.run("vm", "list", "--filter", "nonsense").status == 2


def test_one_machine_by_name_and_id(engine: Engine) -> None:
    vm = engine.stand.vm("web-1")
    by_name, by_id = engine.ok("vm", "show", "web-1"), engine.ok("vm", "show", vm.id)
    assert by_name["vm"] == by_id["vm"]
    assert len(by_name["vm"]["drives"]) == 1
    assert "web-1" in engine.run("vm", "show", "web-1").out


def test_unknown_and_ambiguous_names(engine: Engine) -> None:
    done = engine.run("vm", "show", "none")
    assert isinstance(done.error, NoSuchThing)
    assert done.status == 1
    domains = [engine.stand.vm(name) for name in ("a", "b")]
    storage = engine.ok("storage", "list")["items"]
    assert len(domains) == 2
    assert len(storage) == 2


def test_power(engine: Engine) -> None:
    engine.stand.vm("web-1")
    assert engine.ok("vm", "start", "web-1")["vm"]["power"] == "running"
    engine.stand.guests.power_after = "off"
    engine.run("vm", "reboot", "web-1")
    assert "off" in engine.run("vm", "stop", "web-1").out
    engine.run("vm", "stop", "web-1", "--force")
    assert [str(one[2]) for one in engine.stand.guests.asked] == ["start", "reboot", "shutdown", "kill"]


def test_machines_from_a_template_with_a_payload(engine: Engine, tmp_path: Path) -> None:
    engine.stand.template("debian")
    motd = tmp_path / "motd"
    motd.write_text("hello")
    engine.ok("payload", "store", "web", "--file", f"motd={motd}")
    names = ("--template", "debian", "--payload", "web")
    told = engine.ok("vm", "create", *names, "--name", "web-{n}", "--count", "3", "--wait")
    assert sorted(told["job"]["result"]["made"]) == ["web-1", "web-2", "web-3"]
    assert told["job"]["status"] == "done"
    one = engine.run("vm", "create", "--template", "debian", "--name", "single", "--wait")
    assert one.status == 0, one.error
    jobs = engine.ok("job", "list")["items"]
    assert {one["kind"] for one in jobs} == {"vm.create", "vm.create-many"}
    many = next(one["id"] for one in jobs if one["kind"] == "vm.create-many")
    assert len(engine.ok("job", "list", "--group", many, "--status", "done")["items"]) == 3
    assert engine.ok("job", "show", many)["job"]["status"] == "done"
    assert "web-2" in engine.run("job", "wait", many).out
    assert engine.run("job", "cancel", many).status == 1


def test_jobs_can_be_left_alone(engine: Engine) -> None:
    engine.stand.template("debian")
    done = engine.run("vm", "create", "--template", "debian", "--name", "later")
    assert done.out.startswith("job ")
    engine.ok("job", "wait", done.out.split()[1].rstrip(":"), "--timeout", "60")
    assert engine.run("vm", "show", "later").status == 0


def test_templates(engine: Engine) -> None:
    engine.stand.vm("golden")
    told = engine.ok("template", "create", "--from", "golden", "--name", "debian", "--wait")
    assert told["job"]["status"] == "done"
    assert [one["name"] for one in engine.ok("template", "list")["items"]] == ["debian"]
    assert len(engine.ok("template", "show", "debian")["template"]["versions"]) == 1
    assert "VERSION" in engine.run("template", "show", "debian").out
    assert engine.run("template", "remove", "debian", input="n\n").status == 2
    gone = engine.ok("template", "remove", "debian", "--version", "1", "--yes", "--wait")
    assert gone["job"]["status"] == "done"
    assert engine.ok("template", "list")["items"] == []


def test_payloads_of_templates(engine: Engine, tmp_path: Path) -> None:
    engine.stand.template("debian")
    motd = tmp_path / "motd"
    motd.write_text("hello")
    for name in ("web", "other"):
        engine.ok("payload", "store", name, "--file", f"motd={motd}")
    assert engine.run("template", "set-payload", "debian", "web", "--version", "2").status != 0
    set_ = engine.ok("template", "set-payload", "debian", "web", "--run-once")["version"]
    assert set_["run_once"]
    assert set_["payload_id"] in engine.run("template", "show", "debian").out
    engine.ok("vm", "create", "--template", "debian", "--name", "a", "--wait")
    engine.ok("vm", "create", "--template", "debian", "--name", "b", "--payload", "none", "--wait")
    engine.ok("vm", "create", "--template", "debian", "--name", "c", "--payload", "other", "--wait")
    jobs = {one["parameters"]["name"]: one["parameters"] for one in engine.ok("job", "list")["items"]}
    assert (jobs["a"]["payload"], jobs["a"]["run_once"]) == (set_["payload_id"], True)
    assert (jobs["b"]["payload"], jobs["b"]["run_once"]) == ("", False)
    assert jobs["c"]["payload"] not in ("", set_["payload_id"])
    assert "payload none" in engine.run("template", "set-payload", "debian", "none").out
    engine.ok(
        *("template", "create", "--from", "a", "--name", "with", "--payload", "other", "--run-once", "--wait")
    )
    made = engine.ok("template", "show", "with")["template"]["versions"][0]
    assert (made["payload_id"], made["run_once"]) == (jobs["c"]["payload"], True)
    assert engine.run("template", "create", "--from", "a", "--name", "x", "--run-once").status == 2


def test_machines_are_removed_after_a_question(engine: Engine) -> None:
    engine.stand.vm("web-1")
    assert engine.run("vm", "remove", "web-1", input="n\n").status == 2
    assert engine.run("vm", "show", "web-1").status == 0
    assert engine.ok("vm", "remove", "web-1", "--yes", "--wait")["job"]["status"] == "done"
    assert isinstance(engine.run("vm", "show", "web-1").error, NoSuchThing)


def test_sysprep(engine: Engine, tmp_path: Path) -> None:
    engine.stand.vm("win-1")
    file = tmp_path / "unattend.xml"
    file.write_text("<unattend/>")
    args = ("vm", "sysprep", "win-1", "--unattend", str(file), "--timeout", "100")
    assert engine.ok(*args)["sysprep"]["status"] == "pending"
    engine.stand.guests.sysprep_status = "done"
    assert engine.run(*args, "--wait").status == 0
    engine.stand.guests.sysprep_status = "failed"
    assert engine.run(*args, "--wait").status == 1
    wish = engine.stand.guests.asked[0][2]
    assert wish.seconds == 100
    assert wish.answers.reveal() == "<unattend/>"


def test_guests(engine: Engine) -> None:
    vm = engine.stand.vm("web-1")
    now = engine.stand.clock()
    with engine.stand.parts.database.write() as tx:
        for value in ("one", "two"):
            told = Update(vm=vm.id, name="host", value={"name": value}, source="agent", at=now)
            tx.facts.store([told])
            now += 1
    facts = engine.ok("guest", "facts", "web-1")["guest"]
    assert facts["facts"]["host"]["value"] == {"name": "two"}
    assert facts["guest"]["hostname"] == "two"
    assert "name two" in engine.run("guest", "facts", "web-1").out
    former = engine.ok("guest", "history", "web-1", "host")["items"]
    assert [one["value"]["name"] for one in former] == ["two", "one"]
    assert engine.ok("guest", "capabilities", "web-1")["items"][0]["operation"] == "start"


def test_programs_in_guests(engine: Engine) -> None:
    engine.stand.vm("web-1")
    done = engine.run(
        "guest", "exec", "web-1", "--stdin", "--env", "A=b", "--", "/bin/cat", "-A", input="hello"
    )
    assert done.out == "out of hello"
    assert done.status == 0
    wish = engine.stand.guests.asked[0][2]
    assert wish.argv == ("/bin/cat", "-A")
    assert wish.environment == {"A": "b"}
    assert engine.run("guest", "exec", "web-1", "--env", "A", "--", "/x").status == 2


def test_waiting_for_a_guest(engine: Engine) -> None:
    vm = engine.stand.vm("web-1")
    assert engine.run("vm", "wait", "web-1", "--timeout", "0").status == 1
    with engine.stand.parts.database.write() as tx:
        live = AgentUpdate(vm=vm.id, state=AgentState.LIVE, at=engine.stand.clock())
        tx.facts.agents([live])
    assert engine.ok("vm", "wait", "web-1", "--until", "agent")["guest"]["agent"] == "live"


def test_payloads(engine: Engine, tmp_path: Path) -> None:
    engine.stand.vm("web-1")
    first, second = tmp_path / "a", tmp_path / "b"
    first.write_text("first")
    second.write_text("second")
    engine.ok("payload", "store", "web", "--file", f"sub/a={first}", "--description", "x")
    changed = engine.ok("payload", "store", "web", "--file", f"sub/a={second}", "--new-version")
    assert changed["payload"]["current"] == 2
    assert [one["name"] for one in engine.ok("payload", "list")["items"]] == ["web"]
    assert len(engine.ok("payload", "show", "web")["payload"]["versions"]) == 2
    assert "sub/a" in engine.run("payload", "contents", "web").out
    assert engine.run("payload", "contents", "web", "--version", "1", "--file", "sub/a").out == "first"
    out = tmp_path / "out"
    engine.ok("payload", "contents", "web", "--output", str(out))
    assert (out / "sub" / "a").read_text() == "second"
    assert engine.run("payload", "attach", "web", "web-1", "--run-once", "--version", "1").status == 0
    assert engine.run("payload", "remove", "web", "--yes").status == 1
    assert engine.run("payload", "detach", "web", "web-1").status == 0
    assert isinstance(engine.run("payload", "detach", "web", "web-1").error, NoSuchThing)
    assert engine.run("payload", "remove", "web", "--yes").status == 0


def test_what_is_done_to_machines(engine: Engine, tmp_path: Path) -> None:
    vm, guests = engine.stand.vm("web-1"), engine.stand.guests
    file, back = tmp_path / "motd", tmp_path / "back"
    file.write_bytes(b"hello\x1b[31m\n")
    engine.ok("guest", "file", "write", "web-1", "/etc/motd", str(file), "--mode", "644")
    assert guests.files == {"/etc/motd": file.read_bytes()}
    told = engine.ok("guest", "file", "read", "web-1", "/etc/motd", str(back))
    assert (told["size"], back.read_bytes()) == (file.stat().st_size, file.read_bytes())
    assert engine.run("guest", "file", "read", "web-1", "/etc/motd").out.startswith("hello")
    assert engine.run("guest", "file", "read", "web-1", "/etc/motd", "--json").status == 2
    assert engine.run("guest", "file", "read", "web-1", "/etc/motd", str(tmp_path / "no" / "x")).status == 1
    assert engine.run("guest", "file", "write", "web-1", "/x", input=b"piped").status == 0
    assert guests.files["/x"] == b"piped"
    assert "5 character" in engine.run("guest", "clipboard", "set", "web-1", input=b"copie").out
    assert engine.ok("guest", "clipboard", "get", "web-1", "--wait", "0")["text"] == "copie"
    assert engine.run("guest", "clipboard", "set", "web-1", input=b"\xff").status == 2
    assert "is web now" in engine.run("guest", "hostname", "web-1", "web").out
    assert "has 256.0 MiB" in engine.run("vm", "memory", "web-1", "256").out
    with engine.stand.parts.database.write() as tx:
        storage = tx.storage.add(StorageDomain(id=some_id(), host_id=str(vm.host_id), name="iso"))
        volume = Volume(id=some_id(), domain_id=storage.id, format=DiskFormat.RAW, size=512)
        tx.disks.add(Disk(id=some_id(), name="drivers", volume_id=tx.volumes.add(volume).id))
    engine.ok("vm", "medium", "insert", "web-1", "sda", "--disk", "drivers")
    assert "sda is empty" in engine.run("vm", "medium", "eject", "web-1", "sda", "--force").out
    assert [one[0] for one in guests.asked[-2:]] == ["insert", "eject"]


def test_events(engine: Engine) -> None:
    engine.stand.vm("web-1")
    found = engine.ok("event", "list")["items"]
    assert found
    after = found[0]["token"]
    assert engine.ok("event", "list", "--after", after, "--limit", "1")["items"] == found[1:2]
    done = engine.run("event", "follow", "--after", after, "--count", "2", "--json")
    followed = [json.loads(line) for line in done.out.splitlines()]
    assert [one["token"] for one in followed] == [one["token"] for one in found[1:3]]
    assert found[1]["kind"] in engine.run("event", "follow", "--after", after, "--count", "1").out


def test_users(engine: Engine) -> None:
    added = engine.ok("user", "add", "bob", "--role", "viewer", "--password-file", "-", input=PASSWORD + "\n")
    assert added["user"]["role"] == "viewer"
    assert engine.ok("user", "change", "bob", "--role", "operator", "--guest-exec")["user"]["guest_exec"]
    assert engine.run("user", "change", "bob").status == 2
    assert "bob" in engine.run("user", "list", "--filter", "role=operator").out
    done = engine.run("user", "password", "bob", "--password-file", "-", input="another long password\n")
    assert done.status == 0, done.error
    assert engine.run("user", "remove", "bob", "--yes").status == 0
    assert isinstance(engine.run("user", "change", "bob", "--disabled").error, NoSuchThing)


def test_ones_own_password(engine: Engine, tmp_path: Path) -> None:
    old = tmp_path / "old"
    old.write_text(PASSWORD)
    args = ("user", "password", "ann", "--old-file", str(old), "--password-file", "-")
    done = engine.run(*args, input="another long password\n")
    assert done.status == 0, done.error


def test_tokens(engine: Engine, tmp_path: Path) -> None:
    text = engine.run("token", "make", "robot", "--days", "2", "--role", "viewer").out.strip()
    listed = engine.ok("token", "list")["items"]
    assert "robot" in [one["name"] for one in listed]
    assert text not in json.dumps(listed)
    engine.login(text)
    assert engine.ok("whoami")["whoami"]["role"] == "viewer"
    refused = engine.run("user", "remove", "ann", "--yes")
    assert refused.status == 1
    engine.login(engine.token)
    assert engine.run("token", "revoke", "robot").status == 0
    engine.login(text)
    assert engine.run("whoami").status == 1


def test_hosts_and_what_they_hold(engine: Engine) -> None:
    added = engine.ok("host", "add", "node1", "node1.lan:8443")
    assert added["host"]["state"] == "joining"
    assert [one["name"] for one in engine.ok("host", "list")["items"]] == ["node1"]
    assert engine.ok("host", "show", "node1")["host"]["address"] == "node1.lan:8443"
    assert engine.run("host", "remove", "node1", input="n\n").status == 2
    with engine.stand.parts.database.write() as tx:
        tx.hosts.move(added["host"]["id"], states.HOST, states.HostEvent.CONNECTED)
    assert engine.ok("host", "change", "node1", "--name", "node2", "--maintenance")["host"]["name"] == "node2"
    assert engine.run("host", "change", "node2").status == 2
    assert engine.run("host", "remove", "node2", "--yes").status == 0
    engine.stand.vm("web-1")
    assert engine.ok("storage", "list")["items"]
    assert engine.ok("disk", "list")["items"][0]["name"] == "web-1"
    assert "NAME" in engine.run("disk", "list").out
    assert engine.run("disk", "remove", "web-1", input="n\n").status == 2
    kept = engine.run("disk", "remove", "web-1", "--yes")
    assert kept.error is not None
    assert "a machine or a template has it" in str(kept.error)


def test_two_hosts_of_one_storage_name(engine: Engine) -> None:
    from guestwright.client.client import Client
    from guestwright.client.kinds import DISKS

    engine.stand.vm("web-1", disks=2)
    with Client(engine.url, engine.token) as client, pytest.raises(AmbiguousName) as caught:
        client.find(DISKS, "web-1")
    assert len(caught.value.params["ids"].split(", ")) == 2


def test_as_a_process(engine: Engine) -> None:
    env = {"XDG_CONFIG_HOME": str(engine.config)}
    engine.stand.vm("web-1")
    done = guestwright("vm", "show", "none", "--json", env=env)
    assert done.status == 1
    assert done.json["error"]["code"] == "remote-no-such-name"
    done = guestwright("guest", "exec", "web-1", "--", "/bin/true", env=env)
    assert (done.status, done.out) == (0, "out of ")
    assert engine.token not in done.out + done.err


def test_the_engine_is_gone(engine: Engine) -> None:
    done = guestwright(
        "vm", "list", "--server", "http://127.0.0.1:1", env={"XDG_CONFIG_HOME": str(engine.config)}
    )
    assert done.status == 1
    assert "nobody is logged in" in done.err
