"""What the client knows is what the engine offers; what docs/client.md shows works."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from guestwright.base.secret import Secret
from guestwright.client.call import BASE, Call
from guestwright.client.calls import (
    accounts,
    disks,
    events,
    guests,
    hosts,
    jobs,
    payloads,
    templates,
    templates_ovf,
    vms,
)
from guestwright.client.client import Client
from guestwright.client.kinds import (
    ALARMS,
    DISKS,
    HOSTS,
    PAYLOADS,
    STORAGE,
    TEMPLATES,
    TOKENS,
    USERS,
    VMS,
    VOLUMES,
)
from tests.support.engine_server import Engine, serving

pytestmark = pytest.mark.system
ROOT = Path(__file__).parents[4]
EXAMPLES = re.findall(r"```python\n(.*?)```", (ROOT / "docs/client.md").read_text(), re.DOTALL)
CALLS: dict[str, Call[Any]] = {
    "about": accounts.about(),
    "login": accounts.login("n", Secret("p")),
    "logout": accounts.logout(),
    "whoami": accounts.whoami(),
    "add_user": accounts.add_user("n", Secret("p"), "viewer"),
    "set_password": accounts.set_password("X", Secret("p")),
    "make_token": accounts.make_token("n", 1.0),
    "events": events.look(),
    "guest": guests.show("X"),
    "capabilities": guests.capabilities("X"),
    "history": guests.history("X", "host"),
    "exec": guests.execute("X", ["/x"]),
    "read_file": guests.read_file("X", "/f"),
    "write_file": guests.write_file("X", "/f", b""),
    "clipboard_set": guests.clipboard_set("X", "t"),
    "clipboard_get": guests.clipboard_get("X"),
    "hostname": guests.hostname("X", "n"),
    "memory": vms.memory("X", 1024),
    "insert": vms.insert("X", "X", "d"),
    "eject": vms.eject("X", "X"),
    "add_host": hosts.add("n", "a"),
    "begin_upload": disks.begin("n", host="h", storage="s", format="raw", size=512, file_size=512),
    "uploads": disks.uploads(),
    "upload": disks.upload("X"),
    "disk-remove": disks.remove("X"),
    "write_upload": disks.write("X", b""),
    "finish_upload": disks.finish("X"),
    "abandon_upload": disks.abandon("X"),
    "disk_content": disks.content("X"),
    "jobs": jobs.all_jobs(),
    "job": jobs.show("X"),
    "cancel": jobs.cancel("X"),
    "audit": jobs.audit(),
    "add_payload": payloads.add("n", {}),
    "replace_payload": payloads.replace("X", {}),
    "payload_versions": payloads.versions("X"),
    "forget_payload_version": payloads.forget("X", 1),
    "begin_payload": payloads.begin([("f", 1)], name="n"),
    "payload_uploads": payloads.uploads(),
    "payload_upload": payloads.upload("X"),
    "write_payload": payloads.write("X", b""),
    "finish_payload": payloads.finish("X"),
    "abandon_payload": payloads.abandon("X"),
    "contents": payloads.contents("X"),
    "make_template": templates.create("v", "n"),
    "template_version": templates.version("X", 1),
    "change_version": templates.change_version("X", 1, payload=None),
    "template_versions": templates.versions("X"),
    "remove_template": templates.remove("X"),
    "template_descriptor": templates_ovf.descriptor("X", "X"),
    "import_template": templates_ovf.make("x", {"f": "d"}),
    "make_vms": vms.create("t", "n"),
    "remove_vm": vms.remove("X"),
    "power": vms.power("X", "start"),
    "sysprep": vms.sysprep("X", "a"),
    "syspreps": vms.syspreps("X"),
    "sysprep_job": vms.sysprep_job("X", "X"),
    "wait": vms.wait_for("X", "ip", 1),
    "uses": vms.payloads("X"),
    "attach": vms.attach("X", "p"),
    "detach": vms.detach("X", "X"),
    **{f"{one.path} list": one.all() for one in (DISKS, HOSTS, PAYLOADS, STORAGE, TEMPLATES, TOKENS, USERS)},
    **{f"{one.path} list": one.all() for one in (ALARMS, VMS, VOLUMES)},
    **{f"{one.path} show": one.show("X") for one in (DISKS, HOSTS, PAYLOADS, STORAGE, TEMPLATES, USERS)},
    **{f"{one.path} show": one.show("X") for one in (ALARMS, VMS, VOLUMES)},
    **{f"{one.path} change": one.change("X", {}) for one in (HOSTS, USERS, VMS)},
    **{f"{one.path} remove": one.remove("X") for one in (HOSTS, PAYLOADS, TOKENS, USERS)},
}


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with serving(tmp_path_factory.mktemp("engine")) as made:
        yield made


@pytest.fixture(scope="module")
def described(engine: Engine) -> dict[tuple[str, str], dict[str, Any]]:
    """The engine's own description, by methods and paths."""
    with Client(engine.url) as client:
        document = client.do(Call("GET", ("openapi.json",), dict))
    return {
        (method.upper(), re.sub(r"\{[^}]*\}", "X", path.removeprefix(BASE))): operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }


@pytest.fixture(scope="module")
def offered(described: dict[tuple[str, str], dict[str, Any]]) -> set[tuple[str, str]]:
    """Methods and paths."""
    return set(described)


def asked(call: Call[Any]) -> tuple[str, str]:
    return call.method, "".join(f"/{'X' if part.isdigit() else part}" for part in call.path)


@pytest.mark.parametrize("name", CALLS)
def test_every_call_is_offered(offered: set[tuple[str, str]], name: str) -> None:
    assert asked(CALLS[name]) in offered


def test_every_operation_has_a_call(offered: set[tuple[str, str]]) -> None:
    assert offered - {asked(one) for one in CALLS.values()} <= {("GET", "/openapi.json")}


def test_calls_get_a_key_where_the_engine_takes_one(
    described: dict[tuple[str, str], dict[str, Any]],
) -> None:
    keyed = {asked(one) for one in CALLS.values() if one.keyed}
    taken = {
        one
        for one, operation in described.items()
        if any(each["name"] == "Idempotency-Key" for each in operation["parameters"])
    }
    assert keyed == taken
    assert len(keyed) > 9


def test_the_documents_examples_work(engine: Engine, capsys: pytest.CaptureFixture[str]) -> None:
    engine.stand.template("debian-12")
    names: dict[str, Any] = {"URL": engine.url, "TOKEN": engine.token}
    assert len(EXAMPLES) == 2
    for text in EXAMPLES:
        exec(compile(text, "docs/client.md", "exec"), dict(names))
    out = capsys.readouterr().out
    assert "web-3" in out
    assert "b'out of '" in out
