"""A file for each of the 70 globs of virt-sysprep's `logfiles` operation (sysprep_operation_logfiles.ml)."""

from __future__ import annotations

from lab.items.item import Item, Kind, canary, parse

_LOGS = r"""
[logfiles]
/root/anaconda-ks.cfg
/root/anaconda-post.log
/root/initial-setup-ks.cfg
/root/install.log
/root/install.log.syslog
/root/original-ks.cfg
/var/log/auth.log
/var/log/auth.log.1
/var/log/dpkg.log.2.gz
/var/log/audit/audit.log
/var/log/mail/statistics
/var/log/anaconda/syslog
/var/log/installer/cdebconf/questions.dat
/var/log/installer/status
/var/log/sa/sa01
/var/log/gdm/greeter.log
/var/log/lightdm/lightdm.log
/var/log/ntpstats/peerstats
/var/log/rhsm/rhsm.log
/var/log/journal/0123456789abcdef0123456789abcdef/system.journal
/var/log/journal/0123456789abcdef0123456789abcdef/user-1000.journal
/var/log/apt/history.log
/var/log/apt/eipp.log.xz
/var/log/exim4/mainlog
/var/log/ConsoleKit/history
/var/log/btmp
/var/log/btmp-20240301
/var/log/cron
/var/log/dmesg
/var/log/dmesg.0
/var/log/lastlog
/var/log/maillog
/var/log/messages
/var/log/messages-20240301
/var/log/secure
/var/log/spooler
/var/log/tallylog
/var/log/wtmp
/var/log/debug
/var/log/syslog.1
/var/log/faillog
/var/log/firewalld
/var/log/grubby
/var/log/xferlog
/var/log/aptitude
/var/log/ntp
/var/log/anaconda.syslog
/var/log/apache2/access_log
/var/log/apache2/error_log-20240301
/var/log/tuned/tuned.log
/var/log/BackupPC/LOG
/var/log/ceph/osd.0.log
/var/log/chrony/tracking.log
/var/log/cups/access_log
/var/log/cups/error_log.1
/var/log/glusterfs/etc-glusterfs-glusterd.vol.log
/var/log/glusterfs/glusterfs.log
/var/log/httpd/access_log
/var/log/httpd/ssl_error_log
/var/log/jetty/jetty-console.log
/var/log/libvirt/libxl/vm.log
/var/log/libvirt/lxc/vm.log
/var/log/libvirt/qemu/vm.log
/var/log/libvirt/uml/vm.log
/var/log/libvirt/libvirtd.log
/var/named/data/named.run
/var/log/ppp/connect-errors
/var/log/setroubleshoot/setroubleshootd.log
/var/log/squid/access.log
/var/lib/logrotate.status
/var/cache/gdm/user/dmrc
/var/cache/fontconfig/0123-le64.cache-7
/var/cache/man/index.db
/var/cache/man/de/index.db
/var/lib/fprint/alice/template
/var/lib/AccountService/users/alice
/etc/Pegasus/ssl.cnf
/etc/Pegasus/server.crt
/etc/Pegasus/server.csr
/etc/Pegasus/client.pem
/etc/Pegasus/ca.srl
# a directory that a file glob matches goes with all that is in it
/var/log/dir.log/inside/deep
# the link goes, its target stays
/var/log/link.log -> ../../etc/hosts
/var/log/absolute.log -> /etc/passwd
/var/log/two\nlines.log
/var/log/caf\xe9.log
/var/log/with blank.log
"""


def logs() -> list[Item]:
    """Items for the `logfiles` operation: also of many extents, and with attributes in a block."""
    line = canary("logfiles", "holes", 4096).ljust(4096, b".")
    return [
        *parse(_LOGS, size=600),
        Item(
            path="/var/log/big.log",
            op="logfiles",
            content=canary("logfiles", "big", 150_000),
            uid=0,
            gid=4,
            mode=0o640,
        ),
        Item(path="/var/log/holes.log", op="logfiles", content=(line + bytes(8192)) * 12),
        Item(path="/srv/keep-syslog", content=b"keep: another name of /var/log/syslog\n"),
        Item(path="/var/log/syslog", op="logfiles", kind=Kind.HARD_LINK, target="/srv/keep-syslog"),
        Item(
            path="/var/log/acl.log",
            op="logfiles",
            content=canary("logfiles", "acl"),
            xattrs={"user.overflow": b"x" * 700, "user.second": b"y" * 60},
        ),
        Item(
            path="/var/log/journal/0123456789abcdef0123456789abcdef/system@1.journal",
            op="logfiles",
            content=canary("logfiles", "journal", 40_000),
            gid=101,
            mode=0o640,
            xattrs={"user.crtime_usec": b"\x00\x9d\x8a\x11\x5e\x1f\x05\x00", "user.big": b"z" * 600},
        ),
    ]
