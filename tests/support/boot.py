"""Boots a lab image in QEMU by emulation, without a boot loader, and reads what the machine says of itself.

Theory of operation: kernel and initrd are taken out of the image with debugfs and handed to QEMU. The disk is
opened with `snapshot=on`, so the image itself stays as it is. The unit of `lab.units.report` writes to the
second serial port, which is a file here as the console is, and powers the machine off.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import tempfile
import time
from dataclasses import dataclass

from lab import ext
from lab.units import BEGIN, END

_DEADLINE = 600.0  # 30 s on an idle machine of 2 cores, 150 s on a busy one
_POLL = 0.25


class BootFailed(Exception):
    """The machine did not report in time; the text ends with the console's last lines."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BootReport:
    """What a machine said of itself.

    Attributes:
        machine_id: content of /etc/machine-id after boot.
        fingerprints: of the SSH host keys, sorted.
        failed_units: units that failed, sorted.
        state: `systemctl is-system-running`: "running", "degraded", "starting" …
        units: `systemctl is-active` of multi-user.target and ssh.service.
        hostname: of the machine. `product_uuid`: DMI's UUID as the guest sees it.
        seconds: from QEMU's start to the report.
        console: all that came over the first serial port.
    """

    machine_id: str
    fingerprints: tuple[str, ...]
    failed_units: tuple[str, ...]
    state: str
    units: dict[str, str]
    hostname: str
    product_uuid: str
    virtualisation: str
    seconds: float
    console: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Kernel:
    """Where a guest's kernel lies on the host, after `take_kernel`."""

    kernel: str
    initrd: str
    root: str


def take_kernel(raw: str, directory: str) -> Kernel:
    """Copy kernel and initrd out of a raw image with one or two ext partitions (or none).

    Args:
        raw: path of the image.
        directory: where the copies go.

    Raises:
        BootFailed: no partition holds a kernel.
    """
    offsets = _partitions(raw)
    root = ext.header(raw, offset=offsets[-1])["Filesystem UUID"]
    for offset in offsets:
        for top in ("/boot", "/"):
            try:
                listing = ext.debugfs(raw, [f"ls -p {top}"], offset=offset)
            except ext.ToolFailed:
                continue
            found = re.search(r"/vmlinuz-([A-Za-z0-9._+-]+)/", listing)
            if found is None:
                continue
            kernel, initrd = os.path.join(directory, "vmlinuz"), os.path.join(directory, "initrd")
            prefix = top.rstrip("/")
            commands = [
                f"dump {prefix}/vmlinuz-{found[1]} {kernel}",
                f"dump {prefix}/initrd.img-{found[1]} {initrd}",
            ]
            ext.debugfs(raw, commands, offset=offset)
            return Kernel(kernel=kernel, initrd=initrd, root=root)
    raise BootFailed(f"{raw}: no kernel in /boot of any partition")


def boot(
    image: str,
    *,
    disk_format: str = "raw",
    uuid: str = "",
    memory: int = 512,
    deadline: float = _DEADLINE,
    keep: bool = False,
) -> BootReport:
    """Boot an image until it reported.

    Args:
        image: made by lab/debian.py with `report`.
        disk_format: "raw" or "qcow2".
        uuid: SMBIOS product UUID; "" leaves QEMU's default (all zeros).
        memory: MiB.
        deadline: seconds.
        keep: let the machine write to the image, and let it power off in its own time.

    Raises:
        BootFailed: see there.
    """
    with tempfile.TemporaryDirectory(prefix="lab-boot-") as scratch:
        raw = image
        if disk_format != "raw":
            raw = os.path.join(scratch, "raw")
            ext.run(["qemu-img", "convert", "-f", disk_format, "-O", "raw", image, raw])
        guest = take_kernel(raw, scratch)
        if raw != image:
            os.unlink(raw)
        console, report = os.path.join(scratch, "console"), os.path.join(scratch, "report")
        snapshot = "off" if keep else "on"
        argv = [
            "qemu-system-x86_64",
            "-machine",
            "q35,accel=tcg",
            "-smp",
            "1",
            "-m",
            str(memory),
            "-nodefaults",
            "-display",
            "none",
            "-no-reboot",
            "-serial",
            f"file:{console}",
            "-serial",
            f"file:{report}",
            "-kernel",
            guest.kernel,
            "-initrd",
            guest.initrd,
            "-device",
            "virtio-rng-pci",
            "-drive",
            f"file={image},format={disk_format},if=virtio,snapshot={snapshot}",
            "-append",
            f"root=UUID={guest.root} ro console=ttyS0 quiet systemd.show_status=no mitigations=off",
        ]
        argv += ["-uuid", uuid] if uuid else []
        start = time.monotonic()
        with subprocess.Popen(argv, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE) as machine:
            try:
                text = _wait(machine, report, console, start + deadline)
                seconds = time.monotonic() - start
                if keep:
                    machine.wait(60)
            finally:
                machine.kill()
        return parse(text, seconds, _text(console))


def parse(text: str, seconds: float, console: str = "") -> BootReport:
    """Make sense of what the report unit wrote."""
    body = text.partition(BEGIN)[2].partition(END)[0]
    pairs = [line.strip().partition("=")[::2] for line in body.splitlines() if "=" in line]
    one = dict(pairs)
    return BootReport(
        machine_id=one.get("machine-id", ""),
        fingerprints=tuple(sorted(value for key, value in pairs if key == "key")),
        failed_units=tuple(sorted(value for key, value in pairs if key == "failed")),
        state=one.get("state", ""),
        units={key: value for key, value in pairs if "." in key},
        hostname=one.get("hostname", ""),
        product_uuid=one.get("product-uuid", ""),
        virtualisation=one.get("virtualisation", ""),
        seconds=seconds,
        console=console,
    )


def _wait(machine: subprocess.Popen[bytes], report: str, console: str, until: float) -> str:
    while True:
        over = machine.poll() is not None
        text = _text(report)
        if END in text:
            return text
        if over or time.monotonic() > until:
            said = machine.stderr.read().decode("utf-8", "replace") if over and machine.stderr else ""
            why = "QEMU ended" if over else "no report in time"
            raise BootFailed(f"{why}: {said}\n{_text(console)[-3000:]}\n{text}")
        time.sleep(_POLL)


def _text(path: str) -> str:
    if not os.path.exists(path):
        return ""
    with open(path, encoding="utf-8", errors="replace") as stream:
        return stream.read()


def _partitions(raw: str) -> list[int]:
    try:
        table = json.loads(ext.run(["sfdisk", "--json", raw]))["partitiontable"]
    except ext.ToolFailed:
        return [0]
    return [int(part["start"]) * 512 for part in table["partitions"]]
