"""The lists of artefacts are complete, consistent and say what they mean."""

from __future__ import annotations

import fnmatch
import os
from collections import Counter
from pathlib import Path

import pytest

from lab.artefacts import CANARY, Item, Kind, artefacts, guest_path, plant, tree
from lab.items.item import parse
from lab.items.logs import logs
from lab.items.systems import SYSTEMS

# guestfs-tools sysprep/sysprep_operation_logfiles.ml, braces added to shorten
_LOG_GLOBS = [
    "/var/log/*.log*",
    "/var/log/audit/*",
    "/var/log/btmp*",
    "/var/log/cron*",
    "/var/log/dmesg*",
    "/var/log/lastlog*",
    "/var/log/maillog*",
    "/var/log/mail/*",
    "/var/log/messages*",
    "/var/log/secure*",
    "/var/log/spooler*",
    "/var/log/tallylog*",
    "/var/log/wtmp*",
    "/var/log/apache2/*_log",
    "/var/log/apache2/*_log-*",
    "/var/log/ntp",
    "/var/log/tuned/tuned.log",
    "/var/log/debug*",
    "/var/log/syslog*",
    "/var/log/faillog*",
    "/var/log/firewalld*",
    "/var/log/grubby*",
    "/var/log/xferlog*",
    "/var/log/BackupPC/LOG",
    "/var/log/ceph/*.log",
    "/var/log/chrony/*.log",
    "/var/log/cups/*_log*",
    "/var/log/gdm/*",
    "/var/log/glusterfs/*glusterd.vol.log",
    "/var/log/glusterfs/glusterfs.log",
    "/var/log/httpd/*log",
    "/var/log/jetty/jetty-console.log",
    "/var/log/libvirt/libxl/*.log",
    "/var/log/libvirt/libvirtd.log",
    "/var/log/libvirt/lxc/*.log",
    "/var/log/libvirt/qemu/*.log",
    "/var/log/libvirt/uml/*.log",
    "/var/named/data/named.run",
    "/var/log/ppp/connect-errors",
    "/var/log/setroubleshoot/*.log",
    "/var/log/squid/*.log",
    "/var/lib/logrotate.status",
    "/root/install.log",
    "/root/install.log.syslog",
    "/root/anaconda-ks.cfg",
    "/root/anaconda-post.log",
    "/root/initial-setup-ks.cfg",
    "/root/original-ks.cfg",
    "/var/log/anaconda.syslog",
    "/var/log/anaconda/*",
    "/var/log/installer/*",
    "/var/cache/gdm/*",
    "/var/lib/AccountService/users/*",
    "/var/lib/fprint/*",
    "/var/cache/fontconfig/*",
    "/var/cache/man/*",
    "/var/log/sa/*",
    "/var/log/lightdm/*",
    "/var/log/ntpstats/*",
    "/var/log/rhsm/*",
    "/var/log/journal/*",
    "/var/log/apt/*",
    "/var/log/exim4/*",
    "/var/log/ConsoleKit/*",
    "/var/log/aptitude*",
    "/etc/Pegasus/*.cnf",
    "/etc/Pegasus/*.crt",
    "/etc/Pegasus/*.csr",
    "/etc/Pegasus/*.pem",
    "/etc/Pegasus/*.srl",
]

_OPERATIONS = [
    "abrt-data",
    "backup-files",
    "bash-history",
    "blkid-tab",
    "ca-certificates",
    "crash-data",
    "cron-spool",
    "customize",
    "dhcp-client-state",
    "dhcp-server-state",
    "dovecot-data",
    "firewall-rules",
    "ipa-client",
    "kerberos-data",
    "kerberos-hostkeytab",
    "logfiles",
    "lvm-system-devices",
    "machine-id",
    "mail-spool",
    "net-hwaddr",
    "net-nmconn",
    "pacct-log",
    "package-manager-cache",
    "pam-data",
    "passwd-backups",
    "puppet-data-log",
    "rh-subscription-manager",
    "rhn-systemid",
    "rpm-db",
    "samba-db-log",
    "smolt-uuid",
    "ssh-hostkeys",
    "ssh-userdir",
    "sssd-db-log",
    "tmp-files",
    "udev-persistent-net",
    "utmp",
    "yum-uuid",
    "zsh-history",
]


def test_there_are_70_log_globs() -> None:
    assert len(set(_LOG_GLOBS)) == 70


@pytest.mark.parametrize("glob", _LOG_GLOBS)
def test_every_log_glob_has_a_file(glob: str) -> None:
    paths = [item.path for item in logs()]
    assert any(fnmatch.fnmatchcase(path, glob) for path in paths)


@pytest.mark.parametrize("operation", _OPERATIONS)
def test_every_operation_has_an_artefact(operation: str) -> None:
    assert [item for item in artefacts(beyond=False) if item.op == operation]


@pytest.mark.parametrize("system", SYSTEMS)
def test_no_path_is_planted_twice(system: str) -> None:
    counts = Counter(item.path for item in tree(system))
    assert [path for path, count in counts.items() if count > 1] == []


def test_decoys_carry_no_canary() -> None:
    assert [item.path for item in tree() if not item.op and CANARY.encode() in item.content] == []


def test_the_list_language() -> None:
    text = "[op]\n/a\n/d/\n/l -> /t u\n# no\n[-]\n/new\\nline\n/caf\\xe9\n/\\sx\n"
    assert [(item.path, item.op, item.kind, item.target) for item in parse(text)] == [
        ("/a", "op", Kind.FILE, ""),
        ("/d", "op", Kind.DIRECTORY, ""),
        ("/l", "op", Kind.SYMLINK, "/t u"),
        ("/new\nline", "", Kind.FILE, ""),
        (os.fsdecode(b"/caf\xe9"), "", Kind.FILE, ""),
        ("/ x", "", Kind.FILE, ""),
    ]


def test_plant_follows_absolute_links_inside_the_root_only(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    root = tmp_path / "root"
    outside.mkdir()
    root.mkdir()
    plant(
        str(root),
        [
            Item(path="/var/run", kind=Kind.SYMLINK, target=str(outside)),
            Item(path="/up", kind=Kind.SYMLINK, target="../../../" + str(outside)),
            Item(path="/var/run/utmp", content=b"in"),
            Item(path="/up/x", content=b"in"),
        ],
    )
    assert list(outside.iterdir()) == []
    assert (root / str(outside)[1:] / "utmp").read_bytes() == b"in"
    assert (root / str(outside)[1:] / "x").read_bytes() == b"in"


def test_a_loop_of_links_ends(tmp_path: Path) -> None:
    plant(
        str(tmp_path),
        [Item(path="/a", kind=Kind.SYMLINK, target="b"), Item(path="/b", kind=Kind.SYMLINK, target="a")],
    )
    with pytest.raises(ValueError, match="loop"):
        guest_path(str(tmp_path), "/a/x")
