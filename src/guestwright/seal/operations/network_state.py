"""Leases, keys and names that network services gave the old machine."""

from __future__ import annotations

from typing import Final

from guestwright.seal import conditions
from guestwright.seal.changes import Severity
from guestwright.seal.operation import Operation
from guestwright.seal.paths import Action, PathRule, rules

OPERATIONS: Final = (
    Operation(
        name="dhcp-client-state",
        summary="Remove leases of DHCP clients",
        severity=Severity.ERROR,
        applies=conditions.linux,
        plan=rules(
            PathRule(
                globs=("/var/lib/{dhclient,dhcp}/*",),
                action=Action.REMOVE_TREE,
                reason="lease or DHCP identity of the old machine",
            )
        ),
        parity=True,
        source="virt-sysprep(1), dhcp-client-state",
    ),
    Operation(
        name="dhcp-identity",
        summary="Remove the identity by which other DHCP clients are known",
        severity=Severity.ERROR,
        applies=conditions.unix,
        plan=rules(
            PathRule(
                globs=(
                    "/var/{lib,db}/dhcp6c_duid",
                    "/var/lib/dhcpv6/dhcp6c_duid",
                    "/var/{lib,db}/dhcpcd/{duid,secret,*.lease,*.lease6,*.lease-*,rdm_monotonic}",
                    "/etc/dhcpcd.{duid,secret}",
                    "/var/lib/wicked/{duid.xml,iaid.xml,lease-*.xml}",
                    "/var/lib/systemd/network/{*,*/*}",
                    "/var/db/dhclient.leases.*",
                ),
                secret=True,
                reason="DHCP identity (DUID) or lease; clones that share it are given one address",
            ),
            PathRule(
                globs=("/var/lib/connman/{ethernet,wifi}_*",),
                action=Action.REMOVE_TREE,
                secret=True,
                reason="ConnMan's state for one hardware address of the old machine",
            ),
        ),
        source="dhcp6c(8), dhcpcd(8), openSUSE/wicked#929, lavabit/robox#81, systemd.network(5)",
    ),
    Operation(
        name="dhcp-server-state",
        summary="Remove leases that a DHCP server gave out",
        severity=Severity.WARNING,
        applies=conditions.always,
        plan=rules(
            PathRule(
                globs=("/var/lib/dhcpd/*",),
                action=Action.REMOVE_TREE,
                reason="leases that the old machine gave to others",
            )
        ),
        parity=True,
        source="virt-sysprep(1), dhcp-server-state",
    ),
    Operation(
        name="net-nmconn",
        summary="Remove NetworkManager's connection profiles",
        severity=Severity.WARNING,
        applies=conditions.family("rhel"),
        plan=rules(
            PathRule(
                globs=("/etc/NetworkManager/system-connections/*.nmconnection",),
                secret=True,
                reason="profile of the old machine's network cards",
            )
        ),
        parity=True,
        source="virt-sysprep(1), net-nmconn; RHBZ#1980922; Rocky Linux and AlmaLinux included by ID_LIKE",
    ),
    Operation(
        name="networkmanager-state",
        summary="Remove NetworkManager's secret key, leases and stamps",
        severity=Severity.ERROR,
        applies=conditions.linux,
        plan=rules(
            PathRule(
                globs=(
                    "/var/lib/NetworkManager/{secret_key,NetworkManager.state,timestamps,seen-bssids}",
                    "/var/lib/NetworkManager/{*.lease,*.lease6,dhclient*.conf}",
                ),
                secret=True,
                reason="key for stable IPv6 addresses and DHCP identities, or a lease; shared by all clones",
            )
        ),
        source="nm-settings(5), connection.stable-id; AlmaLinux/cloud-images PR 364",
    ),
    Operation(
        name="resolv-conf",
        summary="Empty a resolv.conf that is a file of its own",
        severity=Severity.INFO,
        default=False,
        applies=conditions.unix,
        plan=rules(
            PathRule(
                globs=("/etc/resolv.conf",),
                action=Action.TRUNCATE,
                regular=True,
                reason="name servers of the old machine's network",
            )
        ),
        source="resolv.conf(5); AlmaLinux's cleanup_vm role",
    ),
    Operation(
        name="udev-persistent-net",
        summary="Remove names that udev gave to network cards",
        severity=Severity.WARNING,
        applies=conditions.linux,
        plan=rules(
            PathRule(
                globs=("/etc/udev/rules.d/70-persistent-net.rules",),
                regular=True,
                reason="names of the old machine's network cards; a clone's would be eth1 and up",
            )
        ),
        parity=True,
        source="virt-sysprep(1), udev-persistent-net; a symlink (to /dev/null: switched off) stays",
    ),
    Operation(
        name="udev-persistent-other",
        summary="Remove names that udev gave to optical drives, and network names of other releases",
        severity=Severity.WARNING,
        applies=conditions.linux,
        plan=rules(
            PathRule(
                globs=(
                    "/etc/udev/rules.d/{70-persistent-cd,75-persistent-cd,30-net_persistent_names}.rules",
                    "/etc/udev/rules.d/z25_persistent-{net,cd}.rules",
                ),
                regular=True,
                reason="generated names of the old machine's devices",
            )
        ),
        source="udev's rule generators up to release 174; AlmaLinux's cleanup_vm role",
    ),
    Operation(
        name="firewall-rules",
        summary="Remove firewall rules",
        severity=Severity.INFO,
        default=False,
        applies=conditions.unix,
        plan=rules(
            PathRule(
                globs=("/etc/sysconfig/iptables", "/etc/firewalld/{services,zones}/*"),
                reason="firewall rule of the old machine",
            )
        ),
        parity=True,
        source="virt-sysprep(1), firewall-rules",
    ),
)
