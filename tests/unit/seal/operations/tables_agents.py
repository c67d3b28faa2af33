"""Rows for registrations, agents and clusters."""

from __future__ import annotations

from tests.support.sealing import Case

CASES = (
    Case(
        operation="rhsm-state",
        system="rhel",
        files={"/var/lib/rhsm/facts/f.json": "x", "/var/lib/rhsm/productid.js": "keep"},
        wants=("remove /var/lib/rhsm/facts/f.json",),
    ),
    Case(
        operation="insights-client",
        system="rhel",
        files={
            "/etc/insights-client/machine-id": "x",
            "/etc/insights-client/.registered": "x",
            "/etc/insights-client/insights-client.conf": "keep",
        },
        wants=("remove! /etc/insights-client/.registered", "remove! /etc/insights-client/machine-id"),
    ),
    Case(
        operation="suse-registration",
        system="suse",
        files={"/etc/zypp/credentials.d/SCCcredentials": "x", "/etc/zypp/credentials.d/mine": "keep"},
        wants=("remove! /etc/zypp/credentials.d/SCCcredentials",),
    ),
    Case(
        operation="ubuntu-pro",
        files={
            "/var/lib/ubuntu-advantage/private/machine-token.json": "x",
            "/var/lib/ubuntu-advantage/status.json": "keep",
        },
        wants=("remove! /var/lib/ubuntu-advantage/private/machine-token.json",),
    ),
    Case(
        operation="landscape-client",
        files={"/var/lib/landscape/client/broker.bpickle": "x"},
        wants=("remove! /var/lib/landscape/client/broker.bpickle",),
    ),
    Case(
        operation="whoopsie-id",
        files={"/var/lib/whoopsie/whoopsie-id": "x"},
        wants=("remove! /var/lib/whoopsie/whoopsie-id",),
    ),
    Case(
        operation="salt-minion",
        files={
            "/etc/salt/minion_id": "x",
            "/etc/salt/pki/minion/minion.pem": "x",
            "/etc/salt/minion": "keep",
            "/etc/venv-salt-minion/minion_id": "x",
        },
        wants=(
            "remove! /etc/salt/minion_id",
            "remove! /etc/salt/pki/minion/minion.pem",
            "remove! /etc/venv-salt-minion/minion_id",
        ),
    ),
    Case(
        operation="puppet-agent",
        files={
            "/etc/puppetlabs/puppet/ssl/private_keys/h.pem": "x",
            "/etc/puppetlabs/puppet/ssl/ca/ca_key.pem": "keep",
            "/opt/puppetlabs/puppet/cache/state/s": "x",
        },
        wants=("tree! /etc/puppetlabs/puppet/ssl/private_keys", "tree! /opt/puppetlabs/puppet/cache/state"),
    ),
    Case(
        operation="chef-client",
        files={"/etc/chef/client.pem": "x", "/etc/chef/validation.pem": "keep"},
        wants=("remove! /etc/chef/client.pem",),
    ),
    Case(operation="chef-client", note="no validator key", files={"/etc/chef/client.pem": "x"}),
    Case(
        operation="waagent",
        files={"/var/lib/waagent/ovf-env.xml": "x", "/var/lib/waagent/WALinuxAgent-2/x": "x"},
        wants=("tree! /var/lib/waagent/WALinuxAgent-2", "remove! /var/lib/waagent/ovf-env.xml"),
    ),
    Case(
        operation="tailscale",
        files={"/var/lib/tailscale/tailscaled.state": "x"},
        wants=("remove! /var/lib/tailscale/tailscaled.state",),
    ),
    Case(
        operation="zerotier",
        files={
            "/var/lib/zerotier-one/identity.secret": "x",
            "/var/lib/zerotier-one/networks.d/n.conf": "keep",
        },
        wants=("remove! /var/lib/zerotier-one/identity.secret",),
    ),
    Case(
        operation="teleport",
        files={"/var/lib/teleport/host_uuid": "x", "/var/lib/teleport/proc/s": "x"},
        wants=("remove! /var/lib/teleport/host_uuid", "tree! /var/lib/teleport/proc"),
    ),
    Case(
        operation="teleport",
        note="auth server",
        files={"/var/lib/teleport/host_uuid": "x", "/var/lib/teleport/backend/db": "x"},
    ),
    Case(
        operation="netbird",
        files={"/etc/netbird/config.json": "x"},
        wants=("remove! /etc/netbird/config.json",),
    ),
    Case(
        operation="docker-engine-id",
        files={
            "/var/lib/docker/engine-id": "x",
            "/etc/docker/key.json": "x",
            "/etc/docker/daemon.json": "keep",
        },
        wants=("remove! /etc/docker/key.json", "remove! /var/lib/docker/engine-id"),
    ),
    Case(
        operation="docker-swarm",
        files={"/var/lib/docker/swarm/certificates/k": "x"},
        wants=("tree! /var/lib/docker/swarm/certificates",),
    ),
    Case(
        operation="containerd-uuid",
        files={"/var/lib/containerd/io.containerd.grpc.v1.introspection/uuid": "x"},
        wants=("remove /var/lib/containerd/io.containerd.grpc.v1.introspection/uuid",),
    ),
    Case(
        operation="kubernetes-node",
        files={
            "/etc/kubernetes/kubelet.conf": "x",
            "/var/lib/kubelet/pki/k.pem": "x",
            "/var/lib/etcd/member/x": "x",
            "/etc/cni/net.d/x": "keep",
        },
        wants=(
            "remove! /etc/kubernetes/kubelet.conf",
            "tree! /var/lib/etcd/member",
            "remove! /var/lib/kubelet/pki/k.pem",
        ),
    ),
    Case(
        operation="rancher-node",
        files={"/etc/rancher/node/password": "x", "/var/lib/rancher/k3s/agent/k": "x"},
        wants=("remove! /etc/rancher/node/password", "tree! /var/lib/rancher/k3s/agent"),
    ),
    Case(
        operation="glusterd",
        files={"/var/lib/glusterd/glusterd.info": "x"},
        wants=("remove /var/lib/glusterd/glusterd.info",),
    ),
    Case(
        operation="glusterd",
        note="in a cluster",
        files={"/var/lib/glusterd/glusterd.info": "x", "/var/lib/glusterd/peers/u": "x"},
    ),
    Case(
        operation="consul-node-id",
        files={"/opt/consul/node-id": "x", "/opt/consul/raft/x": "keep"},
        wants=("remove /opt/consul/node-id",),
    ),
    Case(
        operation="nomad-client-id",
        files={"/opt/nomad/data/client/client-id": "x", "/opt/nomad/data/client/secret-id": "x"},
        wants=("remove! /opt/nomad/data/client/client-id", "remove! /opt/nomad/data/client/secret-id"),
    ),
    Case(
        operation="mysql-server-uuid",
        files={"/var/lib/mysql/auto.cnf": "x", "/var/lib/mysql/ibdata1": "keep"},
        wants=("remove /var/lib/mysql/auto.cnf",),
    ),
    Case(
        operation="netdata",
        files={
            "/var/lib/netdata/registry/netdata.public.unique.id": "x",
            "/var/lib/netdata/cloud.d/private.pem": "x",
        },
        wants=(
            "remove! /var/lib/netdata/cloud.d/private.pem",
            "remove! /var/lib/netdata/registry/netdata.public.unique.id",
        ),
    ),
    Case(
        operation="osquery",
        files={"/var/osquery/osquery.db/CURRENT": "x", "/var/kolide-k2/k.db": "x"},
        wants=("remove! /var/kolide-k2/k.db", "tree! /var/osquery/osquery.db"),
    ),
    Case(
        operation="net-snmp",
        files={"/var/lib/snmp/snmpd.conf": "x", "/etc/snmp/snmpd.conf": "keep"},
        wants=("remove! /var/lib/snmp/snmpd.conf",),
    ),
    Case(operation="qualys-agent", files={"/etc/qualys/hostid": "x"}, wants=("remove! /etc/qualys/hostid",)),
    Case(
        operation="nessus-agent",
        files={"/etc/machine_id": "x", "/opt/nessus_agent/sbin/nessuscli": ""},
        wants=("remove! /etc/machine_id",),
    ),
    Case(operation="nessus-agent", note="not installed", files={"/etc/machine_id": "x"}),
    Case(
        operation="wazuh-agent",
        files={"/var/ossec/etc/client.keys": "x"},
        wants=("truncate! /var/ossec/etc/client.keys",),
    ),
    Case(
        operation="wazuh-agent",
        note="a manager",
        files={"/var/ossec/etc/client.keys": "x", "/var/ossec/bin/wazuh-remoted": ""},
    ),
    Case(
        operation="elastic-agent",
        files={"/opt/Elastic/Agent/fleet.enc": "x", "/opt/Elastic/Agent/elastic-agent.yml": "keep"},
        wants=("remove! /opt/Elastic/Agent/fleet.enc",),
    ),
    Case(
        operation="mdatp",
        files={"/etc/opt/microsoft/mdatp/mdatp_onboard.json": "x"},
        wants=("remove! /etc/opt/microsoft/mdatp/mdatp_onboard.json",),
    ),
    Case(
        operation="rabbitmq-cookie",
        files={"/var/lib/rabbitmq/.erlang.cookie": "x"},
        wants=("remove! /var/lib/rabbitmq/.erlang.cookie",),
    ),
    Case(
        operation="tor-keys",
        files={"/var/lib/tor/keys/secret_id_key": "x", "/var/lib/tor/lock": "keep"},
        wants=("remove! /var/lib/tor/keys/secret_id_key",),
    ),
)
