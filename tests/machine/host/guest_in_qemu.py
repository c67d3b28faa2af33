"""A Debian with our agent in a libvirt domain of QEMU, and what a host does with it in one boot.

Theory of operation: the domain is defined with virsh, as somebody else's. Before the system comes up, its
kernel and a script in the place of init start twice, with a reboot between them, and note what they find of a
permanent payload. Then the host gives the domain the agent's port and a run-once payload, starts it, and does
everything else through the agent. Nothing is shared with the guest but its port and its drives: there is no
network. What was seen goes into a dictionary, which the tests judge.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

from guestwright.base.errors import GuestwrightError
from guestwright.base.progress import Step
from guestwright.host.acting.audit import Actor, AuditLine
from guestwright.host.acting.calls import Bounds, GuestCalls, Program
from guestwright.host.acting.clipboard import GuestClipboard
from guestwright.host.acting.host_memory import BalloonFacts, QemuMemory, Range
from guestwright.host.acting.settings import GuestSettings
from guestwright.host.acting.sysprep import SysprepHost, SysprepRequest, SysprepRun, sweep_sysprep
from guestwright.host.balloon.model import Move, Reason
from guestwright.host.capabilities import Operation, Power, Situation
from guestwright.host.facts.book import Book, Life
from guestwright.host.facts.decode import Told
from guestwright.host.facts.reading import read
from guestwright.host.facts.state import AgentState
from guestwright.host.facts.tools import Catalogue
from guestwright.host.media.following import Following, said
from guestwright.host.media.model import Persistence
from guestwright.host.media.payloads import Payloads
from guestwright.host.media.shelf import Shelf
from guestwright.host.media.vault import Vault
from guestwright.host.sysprep.model import Limits
from guestwright.hypervisor.domain import Bus, DomainId, State
from guestwright.hypervisor.drivers.libvirt.hypervisor import LibvirtHypervisor
from guestwright.hypervisor.events import Event, EventKind
from guestwright.hypervisor.spec import ChannelSpec, When
from guestwright.hypervisor.statement import Witness
from guestwright.media.sink import MemorySink
from guestwright.media.tree import MediaFile, MediaTree
from guestwright.media.write import MediaKind, write_medium
from guestwright.xenstore.client.client import Client
from guestwright.xenstore.client.errors import TimedOut
from lab import ext
from lab.debian import Recipe, build
from tests.support.boot import Kernel, take_kernel
from tests.support.libvirtd import Daemon, private_libvirtd
from tests.support.payload_bench import MEMORY, plain
from tests.support.program import guestwright, running
from tests.support.xenstore_server import Running

DOMID: Final = 7
HOME: Final = f"/local/domain/{DOMID}"
PORT: Final = "org.guestwright.xenstore.0"
PAYLOAD: Final = "CANARY-machine-payload-6b1d"
PERMANENT: Final = "CANARY-machine-permanent-c3a9"
ANSWERS: Final = "CANARY-machine-answers-27fe"
NEW_NAME: Final = "web42"
_NOBODY: Final = 65534
_TOP: Final = Path(__file__).parents[3]
_BOOT: Final = 900.0  # seconds; 40 on an idle machine
_PATIENCE: Final = 120.0
_MIB: Final = 1 << 20
_BOUNDS: Final = Bounds(deadline=_PATIENCE, patience=_PATIENCE)
_AGENT: Final = """\
[features]
exec = true
[exec]
commands = ["*"]
[sysprep]
command = ["/usr/local/sbin/personalise"]
"""
# In the place of init: the first two starts note which CD holds the payload and what is on it, the first ends
# with a reboot and the second with the power off; after that, the system's own init.
_INIT: Final = """\
#!/bin/sh
PATH=/usr/sbin:/usr/bin:/sbin:/bin
boot=1
[ -e /boot.1 ] && boot=2
[ -e /boot.2 ] && exec /sbin/init
mount -o remount,rw /
: > /boot.$boot
modprobe -a sr_mod isofs
for i in $(seq 600); do
    for cd in /sys/block/sr*; do
        mount -t iso9660 -o ro /dev/${cd##*/} /mnt || continue
        if [ -e /mnt/token.txt ]; then
            { readlink -f $cd/device; sha256sum /mnt/token.txt; } > /boot.$boot
        fi
        umount /mnt
    done
    [ -s /boot.$boot ] && break
    sleep 0.1
done
sync
mount -o remount,ro /
if [ $boot = 1 ]; then echo b; else echo o; fi > /proc/sysrq-trigger
sleep 600
"""
# Speaks qemu-ga's protocol (QEMU, qga/qapi-schema.json) as far as libvirt asks for names and addresses. Until
# libvirt has connected, the port reads as ended.
_QEMU_GA: Final = """\
#!/bin/bash
exec 3<>/dev/virtio-ports/org.qemu.guest_agent.0
while :; do
    while IFS= read -r line <&3; do
        case $line in
        *guest-sync-delimited*) printf '\\377{"return": %s}\\n' "${line//[^0-9]/}" ;;
        *guest-sync*) printf '{"return": %s}\\n' "${line//[^0-9]/}" ;;
        *guest-get-host-name*) echo '{"return": {"host-name": "of-qemu-ga"}}' ;;
        *guest-get-osinfo*) echo '{"return": {"pretty-name": "Debian 12", "id": "debian"}}' ;;
        *guest-network-get-interfaces*) echo '{"return": [{"name": "eth0",
            "hardware-address": "52:54:00:00:00:01", "ip-addresses":
            [{"ip-address-type": "ipv4", "ip-address": "192.0.2.1", "prefix": 24}]}]}' | tr -d '\\n'; echo ;;
        *) echo '{"error": {"class": "CommandNotFound", "desc": "no such command"}}' ;;
        esac >&3
    done
    sleep 0.1
