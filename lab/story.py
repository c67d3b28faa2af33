"""The whole story on one machine: a Debian becomes a template, that two machines, one of them a third.

    make demo        (or: python lab/story.py [--keep DIRECTORY] [--report FILE])

Every command is printed before it runs. Nothing of the machine's own is changed but a bridge, which is
removed again: the engine keeps all in a directory of its own, and libvirt forgets the three machines at the
end. They are emulated, so that the story is told anywhere, at a tenth of the speed.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Final, TextIO

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from lab import bootloader
from lab.debian import Recipe, build
from lab.libvirt_here import URI, NoLibvirt, libvirt_here

_MIB: Final = 1 << 20
_PATIENCE: Final = 900.0  # seconds for a boot; 40 on an idle machine
_BRIDGE: Final = "gwdemo0"
_GOLDEN: Final = "golden"
_MACHINES: Final = (_GOLDEN, "web-1", "web-2")
_LIBVIRT: Final = ("virsh", "-q", "-c", URI)
_DOMAIN: Final = """\
<domain type="qemu">
  <name>{name}</name><uuid>{uuid}</uuid>
  <memory unit="MiB">512</memory><vcpu>1</vcpu>
  <os><type arch="x86_64" machine="pc">hvm</type></os>
  <features><acpi/></features>
  <devices>
    <disk type="file" device="disk"><driver name="qemu" type="{format}"/>
      <source file="{disk}"/><target dev="vda" bus="virtio"/></disk>
    <interface type="bridge"><source bridge="{bridge}"/><model type="virtio"/></interface>
    <controller type="virtio-serial"/>
    <channel type="unix"><target type="virtio" name="org.guestwright.xenstore.0"/></channel>
    <rng model="virtio"><backend model="random">/dev/urandom</backend></rng>
    <serial type="pty"/>
  </devices>
</domain>
"""
_AGENT: Final = """\
[features]
exec = true
[exec]
commands = ["*"]
[sysprep]
command = ["/usr/local/sbin/personalise"]
"""
# What this owner wants done at a sysprep: the answers name the machine.
_PERSONALISE: Final = """\
#!/bin/sh -e
sed -n 's/^hostname=//p' "$1" > /etc/hostname
rm -f /etc/ssh/ssh_host_*
: > /etc/machine-id
sync
"""
_USER: Final = "#cloud-config\nssh_deletekeys: true\nssh_genkeytypes: [ed25519]\nmanage_etc_hosts: true\n"
_NETWORK: Final = """\
version: 1
config:
  - type: physical
    name: {nic}
    subnets:
      - type: static
        address: {address}
