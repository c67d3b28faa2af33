"""Directives survive a saved plan, and show no secrets; the operation runs them step by step."""

from __future__ import annotations

import json
from typing import Any

import pytest

from guestwright.seal.apply import Applier
from guestwright.seal.customise import directives as d
from guestwright.seal.customise.codec import KINDS, from_json, to_json
from guestwright.seal.customise.errors import BadValue
from guestwright.seal.customise.operation import CUSTOMIZE
from guestwright.seal.customise.registry import PLANNERS
from tests.unit.seal.customise.stepwise import guest_of

CANARY = "hunter2-canary"
HASH = "$6$salt$" + "h" * 86
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI" + "A" * 43
ALL: tuple[d.Directive, ...] = (
    d.SetHostname(name="web1"),
    d.SetTimezone(name="UTC"),
    d.SetPassword(user="root", hash=HASH, day=1),
    d.LockAccount(user="eve"),
    d.InjectSshKey(user="eve", keys=KEY),
    d.FirstBoot(script=CANARY.encode(), name="x"),
    d.FirstBootCommand(command=CANARY),
    d.InstallAgent(
        archive=b"#!" + CANARY.encode(),
        config=CANARY.encode(),
        rules=b"",
        systemd=b"",
        openrc=b"",
        sysv=b"",
    ),
    d.WriteFile(path="/a\udcff", data=CANARY.encode() + b"\0\xff"),
    d.UploadFile(path="/a", data=CANARY.encode(), mode=0o600, uid=1, gid=2),
    d.AppendLine(path="/a", line=CANARY),
    d.EditFile(path="/a", regex="x", replacement="y", flags="g"),
    d.CopyInside(source="/a", dest="/b"),
    d.MoveInside(source="/a", dest="/b"),
    d.MakeDirectories(path="/a"),
    d.Delete(glob="/a*", scrub=True),
    d.TruncateFile(path="/a"),
    d.TruncateRecursive(path="/a"),
    d.Touch(path="/a"),
    d.Chmod(mode=0o644, path="/a"),
    d.Chown(uid=1, gid=2, path="/a"),
    d.LinkTo(target="x", links=("/a", "/b")),
)


def test_the_table_above_and_both_registries_are_complete() -> None:
    assert {type(one) for one in ALL} == set(KINDS.values()) == set(PLANNERS)


@pytest.mark.parametrize("wish", ALL, ids=lambda wish: type(wish).__name__)
def test_round_trip(wish: d.Directive) -> None:
    assert from_json(json.loads(json.dumps(to_json(wish)))) == wish


@pytest.mark.parametrize("wish", ALL, ids=lambda wish: type(wish).__name__)
def test_no_secret_is_shown(wish: d.Directive) -> None:
    for shown in (repr(wish), str(wish), f"{wish}"):
        assert CANARY not in shown
        assert HASH not in shown


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"kind": "nope"},
        {"kind": ["hostname"]},
        {"kind": "hostname"},
        {"kind": "hostname", "name": 1},
        {"kind": "hostname", "name": "a_b"},
        {"kind": "hostname", "name": "a", "more": 1},
        {"kind": "chmod", "mode": True, "path": "/a"},
        {"kind": "chmod", "mode": "0644", "path": "/a"},
        {"kind": "write", "path": "/a", "data": "*"},
        {"kind": "write", "path": "/a", "data": [1]},
        {"kind": "write", "path": "/../a", "data": ""},
        {"kind": "delete", "glob": "/a", "scrub": 1},
        {"kind": "link", "target": "a", "links": "/a"},
        {"kind": "link", "target": "a", "links": [1]},
        {"kind": "password", "user": "root", "hash": CANARY, "day": 1},
    ],
)
def test_an_edited_plan_is_checked(body: dict[str, Any]) -> None:
    with pytest.raises(BadValue) as caught:
        from_json(body)
    assert CANARY not in str(caught.value.as_dict())


def test_the_operation_does_nothing_unasked() -> None:
    guest = guest_of("debian12", {"/etc/machine-id": "", "/var/lib/systemd/random-seed": "x"})
    assert list(CUSTOMIZE.plan(guest, {})) == []
    assert CUSTOMIZE.applies(guest) == ""
    assert (CUSTOMIZE.name, CUSTOMIZE.order) == ("customize", 99)


@pytest.mark.parametrize("wanted", ["text", ("text",), ({"kind": "hostname"},)])
def test_only_directives_are_taken(wanted: object) -> None:
    with pytest.raises(TypeError):
        list(CUSTOMIZE.plan(guest_of("debian12", {}), {"directives": wanted}))


def test_changes_that_are_collected_first_are_noticed() -> None:
    guest = guest_of("debian12", {})
    lines = (d.AppendLine(path="/etc/x", line="a"), d.AppendLine(path="/etc/x", line="b"))
    with pytest.raises(RuntimeError, match="one by one"):
        list(CUSTOMIZE.plan(guest, {"directives": lines}))


def test_a_single_directive_may_be_collected_first() -> None:
    guest = guest_of("rocky9", {"/etc/passwd": "root:x:0:0::/root:/bin/sh\n", "/root/": None})
    applier = Applier(fs=guest.fs)
    for one in (d.FirstBootCommand(command="true"), d.InjectSshKey(user="root", keys=KEY)):
        for change in list(CUSTOMIZE.plan(guest, {"directives": (one,)})):
            applier.apply(change)
    assert guest.fs.read("/root/.ssh/authorized_keys").decode() == f"{KEY}\n"
