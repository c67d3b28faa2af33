"""Membership in overlay networks and clusters, and ids of container and cluster software."""

from __future__ import annotations

from typing import Final

from guestwright.seal.operation import Operation
from guestwright.seal.paths import Action
from guestwright.seal.tables import single

OPERATIONS: Final[tuple[Operation, ...]] = (
    single(
        "tailscale",
        "Remove the Tailscale node key",
        "/var/lib/tailscale/*",
        reason="node key; clones would fight over one address of the tailnet",
        source="tailscale#506, #14389",
        action=Action.REMOVE_TREE,
    ),
    single(
        "zerotier",
        "Remove the ZeroTier identity",
        "/var/lib/zerotier-one/{identity.public,identity.secret,authtoken.secret}",
        "/var/lib/zerotier-one/{peers.d/*,planet.cache}",
        reason="node identity; made again at the next start",
        source="ZeroTier documentation, cloned virtual machines",
    ),
    single(
        "teleport",
        "Remove the Teleport node identity",
        "/var/lib/teleport/{host_uuid,proc,storage}",
        not_if=("/var/lib/teleport/backend",),
        reason="node identity; a Teleport auth server is left alone",
        source="Teleport documentation, data directory",
        action=Action.REMOVE_TREE,
    ),
    single(
        "netbird",
        "Remove the NetBird peer key",
        "/etc/netbird/config.json",
        "/var/lib/netbird/*.json",
        reason="peer key; made again at the next login",
        source="NetBird documentation, client configuration",
    ),
    single(
        "docker-engine-id",
        "Remove the Docker engine's id and key",
        "/var/lib/docker/engine-id",
        "/etc/docker/key.json",
        reason="engine id; made again at the next start",
        source="docker-archive/classicswarm PR 1472",
    ),
    single(
        "docker-swarm",
        "Remove the membership in a Docker swarm",
        "/var/lib/docker/swarm/*",
        "/var/lib/docker/network/files/local-kv.db",
        reason="node certificate and cluster state",
        source="docker swarm leave; removes the networks and services that the node kept, so off",
        default=False,
        action=Action.REMOVE_TREE,
    ),
    single(
        "containerd-uuid",
        "Remove containerd's id",
        "/var/lib/containerd/io.containerd.grpc.v1.introspection/uuid",
        reason="id of the containerd instance; made again",
        source="containerd services/introspection",
        secret=False,
    ),
    single(
        "kubernetes-node",
        "Remove the membership in a Kubernetes cluster",
        "/etc/kubernetes/{*.conf,manifests/*,pki/*}",
        "/var/lib/kubelet/{pki/*,config.yaml,kubeadm-flags.env,instance-config.yaml,cpu_manager_state}",
        "/var/lib/{etcd,cni}/*",
        reason="node certificate, key or cluster state",
        source="kubeadm reset; Kubernetes documentation: hostname, MAC and product_uuid unique per node",
        default=False,
        action=Action.REMOVE_TREE,
    ),
    single(
        "rancher-node",
        "Remove the membership in a k3s or RKE2 cluster",
        "/etc/rancher/node/password",
        "/var/lib/rancher/{k3s,rke2}/{agent,server}",
        reason="node password, certificate, key or cluster state",
        source="k3s documentation, node password",
        default=False,
        action=Action.REMOVE_TREE,
    ),
    single(
        "glusterd",
        "Remove the GlusterFS peer id",
        "/var/lib/glusterd/glusterd.info",
        "/var/lib/glusterd2/uuid.toml",
        not_if=("/var/lib/glusterd/{peers,vols}/*",),
        reason="peer id; made again at the next start (kept where volumes or peers use it)",
        source="gluster/glusterd2#1158",
        secret=False,
    ),
    single(
        "consul-node-id",
        "Remove the Consul node id",
        "/{opt,var/lib,var}/consul/node-id",
        reason="node id; made again at the next start",
        source="Consul documentation, -node-id",
        secret=False,
    ),
    single(
        "nomad-client-id",
        "Remove the Nomad client id",
        "/opt/nomad/{data/,}client/{client-id,secret-id}",
        "/var/lib/nomad/client/{client-id,secret-id}",
        reason="client id and secret; made again at the next start",
        source="Nomad documentation, data_dir",
    ),
    single(
        "mysql-server-uuid",
        "Remove the MySQL server's UUID",
        "/var/lib/mysql/{,data/}auto.cnf",
        reason="server UUID; replication refuses two servers that share it; made again at the next start",
        source="MySQL reference manual, server_uuid",
        secret=False,
    ),
)
