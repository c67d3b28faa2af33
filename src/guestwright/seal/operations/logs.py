"""Logs, crash dumps and login records: what the old machine wrote down while it ran."""

from __future__ import annotations

from typing import Final

from guestwright.seal import conditions
from guestwright.seal.changes import Severity
from guestwright.seal.operation import Operation
from guestwright.seal.paths import Action, PathRule, rules

_LOGFILES: Final = (
    "/var/log/*.log*",
    "/var/log/{audit,mail,anaconda,installer,sa,gdm,lightdm,ntpstats,rhsm,journal,apt,exim4,ConsoleKit}/*",
    "/var/log/{btmp,cron,dmesg,lastlog,maillog,messages,secure,spooler,tallylog,wtmp,debug,syslog,faillog}*",
    "/var/log/{firewalld,grubby,xferlog,aptitude}*",
    "/var/log/{ntp,anaconda.syslog,tuned/tuned.log,BackupPC/LOG,ppp/connect-errors}",
    "/var/log/apache2/{*_log,*_log-*}",
    "/var/log/{ceph,chrony,setroubleshoot,squid}/*.log",
    "/var/log/cups/*_log*",
    "/var/log/glusterfs/{*glusterd.vol.log,glusterfs.log}",
    "/var/log/httpd/*log",
    "/var/log/jetty/jetty-console.log",
    "/var/log/libvirt/{libxl,lxc,qemu,uml}/*.log",
    "/var/log/libvirt/libvirtd.log",
    "/var/named/data/named.run",
    "/var/lib/logrotate.status",
)
_INSTALLER: Final = (
    "/root/{anaconda-ks.cfg,anaconda-post.log,initial-setup-ks.cfg,install.log,install.log.syslog,original-ks.cfg}",
)

OPERATIONS: Final = (
    Operation(
        name="abrt-data",
        summary="Remove crash reports that ABRT collected",
        severity=Severity.WARNING,
        applies=conditions.unix,
        plan=rules(
            PathRule(
                globs=("/var/spool/abrt/*",),
                action=Action.REMOVE_TREE,
                secret=True,
                reason="crash report of the old machine, may hold memory of its processes",
            )
        ),
        parity=True,
        source="virt-sysprep(1), abrt-data",
    ),
    Operation(
        name="crash-data",
        summary="Remove kernel crash dumps",
        severity=Severity.WARNING,
        applies=conditions.linux,
        plan=rules(
            PathRule(
                globs=("/var/crash/*", "/var/log/dump/*"),
                action=Action.REMOVE_TREE,
                reason="crash dump of the old machine, holds its memory",
            )
        ),
        parity=True,
        source="virt-sysprep(1), crash-data",
    ),
    Operation(
        name="logfiles",
        summary="Remove log files, installer records and caches made from them",
        severity=Severity.INFO,
        applies=conditions.linux,
        plan=rules(
            PathRule(globs=_LOGFILES, action=Action.REMOVE_TREE, reason="log of the old machine"),
            PathRule(
                globs=_INSTALLER,
                action=Action.REMOVE_TREE,
                secret=True,
                reason="installer record, holds password hashes",
            ),
            PathRule(
                globs=("/var/cache/{gdm,fontconfig,man}/*",),
                action=Action.REMOVE_TREE,
                reason="cache, rebuilt when needed",
            ),
            PathRule(
                globs=("/var/lib/fprint/*", "/var/lib/AccountService/users/*"),
                action=Action.REMOVE_TREE,
                secret=True,
                reason="personal data of the old machine's users",
            ),
            PathRule(
                globs=("/etc/Pegasus/*.{cnf,crt,csr,pem,srl}",),
                action=Action.REMOVE_TREE,
                secret=True,
                reason="certificate or key made for the old machine",
            ),
        ),
        parity=True,
        source="virt-sysprep(1), logfiles; guestfs-tools sysprep_operation_logfiles",
    ),
    Operation(
        name="puppet-data-log",
        summary="Remove data and logs of old Puppet agents",
        severity=Severity.ERROR,
        applies=conditions.unix,
        plan=rules(
            PathRule(globs=("/var/log/puppet/*",), reason="log of the old machine"),
            PathRule(
                globs=("/var/lib/puppet/*/*", "/var/lib/puppet/*/*/*"),
                secret=True,
                reason="Puppet state, holds the machine's key and certificate",
            ),
        ),
        parity=True,
        source="virt-sysprep(1), puppet-data-log",
    ),
    Operation(
        name="utmp",
        summary="Remove the record of who is logged in",
        severity=Severity.INFO,
        applies=conditions.unix,
        plan=rules(PathRule(globs=("/var/run/utmp",), reason="who was logged in on the old machine")),
        parity=True,
        source="virt-sysprep(1), utmp",
    ),
    Operation(
        name="login-records",
        summary="Remove the databases that replace wtmp and lastlog",
        severity=Severity.WARNING,
        applies=conditions.linux,
        plan=rules(
            PathRule(
                globs=("/var/lib/wtmpdb/wtmp.db*", "/var/lib/lastlog/lastlog2.db*"),
                reason="logins on the old machine; created again at the next login",
            )
        ),
        source="wtmpdb(8), lastlog2(8)",
    ),
    Operation(
        name="service-logs",
        summary="Empty the logs of common services that keep their own directory",
        severity=Severity.INFO,
        applies=conditions.linux,
        plan=rules(
            PathRule(
                globs=(
                    "/var/log/{nginx,apache2,mysql,mariadb,postgresql,redis,mongodb,tomcat*}/*.log*",
                    "/var/log/{unattended-upgrades,qemu-ga,letsencrypt,openvswitch,dist-upgrade}/*.log*",
                    "/var/log/zypp/history",
                ),
                action=Action.TRUNCATE,
                reason="log of the old machine",
            )
        ),
        source="directories of the services' packages; virt-sysprep's logfiles misses them",
    ),
    Operation(
        name="logrotate-status",
        summary="Remove the record of when logs were rotated",
        severity=Severity.INFO,
        applies=conditions.linux,
        plan=rules(
            PathRule(
                globs=("/var/lib/logrotate/{logrotate.status,status}", "/var/lib/misc/logrotate.status"),
                reason="names every log of the old machine; written again at the next rotation",
            )
        ),
        source="logrotate(8), FILES; virt-sysprep knows only /var/lib/logrotate.status",
    ),
)
