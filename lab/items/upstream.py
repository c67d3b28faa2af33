"""Something for every operation of virt-sysprep (logs are in `lab.items.logs`).

The paths follow the globs of guestfs-tools' sysprep/sysprep_operation_*.ml; each glob has at least one match.
"""

from __future__ import annotations

from lab.items.item import Item, Kind, canary, parse

_PLAIN = r"""
[abrt-data]
/var/spool/abrt/ccpp-2024-03-01-10:11:12-812/coredump
/var/spool/abrt/ccpp-2024-03-01-10:11:12-812/deep/er/environ
/var/spool/abrt/last-ccpp
[backup-files]
/etc/fstab.bak
/etc/default/grub~
/etc/.hidden~
/root/notes.txt~
/root/deep/a/b/c/old.bak
/srv/www/index.html.bak
/var/lib/thing/state.bak
/var/.bak
[bash-history]
/root/.bash_history
/home/alice/.bash_history
/home/carol/.bash_history -> /dev/null
[zsh-history]
/root/.zsh_history
/home/alice/.zsh_history
[blkid-tab]
/run/blkid.tab
/run/blkid.tab.old
/etc/blkid/blkid.tab
/etc/blkid/blkid.tab.old
/etc/blkid.tab.old
/dev/.blkid.tab
/dev/.blkid.tab.old
[ca-certificates]
/etc/pki/CA/certs/site.crt
/etc/pki/CA/crl/site.crt
/etc/pki/CA/newcerts/01.crt
/etc/pki/CA/private/site.key
/etc/pki/tls/private/localhost.key
/etc/pki/tls/certs/localhost.crt
[crash-data]
/var/crash/202403011011/vmcore
/var/crash/_usr_bin_thing.1000.crash
/var/log/dump/202403011012/vmcore
[cron-spool]
/var/spool/cron/root
/var/spool/cron/crontabs/alice
/var/spool/cron/atjobs/a00001018f3c20
/var/spool/cron/atspool/a00001018f3c20
/var/spool/atjobs/a00002018f3c21
/var/spool/atspool/a00002018f3c21
/var/spool/at/a00003018f3c22
/var/spool/at/spool/a00003018f3c22
[dhcp-client-state]
/var/lib/dhclient/dhclient-eth0.leases
/var/lib/dhcp/dhclient.eth0.leases
/var/lib/dhcp/dhcpd.leases
/var/lib/dhcp/old/dhclient.leases
[dhcp-server-state]
/var/lib/dhcpd/dhcpd.leases
/var/lib/dhcpd/dhcpd6.leases
[dovecot-data]
/var/lib/dovecot/instances
/var/lib/dovecot/ssl-parameters.dat
[firewall-rules]
/etc/sysconfig/iptables
/etc/firewalld/services/site.xml
/etc/firewalld/zones/public.xml
[ipa-client]
/etc/ipa/ca.crt
/etc/ipa/default.conf
/var/lib/ipa-client/sysrestore/sysrestore.index
/var/lib/ipa-client/pki/ca-bundle.pem
/etc/pki/ca-trust/source/anchors/ipa-ca.crt
/usr/local/share/ca-certificates/ipa-ca.crt
/etc/pki/ca-trust/source/ipa.p11-kit
[kerberos-data]
/var/kerberos/krb5kdc/principal
/var/kerberos/krb5kdc/.k5.EXAMPLE.COM.old
/var/kerberos/krb5kdc/principal.ok
[kerberos-hostkeytab]
/etc/krb5.keytab
[lvm-system-devices]
/etc/lvm/devices/system.devices
[mail-spool]
/var/mail/alice
/var/mail/root
/var/mail/Maildir/new/1709287872.M1P1.host
[net-nmconn]
/etc/NetworkManager/system-connections/eth0.nmconnection
[package-manager-cache]
/var/cache/apt/archives/hello_2.10-3_amd64.deb
/var/cache/apt/archives/partial/half_1.0_amd64.deb
/var/cache/dnf/baseos-0123456789abcdef/repodata/repomd.xml
/var/cache/dnf/packages.db
/var/cache/yum/x86_64/7/base/cachecookie
/var/cache/zypp/raw/repo/content
/var/cache/zypp-extra/solv
[pam-data]
/run/console/alice
/run/faillock/alice
/run/sepermit/alice
[passwd-backups]
/etc/group-
/etc/gshadow-
/etc/passwd-
/etc/shadow-
/etc/subuid-
/etc/subgid-
[puppet-data-log]
/var/log/puppet/masterhttp.log
/var/log/puppet/puppet.report
/var/lib/puppet/ssl/ca.pem
/var/lib/puppet/ssl/private_keys/host.pem
[rh-subscription-manager]
/etc/pki/consumer/cert.pem
/etc/pki/consumer/key.pem
/etc/pki/entitlement/123-key.pem
[rhn-systemid]
/etc/sysconfig/rhn/systemid
/etc/sysconfig/rhn/osad-auth.conf
[rpm-db]
/var/lib/rpm/__db.001
/var/lib/rpm/__db.002
[samba-db-log]
/var/log/samba/log.smbd
/var/log/samba/old/log.smbd.old
/var/lib/samba/account_policy.tdb
/var/lib/samba/private/secrets.tdb
[smolt-uuid]
/etc/sysconfig/hw-uuid
/etc/smolt/uuid
/etc/smolt/hw-uuid
[ssh-userdir]
/root/.ssh/authorized_keys
/root/.ssh/known_hosts
/home/alice/.ssh/id_ed25519
/home/alice/.ssh/deep/config
/home/dave/.ssh -> /srv/keys
[sssd-db-log]
/var/log/sssd/sssd_example.com.log
/var/lib/sss/db/cache_example.com.ldb
[tmp-files]
/tmp/plain
/tmp/.X11-unix/X0.lock
/tmp/.hidden
/tmp/tree/a/b/c/file
/tmp/empty/
/tmp/link-to-etc -> /etc
/tmp/dangling -> /nowhere/at/all
/tmp/...
/tmp/-rf
/tmp/\sblank\s
/tmp/"quoted'
/tmp/new\nline
/tmp/rm /etc/passwd\nrm
/tmp/star*
/tmp/{a,b}
/tmp/back\\slash
/tmp/caf\xe9
/tmp/\xff\xfe\x80
/tmp/unicode-\xc3\xbc\xe2\x82\xac
/var/tmp/plain
/var/tmp/.hidden
/var/tmp/systemd-private-0123/tmp/file
[udev-persistent-net]
/etc/udev/rules.d/70-persistent-net.rules
[utmp]
/run/utmp
[yum-uuid]
/var/lib/yum/uuid
"""

