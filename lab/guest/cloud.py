"""A small Debian with the real cloud-init, which tells what it made of a medium and powers off.

Theory of operation: the system comes from `lab.debian.base_tar`, in an ext4 without a partition table. Kernel
and modules are in an initramfs (`lab.guest.parts`). cloud-init runs as its package set it up, but looks for
media only (no metadata servers), leaves the network alone, makes one kind of SSH host key and runs no more
modules than the tests look at: emulation is slow. A machine writes to a qcow2 overlay of the image, with
which its next boot goes on.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from lab import debian, ext
from lab.artefacts import plant
from lab.guest import machine
from lab.guest.parts import initramfs, parts
from lab.items.item import Item, Kind

PACKAGES: Final = (
    "systemd",
    "systemd-sysv",
    "udev",
    "openssh-server",
    "cloud-init",
    "busybox-static",
    "sudo",
)
_SIZE: Final = 1 << 30
_MODULES: Final = (
    *("virtio_pci", "virtio_blk", "virtio_console", "crc32c_generic", "ext4", "isofs", "vfat"),
    *("nls_ascii", "nls_cp437", "nls_utf8", "ata_piix", "sr_mod"),
)
# Linux lists a floppy among its disks only once somebody has opened it, and udev leaves floppies alone:
# without the first sector read, blkid and so cloud-init see no medium.
_FLOPPY: Final = "lab.floppy"
_INIT: Final = f"""#!/bin/busybox sh
/bin/busybox mkdir -p /proc /sys /dev /root
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
for module in {" ".join(_MODULES)}; do modprobe "$module"; done
case " $(cat /proc/cmdline) " in *" {_FLOPPY} "*) modprobe floppy; dd if=/dev/fd0 of=/dev/null count=1 ;; esac
tries=0
until [ -b /dev/vda ] || [ "$tries" -ge 100 ]; do tries=$((tries + 1)); sleep 0.1; done
mount -t ext4 -o noatime /dev/vda /root && exec switch_root /root /sbin/init
echo "LAB: no disk"
poweroff -f
"""
_CONFIG: Final = b"""datasource_list: [NoCloud, ConfigDrive]
network: {config: disabled}
ssh_genkeytypes: [ed25519]
cloud_init_modules: [write-files, set_hostname, update_hostname, users-groups, ssh]
cloud_config_modules: [set-passwords, runcmd]
cloud_final_modules: [scripts-user, final-message]
"""
_REPORT: Final = f"""#!/bin/sh
exec >/dev/virtio-ports/{machine.PORT} 2>&1
echo "hostname=$(hostname)"
echo "name-on-disk=$(cat /etc/hostname)"
for home in /home/*; do
    user=${{home##*/}}
    echo "user=$user"
    echo "password=$user:$(sed -n "s/^$user:\\([^:]*\\):.*/\\1/p" /etc/shadow)"
    sed "s/^/authorized=$user:/" "$home/.ssh/authorized_keys" | grep -v '#'
done
for key in /etc/ssh/ssh_host_*_key.pub; do echo "hostkey=$(cat "$key")"; done
sed 's/^/ran=/' /var/lib/lab-ran
echo "instance=$(cat /var/lib/cloud/data/instance-id)"
echo "source=$(cat /var/lib/cloud/instance/datasource)"
echo "result=$(tr -d '\\n' </run/cloud-init/result.json)"
echo "userdata=$(base64 -w 0 /var/lib/cloud/instance/user-data.txt)"
systemctl --failed --no-legend --plain | sed 's/^/failed=/'
echo {machine.END}
sync
systemctl poweroff --force --force
"""
_UNIT: Final = b"""[Unit]
Description=Report and power off
DefaultDependencies=no
After=cloud-final.service

[Service]
ExecStart=/usr/local/sbin/lab-report
"""
_WANTS: Final = "multi-user.target.wants/lab-report.service"  # not cloud-init.target: it may find no medium
_MASKED: Final = (
    *(
        "apt-daily.timer",
        "apt-daily-upgrade.timer",
        "dpkg-db-backup.timer",
        "e2scrub_all.timer",
        "fstrim.timer",
    ),
    *("systemd-timesyncd.service", "systemd-networkd.service", "ssh.service", "getty@tty1.service"),
    *("serial-getty@ttyS0.service", "e2scrub_reap.service", "systemd-pstore.service"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudReport:
    """What a machine said after cloud-init was done.

    Attributes:
        values: of each key, in order: hostname, name-on-disk, user, password, authorized, hostkey, ran,
            instance, source, result, userdata, failed.
        console: all that came over the serial port.
        seconds: from QEMU's start to its end.
    """

    values: dict[str, list[str]]
    console: str
    seconds: float

    def one(self, key: str) -> str:
        """The only value of a key."""
        (value,) = self.values[key]
        return value


def build(out: str) -> None:
    """Build the image (raw ext4). Needs root."""
    tar = debian.base_tar(PACKAGES)
    unread = [f"--exclude=./usr/share/{name}/*" for name in ("doc", "info", "locale", "man", "i18n")]
    with tempfile.TemporaryDirectory(prefix="lab-cloud-", dir=os.path.dirname(os.path.abspath(out))) as root:
        ext.run(["tar", "-C", root, "--numeric-owner", *unread, "-xpf", tar])
        os.chmod(root, 0o755)
        plant(root, _items())
        ext.make(out, root, size=_SIZE)


def boot(image: str, devices: Sequence[str], *, deadline: float) -> CloudReport:
    """Boot a machine until it has reported.

    Args:
        image: qcow2; it keeps what the machine writes.
        devices: more arguments for QEMU: the medium.
        deadline: seconds.

    Raises:
        lab.guest.machine.GuestFailed: see there.
    """
    found = parts()
    floppy = _FLOPPY if any("if=floppy" in device for device in devices) else ""
    with tempfile.TemporaryDirectory(prefix="lab-cloud-") as scratch:
        archive = os.path.join(scratch, "initramfs")
        initramfs(archive, found, (*_MODULES, "floppy"), {"init": _INIT.encode()})
        disk = f"file={image},format=qcow2,if=virtio,cache=unsafe"
        report = machine.run(
            kernel=found.kernel,
            initramfs=archive,
            devices=["-drive", disk, *devices],
            memory=768,
            deadline=deadline,
            append=f"systemd.show_status=no {floppy}".rstrip(),
        )
    values: dict[str, list[str]] = {}
    for line in report.text.splitlines():
        key, _, value = line.partition("=")
        values.setdefault(key, []).append(value)
    return CloudReport(values=values, console=report.console, seconds=report.seconds)


def _items() -> list[Item]:
    units = "/etc/systemd/system"
    unit = f"{units}/lab-report.service"
    masked = [
        Item(path=f"{units}/{name}", kind=Kind.SYMLINK, target="/dev/null", mode=0o777) for name in _MASKED
    ]
    return [
        Item(path="/etc/fstab", content=b"/dev/vda / ext4 noatime 0 0\n"),
        Item(path="/etc/hostname", content=b"before\n"),
        Item(path="/etc/cloud/cloud.cfg.d/99-lab.cfg", content=_CONFIG),
        Item(path="/usr/local/sbin/lab-report", content=_REPORT.encode(), mode=0o755),
        Item(path=unit, content=_UNIT),
        Item(path=f"{units}/{_WANTS}", kind=Kind.SYMLINK, target=unit, mode=0o777),
        *masked,
    ]
