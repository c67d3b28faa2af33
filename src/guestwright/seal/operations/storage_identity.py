"""What names disks and storage hosts: device lists, initiator names, caches of volumes."""

from __future__ import annotations

from typing import Final

from guestwright.seal import conditions
from guestwright.seal.changes import Severity
from guestwright.seal.operation import Operation
from guestwright.seal.paths import Action, PathRule, rules

OPERATIONS: Final = (
    Operation(
        name="blkid-tab",
        summary="Remove blkid's cache of filesystems",
        severity=Severity.INFO,
        applies=conditions.unix,
        plan=rules(
            PathRule(
                globs=("/{var/run/,etc/blkid/,etc/,dev/.}blkid.tab{,.old}",),
                regular=True,
                reason="cache that names the old machine's disks",
            )
        ),
        parity=True,
        source="virt-sysprep(1), blkid-tab",
    ),
    Operation(
        name="lvm-metadata-backups",
        summary="Remove LVM's backups of its metadata, and its device cache",
        severity=Severity.INFO,
        default=False,
        applies=conditions.linux,
        plan=rules(
            PathRule(
                globs=("/etc/lvm/{backup,archive}/*", "/etc/lvm/cache/.cache"),
                reason="describes the old machine's volumes",
            )
        ),
        source="vgcfgbackup(8), lvm.conf(5)",
    ),
    Operation(
        name="multipath",
        summary="Remove the names that multipath gave to disks",
        severity=Severity.WARNING,
        default=False,
        applies=conditions.linux,
        plan=rules(
            PathRule(
                globs=("/etc/multipath/{wwids,bindings,prkeys}",),
                reason="names the old machine's disks; written again when disks are found",
            )
        ),
        source="multipath.conf(5), bindings_file, wwids_file, prkeys_file",
    ),
    Operation(
        name="zfs-cache",
        summary="Remove the list of ZFS pools to import",
        severity=Severity.WARNING,
        default=False,
        applies=conditions.unix,
        plan=rules(
            PathRule(globs=("/etc/zfs/zpool.cache",), reason="names the old machine's pools and disks")
        ),
        source="zpool(8), cachefile",
    ),
    Operation(
        name="hostid",
        summary="Remove the host id file",
        severity=Severity.ERROR,
        default=False,
        applies=conditions.unix,
        plan=rules(PathRule(globs=("/etc/hostid",), reason="host id; ZFS tells owners of a pool by it")),
        source="gethostid(3), zgenhostid(8): a root pool may not import without it, so off",
    ),
    Operation(
        name="iscsi-sessions",
        summary="Remove the records of iSCSI targets",
        severity=Severity.WARNING,
        default=False,
        applies=conditions.linux,
        plan=rules(
            PathRule(
                globs=("/{var/lib,etc}/iscsi/{nodes,send_targets,isns,slp,static}/*",),
                action=Action.REMOVE_TREE,
                secret=True,
                reason="targets that the old machine used, with their passwords",
            )
        ),
        source="iscsiadm(8), FILES",
    ),
)
