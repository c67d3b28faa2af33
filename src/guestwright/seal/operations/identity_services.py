"""Membership and identity in directories and realms: Kerberos, IPA, SSSD, Samba, and their certificates."""

from __future__ import annotations

from typing import Final

from guestwright.seal import conditions
from guestwright.seal.changes import Severity
from guestwright.seal.operation import Operation
from guestwright.seal.paths import PathRule, rules

OPERATIONS: Final = (
    Operation(
        name="kerberos-hostkeytab",
        summary="Remove the machine's Kerberos keys",
        severity=Severity.ERROR,
        applies=conditions.unix,
        plan=rules(
            PathRule(
                globs=("/etc/krb5.keytab",),
                secret=True,
                reason="the machine's keys in its Kerberos realm; a clone must join by itself",
            )
        ),
        parity=True,
        source="virt-sysprep(1), kerberos-hostkeytab",
    ),
    Operation(
        name="kerberos-data",
        summary="Remove the database of a Kerberos server",
        severity=Severity.ERROR,
        default=False,
        applies=conditions.unix,
        plan=rules(
            PathRule(
                globs=("/var/kerberos/krb5kdc/*",),
                unless=("/var/kerberos/krb5kdc/{kadm5.acl,kdc.conf}",),
                secret=True,
                reason="principals and keys of the realm that the old machine served",
            )
        ),
        parity=True,
        source="virt-sysprep(1), kerberos-data",
    ),
    Operation(
        name="samba-db-log",
        summary="Remove Samba's databases and logs",
        severity=Severity.ERROR,
        applies=conditions.unix,
        plan=rules(
            PathRule(globs=("/var/log/samba/*", "/var/log/samba/old/*"), reason="log of the old machine"),
            PathRule(
                globs=("/var/lib/samba/*", "/var/lib/samba/*/*"),
                secret=True,
                reason="Samba state, holds the machine's SID and account password",
            ),
        ),
        parity=True,
        source="virt-sysprep(1), samba-db-log",
    ),
    Operation(
        name="samba-secrets",
        summary="Remove Samba's keytabs and self-signed certificates",
        severity=Severity.ERROR,
        applies=conditions.unix,
        plan=rules(
            PathRule(
                globs=("/etc/samba/*.keytab", "/var/lib/samba/private/tls/*"),
                secret=True,
                reason="keys of the old machine in its domain; made again when it joins or starts",
            )
        ),
        source="smb.conf(5), dedicated keytab file, tls keyfile",
    ),
    Operation(
        name="sssd-db-log",
        summary="Remove SSSD's caches and logs",
        severity=Severity.WARNING,
        applies=conditions.unix,
        plan=rules(
            PathRule(globs=("/var/log/sssd/*",), reason="log of the old machine"),
            PathRule(
                globs=("/var/lib/sss/db/*",),
                secret=True,
                reason="cached accounts and password hashes of the domain",
            ),
        ),
        parity=True,
        source="virt-sysprep(1), sssd-db-log",
    ),
    Operation(
        name="sssd-secrets",
        summary="Remove SSSD's secrets and memory caches",
        severity=Severity.ERROR,
        applies=conditions.unix,
        plan=rules(
            PathRule(
                globs=("/var/lib/sss/{mc,secrets}/*", "/var/lib/sss/secrets/.secrets.mkey"),
                secret=True,
                reason="SSSD's master key, secrets and cached accounts; created again at its start",
            )
        ),
        source="sssd-secrets(5); virt-sysprep leaves them",
    ),
)
