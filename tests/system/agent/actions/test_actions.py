"""What else the host may ask for, by a real agent over real servers.

Programs of the guest are stand-ins below a directory that is the agent's root; nothing of this machine is
changed.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from guestwright.xenstore.client.client import Client
from tests.support import xenstored
from tests.support.agent_process import HOME, ROOT, World, agent, eventually, made, serving, world
from tests.support.program import running
from tests.support.tools import needs

pytestmark = pytest.mark.system

BATCMD = "[features]\nbatcmd = true\n"


@pytest.fixture(params=["ours", "c"])
def kind(request: pytest.FixtureRequest) -> str:
    if missing := xenstored.missing(request.param):
        assert "CI" not in os.environ
        pytest.skip(f"needs {missing}")
    found: str = request.param
    return found


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A guest's file system with programs that leave a mark."""
    top = tmp_path / "root"
    for name in ("poweroff", "reboot"):
        made(top / "sbin" / name, f"#!/bin/sh\necho {name} >> {top}/done\n")
    made(top / "usr/bin/systemctl", f"#!/bin/sh\necho systemctl $* >> {top}/done\n")
    made(top / "sys/power/state", "freeze mem disk\n", mode=0o644)
    made(top / "etc/hostname", "old\n", mode=0o644)
    made(
        top / "etc/hosts",
        "127.0.0.1\tlocalhost\n127.0.1.1\told.example.org\told\n192.0.2.1 old\n",
        mode=0o644,
    )
    return top


@pytest.fixture
def one(kind: str, tmp_path: Path, root: Path) -> Iterator[World]:
    with world(kind, tmp_path, BATCMD, str(root)) as made_world:
        yield made_world


def done(root: Path) -> str:
    path = root / "done"
    return path.read_text() if path.exists() else ""


def gone(value: str | None) -> bool:
    return value is None


@pytest.mark.parametrize(
    ("wish", "what"),
    [
        ("poweroff", "poweroff\n"),
        ("halt", "poweroff\n"),
        ("reboot", "reboot\n"),
        ("suspend", "systemctl suspend\n"),
    ],
)
def test_power(one: World, root: Path, wish: str, what: str) -> None:
    assert {one.get(f"control/feature-{name}") for name in ("poweroff", "reboot", "suspend")} == {"1"}
    one.put("control/shutdown", wish)
    one.wait("control/shutdown", lambda value: value == "")
    eventually(lambda: done(root) == what)


@pytest.mark.parametrize("wish", ["crash", "POWEROFF", "poweroff ", "s3"])
def test_unknown_wishes_are_not_acknowledged(one: World, root: Path, wish: str) -> None:
    one.put("control/shutdown", wish)
    one.put("control/batcmd/script", "true")  # what comes later is answered
    one.put("control/batcmd/state", "READY")
    one.wait("control/batcmd/state", lambda value: value == "SUCCESS")
    assert one.get("control/shutdown") == wish
    assert done(root) == ""


@pytest.mark.parametrize("feature", ["power", "suspend"])
def test_power_that_the_owner_switched_off(tmp_path: Path, root: Path, feature: str) -> None:
    with world("ours", tmp_path, f"[features]\n{feature} = false\n", str(root)) as one:
        name = {"power": "poweroff", "suspend": "suspend"}[feature]
        assert one.get(f"data/guestwright/features/{name}") == "disabled in the guest"
        assert one.get(f"control/feature-{name}") is None
        one.put("control/shutdown", name)
        eventually(lambda: "refused: disabled in the guest" in one.said())
        assert one.get("control/shutdown") == name
        assert done(root) == ""


@pytest.mark.parametrize(
    ("script", "answers"),
    [
        pytest.param("echo out; echo err >&2; exit 3", ("SUCCESS", "3", "out\n", "err\n"), id="all"),
        pytest.param("head -c 1500 /dev/zero | tr '\\0' x", ("TRUNCATED", "0", "x" * 1024, ""), id="long"),
    ],
)
def test_batcmd(one: World, script: str, answers: tuple[str, str, str, str]) -> None:
    with one.store.transaction() as both:
        both.write("/local/domain/5/control/batcmd/script", script)
        both.write("/local/domain/5/control/batcmd/state", "READY")
    one.wait("control/batcmd/state", lambda value: value in {"SUCCESS", "TRUNCATED", "FAILURE"})
    assert (
        tuple(one.get(f"control/batcmd/{name}") for name in ("state", "return", "stdout", "stderr"))
        == answers
    )