done
"""
# Says by a hash what the answers were, so that they themselves are nowhere on the guest's disk.
_PERSONALISE: Final = """\
#!/bin/sh -e
if grep -q '^fail=' "$1"; then echo "as it was told" >&2; exit 3; fi
sed -n 's/^name=//p' "$1" > /etc/hostname
sed -n 's/^secret=//p' "$1" | tr -d '\\n' | sha256sum > /etc/personalised
rm -f /etc/ssh/ssh_host_*
sync
"""
_READ_CD: Final = """
d=$(readlink -f /dev/disk/by-label/{label})
mount -o ro $d /mnt && cat /mnt/{name} && umount /mnt
"""
_XML: Final = """\
<domain type="qemu">
  <name>{name}</name><uuid>{uuid}</uuid>
  <memory unit="MiB">512</memory><vcpu>2</vcpu>
  <os><type arch="x86_64" machine="pc">hvm</type>
    <kernel>{kernel}</kernel><initrd>{initrd}</initrd>
    <cmdline>root=UUID={root} ro console=ttyS0 mitigations=off
      init=/usr/local/sbin/starts</cmdline></os>
  <features><acpi/></features>
  <on_reboot>restart</on_reboot>
  <devices>
    <disk type="file" device="disk"><driver name="qemu" type="raw" cache="unsafe"/>
      <source file="{disk}"/><target dev="vda" bus="virtio"/></disk>
    <disk type="file" device="cdrom"><target dev="hdc" bus="ide"/><readonly/></disk>
    <controller type="usb" model="none"/><controller type="virtio-serial"/>
    <channel type="unix"><target type="virtio" name="org.qemu.guest_agent.0"/></channel>
    <rng model="virtio"><backend model="random">/dev/urandom</backend></rng>
    <serial type="file"><source path="{console}"/></serial>
    <memballoon model="virtio"/>
  </devices>
