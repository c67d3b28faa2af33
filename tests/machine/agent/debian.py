"""A Debian guest in QEMU with the agent that sealing put in, and our server as its store."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from guestwright.agent.package import deb, pyz
from guestwright.exec_channel.host import Guest
from guestwright.xenstore.client.client import Client
from lab.debian import Recipe, build
from lab.debian_guest import DebianGuest, seal_options
from tests.machine.agent import scenario
from tests.machine.agent.checks import EXEC_LINE
from tests.machine.agent.scenario import Seen, Store
from tests.support.boot import take_kernel
from tests.support.program import COMMAND, environment, guestwright

DOMID: Final = 7
HOME: Final = f"/local/domain/{DOMID}"
_UNIT: Final = "guestwright-agent.service"
_BOOT: Final = 900.0  # seconds; 40 on an idle machine
_LENGTH: Final = 4 << 20
_PACKAGE: Final = f"""
cat >/tmp/agent.deb
systemctl disable --now {_UNIT} 2>/dev/null
rm -r /etc/systemd/system/{_UNIT} /usr/lib/guestwright /etc/guestwright
systemctl daemon-reload
dpkg -i /tmp/agent.deb >/dev/null
systemctl is-active {_UNIT}
systemctl is-enabled {_UNIT}
dpkg -P guestwright-agent >/dev/null
systemctl is-active {_UNIT}
ls /usr/lib/guestwright /etc/guestwright 2>/dev/null
true
"""
# What our rule says where the kernel names the port after it was added.
_NAMED: Final = """
for port in /sys/class/virtio-ports/*; do udevadm test --action=change $port 2>&1; done | grep ^SYSTEMD_WANTS=
"""
_LAST_KEY: Final = "data/guestwright/identity/ssh/2"  # of three kinds
_DISK: Final = 64 << 20
SERIAL: Final = "GUESTWRIGHT-EXTRA"
ZONE: Final = "Europe/Lisbon"
USER: Final = "ada-of-the-lab"
_LOGIN: Final = f"""
import struct
entry = struct.Struct("=h2xi32s4s32s256s2hiii16s20s")
line = entry.pack(7, 1, b"tty7", b"7", b"{USER}", b"", 0, 0, 0, 1700000000, 0, b"", b"")
with open("/run/utmp", "ab") as file:
    file.write(line)
"""
_ABSENT: Final = "192.0.2.8"  # comes while the server is away


def image(directory: Path) -> str:
    """A Debian, sealed with the agent in it."""
    path = str(directory / "guest.img")
    build(path, Recipe(profile="server", size=2 << 30, dirty=False))
    done = guestwright("seal", "run", "--no-manifest", "--agent", *seal_options(), path, timeout=300)
    assert done.status == 0, done.err
    return path


class Server:
    """Our xenstored as a process of its own; it may be stopped, killed and started again."""

    def __init__(self, directory: Path) -> None:
        self.directory = str(directory)
        self.port = str(directory / "guest.port")
        self.socket = str(directory / "socket")
        self._process: subprocess.Popen[str] | None = None

    def introduce(self) -> None:
        """A new store with what a toolstack (libxl) makes for a guest."""
        for name in ("state", "state.journal"):
            (Path(self.directory) / name).unlink(missing_ok=True)
        self.start(guests=False)
        with Client(self.socket) as store:
            for path, value in (("", ""), ("/domid", str(DOMID)), ("/name", "guest"), ("/control", "")):
                store.write(HOME + path, value)
                store.set_perms(HOME + path, ["n0", f"r{DOMID}"])
            mine = [*(f"/{one}" for one in ("data", "drivers", "feature", "attr", "error"))]
            mine += [f"/control/{one}" for one in ("shutdown", "feature-poweroff", "feature-reboot", "sysrq")]
            for path in mine:
                store.write(HOME + path, "")
                store.set_perms(HOME + path, [f"n{DOMID}"])
        self.stop(signal.SIGTERM)

    def start(self, *, guests: bool = True) -> None:
        """Start it, and wait until it serves."""
        argv = [*COMMAND, "store", "serve", "--directory", self.directory, "--journal"]
        argv += ["--guest", f"{DOMID}={self.port}"] if guests else []
        self._process = subprocess.Popen(argv, env=environment(), stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        assert "serving" in self._process.stdout.readline()

    def stop(self, number: int) -> None:
        """End it by a signal."""
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(60)
            assert self._process.stdout is not None
            self._process.stdout.close()
            self._process = None


class DebianSite:
    """The guest and its store, for the scenario."""

    nic = "ens4"
    kind = "virtio"

    def __init__(self, guest: DebianGuest, server: Server) -> None:
        self.guest = guest
        self.server = server

    def run(self, script: str) -> str:
        """Run a script in the guest."""
        return self.guest.run(script).text

    def store(self) -> Store:
        """The guest's part of the store."""
        with Client(self.server.socket) as store:
            nodes = store.tree(HOME)
        return {one.path.removeprefix(f"{HOME}/"): (one.value or b"").decode() for one in nodes}

    def plug(self, mac: str) -> None:
        """Plug a NIC in."""
        self.guest.qmp("device_add", driver="virtio-net-pci", id="second", netdev="net1", mac=mac)

    def unplug(self) -> None:
        """Pull it out."""
        self.guest.qmp("device_del", id="second")

    def agent(self, verb: str) -> None:
        """Start, or kill, the agent."""
        kill = f"systemctl kill -s KILL {_UNIT}; systemctl stop {_UNIT}"
        self.run(kill if verb == "kill" else f"systemctl reset-failed {_UNIT}; systemctl start {_UNIT}")


@contextmanager
def site(guest_image: str, directory: Path) -> Iterator[DebianSite]:
    """A booted guest whose agent talks to a server of its own."""
    kernel = take_kernel(guest_image, str(directory))
    server = Server(directory)
    server.introduce()
    server.start()
    try:
        with DebianGuest(
            guest_image, kernel=kernel.kernel, initrd=kernel.initrd, root=kernel.root, store=server.port
        ) as guest:
            guest.wait_until_ready(_BOOT)
            yield DebianSite(guest, server)
    finally:
        server.stop(signal.SIGKILL)


def visit(directory: Path) -> Seen:
    """Boot it and do all that is to be done; what the host saw."""
    path = image(directory)
    try:
        with site(path, directory) as here:
            try:
                return _visit(here)
            except scenario.NotSeen as error:
                said = here.run(f"systemctl status {_UNIT} --no-pager; journalctl -b --no-pager | tail -n 60")
                raise scenario.NotSeen(f"{error}\n--- the guest:\n{said}") from None
    finally:
        os.unlink(path)


def _visit(here: DebianSite) -> Seen:
    seen = scenario.play(here)
    seen["unit"] = here.run(f"systemctl is-active {_UNIT}; systemctl is-enabled {_UNIT}").split()
    seen["wanted"] = here.run(_NAMED)
    seen["failed"] = here.run("systemctl --failed --no-legend")
    # Sealing took the host keys; a slow guest makes new ones while all this happens.
    scenario.wait(here, "its SSH host keys", lambda store: _LAST_KEY in store)
    seen["reconnected"] = dict(_reconnections(here))
    seen["heard"] = dict(_heard(here))
    seen["exec"] = _exec(here)
    seen["resident"] = resident(here)
    seen["package"] = here.guest.run(_PACKAGE, data=deb.build(pyz.build()), seconds=300).text.split()
    return seen


def _heard(here: DebianSite) -> Iterator[tuple[str, Store]]:
    """What the agent is told by the kernel; it does not look by itself any more."""
    here.agent("kill")
    here.run(f"printf '%s' '{scenario.ALLOWED}[facts]\nperiod = 0\n' >/etc/guestwright/agent.toml")
    here.agent("start")
    yield "started", scenario.wait(here, "the agent again", _has_started)
    here.guest.qmp("blockdev-add", driver="null-co", size=_DISK, **{"node-name": "extra"})
    here.guest.qmp("device_add", driver="virtio-blk-pci", id="disk2", drive="extra", serial=SERIAL)
    yield "plugged", scenario.wait(here, "a disk", lambda store: SERIAL in store.values())
    here.guest.qmp("device_del", id="disk2")
    yield "unplugged", scenario.wait(here, "no disk", lambda store: SERIAL not in store.values())
    here.run(f"ln -sf /usr/share/zoneinfo/{ZONE} /etc/localtime")
    yield "zone", scenario.wait(here, "a time zone", lambda store: ZONE in store.values())
    here.run(f"cat >/tmp/login.py <<'EOF'\n{_LOGIN}\nEOF\npython3 /tmp/login.py")
    yield "login", scenario.wait(here, "a login", lambda store: USER in store.values())


def _has_started(store: Store) -> bool:
    return store.get("data/guestwright/features/exec") == "1" and "data/updated" in store


def resident(here: DebianSite) -> int:
    """Resident memory of the agent in kB."""
    pid = f"$(systemctl show -p MainPID --value {_UNIT})"
    return int(here.run(f"awk '/VmRSS/{{print $2}}' /proc/{pid}/status"))


def _reconnections(here: DebianSite) -> Iterator[tuple[str, tuple[Store, Store]]]:
    """Stop, kill, and replace the server; each time an address comes meanwhile, and goes afterwards."""
    for name, number in (
        ("stopped", signal.SIGTERM),
        ("killed", signal.SIGKILL),
        ("replaced", signal.SIGKILL),
    ):
        before = here.store()
        here.server.stop(number)
        if name == "replaced":
            here.server.introduce()
        here.run(f"ip addr add {_ABSENT}/24 dev br0")
        here.server.start()
        scenario.wait(here, f"server {name}", _has_all)
        here.run(f"ip addr del {_ABSENT}/24 dev br0")
        yield name, (before, scenario.wait(here, "address as before", lambda store: not _has_all(store)))


def _has_all(store: Store) -> bool:
    return _ABSENT in scenario.addresses(store, "br0") and "data/updated" in store


def _exec(here: DebianSite) -> dict[str, Any]:
    line = EXEC_LINE.decode().strip()
    with Client(here.server.socket) as store:
        done = Guest(store, HOME, patience=120).run(["/bin/sh", "-c", f"yes {line} | head -c {_LENGTH}"])
    return {"status": done.status, "length": _LENGTH, "sha256": hashlib.sha256(done.out).hexdigest()}
