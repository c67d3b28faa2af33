"""What an offline tool leaves in place, said aloud: one note for each such thing that is there.

These are identities that only the product itself can renew, secrets that the template's maker may have put
there on purpose, and what other operations remove when they are switched on.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from guestwright.guestfs.port import Entry, FileKind
from guestwright.seal import conditions
from guestwright.seal.changes import Change, Note, Options, Severity
from guestwright.seal.guest import Guest
from guestwright.seal.operation import Operation
from guestwright.seal.paths import Action, PathRule, rules

MAX_ENTRIES: Final = 32
_COMMAND_LINES: Final = (
    "/etc/kernel/cmdline",
    "/etc/default/grub",
    "/boot/{,efi/}loader/entries/*.conf",
    "/boot/{grub,grub2}/grub.cfg",
)
_ID_ARGUMENT: Final = r"(?<!\S)(?:[\w.-]*=[\"'])?systemd\.machine_id=[0-9a-fA-F-]{32,36}"
_ENTRY: Final = r"/[0-9a-f]{32}-[^/]*\.conf$"
GRUB_LIMIT: Final = 4 << 20


def _report(
    *globs: str, why: str, severity: Severity = Severity.WARNING, not_if: tuple[str, ...] = ()
) -> PathRule:
    return PathRule(globs=globs, action=Action.REPORT, reason=why, severity=severity, not_if=not_if)


RULES: Final = (
    _report(
        "/etc/{chef,cinc}/client.pem",
        why="Chef's client key, and no validator key to make another with: bootstrap each clone",
    ),
    _report(
        "/opt/CrowdStrike/falconstore",
        why="CrowdStrike's agent id: run falconctl -d -f --aid in the guest first",
    ),
    _report(
        "/var/lib/snapd/device/private-keys-v1", why="snapd's device key and serial are for snapd to renew"
    ),
    _report(
        "/etc/kubernetes/*.conf", "/var/lib/kubelet/pki", why="Kubernetes node: see operation kubernetes-node"
    ),
    _report("/var/lib/rancher/{k3s,rke2}/{agent,server}", why="k3s or RKE2 node: see operation rancher-node"),
    _report("/var/lib/docker/swarm/docker-state.json", why="Docker swarm node: see operation docker-swarm"),
    _report("/opt/Elastic/Agent/fleet.enc", why="Elastic agent's enrolment: see operation elastic-agent"),
    _report("/etc/opt/microsoft/mdatp/mdatp_onboard.json", why="Defender's onboarding: see operation mdatp"),
    _report("/var/lib/rabbitmq/.erlang.cookie", why="RabbitMQ's cookie: see operation rabbitmq-cookie"),
    _report("/etc/wireguard/*.conf", why="WireGuard key, shared by all clones if it stays"),
    _report(
        "/etc/openvpn/{,client/,server/}*.{key,ovpn}", why="OpenVPN key, shared by all clones if it stays"
    ),
    _report(
        "/etc/ipsec.secrets", "/etc/swanctl/private/*", why="IPsec secret, shared by all clones if it stays"
    ),
    _report("/etc/nebula/host.key", why="Nebula host key, shared by all clones if it stays"),
    _report(
        "/var/lib/postgresql/*/main/PG_VERSION",
        "/var/lib/pgsql/{,*/}data/PG_VERSION",
        why="a PostgreSQL cluster keeps its system identifier in all clones",
        severity=Severity.INFO,
    ),
    _report(
        "/var/lib/systemd/{tpm2-srk-public-key.*,tpm2-pcr-signature.json}",
        why="bound to the old machine's TPM; no clone can use it",
    ),
    _report("/etc/dropbear/dropbear_*_host_key", why="Dropbear's host key: see operation dropbear-hostkeys"),
    _report(
        "/etc/ssl/private/ssl-cert-snakeoil.key",
        why="self-signed TLS key: see operation snakeoil-certificate",
    ),
    _report(
        "/etc/{rndc.key,bind/rndc.key}",
        why="BIND's control key: see operation rndc-key",
        severity=Severity.INFO,
    ),
    _report(
        "~/.{gnupg/private-keys-v1.d,aws/credentials,kube/config,netrc,git-credentials,docker/config.json}",
        "~/.{azure,config/gcloud,pgpass,vault-token,local/share/keyrings}",
        why="a user's credentials: see operation user-secrets",
    ),
    _report(
        "/etc/kernel/entry-token", why="names boot entries after the old machine", severity=Severity.INFO
    ),
)


def read_settings(guest: Guest, options: Options, gone: Sequence[Change]) -> Iterator[Change]:
    """Notes on identities inside files: machine ids for the kernel and boot entries, libvirt's."""
    del options, gone
    found = guest.fs.glob([*_COMMAND_LINES, "/etc/libvirt/libvirtd.conf"])
    for entry in found[:MAX_ENTRIES]:
        if entry.stat.kind is FileKind.FILE and entry.stat.size <= GRUB_LIMIT:
            yield from _settings(guest, entry)


def _settings(guest: Guest, entry: Entry) -> Iterator[Change]:
    text = guest.fs.read(entry.path, limit=GRUB_LIMIT).decode("utf-8", "surrogateescape")
    if entry.path.endswith("libvirtd.conf"):
        if re.search(r"^[ \t]*host_uuid[ \t]*=", text, re.MULTILINE):
            yield Note(
                path=entry.path, text="host_uuid names this host to libvirt's clients; remove the line"
            )
    elif re.search(_ID_ARGUMENT, text):
        what = "systemd.machine_id= on the kernel command line overrides /etc/machine-id in all clones"
        yield Note(path=entry.path, text=what, severity=Severity.ERROR)
    elif re.search(_ENTRY, entry.path):
        what = "boot entry named after the old machine id; it works, but new kernels get entries beside it"
        yield Note(path=entry.path, text=what, severity=Severity.INFO)


OPERATION: Final = Operation(
    name="leftovers",
    summary="Report identities and secrets that stay in the template",
    severity=Severity.INFO,
    order=95,
    applies=conditions.linux,
    plan=rules(*RULES, then=read_settings),
    source="systemd docs/BUILDING_IMAGES.md; systemd PR 43526; the products' documentation",
)