</domain>
"""
_VIRTIO: Final = frozenset({Bus.VIRTIO})
Seen = dict[str, Any]


def image(path: str) -> Kernel:
    """A Debian with the agent; its kernel beside it."""
    build(path, Recipe(profile="server", size=2 << 30, dirty=False))
    done = guestwright(
        *("seal", "run", "--no-manifest", "--agent"),
        *("--write", f"/etc/guestwright/agent.toml:{_AGENT}", "--chmod", "0600:/etc/guestwright/agent.toml"),
        *("--write", f"/usr/local/sbin/personalise:{_PERSONALISE}"),
        *("--chmod", "0755:/usr/local/sbin/personalise"),
        *("--write", f"/usr/local/sbin/qemu-ga:{_QEMU_GA}", "--chmod", "0755:/usr/local/sbin/qemu-ga"),
        *("--write", f"/usr/local/sbin/starts:{_INIT}", "--chmod", "0755:/usr/local/sbin/starts", path),
        timeout=300,
    )
    assert done.status == 0, done.err
    return take_kernel(path, os.path.dirname(path))


class Site:
    """The host, and the guest as far as the host reaches it."""

    def __init__(self, stack: ExitStack, daemon: Daemon) -> None:
        self.daemon = daemon
        self.disk = os.path.join(daemon.directory, "disk.img")
        self.hypervisor = LibvirtHypervisor(daemon.uri)
        stack.callback(self.hypervisor.close)
        self.memory = tempfile.mkdtemp(prefix="gw-machine-", dir=MEMORY)
        stack.callback(shutil.rmtree, self.memory)
        os.chmod(self.memory, 0o711)
        self.state = os.path.join(daemon.directory, "state")
        self.domain = DomainId(str(uuid.uuid4()))
        self.server = stack.enter_context(Running())
        self.socket = os.path.join(daemon.directory, "host.sock")
        self.server.inside(lambda: self.server.server.listen(self.socket))
        self.store = stack.enter_context(Client(self.socket, timeout=_PATIENCE))
        self.payloads = Payloads(
            self.hypervisor,
            Vault(self.state, os.urandom(32)),
            Shelf(os.path.join(self.memory, "payloads"), (_NOBODY, _NOBODY)),
            clock=time.time,
            randomness=os.urandom,
        )
        self.following = Following(self.payloads)
        self.audit: list[AuditLine] = []
        self.actor = Actor(who="tester", domain=self.domain, audit=self.audit.append, clock=time.time)
        self.calls = GuestCalls(lambda: Client(self.socket, timeout=_PATIENCE), DOMID, self.actor)
        self.settings = GuestSettings(self.store, DOMID, self.actor, patience=_PATIENCE)

    def adopt(self, kernel: Kernel) -> None:
        """Have virsh define the domain."""
        text = _XML.format(
            name="adopted",
            uuid=self.domain,
            kernel=kernel.kernel,
            initrd=kernel.initrd,
            root=kernel.root,
            disk=self.disk,
            console=os.path.join(self.daemon.directory, "console"),
        )
        file = os.path.join(self.daemon.directory, "adopted.xml")
        Path(file).write_text(text)
        subprocess.run(["virsh", "-q", "-c", self.daemon.uri, "define", file], check=True)

    def console(self) -> str:
        """The end of what the guest printed."""
        printed = Path(self.daemon.directory, "console").read_bytes().decode("utf-8", "replace")
        return "\n".join(printed.splitlines()[-100:])

    def plug(self) -> None:
        """Give the domain the agent's port, and its directory in the store."""
        self.port = os.path.join(self.daemon.directory, "guest.port")
        channel = ChannelSpec(name=PORT, path=self.port)
        self.hypervisor.attach_channel(self.domain, channel, when=When.NEXT_START)
        self.store.write(HOME, "")
        self.store.set_perms(HOME, [f"n{DOMID}"])
        self.store.write(f"{HOME}/domid", str(DOMID))

    def connect(self) -> None:
        """The line to the agent."""
        line = socket.socket(socket.AF_UNIX)
        line.connect(self.port)
        self.server.inside(lambda: self.server.server.add(line, domid=DOMID))

    def sh(self, script: str) -> str:
        """Run a script in the guest, through the agent."""
        done = self.calls.run(Program(argv=["/bin/sh", "-c", script]), _BOUNDS)
        assert done.status == 0, (script, done)
        return done.out.decode("utf-8", "replace")

    def read_cd(self, label: str, name: str) -> str:
        """A file on a medium, read by the guest's kernel once its udev has found it."""
        wait = f"for i in $(seq 200); do [ -e /dev/disk/by-label/{label} ] && break; sleep 0.1; done"
        return self.sh(wait + _READ_CD.format(label=label, name=name))

    def cd(self, name: str, label: str, content: str) -> str:
        """An image with a file on it."""
        sink = MemorySink()
        tree = MediaTree(files=(MediaFile(path="/file", source=content.encode()),))
        write_medium(MediaKind.CDROM, tree, sink, label=label, time=0, serial=0)
        path = os.path.join(self.daemon.directory, name)
        Path(path).write_bytes(sink.getvalue())
        return path

    def facts(self) -> Told:
        """What the guest says."""
        book = Book(Catalogue.parse('{"linux": ["1.0"]}'))
        life = Life(self.domain, DOMID)
        book.started(life, 0.0)
        book.look(life, self.store.run(read(DOMID)), 1.0)
        page = book.page(self.domain)
        assert page is not None
        return page.told

    def sysprep(self, progress: Callable[[Step], None] = lambda _: None, **more: Any) -> SysprepRun:
        """A sysprep of the guest as it is."""
        told = self.facts()
        now = Situation(
            power=Power.RUNNING,
            agent=AgentState.LIVE,
            features=told.features,
            drives=1,
            free_drives=1,
            hotplug=True,
            granted=frozenset(Operation),
        )
        values: Seen = {
            "domain": self.domain,
            "name": "adopted",
            "domid": DOMID,
            "filename": "answers.txt",
            "answers": f"name={NEW_NAME}\nsecret={ANSWERS}\n".encode(),
            "situation": now,
            "limits": Limits(deadline=600, seen=_PATIENCE, answer=_PATIENCE),
        }
        return SysprepRun(self.syspreps(), SysprepRequest(**{**values, **more}), progress=progress)

    def syspreps(self) -> SysprepHost:
        """What they need."""
        return SysprepHost(
            hypervisor=self.hypervisor,
            connect=lambda: Client(self.socket, timeout=_PATIENCE),
            directory=os.path.join(self.memory, "sysprep"),
            clock=time.time,
            owner=(_NOBODY, _NOBODY),
        )

    def traces(self, canary: str) -> list[str]:
        """Where a secret can be read on this host; the guest's own disk is its own affair."""
        found = []
        if (
            canary
            in subprocess.run(
                ["virsh", "-c", self.daemon.uri, "dumpxml", str(self.domain), "--security-info"],
                check=True,
                capture_output=True,
                text=True,
            ).stdout
            + subprocess.run(
                ["virsh", "-c", self.daemon.uri, "domstats"], check=True, capture_output=True, text=True
            ).stdout
        ):
            found.append("virsh")
        for pid in filter(str.isdigit, os.listdir("/proc")):
            for name in ("cmdline", "environ"):
                try:
                    if canary.encode() in Path(f"/proc/{pid}/{name}").read_bytes():
                        found.append(f"{pid} {name}")
                except OSError:
                    continue
        for file in Path(self.daemon.directory).rglob("*"):
            if file.is_file() and file.stat().st_size < 64 * _MIB and canary.encode() in file.read_bytes():
                found.append(str(file))
        return found


