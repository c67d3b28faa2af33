"""Monitoring and security agents: the ids and keys by which their servers tell hosts apart.

On by default is what the product makes again by itself; off is what leaves it disconnected until somebody
enrols it, and that is reported instead (see `leftovers.py`).
"""

from __future__ import annotations

from typing import Final

from guestwright.seal.operation import Operation
from guestwright.seal.paths import Action
from guestwright.seal.tables import single

OPERATIONS: Final[tuple[Operation, ...]] = (
    single(
        "netdata",
        "Remove the Netdata agent's id and claim",
        "/var/lib/netdata/registry/netdata.public.unique.id",
        "/var/lib/netdata/cloud.d/*",
        "/opt/netdata/var/lib/netdata/registry/netdata.public.unique.id",
        "/opt/netdata/var/lib/netdata/cloud.d/*",
        reason="agent id or claim; made again at the next start",
        source="Netdata documentation, claiming; netdata PR 21527",
    ),
    single(
        "osquery",
        "Remove osquery's database and Kolide's state",
        "/var/osquery/osquery.db",
        "/var/kolide-k2/*",
        reason="host identifier and node key; made again at the next start",
        source="osquery documentation, host identifier; Kolide help 5194824",
        action=Action.REMOVE_TREE,
    ),
    single(
        "net-snmp",
        "Remove Net-SNMP's engine id",
        "/var/lib/{net-snmp,snmp}/snmpd.conf",
        reason="engine id, with the keys of SNMPv3 users, who must be created again",
        source="snmpd.conf(5), oldEngineID",
        default=False,
    ),
    single(
        "qualys-agent",
        "Remove the Qualys agent's host id",
        "/etc/qualys/hostid",
        reason="host id; made again at the next start",
        source="Qualys Cloud Agent documentation, gold images",
    ),
    single(
        "nessus-agent",
        "Remove the Nessus agent's ids",
        "/etc/{machine_id,tenable_tag}",
        only_if=("/opt/nessus{_agent,}/sbin", "/etc/tenable_tag"),
        reason="host id; made again at the next start",
        source="Tenable documentation, cloned agents",
    ),
    single(
        "wazuh-agent",
        "Empty the Wazuh or OSSEC agent's key",
        "/var/ossec/etc/client.keys",
        not_if=("/var/ossec/bin/{wazuh,ossec}-remoted",),
        reason="agent key; the agent enrols again (a manager's list of agents is left alone)",
        source="Wazuh documentation, enrolment",
        action=Action.TRUNCATE,
    ),
    single(
        "elastic-agent",
        "Remove the Elastic agent's enrolment",
        "/opt/Elastic/Agent/{fleet.enc,state.enc,.secret}",
        "/var/lib/elastic-agent/{fleet.enc,state.enc}",
        reason="enrolment; the agent must be enrolled again in each clone",
        source="Elastic documentation, fleet enrolment",
        default=False,
    ),
    single(
        "mdatp",
        "Remove the onboarding of Microsoft Defender",
        "/etc/opt/microsoft/mdatp/mdatp_onboard.json",
        "/var/opt/microsoft/mdatp/{machine_id,device_id}",
        reason="onboarding; Defender must be onboarded again in each clone",
        source="Defender for Endpoint on Linux documentation",
        default=False,
    ),
    single(
        "rabbitmq-cookie",
        "Remove RabbitMQ's Erlang cookie",
        "/var/lib/rabbitmq/.erlang.cookie",
        reason="shared secret of a cluster; clones could control each other",
        source="RabbitMQ documentation, clustering: the nodes of one cluster must share it, so off",
        default=False,
    ),
    single(
        "tor-keys",
        "Remove the keys of a Tor relay",
        "/var/lib/tor/{keys/*,fingerprint,hashed-fingerprint}",
        reason="identity of a relay",
        source="tor(1), FILES",
        default=False,
        action=Action.REMOVE,
    ),
)
