"""What a Linux guest sees of what we do: its CD, its channel, its memory, its power button."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from guestwright.hypervisor.domain import Bus, Device, DomainId, Firmware, OsFamily, Platform, Virtualisation
from guestwright.hypervisor.errors import TrayLocked
from guestwright.hypervisor.events import EventKind, Reason
from guestwright.hypervisor.placement import place
from guestwright.hypervisor.spec import DriveSpec, KernelSpec, When
from lab.guest.parts import initramfs, parts
from tests.support.hypervisors import MIB, Bench
from tests.support.libvirtd import NEEDS

pytestmark = [pytest.mark.machine, NEEDS, pytest.mark.timeout(240)]

_MODULES = ("virtio_pci", "virtio_console", "virtio_balloon", "ata_piix", "sr_mod", "isofs", "virtio_blk")
# Answers each line of the first channel by running it; tells of a second one by opening it.
_INIT = f"""#!/bin/busybox sh
/bin/busybox mkdir -p /proc /sys /dev /tmp /medium
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
for module in {" ".join(_MODULES)}; do modprobe "$module"; done
port() {{
    for one in /sys/class/virtio-ports/*; do
        [ "$(cat "$one/name")" = "$1" ] && echo "/dev/${{one##*/}}" && return
    done
}}
while [ -z "$(port test.commands)" ]; do sleep 0.1; done
exec 3<>"$(port test.commands)"
echo ready >&3
while read -r line <&3; do
    sh -c "$line" >/tmp/out 2>&1
    echo "$? $(tr '\\n' ' ' </tmp/out)" >&3
done
"""


class Guest:
    """A line to the guest's shell."""

    def __init__(self, path: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(150)
        self._socket.connect(path)
        self._stream = self._socket.makefile("rwb")

    def wait(self) -> None:
        """Until it takes commands."""
        assert self._stream.readline().strip() == b"ready"

    def run(self, command: str) -> str:
        """Status and output of a command, on one line."""
        self._stream.write(command.encode() + b"\n")
        self._stream.flush()
        return self._stream.readline().decode().strip()

    def close(self) -> None:
        """Hang up."""
        with suppress(OSError):
            self._stream.close()
        self._socket.close()


@contextmanager
def linux(bench: Bench) -> Iterator[tuple[DomainId, Guest]]:
    """A guest that takes commands."""
    found = parts()
    archive = os.path.join(bench.directory, "initramfs")
    initramfs(archive, found, _MODULES, {"init": _INIT.encode()})
    os.chmod(archive, 0o644)
    kernel = os.path.join(bench.directory, "vmlinuz")
    with open(found.kernel, "rb") as source, open(kernel, "wb") as target:
        target.write(source.read())
    commands = bench.channel("test.commands")
    platform = Platform(virtualisation=Virtualisation.QEMU, machine="pc", firmware=Firmware.BIOS)
    domain = bench.start(
        platform=platform,
        os=OsFamily.LINUX,
        memory_maximum=256 * MIB,
        channels=(commands,),
        drives=(DriveSpec(device=Device.CD, bus=Bus.IDE, target="hdc"),),
        kernel=KernelSpec(
            kernel=kernel, initrd=archive, command_line="console=ttyS0 quiet mitigations=off panic=-1"
        ),
        console=os.path.join(bench.directory, "console"),
    )
    guest = Guest(commands.path)
    try:
        guest.wait()
        yield domain, guest
    finally:
        guest.close()


def eventually(what: str, seconds: float, check: Callable[[], bool]) -> None:
    """Wait until `check()` is true."""
    end = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < end, what
        time.sleep(0.2)


def test_a_guest_sees_what_is_done_to_it(bench: Bench) -> None:
    hypervisor = bench.hypervisor
    with linux(bench) as (domain, guest):

        def opened() -> list[bool | None]:
            return [each.open for each in hypervisor.get(domain).channels]

        eventually("that the port is open", 10, lambda: opened() == [True])

        # Media
        first, second = bench.image("first.iso", b"FIRST"), bench.image("second.iso", b"SECOND")
        read = "dd if=/dev/sr0 bs=2048 count=1 2>/dev/null | head -c 6 | tr '\\000' '.'"
        assert "FIRST" not in guest.run(read)
        hypervisor.insert(domain, "hdc", first)
        eventually("the first medium", 20, lambda: guest.run(read) == "0 FIRST.")
        hypervisor.change(domain, "hdc", second)
        eventually("the second medium", 20, lambda: guest.run(read) == "0 SECOND")
        guest.run("sh -c 'exec 9</dev/sr0; sleep 1000' & sleep 1")
        with pytest.raises(TrayLocked):
            hypervisor.eject(domain, "hdc")
        assert hypervisor.get(domain).drive("hdc").medium == second
        assert hypervisor.eject(domain, "hdc", force=True)
        assert "SECOND" not in guest.run(read)

        # A channel that was not there
        more = bench.channel("org.guestwright.agent.0")
        hypervisor.attach_channel(domain, more, when=When.BOTH)
        names = "cat /sys/class/virtio-ports/*/name"
        eventually("the new port", 20, lambda: more.name in guest.run(names))
        guest.run(
            "sleep 1000 8>/dev/$(basename $(dirname $(grep -l agent /sys/class/virtio-ports/*/name))) "
            "</dev/null >/dev/null 2>&1 &"
        )
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(30)
            line.connect(more.path)
            eventually("that the new port is open", 10, lambda: opened() == [True, True])

        # A disk that was not there, where the placement says
        choice = place(Device.DISK, hypervisor.get(domain))
        assert choice.bus is Bus.VIRTIO
        image = bench.image("more.img", b"PAYLOAD", MIB)
        drive = DriveSpec(device=choice.device, bus=choice.bus, medium=image, read_only=True, serial="GW-1")
        made = hypervisor.attach_drive(domain, drive)
        eventually("the disk", 20, lambda: "GW-1" in guest.run("cat /sys/block/vd*/serial"))
        assert guest.run("head -c 7 /dev/vda") == "0 PAYLOAD"
        hypervisor.detach_drive(domain, made.target)
        assert guest.run("ls /sys/block/vda").startswith("1 ")

        # Memory
        hypervisor.set_memory_target(domain, 192 * MIB)
        eventually("less memory", 30, lambda: hypervisor.memory(domain).actual == 192 * MIB)
        bench.wait(EventKind.MEMORY, domain)
        hypervisor.set_memory_target(domain, 256 * MIB)
        eventually("more memory", 30, lambda: hypervisor.memory(domain).actual == 256 * MIB)
        eventually("its own words", 30, lambda: hypervisor.memory(domain).usable is not None)

        # Its end
        guest.run("poweroff -f & sleep 100")
        assert bench.wait(EventKind.STOPPED, domain).reason is Reason.GUEST