def visit() -> Seen:
    """Everything in one boot; what was seen."""
    seen: Seen = {"seconds": {}}
    began = time.monotonic()
    with ExitStack() as stack:
        site = Site(stack, stack.enter_context(private_libvirtd()))
        kernel = image(site.disk)
        for name in ("disk.img", "vmlinuz", "initrd"):
            os.chown(os.path.join(site.daemon.directory, name), _NOBODY, _NOBODY)
        seen["seconds"]["built"] = time.monotonic() - began
        try:
            site.adopt(kernel)
            seen["adopted"] = site.hypervisor.get(site.domain)
            _permanent(site, seen)
            seen["seconds"]["permanent payload"] = time.monotonic() - began
            _arrive(site, seen)
        except TimedOut as error:
            raise AssertionError(f"{error}\n--- the guest's console:\n{site.console()}") from None
        seen["seconds"]["up"] = time.monotonic() - began
        _media(site, seen)
        _requests(site, seen)
        _failures(site, seen)
        _killed(site, seen)
        _agent_killed(site, seen)
        seen["seconds"]["before sysprep"] = time.monotonic() - began
        _sysprep(site, seen)
        seen["seconds"]["all"] = time.monotonic() - began
    return seen


def _permanent(site: Site, seen: Seen) -> None:
    """A payload of every boot, and a guest that reboots."""
    happened: list[Event] = []
    looked: list[tuple[object, object]] = []

    def note(event: Event) -> None:
        site.following.happened(event)
        if event.kind is EventKind.REBOOTED:
            looked.append(_devices(site))
        happened.append(event)

    def wait(kind: EventKind) -> None:
        end = time.monotonic() + _BOOT
        while not any(one.kind is kind for one in happened):
            assert time.monotonic() < end, f"{kind} is not in {happened}\n{site.console()}"
            time.sleep(0.1)

    place = site.hypervisor.subscribe(note)
    try:
        site.payloads.define(site.domain, plain(PERMANENT), Persistence.PERMANENT)
        site.payloads.start(site.domain)
        looked.append(_devices(site))
        seen["traces of permanent"] = site.traces(PERMANENT)
        wait(EventKind.REBOOTED)
        wait(EventKind.STOPPED)
    finally:
        place.close()
    seen["permanent devices"] = looked
    seen["permanent"] = site.payloads.of(site.domain)
    site.payloads.remove(site.domain, Persistence.PERMANENT)
    offset = _root(site.disk)
    seen["permanent read"] = [
        ext.debugfs(site.disk, [f"cat /boot.{boot}"], offset=offset).splitlines()[-2:] for boot in (1, 2)
    ]
    seen["left"] = os.listdir(os.path.join(site.memory, "payloads"))


