"""Two hosts on one machine, each with a libvirt and a host service, and a Debian that moves between them.

Theory of operation: hosts that move domains to each other have the same paths and different files there. So
each has a mount namespace of its own, where one directory is in memory of its own: images of payloads,
sockets of agents' ports, the service's state. What they share is where they must meet: the disk, libvirt's
sockets and the services' APIs. The guest has no init but a script that starts the agent: it is up soon.
"""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from guestwright.host.client.address import UnixAddress
from guestwright.host.client.client import HostClient
from guestwright.host.client.errors import ClientError
from lab.debian import Recipe, build
from tests.support.boot import Kernel, take_kernel
from tests.support.libvirtd import Daemon, private_libvirtd
from tests.support.program import COMMAND, Done, environment, guestwright, running

CANARY: Final = "CANARY-two-hosts-51c0de77"
NAME: Final = "mover"
_PATIENCE: Final = 180.0  # seconds; a second or two on an idle machine, the boot some 20
_AGENT: Final = """\
[features]
exec = true
[exec]
commands = ["*"]
"""
_INIT: Final = """\
#!/bin/sh
PATH=/usr/sbin:/usr/bin:/sbin:/bin
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev
mount -t tmpfs tmp /run; mount -t tmpfs tmp /tmp; mount -t tmpfs tmp /var/lib
modprobe -a virtio_console sr_mod isofs
cat /proc/sys/kernel/random/boot_id > /tmp/begun
while :; do /usr/bin/python3 -I -S -E /usr/lib/guestwright/bin/guestwright-agent.pyz; sleep 0.2; done
"""
_XML: Final = """\
<domain type="qemu">
  <name>{name}</name><uuid>{uuid}</uuid>
  <memory unit="MiB">256</memory><vcpu>1</vcpu>
  <os><type arch="x86_64" machine="pc">hvm</type>
    <kernel>{kernel}</kernel><initrd>{initrd}</initrd>
    <cmdline>root=UUID={root} ro console=ttyS0 quiet mitigations=off
      init=/usr/local/sbin/starts</cmdline></os>
  <features><acpi/></features>
  <devices>
    <disk type="file" device="disk"><driver name="qemu" type="raw" cache="unsafe"/>
      <source file="{disk}"/><target dev="vda" bus="virtio"/></disk>
    <disk type="file" device="cdrom"><target dev="hdc" bus="ide"/><readonly/></disk>
    <controller type="usb" model="none"/><controller type="virtio-serial"/>
    <channel type="unix"><source mode="bind" path="{port}"/>
      <target type="virtio" name="org.guestwright.xenstore.0"/></channel>
    <rng model="virtio"><backend model="random">/dev/urandom</backend></rng>
    <serial type="file"><source path="{console}"/></serial>
    <memballoon model="virtio"/>
  </devices>
</domain>
"""
_SETTINGS: Final = """\
[hypervisor]
uri = "{uri}"
[directories]
state = "{home}/lib"
runtime = "{home}/run"
[channels]
directory = "{home}/ports"
[allow]
operations = ["exec"]
[api]
socket = "{socket}"
[media]
owner = "nobody:nogroup"
[log]
format = "text"
"""


@dataclass(frozen=True, slots=True)
class Host:
    """One of them.

    Attributes:
        daemon: its libvirt.
        socket: of its service.
        home: the directory of its own, as this process sees it.
        log: of its service.
    """

    daemon: Daemon
    socket: str
    home: Path
    log: Path

    def ask(self, *args: str) -> Done:
        """Run `guestwright host …` for it."""
        at = args.index("--") if "--" in args else len(args)
        return guestwright("host", *args[:at], "--socket", self.socket, *args[at:], timeout=_PATIENCE)

    def sh(self, script: str) -> str:
        """Run a script in the guest, which is here."""
        done = self.ask("exec", NAME, "--", "/bin/sh", "-c", script)
        assert done.status == 0, (done, self.log.read_text()[-2000:])
        return done.out

    def domain(self) -> dict[str, Any] | None:
        """The domain, if it is here."""
        with HostClient(UnixAddress(path=self.socket)) as client:
            return next((one for one in client.domains() if one["domain"]["name"] == NAME), None)

    def live(self) -> bool:
        """Whether the guest's agent is heard here."""
        found = self.domain()
        return bool(found and found["agent"] and found["agent"]["state"] == "live")

    def payloads(self, domain: str) -> list[dict[str, Any]]:
        """What the service has for the domain."""
        with HostClient(UnixAddress(path=self.socket)) as client:
            return list(client.get(f"/v1/domains/{domain}/payloads")["payloads"])

    def images(self) -> dict[str, str]:
        """Names of images of payloads to hashes."""
        found = (one for one in self.home.rglob("run/**/*") if one.is_file() and one.suffix == ".img")
        return {one.name: hashlib.sha256(one.read_bytes()).hexdigest() for one in found}


