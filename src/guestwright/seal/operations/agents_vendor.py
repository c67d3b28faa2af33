"""Registration with a distribution's vendor or a management server: ids, certificates, credentials."""

from __future__ import annotations

from typing import Final

from guestwright.seal import conditions
from guestwright.seal.changes import Severity
from guestwright.seal.operation import Operation
from guestwright.seal.paths import Action, PathRule, rules
from guestwright.seal.tables import single

OPERATIONS: Final = (
    Operation(
        name="rh-subscription-manager",
        summary="Remove the Red Hat subscription",
        severity=Severity.ERROR,
        applies=conditions.family("rhel"),
        plan=rules(
            PathRule(
                globs=("/etc/pki/{consumer,entitlement}/*",),
                action=Action.REMOVE_TREE,
                secret=True,
                reason="certificate or key under which the old machine is registered",
            )
        ),
        parity=True,
        source="virt-sysprep(1), rh-subscription-manager; also on rebuilds, which Satellite registers alike",
    ),
    Operation(
        name="rhn-systemid",
        summary="Remove the registration with RHN or Spacewalk",
        severity=Severity.ERROR,
        applies=conditions.family("rhel"),
        plan=rules(
            PathRule(
                globs=("/etc/sysconfig/rhn/{systemid,osad-auth.conf}",),
                secret=True,
                reason="system id under which the old machine is registered",
            )
        ),
        parity=True,
        source="virt-sysprep(1), rhn-systemid",
    ),
    Operation(
        name="smolt-uuid",
        summary="Remove the hardware profiler's id",
        severity=Severity.ERROR,
        applies=conditions.linux,
        plan=rules(
            PathRule(
                globs=("/etc/sysconfig/hw-uuid", "/etc/smolt/{uuid,hw-uuid}"),
                reason="id under which the old machine reported its hardware",
            )
        ),
        parity=True,
        source="virt-sysprep(1), smolt-uuid",
    ),
    Operation(
        name="yum-uuid",
        summary="Remove the id by which yum's mirrors count machines",
        severity=Severity.ERROR,
        applies=conditions.package_manager("yum"),
        plan=rules(PathRule(globs=("/var/lib/yum/uuid",), reason="id by which mirrors count machines")),
        parity=True,
        source="virt-sysprep(1), yum-uuid",
    ),
    single(
        "rhsm-state",
        "Remove the subscription manager's cache of facts",
        "/var/lib/rhsm/{facts,cache,repo_server_val}/*",
        reason="facts about the old machine, sent under its registration",
        source="subscription-manager(8)",
        severity=Severity.WARNING,
        action=Action.REMOVE_TREE,
        secret=False,
    ),
    single(
        "insights-client",
        "Remove the Red Hat Insights id",
        "/etc/insights-client/{machine-id,.registered,.unregistered,.lastupload}",
        reason="id under which the old machine reports to Insights",
        source="insights-client(8)",
    ),
    single(
        "suse-registration",
        "Remove the registration with the SUSE Customer Center",
        "/etc/zypp/credentials.d/{SCC,NCC}credentials",
        "/var/lib/zypp/AnonymousUniqueId",
        reason="credentials under which the old machine is registered",
        source="SUSE Manager client guide, register cloned systems",
        applies=conditions.family("suse"),
    ),
    single(
        "ubuntu-pro",
        "Remove the attachment to Ubuntu Pro",
        "/var/lib/ubuntu-advantage/private/*",
        reason="token under which the old machine is attached",
        source="Ubuntu Pro client documentation, customised cloud images",
        action=Action.REMOVE_TREE,
        applies=conditions.family("debian"),
    ),
    single(
        "landscape-client",
        "Remove the registration with Landscape",
        "/var/lib/landscape/client/*.bpickle*",
        "/var/lib/landscape/client/{sysinfo.log,annotations.d/*}",
        reason="secure id under which the old machine is registered",
        source="Landscape documentation, cloned clients",
        applies=conditions.family("debian"),
    ),
    single(
        "whoopsie-id",
        "Remove the id of Ubuntu's error reporter",
        "/var/lib/whoopsie/whoopsie-id",
        reason="id under which the old machine reports crashes; made again",
        source="whoopsie(8)",
        applies=conditions.family("debian"),
    ),
    single(
        "salt-minion",
        "Remove a Salt minion's id and keys",
        "/etc/{salt,venv-salt-minion}/minion_id",
        "/etc/{salt,venv-salt-minion}/pki/minion/{minion.pem,minion.pub,minion_master.pub}",
        reason="id or key under which the master knows the old machine; made again at the next start",
        source="Salt documentation, minion keys; uyuni#3478; SUSE/doc-susemanager PR 823",
    ),
    single(
        "puppet-agent",
        "Remove a Puppet agent's certificate and caches",
        "/etc/puppetlabs/puppet/ssl/*",
        "/etc/puppet/ssl/*",
        "/opt/puppetlabs/{puppet,facter}/cache/*",
        unless=("/etc/{puppetlabs/puppet,puppet}/ssl/ca",),
        reason="certificate and facts of the old machine; made again at the next run",
        source="Puppet documentation, ssldir, vardir",
        action=Action.REMOVE_TREE,
    ),
    single(
        "chef-client",
        "Remove a Chef client's key",
        "/etc/{chef,cinc}/client.pem",
        only_if=("/etc/{chef,cinc}/{validation,*-validator}.pem",),
        reason="key under which the server knows the old machine; made again with the validator key",
        source="Chef documentation, chef-client authentication",
    ),
    single(
        "waagent",
        "Remove the state of the Azure agent",
        "/var/lib/waagent/*",
        reason="certificates, keys and provisioning marks of the old machine",
        source="waagent -deprovision; Azure/aks-engine#1720",
        action=Action.REMOVE_TREE,
    ),
)