def _devices(site: Site) -> tuple[object, object]:
    """The domain's drives, and where the payload is among them."""
    (entry,) = site.payloads.of(site.domain)
    return site.hypervisor.get(site.domain).drives, entry.place


def _arrive(site: Site, seen: Seen) -> None:
    site.plug()
    site.payloads.define(site.domain, plain(PAYLOAD), Persistence.RUN_ONCE)
    site.payloads.start(site.domain)
    site.connect()
    site.store.wait_until(f"{HOME}/data/boot/state", lambda value: value == b"up", _BOOT)
    site.store.wait_until(f"{HOME}/data/updated", lambda value: value is not None, _BOOT)
    seen["facts"] = site.facts()
    seen["running"] = site.hypervisor.get(site.domain)


def _media(site: Site, seen: Seen) -> None:
    site.following.observe(site.domain, said(site.store, DOMID))
    seen["payload"] = [site.payloads.of(site.domain)[0]]
    seen["payload read"] = site.read_cd("PAYLOAD", "token.txt")
    seen["traces of payload"] = site.traces(PAYLOAD)
    seen["definition"] = site.hypervisor.defined(site.domain)
    seen["payload"].append(site.payloads.consumed(site.domain, Persistence.RUN_ONCE))
    seen["twin read"] = site.sh("udevadm settle; sleep 1") + site.read_cd("PAYLOAD", "token.txt")
    for label in ("FIRST", "SECOND"):
        site.hypervisor.change(site.domain, "hdc", site.cd(f"{label}.iso", label, f"on {label}"))
        seen[f"cd {label}"] = site.read_cd(label, "file")


def _requests(site: Site, seen: Seen) -> None:
    told: list[Event] = []
    place = site.hypervisor.subscribe(told.append)
    silent = site.hypervisor.statement(site.domain, Witness.GUEST_AGENT)
    site.sh("systemd-run --quiet --no-block --unit=qemu-ga /usr/local/sbin/qemu-ga")
    end = time.monotonic() + _PATIENCE
    while not any(one.kind is EventKind.PORT_OPENED for one in told) and time.monotonic() < end:
        time.sleep(0.05)
    place.close()
    while (found := site.hypervisor.statement(site.domain, Witness.GUEST_AGENT)) is None:
        assert time.monotonic() < end, site.sh("systemctl --no-pager status qemu-ga; true") + site.console()
        time.sleep(0.5)
    seen["qemu-ga"] = silent, found
    seen["exec"] = site.calls.run(
        Program(argv=["/usr/bin/sha256sum"], source=[b"x" * _MIB]), _BOUNDS
    ).out.decode()
    seen["renamed"] = site.settings.set_hostname("between"), site.sh("hostname").strip()
    now = time.time()
    seen["clock"] = site.settings.set_time(now), abs(float(site.sh("date +%s.%N")) - time.time())
    limits = Range(minimum=256 * 1024, maximum=512 * 1024)
    memory = QemuMemory(site.hypervisor, lambda _: limits, lambda _: BalloonFacts())
    target = 400 * 1024
    move = Move(
        domain=site.domain,
        target=target,
        cap=target,
        cap_first=False,
        before=0,
        reason=Reason.FAIR,
        detail="",
    )
    memory.move(move)
    end = time.monotonic() + _PATIENCE
    while memory.view(0).guests[0].actual != target and time.monotonic() < end:
        time.sleep(0.1)
    seen["memory"] = memory.view(0).guests[0]


