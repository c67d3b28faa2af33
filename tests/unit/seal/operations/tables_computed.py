"""Rows for the operations that compute: what they decide; the details of editing are in their own tests."""

from __future__ import annotations

from guestwright.guestfs.drivers.memory import File, Link
from tests.support.sealing import Case

_IFCFG = "/etc/sysconfig/network-scripts/ifcfg-eth0"
_UNITS = "/etc/systemd/system"
_SSHD = {
    "/usr/sbin/sshd": "",
    "/usr/bin/ssh-keygen": "",
    f"{_UNITS}/multi-user.target.wants/": None,
    f"{_UNITS}/ssh.service.wants/": None,
}
_UNIT = (
    f"write {_UNITS}/guestwright-ssh-hostkeys.service",
    f"link {_UNITS}/multi-user.target.wants/guestwright-ssh-hostkeys.service",
    f"link {_UNITS}/ssh.service.wants/guestwright-ssh-hostkeys.service",
)
_LOGIN_DEFS = "# UID_MIN 1\nUID_MIN 1000\nUID_MAX 60000\n"
_PASSWD = (
    "root:x:0:0::/root:/bin/sh\nann:x:1000:1000::/home/ann:/bin/sh\nbob:x:1001:1001::/home/bob:/bin/sh\n"
    "evil:x:1002:1002::/:/bin/sh\nworse:x:1003:1003::/home:/bin/sh\nsvc:x:900:900::/srv/svc:/bin/sh\n"
)
_CLOUD_CFG = """system_info:
  paths:
    cloud_dir: /srv/cloud/
output: {all: '| tee -a /var/log/ci-all.log'}
"""