def until(what: Callable[[], object]) -> None:
    """Wait until something is so."""
    end = time.monotonic() + _PATIENCE
    while not what():
        assert time.monotonic() < end, what
        time.sleep(0.05)


@contextmanager
def two_hosts() -> Iterator[tuple[Host, Host, str]]:
    """Both, and a domain that is defined on the first; its disk and kernel are shared."""
    home = tempfile.mkdtemp(prefix="gw-host-", dir="/tmp")
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, home, ignore_errors=True)
        here, there = (stack.enter_context(_host(home)) for _ in range(2))
        shared = here.daemon.directory
        disk = os.path.join(shared, "disk.img")
        kernel = _image(disk)
        os.chmod(disk, 0o666)
        domain = str(uuid.uuid4())
        text = _XML.format(
            name=NAME,
            uuid=domain,
            kernel=kernel.kernel,
            initrd=kernel.initrd,
            root=kernel.root,
            disk=disk,
            port=f"{home}/ports/{NAME}.port",
            console=os.path.join(shared, "console"),
        )
        Path(shared, "domain.xml").write_text(text)
        virsh = ["virsh", "-q", "-c", here.daemon.uri, "define", os.path.join(shared, "domain.xml")]
        subprocess.run(virsh, check=True)
        until(here.domain)
        yield here, there, domain


def put_payload(host: Host, domain: str) -> None:
    """Give the domain a permanent payload with a secret on it."""
    files = {"token.txt": base64.b64encode(CANARY.encode()).decode()}
    with HostClient(UnixAddress(path=host.socket)) as client:
        client.ask("PUT", f"/v1/domains/{domain}/payloads/permanent", {"form": "files", "files": files})


@contextmanager
def _host(home: str) -> Iterator[Host]:
    hold = f"mount -t tmpfs -o mode=0755 tmpfs {home} && echo && exec sleep infinity"
    argv = ["setpriv", "--pdeathsig=KILL", "unshare", "--mount", "--propagation", "private", "sh", "-c", hold]
    with running(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as holder:
        try:
            assert holder.stdout is not None
            assert holder.stdout.readline() == b"\n"
            inside = ["nsenter", f"--mount=/proc/{holder.pid}/ns/mnt"]
            seen = Path(f"/proc/{holder.pid}/root{home}")
            for name in ("lib", "run", "ports"):
                (seen / name).mkdir(mode=0o755)
            os.chown(seen / "ports", 65534, 65534)
            with private_libvirtd(inside) as daemon, _service(home, seen, daemon, inside) as host:
                yield host
        finally:
            holder.kill()


@contextmanager
def _service(home: str, seen: Path, daemon: Daemon, inside: list[str]) -> Iterator[Host]:
    socket = os.path.join(daemon.directory, "api.sock")
    log, settings = Path(daemon.directory, "service.log"), Path(daemon.directory, "host.toml")
    settings.write_text(_SETTINGS.format(uri=daemon.uri, home=home, socket=socket))
    argv = [*inside, *COMMAND, "host", "serve", "--config", str(settings)]
    host = Host(daemon, socket, seen, log)
    with open(log, "wb") as file, running(argv, env=environment(), stdout=file, stderr=file) as process:
        try:

            def answers() -> bool:
                assert process.poll() is None, log.read_text()
                try:
                    host.domain()
                except ClientError:
                    return False
                return True

            until(answers)
            yield host
        finally:
            process.terminate()
            process.wait(_PATIENCE)


def _image(path: str) -> Kernel:
    """A Debian with the agent; its kernel beside it."""
    build(path, Recipe(profile="server", size=2 << 30, dirty=False))
    done = guestwright(
        *("seal", "run", "--no-manifest", "--agent"),
        *("--write", f"/etc/guestwright/agent.toml:{_AGENT}", "--chmod", "0600:/etc/guestwright/agent.toml"),
        *("--write", f"/usr/local/sbin/starts:{_INIT}", "--chmod", "0755:/usr/local/sbin/starts", path),
        timeout=_PATIENCE,
    )
    assert done.status == 0, done.err
    return take_kernel(path, os.path.dirname(path))