"""


class StoryFailed(Exception):
    """A step did not do what it shows; the text says which."""


class Teller:
    """Prints commands, runs them, and keeps what was said for the report.

    Args:
        scratch: where the commands run; the home of their user.
        report: a file that gets all that is printed.
    """

    def __init__(self, scratch: str, report: TextIO | None) -> None:
        self.scratch = scratch
        self.environment = {
            **os.environ,
            "HOME": scratch,
            "XDG_CONFIG_HOME": f"{scratch}/.config",
            "COLUMNS": "110",
            "GUESTWRIGHT_HOST_SOCKET": f"{scratch}/engine/api.sock",
        }
        self._report = report
        self._began = time.monotonic()

    def say(self, text: str, *, bold: bool = False) -> None:
        """A line, on the terminal and in the report."""
        print(f"\033[1m{text}\033[0m" if bold and sys.stdout.isatty() else text, flush=True)
        if self._report is not None:
            self._report.write(text + "\n")

    def chapter(self, text: str) -> None:
        """What comes next, and how long it took to get there."""
        self.say(f"\n# {text} ({time.monotonic() - self._began:.0f} s)", bold=True)

    def guestwright(self, *words: str, quiet: bool = False, tries: int = 1) -> str:
        """Run a command of ours; its standard output.

        Args:
            words: its arguments.
            quiet: print nothing.
            tries: how often it may fail before that counts, a second apart.

        Raises:
            StoryFailed: it failed.
        """
        if not quiet:
            self.say(
                "$ guestwright " + " ".join(f"'{one}'" if " " in one or "{" in one else one for one in words)
            )
        for left in reversed(range(tries)):
            done = subprocess.run(
                [sys.executable, "-m", "guestwright.cli", *words],
                capture_output=True,
                text=True,
                errors="replace",
                cwd=self.scratch,
                env=self.environment,
                check=False,
            )
            if not done.returncode or not left:
                break
            time.sleep(1)
        for line in (done.stdout + done.stderr).splitlines() if not quiet or done.returncode else ():
            self.say(f"  {line}")
        if done.returncode:
            raise StoryFailed(f"guestwright {' '.join(words)}: exit status {done.returncode}")
        return done.stdout

    def asked(self, *words: str) -> Any:
        """What a command says with --json, printing nothing."""
        return json.loads(self.guestwright(*words, "--json", quiet=True))

    def until(self, what: str, done: Callable[[], bool]) -> None:
        """Wait, and say for what.

        Raises:
            StoryFailed: it was too long.
        """
        began = time.monotonic()
        while not done():
            if time.monotonic() > began + _PATIENCE:
                raise StoryFailed(f"{what}: not within {_PATIENCE:.0f} s")
            time.sleep(1)
        self.say(f"  … {what}: after {time.monotonic() - began:.0f} s")


@contextmanager
def bridge() -> Iterator[None]:
    """A bridge for the machines, without a way out."""
    subprocess.run(["ip", "link", "add", _BRIDGE, "type", "bridge"], check=True)
    try:
        subprocess.run(["ip", "link", "set", _BRIDGE, "up"], check=True)
        yield
    finally:
        subprocess.run(["ip", "link", "del", _BRIDGE], check=True)


@contextmanager
def engine(teller: Teller) -> Iterator[None]:
    """The engine and the host service, until the end of the block."""
    directory = os.path.join(teller.scratch, "engine")
    argv = [
        sys.executable,
        "-m",
        "guestwright.cli",
        "up",
        "--emulate",
        "--directory",
        directory,
        "--listen",
        "127.0.0.1:0",
    ]
    with open(os.path.join(teller.scratch, "up.log"), "w+", encoding="utf-8") as log:
        process = subprocess.Popen(argv, stdout=log, stderr=log, env=teller.environment)
        try:
            while "What to do next" not in (said := _read(log)):
                if process.poll() is not None:
                    raise StoryFailed(f"guestwright up ended: {said}")
                time.sleep(0.2)
            for line in said.splitlines()[:2]:
                teller.say(f"  {line}")
            yield
        finally:
            process.terminate()
            process.wait(60)


def _read(log: TextIO) -> str:
    log.seek(0)
    return log.read()


def golden_image(teller: Teller) -> str:
    """A Debian with cloud-init and our agent that starts by itself; the path."""
    path = os.path.join(teller.scratch, "debian.img")
    recipe = Recipe(profile="server", size=2 << 30, cloud_init=True, dirty=False)
    built = build(path, recipe)
    bootloader.install(path, offset=built.offset, append="mitigations=off net.ifnames=0")
    for name, text in (("agent.toml", _AGENT), ("personalise", _PERSONALISE)):
        with open(os.path.join(teller.scratch, name), "w", encoding="utf-8") as stream:
            stream.write(text)
    teller.guestwright(
        *("seal", "run", "--no-manifest", "--agent", "--hostname", _GOLDEN),
        *(
            "--upload",
            "agent.toml:/etc/guestwright/agent.toml",
            "--chmod",
            "0600:/etc/guestwright/agent.toml",
        ),
        *(
            "--upload",
            "personalise:/usr/local/sbin/personalise",
            "--chmod",
            "0755:/usr/local/sbin/personalise",
        ),
        "debian.img",
    )
    return path


def adopt(teller: Teller) -> None:
    """Bring the image in as a volume, and have virsh define a machine that the engine then knows."""
    teller.guestwright("host", "volume", "upload", "debian.img", f"main/{_GOLDEN}")
    disk = os.path.join(teller.scratch, "engine", "volumes", f"{_GOLDEN}.raw")
    xml = os.path.join(teller.scratch, "golden.xml")
    with open(xml, "w", encoding="utf-8") as stream:
        stream.write(_DOMAIN.format(name=_GOLDEN, uuid=uuid.uuid4(), disk=disk, format="raw", bridge=_BRIDGE))
    teller.say("$ virsh define golden.xml")
    subprocess.run([*_LIBVIRT, "define", xml], check=True)
    teller.guestwright("vm", "show", _GOLDEN, quiet=True, tries=60)
    teller.guestwright("vm", "list")


def wait(teller: Teller, name: str, until: str) -> None:
    """Wait for a guest; what it says is shown later."""
    words = ("vm", "wait", name, "--until", until)
    teller.say(f"$ guestwright {' '.join(words)}")
    teller.guestwright(*words, "--timeout", str(_PATIENCE), quiet=True)


def power(teller: Teller, name: str) -> str:
    """What a machine does."""
    found: str = teller.asked("vm", "show", name)["vm"]["power"]
    return found


def first_boot(teller: Teller) -> None:
    """Start the golden machine, look at its facts, shut it down."""
    teller.guestwright("vm", "start", _GOLDEN)
    wait(teller, _GOLDEN, "agent")
    teller.guestwright("guest", "facts", _GOLDEN)
    teller.guestwright("vm", "stop", _GOLDEN)


def clone(teller: Teller, number: int) -> None:
    """A machine from the template, with a payload of its own."""
    name, address = f"web-{number}", f"192.0.2.{number}/24"
    files = {"user-data": _USER, "network-config": _NETWORK.format(nic="eth0", address=address)}
    for file, text in files.items():
        with open(os.path.join(teller.scratch, f"{name}.{file}"), "w", encoding="ascii") as stream:
            stream.write(text)
    teller.guestwright(
        *("payload", "store", name, "--user-data", f"{name}.user-data", "--instance-id", name),
        *("--hostname", name, "--network-config", f"{name}.network-config"),
    )
    teller.guestwright("vm", "create", "--template", "debian-12", "--name", name, "--payload", name, "--wait")


def compare(teller: Teller) -> None:
    """Both guests' identities, as they themselves say."""
    seen = {}
    for name in ("web-1", "web-2"):
        script = "hostname; cat /etc/machine-id; ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub"
        script += ' | cut -d " " -f 2; ip -4 -o addr show eth0 | tr -s " " | cut -d " " -f 4'
        said = teller.guestwright("guest", "exec", name, "--", "/bin/sh", "-c", script)
        seen[name] = said.split()
    first, second = seen["web-1"], seen["web-2"]
    if first[0] != "web-1" or second[0] != "web-2" or set(first) & set(second):
        raise StoryFailed(f"they are not two machines: {seen}")
    if [one[-1] for one in (first, second)] != ["192.0.2.1/24", "192.0.2.2/24"]:
        raise StoryFailed(f"they have other addresses: {seen}")
    teller.say(
        "  Two machines: names, machine ids, host keys and addresses differ, and are what their payloads say."
    )


