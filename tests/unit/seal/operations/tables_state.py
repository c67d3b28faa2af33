"""Rows for the operations beyond virt-sysprep's: systemd, network, storage, keys, histories, caches."""

from __future__ import annotations

from guestwright.guestfs.drivers.memory import File, Link
from tests.support.sealing import Case

_UNITS = "/etc/systemd/system"

CASES = (
    Case(
        operation="random-seed",
        files={
            "/var/lib/systemd/random-seed": "x",
            "/var/lib/urandom/random-seed": "x",
            "/boot/efi/loader/random-seed": "x",
            "/var/lib/seedrng/seed.credit": "x",
            "/var/lib/misc/random-seed": Link("/srv/s"),
            "/srv/s": "x",
        },
        wants=(
            "remove! /boot/efi/loader/random-seed",
            "remove! /var/lib/seedrng/seed.credit",
            "remove! /var/lib/systemd/random-seed",
            "remove! /var/lib/urandom/random-seed",
        ),
    ),
    Case(
        operation="credential-secret",
        files={"/var/lib/systemd/credential.secret": "x"},
        wants=("remove! /var/lib/systemd/credential.secret",),
    ),
    Case(
        operation="credential-secret",
        note="says what breaks",
        files={"/var/lib/systemd/credential.secret": "x", "/etc/credstore.encrypted/db": "x"},
        wants=("remove! /var/lib/systemd/credential.secret", "note:warning /etc/credstore.encrypted"),
    ),
    Case(
        operation="systemd-state",
        files={
            "/var/lib/systemd/coredump/core.1.zst": "x",
            "/var/lib/systemd/pstore/1/dmesg": "x",
            "/var/lib/systemd/timers/stamp-apt.timer": "",
            "/var/lib/systemd/linger/ann": "",
            "/var/lib/systemd/timesync/clock": "",
        },
        wants=(
            "remove! /var/lib/systemd/coredump/core.1.zst",
            "tree! /var/lib/systemd/pstore/1",
            "remove /var/lib/systemd/timers/stamp-apt.timer",
        ),
    ),
    Case(
        operation="journal-upload",
        files={"/var/lib/private/systemd/journal-upload/state": "x"},
        wants=("remove /var/lib/private/systemd/journal-upload/state",),
    ),
    Case(
        operation="login-records",
        files={"/var/lib/wtmpdb/wtmp.db": "x", "/var/lib/lastlog/lastlog2.db": "x"},
        wants=("remove /var/lib/lastlog/lastlog2.db", "remove /var/lib/wtmpdb/wtmp.db"),
    ),
    Case(
        operation="service-logs",
        files={
            "/var/log/nginx/access.log": "x",
            "/var/log/nginx/old.log.1": "",
            "/var/log/nginx/access": "keep",
            "/var/log/mysql/d.log/x": "",
        },
        wants=("truncate /var/log/nginx/access.log",),
    ),
    Case(
        operation="logrotate-status",
        files={"/var/lib/logrotate/status": "x"},
        wants=("remove /var/lib/logrotate/status",),
    ),
    Case(
        operation="logs-all",
        files={
            "/var/log/a/b": "x",
            "/var/log/empty": "",
            "/var/log/l": Link("/etc/x"),
            "/etc/x": "keep",
            "/var/lib/docker/containers/1/1-json.log": "x",
        },
        wants=("truncate /var/lib/docker/containers/1/1-json.log", "truncate /var/log/a/b"),
    ),
    Case(
        operation="tool-histories",
        files={
            "/root/.python_history": "x",
            "/root/.lesshst": "x",
            "/home/ann/.viminfo": "x",
            "/home/ann/.local/share/fish/fish_history": "x",
            "/root/.bash_history": "x",
            "/home/ann/history": "keep",
            "/root/.history.d/x": "keep",
            "/home/ann/.config/x": "keep",
        },
        wants=(
            "remove! /home/ann/.local/share/fish/fish_history",
            "remove! /home/ann/.viminfo",
            "remove! /root/.lesshst",
            "remove! /root/.python_history",
        ),
    ),
    Case(
        operation="ssh-known-hosts",
        files={
            "/root/.ssh/known_hosts": "x",
            "/root/.ssh/known_hosts.old": "x",
            "/root/.ssh/authorized_keys": "keep",
            "/etc/ssh/ssh_known_hosts": "x",
        },
        wants=(
            "remove /etc/ssh/ssh_known_hosts",
            "remove /root/.ssh/known_hosts",
            "remove /root/.ssh/known_hosts.old",
        ),
    ),
    Case(
        operation="user-secrets",
        files={
            "/root/.aws/credentials": "x",
            "/home/ann/.docker/config.json": "x",
            "/home/ann/.netrc": "x",
            "/home/ann/.profile": "keep",
        },
        wants=("remove! /home/ann/.docker/config.json", "remove! /home/ann/.netrc", "tree! /root/.aws"),
    ),
    Case(
        operation="dhcp-identity",
        files={
            "/var/lib/dhcp6c_duid": "x",
            "/var/lib/dhcpcd/duid": "x",
            "/var/lib/dhcpcd/eth0.lease": "x",
            "/etc/dhcpcd.duid": "x",
            "/etc/dhcpcd.conf": "keep",
            "/var/lib/wicked/lease-eth0-dhcp-ipv4.xml": "x",
            "/var/lib/systemd/network/leases/eth0": "x",
            "/var/lib/connman/ethernet_525400_cable/settings": "x",
            "/var/lib/connman/settings": "keep",
        },
        wants=(
            "remove! /etc/dhcpcd.duid",
            "tree! /var/lib/connman/ethernet_525400_cable",
            "remove! /var/lib/dhcp6c_duid",
            "remove! /var/lib/dhcpcd/duid",
            "remove! /var/lib/dhcpcd/eth0.lease",
            "remove! /var/lib/systemd/network/leases/eth0",
            "remove! /var/lib/wicked/lease-eth0-dhcp-ipv4.xml",
        ),
    ),
    Case(
        operation="networkmanager-state",
        files={
            "/var/lib/NetworkManager/secret_key": "x",
            "/var/lib/NetworkManager/internal-1-eth0.lease": "x",
            "/var/lib/NetworkManager/NetworkManager-intern.conf": "keep",
        },
        wants=(
            "remove! /var/lib/NetworkManager/internal-1-eth0.lease",
            "remove! /var/lib/NetworkManager/secret_key",
        ),
    ),
    Case(operation="resolv-conf", files={"/etc/resolv.conf": "x"}, wants=("truncate /etc/resolv.conf",)),
    Case(
        operation="resolv-conf",
        note="a link stays",
        files={"/etc/resolv.conf": Link("/run/r"), "/run/r": "x"},
    ),
    Case(
        operation="udev-persistent-other",
        files={
            "/etc/udev/rules.d/70-persistent-cd.rules": "x",
            "/etc/udev/rules.d/60-persistent-storage.rules": "keep",
        },
        wants=("remove /etc/udev/rules.d/70-persistent-cd.rules",),
    ),
    Case(
        operation="net-mac-match",
        files={
            "/etc/netplan/50.yaml": "n:\n  match:\n    macaddress: '52:54:00:12:34:56'\n",
            "/etc/netplan/60.yaml": "dhcp4: true\n",
            "/etc/systemd/network/10.link": "[Match]\nPermanentMACAddress=52:54:00:12:34:56\n",
            "/etc/systemd/network/20.link": "[Link]\nMACAddressPolicy=persistent\n",
        },
        wants=("note:warning /etc/netplan/50.yaml", "note:warning /etc/systemd/network/10.link"),
    ),
    Case(
        operation="lvm-metadata-backups",
        files={"/etc/lvm/backup/vg": "x", "/etc/lvm/cache/.cache": "x", "/etc/lvm/lvm.conf": "keep"},
        wants=("remove /etc/lvm/backup/vg", "remove /etc/lvm/cache/.cache"),
    ),
    Case(
        operation="multipath",
        files={"/etc/multipath/wwids": "x", "/etc/multipath/conf.d/x": ""},
        wants=("remove /etc/multipath/wwids",),
    ),
    Case(operation="zfs-cache", files={"/etc/zfs/zpool.cache": "x"}, wants=("remove /etc/zfs/zpool.cache",)),
    Case(operation="hostid", files={"/etc/hostid": "x"}, wants=("remove /etc/hostid",)),
    Case(
        operation="iscsi-sessions",
        files={"/var/lib/iscsi/nodes/iqn/x": "x", "/etc/iscsi/iscsid.conf": "keep"},
        wants=("tree! /var/lib/iscsi/nodes/iqn",),
    ),
    Case(
        operation="snakeoil-certificate",
        files={
            "/usr/sbin/make-ssl-cert": "",
            "/etc/ssl/private/ssl-cert-snakeoil.key": File("x", mode=0o640),
            "/etc/ssl/certs/ssl-cert-snakeoil.pem": "x",
            f"{_UNITS}/multi-user.target.wants/": None,
        },
        wants=(
            "remove! /etc/ssl/certs/ssl-cert-snakeoil.pem",
            "remove! /etc/ssl/private/ssl-cert-snakeoil.key",
            f"write {_UNITS}/guestwright-snakeoil.service",
            f"link {_UNITS}/multi-user.target.wants/guestwright-snakeoil.service",
        ),
    ),
    Case(
        operation="snakeoil-certificate",
        note="nothing could make it again",
        files={"/etc/ssl/private/ssl-cert-snakeoil.key": "x"},
    ),
    Case(
        operation="snakeoil-certificate",
        note="without systemd a person must",
        system="devuan",
        files={"/usr/sbin/make-ssl-cert": "", "/etc/ssl/private/ssl-cert-snakeoil.key": "x"},
        wants=("remove! /etc/ssl/private/ssl-cert-snakeoil.key", "note:warning"),
    ),
    Case(
        operation="httpd-localhost-key",
        system="rocky",
        files={
            "/usr/lib/systemd/system/httpd-init.service": "",
            "/etc/pki/tls/private/localhost.key": "x",
            "/etc/pki/tls/certs/localhost.crt": "x",
        },
        wants=("remove! /etc/pki/tls/certs/localhost.crt", "remove! /etc/pki/tls/private/localhost.key"),
    ),
    Case(
        operation="httpd-localhost-key",
        note="nothing makes it again",
        system="rocky",
        files={"/etc/pki/tls/private/localhost.key": "x"},
    ),
    Case(
        operation="cockpit-certificate",
        files={
            "/etc/cockpit/ws-certs.d/0-self-signed.key": "x",
            "/etc/cockpit/ws-certs.d/50-mine.crt": "keep",
        },
        wants=("remove! /etc/cockpit/ws-certs.d/0-self-signed.key",),
    ),
    Case(
        operation="rndc-key",
        files={"/etc/bind/rndc.key": "x", "/etc/rndc.key": "x"},
        wants=("remove! /etc/bind/rndc.key", "remove! /etc/rndc.key"),
    ),
    Case(
        operation="dropbear-hostkeys",
        files={"/etc/dropbear/dropbear_rsa_host_key": "x"},
        wants=("remove! /etc/dropbear/dropbear_rsa_host_key",),
    ),
    Case(
        operation="samba-secrets",
        files={"/etc/samba/a.keytab": "x", "/var/lib/samba/private/tls/key.pem": "x"},
        wants=("remove! /etc/samba/a.keytab", "remove! /var/lib/samba/private/tls/key.pem"),
    ),
    Case(
        operation="sssd-secrets",
        files={
            "/var/lib/sss/mc/passwd": "x",
            "/var/lib/sss/secrets/.secrets.mkey": "x",
            "/var/lib/sss/pubconf/k": "keep",
        },
        wants=("remove! /var/lib/sss/mc/passwd", "remove! /var/lib/sss/secrets/.secrets.mkey"),
    ),
    Case(
        operation="apt-lists",
        files={
            "/var/lib/apt/lists/deb_Packages": "x",
            "/var/lib/apt/lists/lock": "",
            "/var/lib/apt/lists/partial/x": "",
            "/var/cache/apt/pkgcache.bin": "x",
        },
        wants=("remove /var/cache/apt/pkgcache.bin", "remove /var/lib/apt/lists/deb_Packages"),
    ),
    Case(
        operation="dnf-history",
        system="rocky",
        files={"/var/lib/dnf/history.sqlite": "x", "/var/lib/dnf/modulefailsafe/x": "keep"},
        wants=("remove /var/lib/dnf/history.sqlite",),
    ),
    Case(
        operation="machine-info",
        files={"/etc/machine-info": "PRETTY_HOSTNAME=web\nCHASSIS=vm\n"},
        wants=("write /etc/machine-info",),
    ),
    Case(
        operation="popularity-contest",
        files={"/etc/popularity-contest.conf": 'PARTICIPATE="yes"\nMY_HOSTID="1"\n'},
        wants=("write /etc/popularity-contest.conf",),
    ),
)