_IFCFG = """DEVICE="eth{n}"
BOOTPROTO=dhcp
HOSTNAME=clone-me.example.com
DHCP_HOSTNAME=clone-me
HWADDR=52:54:00:12:34:5{n}
 HWADDR=kept-because-of-the-blank
XHOSTNAME=kept
UUID=5fb06bd0-0bb0-7ffb-45f1-d6edd65f3e03
ONBOOT=yes"""

MACHINE_ID = b"0123456789abcdef0123456789abcdef\n"


def upstream() -> list[Item]:
    """Items for all operations but `logfiles`, `customize`, `script`, `fs-uuids`, `lvm-uuids`."""
    special = [
        Item(path="/etc/machine-id", op="machine-id", content=MACHINE_ID, mode=0o444),
        Item(path="/var/lib/dbus/machine-id", op="machine-id", content=MACHINE_ID),
        Item(path="/etc/krb5.keytab.d", op="", kind=Kind.DIRECTORY, mode=0o700),
    ]
    special += [
        Item(path=f"{top}/.SEQ", op="cron-spool", content=b"0001a\n", mode=0o600, uid=1, gid=1)
        for top in ("/var/spool/cron/atjobs", "/var/spool/atjobs", "/var/spool/at")
    ]
    special += [
        Item(
            path=f"/etc/sysconfig/network-scripts/ifcfg-eth{n}",
            op="net-hwaddr",
            content=(_IFCFG.format(n=n) + "\n" * (n == 0)).encode(),
        )
        for n in (0, 1)
    ]
    special += [
        Item(
            path=f"/etc/ssh/ssh_host_{kind}_key{end}",
            op="ssh-hostkeys",
            mode=mode,
            content=canary("ssh-hostkeys", kind, 400),
        )
        for kind in ("rsa", "ecdsa", "ed25519")
        for end, mode in (("", 0o600), (".pub", 0o644))
    ]
    special += [
        Item(path=f"{top}/pacct{end}", op="pacct-log", content=canary("pacct-log", top, 2000), mode=0o600)
        for top in ("/var/account", "/var/log/account")
        for end in ("", ".1", "-20240301")
    ]
    special += [
        Item(path=path, op="customize", content=bytes(range(256)) * 2, mode=0o600)
        for path in (
            "/var/lib/systemd/random-seed",
            "/var/lib/urandom/random-seed",
            "/var/lib/misc/random-seed",
            "/var/lib/random-seed",
            "/etc/random-seed",
        )
    ]
    many = [Item(path=f"/tmp/many/{n:03}-{'x' * 20}", op="tmp-files", content=b"") for n in range(200)]
    return [*parse(_PLAIN), *special, *many]