def test_batcmd_that_the_owner_did_not_allow(tmp_path: Path) -> None:
    with world("ours", tmp_path) as one:
        one.put("control/batcmd/script", "true")
        one.put("control/batcmd/state", "READY")
        one.wait("control/batcmd/state", lambda value: value == "FAILURE")
        assert one.get("control/batcmd/stderr") == "disabled in the guest"
        assert one.get("control/feature-xs-batcmd") is None


@pytest.mark.parametrize(
    ("name", "state"),
    [
        ("new", "Succeeded"),
        ("old", "NoChange"),
        ("a..b", "Failed"),
        ("-x", "Failed"),
        ("a b", "Failed"),
        ("x" * 65, "Failed"),
    ],
)
def test_host_name(one: World, root: Path, name: str, state: str) -> None:
    one.put("control/setcomputername/name", name)
    one.put("control/setcomputername/action", "set")
    one.wait("control/setcomputername/action", gone)
    assert one.get("control/setcomputername/state") == state
    assert (one.get("control/setcomputername/error") is None) == (state != "Failed")
    assert (root / "etc/hostname").read_text() == ("new\n" if name == "new" else "old\n")
    wanted = "127.0.1.1\told.example.org\tnew\n" if name == "new" else "127.0.1.1\told.example.org\told\n"
    assert (root / "etc/hosts").read_text() == f"127.0.0.1\tlocalhost\n{wanted}192.0.2.1 old\n"


@pytest.mark.parametrize(
    ("value", "state"),
    [
        ("{now}", "set; it was "),
        ("x", "failed: no number"),
        ("nan", "failed: not a time"),
        ("-5", "failed: not a time"),
    ],
)
def test_time(one: World, value: str, state: str) -> None:
    one.put("data/guestwright/time/set", value.format(now=f"{time.time():.3f}"))
    one.wait("data/guestwright/time/set", gone)
    assert (one.get("data/guestwright/time/state") or "").startswith(state)


@pytest.fixture
def disc(root: Path, tmp_path: Path) -> Path:
    """A CD in the drive, made by somebody else's program."""
    tree = tmp_path / "tree"
    made(tree / "unattend.xml", "<answers/>", mode=0o644)
    made(tree / "user-data", "#cloud-config\nhostname: x\n", mode=0o644)
    os.makedirs(root / "sys/block/sr0")
    os.makedirs(root / "dev")
    path = root / "dev/sr0"
    command = ["genisoimage", "-quiet", "-r", "-J", "-V", "ANSWERS", "-o", str(path), str(tree)]
    subprocess.run(command, check=True, capture_output=True)
    return path


def sysprep(one: World, name: str = "D://unattend.xml") -> None:
    one.put("control/sysprep/filename", name)
    one.put("control/sysprep/vdi-uuid", "x")
    one.put("control/sysprep/action", "sysprep")


@needs("genisoimage")
def test_sysprep_by_the_owners_command(kind: str, tmp_path: Path, root: Path, disc: Path) -> None:
    script = made(
        tmp_path / "script",
        f'#!/bin/sh\necho "$1" "$(cat $2)" >> {root}/done\nuntil [ -e {root}/go ]; do sleep 0.1; done\n',
    )
    with world(kind, tmp_path, f'[sysprep]\ncommand = ["{script}", "now"]\n', str(root)) as one:
        assert one.get("control/feature-sysprep") == "1"
        one.wait("data/guestwright/sysprep/media-seen", lambda value: value == "sr0 ANSWERS")
        sysprep(one)
        one.wait("control/sysprep/action", lambda value: value == "running")
        (root / "go").touch()
        one.wait("control/sysprep/action", gone)
        assert one.get("data/guestwright/sysprep/state") == "finished"
        assert one.get("data/guestwright/sysprep/error") is None
        eventually(lambda: done(root) == "now <answers/>\npoweroff\n")
        assert not list((root / "run/guestwright/sysprep").iterdir())