def _failures(site: Site, seen: Seen) -> None:
    """Each thing that is missing has a name; the only CD drive holds a CD, and nothing can be plugged in."""
    seen["failures"] = failures = {}
    seen["plugged"] = texts = []

    def progress(step: Step) -> None:
        texts.append(step.text)

    attempts: dict[str, Callable[[], object]] = {
        "feature off": lambda: GuestClipboard(site.store, DOMID, site.actor).send("x"),
        "no drive": lambda: site.sysprep().run(),
        "guest fails": lambda: site.sysprep(progress, answers=b"fail=1\n", drivers=_VIRTIO).run(),
        "no such program": lambda: site.calls.run(Program(argv=["/bin/nothing"]), _BOUNDS),
    }
    for name, work in attempts.items():
        try:
            work()
        except GuestwrightError as error:
            failures[name] = (error.code, error.message)
    seen["left"] += os.listdir(os.path.join(site.memory, "sysprep"))
    seen["drives"] = site.hypervisor.get(site.domain).drives


def _killed(site: Site, seen: Seen) -> None:
    """The service dies while the guest is at work; the next one sweeps, and the guest is there still."""
    site.hypervisor.eject(site.domain, "hdc")
    media = os.path.join(site.memory, "sysprep")
    argv = [sys.executable, "-m", "tests.machine.host.killed_sysprep", site.daemon.uri, site.socket, media]
    with running([*argv, site.domain, str(DOMID)], stdin=subprocess.PIPE, cwd=_TOP) as service:
        assert service.stdin is not None
        service.stdin.write(b"fail=1\n")
        service.stdin.close()
        seen["killed"] = service.wait(_BOOT) == -signal.SIGKILL
    (image,) = os.listdir(media)
    seen["killed drive"] = site.hypervisor.get(site.domain).drive("hdc").medium == os.path.join(media, image)
    seen["swept"] = sweep_sysprep(site.syspreps(), [DOMID])
    seen["left"] += os.listdir(media)
    seen["swept drive"] = site.hypervisor.get(site.domain).drive("hdc").medium
    seen["alive"] = site.sh("echo alive").strip()


def _agent_killed(site: Site, seen: Seen) -> None:
    """The agent is killed, which the hypervisor tells; the guest's systemd starts it again."""
    told: list[tuple[float, Event]] = []

    def note(event: Event) -> None:
        if event.kind in (EventKind.PORT_OPENED, EventKind.PORT_CLOSED):
            told.append((time.monotonic(), event))

    place = site.hypervisor.subscribe(note)
    try:
        began = time.monotonic()
        script = "sleep 1; systemctl kill --signal=KILL guestwright-agent"
        site.sh(f"systemd-run --quiet --no-block /bin/sh -c '{script}'")
        while len(told) < 2:
            assert time.monotonic() < began + _PATIENCE, f"{told}\n{site.console()}"
            time.sleep(0.01)
    finally:
        place.close()
    seen["ports"] = [event.kind for _, event in told]
    seen["seconds"]["agent closed"] = told[0][0] - began - 1
    site.store.wait_until(f"{HOME}/data/updated", lambda value: value is not None, _PATIENCE)
    seen["agent back"] = site.sh("echo back").strip()


def _sysprep(site: Site, seen: Seen) -> None:
    steps: list[tuple[float, Step]] = []
    traces: list[str] = []

    def progress(step: Step) -> None:
        steps.append((time.monotonic(), step))
        if step.name == "asked":
            traces.extend(site.traces(ANSWERS))

    site.sysprep(progress).run()
    seen["steps"] = steps
    seen["traces of answers"] = traces
    seen["state"] = site.hypervisor.get(site.domain).state
    seen["left"] += os.listdir(os.path.join(site.memory, "sysprep"))
    site.following.recover()
    seen["payload"].append(site.payloads.of(site.domain)[0])
    seen["left"] += os.listdir(os.path.join(site.memory, "payloads"))
    offset = _root(site.disk)
    for name in ("hostname", "personalised"):  # the first line of what debugfs says is the command
        seen[name] = ext.debugfs(site.disk, [f"cat /etc/{name}"], offset=offset).splitlines()[-1]
    seen["audit"] = list(site.audit)
    seen["off"] = site.hypervisor.get(site.domain).state is State.OFF


def _root(disk: str) -> int:
    """Where the root file system begins, bytes."""
    told = subprocess.run(["sfdisk", "--dump", disk], check=True, capture_output=True, text=True).stdout
    return 512 * max(int(one) for one in re.findall(r"start=\s*(\d+)", told))


def hash_of(text: str) -> str:
    """As sha256sum prints it."""
    return hashlib.sha256(text.encode()).hexdigest()