def sysprep(teller: Teller) -> None:
    """Make another machine of the second one."""
    with open(os.path.join(teller.scratch, "answers.txt"), "w", encoding="ascii") as stream:
        stream.write("hostname=web-3\n")
    teller.guestwright(
        *("vm", "sysprep", "web-2", "--unattend", "answers.txt", "--filename", "answers.txt", "--wait")
    )
    teller.until("it is off", lambda: power(teller, "web-2") == "off")
    teller.guestwright("vm", "list")


def be_alone() -> None:
    """See to it that the story's machines are not somebody's.

    Raises:
        StoryFailed: a machine has a name of the story.
    """
    listed = subprocess.run(
        [*_LIBVIRT, "list", "--all", "--name"], stdout=subprocess.PIPE, text=True, check=True
    )
    if taken := sorted(set(_MACHINES) & set(listed.stdout.split())):
        raise StoryFailed(
            f"{URI} has machines named {', '.join(taken)}, as the story's would be; nothing was touched. If"
            " they are of a story that was killed: virsh destroy NAME, virsh undefine NAME"
        )


def tidy() -> None:
    """Have libvirt forget the machines of the story."""
    for name in _MACHINES:
        for verb in ("destroy", "undefine"):
            subprocess.run([*_LIBVIRT, verb, name], capture_output=True, check=False)


def tell(teller: Teller) -> None:
    """The story."""
    teller.chapter("A small Debian out of packages, with the agent inside")
    golden_image(teller)
    with ExitStack() as stack:
        stack.enter_context(libvirt_here())
        be_alone()
        stack.enter_context(bridge())
        stack.callback(tidy)
        teller.chapter("The engine, with this machine as its host")
        teller.say("$ guestwright up")
        stack.enter_context(engine(teller))
        teller.chapter("A machine that virsh defines is adopted")
        adopt(teller)
        teller.chapter("It starts, and its facts arrive")
        first_boot(teller)
        teller.chapter("It becomes a sealed template")
        teller.guestwright("template", "create", "--from", _GOLDEN, "--name", "debian-12", "--wait")
        teller.guestwright("template", "list")
        teller.chapter("Two machines from it, each with a payload of its own")
        for number in (1, 2):
            clone(teller, number)
        for number in (1, 2):
            teller.guestwright("vm", "start", f"web-{number}")
        for number in (1, 2):
            wait(teller, f"web-{number}", "ip")
        teller.guestwright("vm", "list")
        compare(teller)
        teller.chapter("One of them becomes a third by sysprep")
        sysprep(teller)
        teller.guestwright("job", "list")
        teller.chapter("Done")


def main() -> int:
    """Run the story; its exit status."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--keep", metavar="DIRECTORY", help="use this directory, and leave it")
    parser.add_argument("--report", metavar="FILE", help="write what is printed here, too")
    given = parser.parse_args()
    scratch = given.keep or tempfile.mkdtemp(prefix="gw-story-", dir="/var/tmp")
    os.makedirs(scratch, exist_ok=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # what was begun is ended
    os.chmod(scratch, 0o711)  # QEMU's user reads images in it
    with ExitStack() as stack:
        report = stack.enter_context(open(given.report, "w", encoding="utf-8")) if given.report else None
        if not given.keep:
            stack.callback(shutil.rmtree, scratch, ignore_errors=True)
        try:
            tell(Teller(scratch, report))
        except (StoryFailed, NoLibvirt, subprocess.CalledProcessError) as error:
            print(f"the story failed: {error}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
