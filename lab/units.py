"""Small systemd units that make a lab machine talk."""

from __future__ import annotations

from lab.items.item import Item, Kind

BEGIN = "LAB-REPORT-BEGIN"
END = "LAB-REPORT-END"

_REPORT = f"""#!/bin/sh
# Tells the second serial port who this machine is; the first has a login prompt, which hangs up on others.
exec </dev/null >/dev/ttyS1 2>&1
state=$(timeout 240 systemctl is-system-running --wait)
echo {BEGIN}
echo "machine-id=$(cat /etc/machine-id)"
echo "product-uuid=$(cat /sys/class/dmi/id/product_uuid)"
echo "virtualisation=$(systemd-detect-virt)"
echo "hostname=$(hostname)"
for key in /etc/ssh/ssh_host_*_key.pub; do
    [ -e "$key" ] && echo "key=$(ssh-keygen -lf "$key")"
done
echo "state=$state"
systemctl --failed --no-legend --plain | while read -r unit rest; do echo "failed=$unit"; done
for unit in multi-user.target ssh.service; do echo "$unit=$(systemctl is-active $unit)"; done
echo {END}
sync
systemctl poweroff --force --force
"""

_REPORT_UNIT = b"""[Unit]
Description=Tell the serial console who this machine is
After=multi-user.target ssh.service

[Service]
Type=simple
ExecStart=/usr/local/sbin/lab-report

[Install]
WantedBy=multi-user.target
"""

_KEYGEN_UNIT = b"""[Unit]
Description=Make missing SSH host keys
Before=ssh.service

[Service]
Type=oneshot
ExecStart=/usr/bin/ssh-keygen -A

[Install]
WantedBy=multi-user.target
"""


def report() -> list[Item]:
    """A unit that reports after multi-user.target and powers off."""
    return [
        Item(path="/usr/local/sbin/lab-report", content=_REPORT.encode(), mode=0o755),
        *_enabled("lab-report.service", _REPORT_UNIT),
    ]


def keygen() -> list[Item]:
    """A unit that makes missing SSH host keys before sshd starts."""
    return _enabled("lab-keygen.service", _KEYGEN_UNIT)


def _enabled(name: str, text: bytes) -> list[Item]:
    unit = f"/etc/systemd/system/{name}"
    wants = f"/etc/systemd/system/multi-user.target.wants/{name}"
    return [Item(path=unit, content=text), Item(path=wants, kind=Kind.SYMLINK, target=unit, mode=0o777)]