@needs("genisoimage")
def test_sysprep_by_itself(tmp_path: Path, root: Path, disc: Path) -> None:
    made(root / "etc/machine-id", "0123456789abcdef0123456789abcdef\n", mode=0o444)
    made(root / "etc/ssh/ssh_host_rsa_key", "secret")
    made(root / "etc/ssh/sshd_config", "kept")
    made(root / "var/lib/cloud/instances/i-1/user-data.txt", "old")
    made(root / "elsewhere/lease", "kept")
    (root / "var/lib/dhcp").symlink_to(root / "elsewhere")
    with world("ours", tmp_path, "", str(root)) as one:
        sysprep(one, "user-data")
        one.wait("control/sysprep/action", lambda value: value == "running")
        one.wait("control/sysprep/action", gone)
        assert one.get("data/guestwright/sysprep/state") == "finished"
        eventually(lambda: done(root) == "poweroff\n")
    assert (root / "etc/machine-id").read_text() == ""
    assert sorted(os.listdir(root / "etc/ssh")) == ["sshd_config"]
    assert os.listdir(root / "elsewhere") == ["lease"]
    assert sorted(os.listdir(root / "var/lib/cloud")) == ["seed"]
    assert (root / "var/lib/cloud/seed/nocloud/user-data").read_text() == "#cloud-config\nhostname: x\n"


@needs("genisoimage")
def test_sysprep_that_fails_says_why_and_does_not_power_off(tmp_path: Path, root: Path, disc: Path) -> None:
    script = made(tmp_path / "script", "#!/bin/sh\necho broken >&2\nexit 4\n")
    with world("ours", tmp_path, f'[sysprep]\ncommand = ["{script}"]\n', str(root)) as one:
        sysprep(one)
        one.wait("control/sysprep/action", gone)
        assert one.get("data/guestwright/sysprep/state") == "failed"
        assert one.get("data/guestwright/sysprep/error") == f"{script} ended with status 4: broken"
        assert done(root) == ""


def test_sysprep_that_the_owner_switched_off(tmp_path: Path, root: Path) -> None:
    with world("ours", tmp_path, "[features]\nsysprep = false\n", str(root)) as one:
        assert one.get("control/feature-sysprep") is None
        sysprep(one)
        one.wait("control/sysprep/action", gone)
        assert one.get("data/guestwright/sysprep/state") == "refused"
        assert one.get("data/guestwright/sysprep/error") == "disabled in the guest"


def test_sysprep_that_an_earlier_agent_began_is_not_begun_again(tmp_path: Path, root: Path) -> None:
    with serving("ours", tmp_path) as (host, options), Client(host) as store:
        store.write(f"{HOME}/control/sysprep/action", "running")
        with agent(options, tmp_path, "", str(root)) as (process, log):
            one = World(store, process, log)
            one.wait("control/sysprep/action", gone)
            one.wait("data/guestwright/sysprep/state", lambda value: value == "failed")
    assert done(root) == ""


MAC = "00:16:3e:00:00:01"
SETTING = "xenserver/device/vif/0/static-ip-setting"


@pytest.fixture
def network(root: Path) -> Path:
    """An interface, and programs that say how they were called."""
    made(root / "sys/class/net/eth7/address", f"{MAC}\n", mode=0o644)
    os.makedirs(root / "sys/class/net/eth7/device")
    made(root / "sys/class/net/br0/address", f"{MAC}\n", mode=0o644)
    for name in ("sbin/ip", "usr/bin/networkctl"):
        made(root / name, f'#!/bin/sh\necho "{name}" "$@" >> {root}/done\n')
    return root


def set_address(one: World, suffix: str = "", **values: str) -> str | None:
    for name, value in values.items():
        one.put(f"{SETTING}/{name}", value)
    one.put(f"{SETTING}/enabled{suffix}", values.get("mode", "1"))
    one.wait(f"{SETTING}/enabled{suffix}", gone)
    return one.get(f"{SETTING}/error-msg")


def test_static_addresses_by_ip(one: World, network: Path) -> None:
    assert set_address(one, mac=MAC.upper(), address="192.0.2.7/24", gateway="192.0.2.1") == ""
    assert set_address(one, "6", mac=MAC, address6="2001:db8::7/64", gateway6="") == ""
    assert one.get(f"{SETTING}/error-code") == "0"
    assert done(network).splitlines() == [
        "sbin/ip -4 addr flush dev eth7 scope global",
        "sbin/ip -4 addr add 192.0.2.7/24 dev eth7",
        "sbin/ip -4 route replace default via 192.0.2.1 dev eth7",
        "sbin/ip -6 addr flush dev eth7 scope global",
        "sbin/ip -6 addr add 2001:db8::7/64 dev eth7",
    ]


