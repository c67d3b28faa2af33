"""Things that look like artefacts and must survive every default operation."""

from __future__ import annotations

from lab.items.item import Item, Kind, parse

_DECOYS = r"""
[-]
# a leading dot is not matched by a star
/var/spool/abrt/.dot
/var/crash/.dot
/var/lib/dhcp/.dot
/var/mail/.dot
/var/log/audit/.dot
/var/log/.dot.log
/var/lib/fprint/.dot
/etc/ssh/.ssh_host_dot_key
/var/lib/dovecot/.dot
/var/log/samba/.dot
# similar names
/etc/ssh/sshd_hostkeys
/etc/ssh/my_hostkey
/etc/passwd-old
/etc/group-.orig
/etc/machine-id.orig
/var/lib/dbus/machine-id.d/keep
/etc/fstab.bakk
/etc/fstab.BAK
/etc/bak
/etc/krb5.keytab.example
/root/.bash_history.d/keep
/root/.bashrc
/root/.sshrc
/home/alice/.bash_histor
/home/alice/.ssh2/keep
/home/alice/sub/.bash_history
/home/alice/sub/.ssh/authorized_keys
/home/.bash_history
/srv/.ssh/keep
/etc/udev/rules.d/70-persistent-nett.rules
/etc/udev/rules.d/71-persistent-net.rules
/run/utmpx
/var/log/samba/deep/deeper/keep
/var/lib/samba/deep/deeper/keep
/var/log/nginx/access
/var/log/postgresql/postgresql-15-main
/var/log/README
/var/log/apache2/access
/var/log/httpd/logs
/var/log/cups/page
/var/log/libvirt/other/vm.log
/var/lib/rpm/rpmdb.sqlite
/var/lib/rpm/__dbx
/var/kerberos/krb5kdc/kdc.conf
/var/kerberos/krb5kdc/kadm5.acl
/etc/pki/tls/certs/ca-bundle.crt
/etc/pki/tls/certs/ca-bundle.trust.crt
/etc/Pegasus/access.conf
# backups outside /etc /root /srv /tmp /var
/usr/share/doc/thing/README~
/usr/local/etc/conf.bak
/home/alice/paper.tex~
/opt/thing/old.bak
# only regular files are backups; a directory or link of that name stays
/etc/conf.d.bak/keep
/srv/link.bak -> /etc/hosts
# directories where only files are removed
/var/lib/dovecot/conf.d/keep
/var/lib/sss/db/sub/keep
/var/log/sssd/sub/keep
/var/lib/ipa-client/sysrestore/sub/keep
/etc/blkid.tab -> /srv/blkid.tab
/srv/blkid.tab
# only-files removal keeps links and directories
/var/cache/apt/archives/partial/keep-link.deb -> ../hello.deb
/var/cache/apt/archives/emptied/
/var/spool/cron/emptied/
# targets of links that are removed
/srv/keys/authorized_keys
/etc/sysconfig/network-scripts/ifdown-eth
/etc/sysconfig/network-scripts/route-eth0
/etc/NetworkManager/system-connections/wifi.conf
/etc/NetworkManager/conf.d/site.conf
# a hostile guest's traps
/srv/escape-1 -> ../../../../../../etc/hostname
/srv/escape-2 -> /proc/self/root/etc/hostname
/srv/loop-a -> loop-b
/srv/loop-b -> loop-a
/srv/self -> self
/srv/odd/new\nline
/srv/odd/caf\xe9
/srv/odd/\sblank\s
/srv/odd/-n
/srv/odd/tab\x09and\x1b[31mred
"""


def decoys() -> list[Item]:
    """Items that no default operation may touch."""
    longest = "n" * 255
    return [
        *parse(_DECOYS),
        Item(path="/srv/odd/" + longest, content=b"keep: the longest name\n"),
        Item(path="/srv/fifo", kind=Kind.FIFO, mode=0o600),
        Item(path="/srv/socket", kind=Kind.SOCKET, mode=0o755),
        Item(path="/srv/setuid", content=b"keep\n", mode=0o4755),
        Item(path="/srv/sticky", kind=Kind.DIRECTORY, mode=0o1777),
        Item(path="/srv/owned", content=b"keep\n", mode=0o600, uid=70000, gid=4_000_000_000),
        Item(path="/srv/link-target", content=b"keep\n" * 2000),
        Item(path="/srv/link-other", kind=Kind.HARD_LINK, target="/srv/link-target"),
        Item(path="/srv/slow-link", kind=Kind.SYMLINK, target="/" + "long/" * 40 + "end", mode=0o777),
        Item(
            path="/srv/labelled",
            content=b"keep\n",
            xattrs={"security.selinux": b"system_u:object_r:var_t:s0\x00", "user.note": b"kept"},
        ),
        Item(
            path="/srv/capable",
            content=b"keep\n",
            mode=0o755,
            xattrs={"security.capability": bytes.fromhex("0100000200040000000000000000000000000000")},
        ),
        Item(path="/srv/overflow", content=b"keep\n", xattrs={"user.a": b"a" * 300, "user.b": b"b" * 300}),
    ]
