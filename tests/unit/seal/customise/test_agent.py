"""The agent goes into an image with the service that its init system wants."""

from __future__ import annotations

import pytest

from guestwright.agent.package import contents
from guestwright.base.record import replace
from guestwright.guestfs.drivers.memory import Content
from guestwright.seal.changes import Note
from guestwright.seal.customise import directives as d
from guestwright.seal.customise.errors import BadValue, CustomiseUnsupported
from tests.unit.seal.customise.stepwise import customise, guest_of, text

NAME = "guestwright-agent"
PROGRAM = f"/usr/lib/guestwright/bin/{NAME}.pyz"
PYTHON: dict[str, Content] = {"/usr/bin/python3": "ELF"}
AGENT = d.InstallAgent(
    archive=b"#!agent",
    config=contents.config(),
    rules=contents.rules(),
    systemd=contents.unit(),
    openrc=contents.openrc(),
    sysv=contents.sysv(),
)
RC: dict[str, Content] = {f"/etc/rc{n}.d/": None for n in (2, 3, 4, 5)}


@pytest.mark.parametrize(
    ("system", "files", "service", "links"),
    [
        ("debian12", {}, f"/etc/systemd/system/{NAME}.service",
         [f"/etc/systemd/system/multi-user.target.wants/{NAME}.service"]),
        ("alpine", {}, f"/etc/init.d/{NAME}", [f"/etc/runlevels/default/{NAME}"]),
        ("sles11", RC, f"/etc/init.d/{NAME}", [f"/etc/rc{n}.d/S99{NAME}" for n in (2, 3, 4, 5)]),
    ],
)  # fmt: skip
def test_service(system: str, files: dict[str, Content], service: str, links: list[str]) -> None:
    guest = guest_of(system, {**PYTHON, **files})
    customise(guest, AGENT)
    assert text(guest, PROGRAM) == "#!agent"
    assert guest.fs.stat(PROGRAM).mode == 0o755
    assert PROGRAM in text(guest, service)
    assert "[features]" in text(guest, "/etc/guestwright/agent.toml")
    for link in links:
        assert guest.fs.readlink(link) == service


def test_an_older_agent_is_replaced_and_its_configuration_kept() -> None:
    guest = guest_of("debian12", {**PYTHON, PROGRAM: "old", "/etc/guestwright/agent.toml": "mine"})
    customise(guest, AGENT)
    assert text(guest, PROGRAM) == "#!agent"
    assert text(guest, "/etc/guestwright/agent.toml") == "mine"


def test_options_after_it_may_set_its_configuration() -> None:
    guest = guest_of("debian12", PYTHON)
    customise(guest, AGENT, d.WriteFile(path="/etc/guestwright/agent.toml", data=b"mine"))
    assert text(guest, "/etc/guestwright/agent.toml") == "mine"


@pytest.mark.parametrize("udev", [True, False])
def test_udev_rules_go_where_udev_is(udev: bool) -> None:
    guest = guest_of("debian12", {**PYTHON, **({"/etc/udev/rules.d/": None} if udev else {})})
    customise(guest, AGENT)
    rules = list(guest.fs.glob([f"/etc/udev/rules.d/60-{NAME}.rules"]))
    assert bool(rules) is udev


def test_ostree_guests_get_it_below_var() -> None:
    guest = guest_of("rocky9", {**PYTHON, "/ostree/": None})
    customise(guest, AGENT)
    program = f"/var/lib/guestwright/bin/{NAME}.pyz"
    assert guest.fs.stat(program).mode == 0o755
    assert program in text(guest, f"/etc/systemd/system/{NAME}.service")


@pytest.mark.parametrize(
    ("system", "files"),
    [
        ("debian12", {}),
        ("void", PYTHON),
        ("freebsd", PYTHON),
        ("sles11", PYTHON),
    ],
    ids=["no-python", "no-known-init", "not-linux", "no-runlevels"],
)
def test_unsupported(system: str, files: dict[str, Content]) -> None:
    with pytest.raises(CustomiseUnsupported):
        customise(guest_of(system, files), AGENT)


@pytest.mark.parametrize(("version", "good"), [("3.6", False), ("3.7", False), ("3.8", True), ("3.13", True)])
def test_python_must_be_recent(version: str, good: bool) -> None:
    files: dict[str, Content] = {f"/usr/bin/python{version}": "ELF"}
    guest = guest_of("debian12", files)
    guest.fs.symlink(f"python{version}", "/usr/bin/python3")
    if good:
        customise(guest, AGENT)
    else:
        with pytest.raises(CustomiseUnsupported, match=rf"the guest's Python is {version}"):
            customise(guest, AGENT)


def test_insserv_is_remarked() -> None:
    guest = guest_of("sles11", {**PYTHON, **RC, "/etc/init.d/.depend.start": ""})
    assert any(isinstance(one, Note) for one in customise(guest, AGENT))


def test_a_plan_with_something_else_in_place_of_the_agent_is_refused() -> None:
    with pytest.raises(BadValue):
        replace(AGENT, archive=b"PK")