def test_static_addresses_by_networkd(one: World, network: Path) -> None:
    os.makedirs(network / "run/systemd/netif")
    assert set_address(one, mac=MAC, address="192.0.2.7/24", gateway="192.0.2.1") == ""
    assert done(network).splitlines() == [
        "usr/bin/networkctl reload",
        "usr/bin/networkctl reconfigure eth7",
    ]
    name = network / "etc/systemd/network/05-guestwright-00163e000001.network"
    assert name.read_text() == f"[Match]\nMACAddress={MAC}\n"
    text = Path(f"{name}.d/ipv4.conf").read_text()
    assert text == "[Network]\nAddress=192.0.2.7/24\nGateway=192.0.2.1\n"


@pytest.mark.parametrize(
    ("values", "number", "error"),
    [
        ({"mac": "00:16:3e:00:00:99", "address": "192.0.2.7/24"}, "101", "no interface"),
        ({"mac": MAC, "address": "192.0.2.7/33"}, "1", "no length of a prefix"),
        ({"mac": MAC, "address": "192.0.2.7/24\nDHCP=yes"}, "1", "no length of a prefix"),
        ({"mac": MAC, "address": "x/24"}, "1", "no ipv4 address"),
        ({"mac": MAC, "address": "192.0.2.7/24", "gateway": "2001:db8::1"}, "1", "no ipv4 address"),
        ({"mac": MAC, "mode": "7"}, "1", "none of 0, 1 and 2"),
        ({"mac": MAC, "mode": "2"}, "1", "not systemd-networkd's"),
    ],
    ids=["mac", "prefix", "newline", "address", "family", "mode", "dhcp"],
)
def test_addresses_that_make_no_sense(
    tmp_path: Path, network: Path, values: dict[str, str], number: str, error: str
) -> None:
    with world("ours", tmp_path, "", str(network)) as one:
        assert error in (set_address(one, **values) or "")
        assert one.get(f"{SETTING}/error-code") == number
        assert done(network) == ""


class Session:
    """A user's session with a clipboard helper, whose tools keep the clipboard in a file."""

    def __init__(self, directory: Path, socket: Path) -> None:
        self.file = directory / "clipboard"
        self.file.write_text("")
        made(directory / "bin/wl-paste", f"#!/bin/sh\ncat {self.file}\n")
        made(directory / "bin/wl-copy", f"#!/bin/sh\ncat > {self.file}.new; mv {self.file}.new {self.file}\n")
        path = f"{directory}/bin:{os.environ['PATH']}"
        self.environment = {
            **os.environ,
            "PATH": path,
            "WAYLAND_DISPLAY": "x",
            "PYTHONPATH": str(ROOT / "src"),
        }
        self.argv = [sys.executable, "-m", "guestwright.agent", "clipboard", str(socket)]


def test_clipboard_both_ways(kind: str, tmp_path: Path, root: Path) -> None:
    socket = root / "run/clip"
    config = '[features]\nclipboard = true\n[clipboard]\nsocket = "/run/clip"\n'
    session = Session(tmp_path, socket)
    text = "Grüße aus dem Gast, " * 300
    with world(kind, tmp_path, config, str(root)) as one:
        assert one.get("data/guestwright/features/clipboard") == "1"
        assert socket.stat().st_mode & 0o777 == 0o600
        with running(session.argv, env=session.environment) as helper:
            for piece in ("from the ", "host", ""):
                one.put("data/set_clipboard", piece)
                one.wait("data/set_clipboard", gone)
            eventually(lambda: session.file.read_text() == "from the host")
            session.file.write_text(text)
            found = []
            while piece := one.wait("data/report_clipboard", lambda value: value is not None) or "":
                assert len(piece.encode()) <= 1000
                found.append(piece)
                one.store.rm(f"{HOME}/data/report_clipboard")
            assert "".join(found) == text
            helper.kill()
            helper.wait()


def test_no_clipboard_unless_the_owner_wants_it(tmp_path: Path, root: Path) -> None:
    with world("ours", tmp_path, '[clipboard]\nsocket = "/run/clip"\n', str(root)) as one:
        assert one.get("data/guestwright/features/clipboard") == "disabled in the guest"
        assert not (root / "run/clip").exists()
        one.put("data/set_clipboard", "x")
        one.wait("data/set_clipboard", gone)
