from __future__ import annotations

from pathlib import Path

import pytest

from guestwright.host.capabilities import Operation
from guestwright.host.service.configuration import SIZE_MAX, Configuration, load, parse
from guestwright.host.service.errors import BadConfiguration

WHOLE = b"""
[hypervisor]
uri = "xen:///"
[store]
kind = "xenstored"
socket = "/run/xenstored/socket"
[directories]
state = "/srv/guestwright/"
runtime = "/run/gw"
[channels]
plug = true
directory = "/run/ports"
[allow]
operations = ["exec", "file"]
blocked = { migrate = "no shared disks" }
[facts]
settle = 0.05
burst = 10
refill = 2
catalogue = "/etc/guestwright/tools.json"
duplicates = false
leases = ["/var/lib/libvirt/dnsmasq/virbr0.status"]
[agent]
stale = 60
lost = 120
booting = 300
[log]
level = "debug"
format = "text"
[volumes]
fast = "/srv/fast"
"""


def test_a_whole_file() -> None:
    found = parse(WHOLE)
    assert (found.uri, found.store, found.xenstored) == ("xen:///", "xenstored", "/run/xenstored/socket")
    assert (found.state, found.runtime, found.channel_directory) == (
        "/srv/guestwright",
        "/run/gw",
        "/run/ports",
    )
    assert found.plug_channels
    assert found.granted == {Operation.EXEC, Operation.FILE}
    assert found.blocked == {Operation.MIGRATE: "no shared disks"}
    assert (found.pace.settle, found.pace.burst, found.pace.refill) == (0.05, 10, 2.0)
    assert (found.ages.stale, found.ages.lost, found.ages.booting) == (60.0, 120.0, 300.0)
    assert (found.catalogue, found.duplicates) == ("/etc/guestwright/tools.json", False)
    assert found.leases == ("/var/lib/libvirt/dnsmasq/virbr0.status",)
    assert (found.log_level, found.log_format) == ("debug", "text")
    assert found.section("volumes") == {"fast": "/srv/fast"}
    assert found.section("api") == {}


def test_everything_has_a_default() -> None:
    assert parse(b"") == Configuration()


@pytest.mark.parametrize(
    ("text", "key", "problem"),
    [
        ("[facts]\nsetle = 1", "facts.setle", "is 'settle' meant?"),
        ("[fact]\nsettle = 1", "fact", "is 'facts' meant?"),
        ("facts = 3", "facts", "it must be a table"),
        ("volumes = 3", "volumes", "it must be a table"),
        ("[facts]\nsettle = 'x'", "facts.settle", "a number from 0 to 10"),
        ("[facts]\nsettle = true", "facts.settle", "a number from 0 to 10"),
        ("[facts]\nburst = 1.5", "facts.burst", "a whole number"),
        ("[facts]\ncatalogue = 'tools.json'", "facts.catalogue", "an absolute path"),
        ("[facts]\nleases = 'x'", "facts.leases", "a list"),
        ("[facts]\nleases = ['x']", "facts.leases", "an absolute path"),
        ("[channels]\nplug = 'yes'", "channels.plug", "true or false"),
        ("[channels]\ndirectory = '/" + "x" * 64 + "'", "channels.directory", "at most 64 bytes"),
        ("[directories]\nstate = 'x'", "directories.state", "an absolute path"),
        ("[store]\nkind = 'redis'", "store.kind", "one of auto, own, xenstored"),
        ("[allow]\noperations = ['kill']", "allow.operations", "clipboard, exec"),
        ("[allow]\nblocked = { fly = 'x' }", "allow.blocked", "operations"),
        ("[hypervisor]\nuri = 3", "hypervisor.uri", "a text"),
        ("[agent]\nstale = 900", "agent.stale", "less than agent.lost"),
        ("[a\n", "the file", "it is no TOML"),
        ("[log]\nlevel = 'loud'", "log.level", "one of debug"),
    ],
)
def test_what_is_wrong_is_named(text: str, key: str, problem: str) -> None:
    with pytest.raises(BadConfiguration) as refused:
        parse(text.encode(), "host.toml")
    assert refused.value.params["key"] == key
    assert problem in refused.value.message
    assert refused.value.message.startswith("host.toml: ")


def test_no_text_and_too_much() -> None:
    with pytest.raises(BadConfiguration, match="no TOML"):
        parse(b"\xff")
    with pytest.raises(BadConfiguration, match="larger"):
        parse(b"#" * (SIZE_MAX + 1))


def test_a_file_that_was_named_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(BadConfiguration, match="it is not there"):
        load(str(tmp_path / "x.toml"))
    with pytest.raises(BadConfiguration, match="directory"):
        load(str(tmp_path))
    (tmp_path / "y.toml").write_bytes(WHOLE)
    assert load(str(tmp_path / "y.toml")) == parse(WHOLE)