CASES = (
    Case(
        operation="machine-id",
        files={"/etc/machine-id": File("0123\n", mode=0o444), "/var/lib/dbus/machine-id": "0123\n"},
        wants=("truncate /etc/machine-id", "remove /var/lib/dbus/machine-id"),
    ),
    Case(
        operation="machine-id",
        note="already empty",
        files={"/etc/machine-id": "", "/var/lib/dbus/machine-id": Link("/etc/machine-id")},
    ),
    Case(
        operation="machine-id",
        note="first boot wanted",
        files={"/etc/machine-id": "0123\n"},
        options={"uninitialized": True},
        wants=("write /etc/machine-id",),
    ),
    Case(
        operation="machine-id", note="first boot marked already", files={"/etc/machine-id": "uninitialized\n"}
    ),
    Case(
        operation="machine-id",
        note="a link to D-Bus's file",
        files={"/etc/machine-id": Link("/var/lib/dbus/machine-id"), "/var/lib/dbus/machine-id": "0123\n"},
        wants=("remove /var/lib/dbus/machine-id",),
    ),
    Case(
        operation="machine-id",
        note="a link elsewhere",
        files={"/etc/machine-id": Link("/srv/id"), "/srv/id": "0123\n"},
        wants=("truncate /srv/id",),
    ),
    Case(
        operation="machine-id",
        note="odd kinds",
        files={"/etc/machine-id/x": "", "/var/lib/dbus/machine-id/x": ""},
    ),
    Case(operation="machine-id", note="a dangling link", files={"/etc/machine-id": Link("/nowhere")}),
    Case(
        operation="net-hostname",
        system="rocky",
        files={
            _IFCFG: "DEVICE=eth0\nHOSTNAME=a\nDHCP_HOSTNAME=a\nXHOSTNAME=k\n",
            f"{_IFCFG[:-4]}lo": "DEVICE=lo\n",
        },
        wants=(f"write {_IFCFG}",),
    ),
    Case(operation="net-hostname", note="not on Debian", files={_IFCFG: "HOSTNAME=a\n"}),
    Case(
        operation="net-hwaddr",
        system="rocky",
        files={_IFCFG: "DEVICE=eth0\nHWADDR=52:54\n HWADDR=k\nMACADDR=k"},
        wants=(f"write {_IFCFG}",),
    ),
    Case(
        operation="net-hwaddr",
        note="a directory of that name",
        system="rocky",
        files={f"{_IFCFG}/x": "HWADDR=1"},
    ),
    Case(
        operation="net-ifcfg-identity",
        files={_IFCFG: "UUID=1\nX=1\n", "/etc/sysconfig/network/ifcfg-eth0": "LLADDR=1\n"},
        wants=("write /etc/sysconfig/network-scripts/ifcfg-eth0", "write /etc/sysconfig/network/ifcfg-eth0"),
    ),
    Case(
        operation="net-interfaces-hwaddress",
        files={"/etc/network/interfaces": "iface eth0 inet dhcp\n  hwaddress ether 52:54:00:12:34:56\n"},
        wants=("write /etc/network/interfaces",),
    ),
    Case(
        operation="net-nmconn-identity",
        files={"/etc/NetworkManager/system-connections/a": "[connection]\nid=a\nuuid=1\n"},
        wants=("write /etc/NetworkManager/system-connections/a",),
    ),
    Case(
        operation="hostname",
        files={
            "/etc/hostname": "web1.example.com\n",
            "/etc/hosts": "127.0.0.1 localhost\n127.0.1.1 web1.example.com web1\n",
        },
        wants=("write /etc/hosts", "truncate /etc/hostname"),
    ),
    Case(
        operation="hostname",
        note="localhost stays",
        files={"/etc/hostname": "localhost\n", "/etc/hosts": "127.0.0.1 localhost\n"},
    ),
    Case(
        operation="ssh-hostkeys",
        files={
            **_SSHD,
            "/etc/ssh/ssh_host_rsa_key": "x",
            "/etc/ssh/ssh_host_rsa_key.pub": "x",
            "/etc/ssh/sshd_config": "keep",
        },
        wants=("remove! /etc/ssh/ssh_host_rsa_key", "remove! /etc/ssh/ssh_host_rsa_key.pub", *_UNIT),
    ),
    Case(
        operation="ssh-hostkeys",
        note="a directory does not abort",
        system="freebsd",
        files={"/etc/ssh/my_host_d/x": "", "/etc/ssh/ssh_host_key": "x"},
        wants=("remove! /etc/ssh/ssh_host_key",),
    ),
    Case(operation="ssh-hostkeys", note="no key left still gets the unit", files=_SSHD, wants=_UNIT),
    Case(
        operation="ssh-hostkeys",
        note="the guest makes keys itself",
        system="rocky",
        files={**_SSHD, "/usr/lib/systemd/system/sshd-keygen@.service": "", "/etc/ssh/ssh_host_key": "x"},
        wants=("remove! /etc/ssh/ssh_host_key",),
    ),
    Case(
        operation="ssh-hostkeys",
        note="cloud-init switched that off",
        system="rocky",
        files={
            **_SSHD,
            "/usr/lib/systemd/system/sshd-keygen@.service": "",
            f"{_UNITS}/sshd-keygen@.service.d/disable-if-cloud-init.conf": "",
        },
        wants=_UNIT,
    ),
    Case(
        operation="ssh-hostkeys",
        note="masked unit",
        files={**_SSHD, f"{_UNITS}/guestwright-ssh-hostkeys.service": Link("/dev/null")},
    ),
    Case(operation="ssh-hostkeys", note="no server", files={"/usr/bin/ssh-keygen": ""}),
    Case(
        operation="ssh-hostkeys",
        note="openrc",
        system="alpine",
        files={**_SSHD, "/etc/ssh/ssh_host_key": "x"},
        wants=("remove! /etc/ssh/ssh_host_key",),
    ),
    Case(
        operation="ssh-hostkeys",
        note="sysvinit",
        system="devuan",
        files={**_SSHD, "/etc/default/ssh": "SSHD_OPTS="},
        wants=("write /etc/default/ssh",),
    ),
    Case(
        operation="ssh-hostkeys",
        note="sysvinit without defaults",
        system="devuan",
        files=_SSHD,
        wants=("note:warning",),
    ),
    Case(operation="ssh-hostkeys", note="another init", system="void", files=_SSHD, wants=("note:warning",)),
    Case(
        operation="iscsi-name",
        files={"/etc/iscsi/initiatorname.iscsi": File("InitiatorName=iqn.1\n", mode=0o600)},
        wants=("write /etc/iscsi/initiatorname.iscsi",),
    ),
    Case(
        operation="iscsi-name",
        note="waiting already",
        files={"/etc/iscsi/initiatorname.iscsi": "GenerateName=yes\n"},
    ),
    Case(
        operation="iscsi-name",
        note="made by the guest",
        system="rocky",
        files={
            "/usr/lib/systemd/system/iscsi-init.service": "",
            "/etc/iscsi/initiatorname.iscsi": "InitiatorName=iqn.1\n",
        },
        wants=("remove! /etc/iscsi/initiatorname.iscsi",),
    ),
    Case(
        operation="iscsi-name",
        note="nothing would make it",
        system="arch",
        files={"/etc/iscsi/initiatorname.iscsi": "InitiatorName=iqn.1\n"},
        wants=("note:error /etc/iscsi/initiatorname.iscsi",),
    ),
    Case(
        operation="nvme-host",
        files={"/etc/nvme/hostnqn": "x", "/etc/nvme/hostid": "x", "/etc/nvme/discovery.conf": "keep"},
        wants=("remove /etc/nvme/hostid", "remove /etc/nvme/hostnqn"),
    ),
    Case(
        operation="nvme-host",
        note="boots from it",
        files={"/etc/nvme/hostnqn": "x", "/etc/kernel/cmdline": "rd.nvmf.hostnqn=x"},
        wants=("note:error /etc/nvme/hostnqn",),
    ),
    Case(
        operation="lvm-system-devices",
        files={"/etc/lvm/devices/system.devices": "x", "/etc/lvm/lvm.conf": "use_devicesfile=1"},
        wants=("remove /etc/lvm/devices/system.devices",),
    ),
    Case(
        operation="cloud-init",
        files={
            "/etc/cloud/cloud.cfg": _CLOUD_CFG,
            "/etc/cloud/cloud.cfg.d/05.cfg": "def_log_file: /var/log/ci.log\n",
            "/etc/cloud/clean.d/99-installer": "",
            "/var/lib/cloud/instance": Link("/var/lib/cloud/instances/i-1"),
            "/var/lib/cloud/instances/i-1/sem/x": "x",
            "/var/lib/cloud/seed/nocloud/meta-data": "keep",
            "/srv/cloud/data/x": "x",
            "/var/log/ci-all.log": "x",
            "/var/log/ci.log": "x",
            "/var/log/cloud-init.log": "x",
            "/var/log/other.log": "keep",
        },
        wants=(
            "tree! /srv/cloud/data",
            "remove! /var/lib/cloud/instance",
            "tree! /var/lib/cloud/instances",
            "note:info /var/lib/cloud/seed/nocloud/meta-data",
            "remove /var/log/ci-all.log",
            "remove /var/log/ci.log",
            "remove /var/log/cloud-init.log",
            "note:info /etc/cloud/clean.d/99-installer",
        ),
    ),
    Case(operation="cloud-init", note="not installed", files={"/var/log/cloud-init.log": "x"}),
    Case(
        operation="cloud-init-config",
        files={
            "/etc/netplan/50-cloud-init.yaml": "x",
            "/etc/netplan/60.yaml": "keep",
            "/etc/fstab": "a /a auto defaults,comment=cloudconfig 0 2\nb /b ext4 defaults 0 0\n",
        },
        wants=("remove /etc/netplan/50-cloud-init.yaml", "write /etc/fstab"),
    ),
    Case(
        operation="user-account",
        options={"keep-user-accounts": ["bob"]},
        files={
            "/etc/login.defs": _LOGIN_DEFS,
            "/etc/passwd": _PASSWD,
            "/etc/shadow": File("root:*:1\nann:$y$:1\nbob:x:1\n", mode=0o640, gid=42),
            "/etc/group": "root:x:0:\nann:x:1000:\nwheel:x:10:bob,ann\n",
            "/etc/gshadow": "ann:!::\nwheel:!:ann,bob:ann,bob\n",
            "/etc/subuid": "ann:100000:65536\nbob:165536:65536\n",
            "/home/ann/x": "x",
            "/home/bob/x": "keep",
            "/var/mail/ann": "x",
            "/var/spool/cron/crontabs/ann": "x",
            "/var/lib/systemd/linger/ann": "",
            "/srv/svc/x": "keep",
        },
        wants=(
            "write /etc/passwd",
            "write /etc/shadow",
            "write /etc/subuid",
            "write /etc/group",
            "write /etc/gshadow",
            "note:warning /",
            "note:warning /home",
            "tree! /home/ann",
            "remove! /var/lib/systemd/linger/ann",
            "remove! /var/mail/ann",
            "remove! /var/spool/cron/crontabs/ann",
        ),
    ),
    Case(
        operation="user-account",
        note="only those named",
        options={"remove-user-accounts": ["bob"]},
        files={
            "/etc/login.defs": _LOGIN_DEFS,
            "/etc/passwd": _PASSWD,
            "/home/ann/x": "keep",
            "/home/bob/": None,
        },
        wants=("write /etc/passwd", "tree! /home/bob"),
    ),
    Case(
        operation="user-account",
        note="no limits",
        files={"/etc/passwd": _PASSWD},
        wants=("note:warning /etc/login.defs",),
    ),
    Case(
        operation="leftovers",
        files={
            "/opt/CrowdStrike/falconstore": "x",
            "/etc/kernel/cmdline": "ro systemd.machine_id=0123456789abcdef0123456789abcdef\n",
            "/etc/default/grub": 'GRUB_CMDLINE_LINUX="quiet"\n',
            "/boot/loader/entries/0123456789abcdef0123456789abcdef-6.1.conf": "linux /v\n",
            "/etc/libvirt/libvirtd.conf": '#host_uuid = "a"\nhost_uuid = "b"\n',
            "/home/ann/.aws/credentials": "x",
        },
        wants=(
            "note:warning /home/ann/.aws/credentials",
            "note:warning /opt/CrowdStrike/falconstore",
            "note:info /boot/loader/entries/0123456789abcdef0123456789abcdef-6.1.conf",
            "note:error /etc/kernel/cmdline",
            "note:warning /etc/libvirt/libvirtd.conf",
        ),
    ),
)
