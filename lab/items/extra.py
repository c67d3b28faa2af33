"""What virt-sysprep leaves behind and Guestwright takes: cloud-init, agents, network, storage, keys, caches.

The bracketed names group the items by subject. They are not promised to be names of operations; each file has
a canary, so that a test can ask which of them a sealed image still contains.
"""

from __future__ import annotations

from lab.items.item import Item, parse

_EXTRA = r"""
[cloud-init]
/var/lib/cloud/instance -> /var/lib/cloud/instances/i-0123456789abcdef0
/var/lib/cloud/instances/i-0123456789abcdef0/user-data.txt
/var/lib/cloud/instances/i-0123456789abcdef0/sem/config_ssh
/var/lib/cloud/instances/i-0123456789abcdef0/boot-finished
/var/lib/cloud/data/instance-id
/var/lib/cloud/data/previous-instance-id
/var/lib/cloud/data/result.json
/var/lib/cloud/handlers/part-handler-001
/var/lib/cloud/scripts/per-instance/ran
/var/lib/cloud/sem/config_scripts_per_once.once
/var/log/cloud-init.log
/var/log/cloud-init-output.log
/var/lib/waagent/ovf-env.xml
[systemd-state]
/var/lib/systemd/credential.secret
/var/lib/systemd/timers/stamp-apt-daily.timer
/var/lib/systemd/timesync/clock
/var/lib/systemd/coredump/core.thing.0.0123.zst
/var/lib/systemd/pstore/0123/dmesg.txt
/var/lib/systemd/journal-upload/state
/var/lib/systemd/network/lease
[network-state]
/var/lib/NetworkManager/secret_key
/var/lib/NetworkManager/NetworkManager.state
/var/lib/NetworkManager/timestamps
/var/lib/NetworkManager/seen-bssids
/var/lib/NetworkManager/internal-0123-eth0.lease
/var/lib/NetworkManager/dhclient-0123-eth0.lease
/var/lib/dhcp6c_duid
/var/lib/dhcpcd/duid
/var/lib/dhcpcd/secret
/var/lib/dhcpcd/eth0.lease
/etc/dhcpcd.duid
/var/lib/wicked/duid.xml
/var/lib/wicked/iaid.xml
/var/lib/wicked/lease-eth0-dhcp-ipv4.xml
/var/lib/connman/settings
/etc/udev/rules.d/75-persistent-cd.rules
[storage-identity]
/etc/nvme/hostnqn
/etc/nvme/hostid
/etc/lvm/backup/vg0
/etc/lvm/archive/vg0_00000-1234.vg
/etc/lvm/cache/.cache
/etc/multipath/wwids
/etc/multipath/bindings
/etc/zfs/zpool.cache
[machine-keys]
/etc/ssl/private/ssl-cert-snakeoil.key
/etc/ssl/certs/ssl-cert-snakeoil.pem
/etc/cockpit/ws-certs.d/0-self-signed.key
/etc/cockpit/ws-certs.d/0-self-signed.cert
/var/lib/sss/mc/passwd
/var/lib/sss/secrets/secrets.ldb
/var/lib/tor/keys/ed25519_master_id_secret_key
/etc/bind/rndc.key
[agents]
/etc/salt/minion_id
/etc/salt/pki/minion/minion.pem
/etc/salt/pki/minion/minion.pub
/etc/salt/pki/minion/minion_master.pub
/etc/venv-salt-minion/minion_id
/etc/venv-salt-minion/pki/minion/minion.pem
/etc/zypp/credentials.d/SCCcredentials
/var/lib/zypp/AnonymousUniqueId
/var/lib/rhsm/facts/facts.json
/var/lib/rhsm/cache/product_status.json
/etc/insights-client/machine-id
/etc/insights-client/.registered
/var/lib/ubuntu-advantage/private/machine-token.json
/var/lib/landscape/client/broker.bpickle
/etc/puppetlabs/puppet/ssl/private_keys/host.pem
/etc/puppetlabs/puppet/ssl/certs/host.pem
/opt/puppetlabs/puppet/cache/state/state.yaml
/etc/chef/client.pem
/var/lib/tailscale/tailscaled.state
/var/lib/zerotier-one/identity.secret
/var/lib/zerotier-one/identity.public
/var/lib/teleport/host_uuid
/etc/netbird/config.json
/var/lib/docker/engine-id
/etc/docker/key.json
/var/lib/docker/swarm/docker-state.json
/var/lib/docker/network/files/local-kv.db
/var/lib/containerd/io.containerd.grpc.v1.introspection/uuid
/etc/kubernetes/kubelet.conf
/var/lib/kubelet/pki/kubelet-client-current.pem
/etc/rancher/node/password
/var/lib/rancher/k3s/agent/client-kubelet.key
/var/lib/glusterd/glusterd.info
/var/lib/netdata/registry/netdata.public.unique.id
/var/lib/netdata/cloud.d/private.pem
/var/osquery/osquery.db/CURRENT
/opt/CrowdStrike/falconstore
/etc/qualys/hostid
/etc/tenable_tag
/var/ossec/etc/client.keys
/opt/Elastic/Agent/fleet.enc
/var/lib/mysql/auto.cnf
/var/lib/rabbitmq/.erlang.cookie
/opt/consul/node-id
[histories]
/root/.python_history
/root/.mysql_history
/root/.psql_history
/root/.sqlite_history
/root/.lesshst
/root/.viminfo
/root/.wget-hsts
/home/alice/.python_history
/home/alice/.viminfo
[more-logs]
/var/log/nginx/access.log
/var/log/nginx/error.log
/var/log/mysql/error.log
/var/log/postgresql/postgresql-15-main.log
/var/log/unattended-upgrades/unattended-upgrades.log
/var/lib/docker/containers/0123/0123-json.log
/var/lib/logrotate/logrotate.status
/var/lib/logrotate/status
[package-caches]
/var/cache/apt/pkgcache.bin
/var/cache/apt/srcpkgcache.bin
/var/cache/libdnf5/fedora-0123/repodata/repomd.xml
/var/lib/dnf/history.sqlite
"""


def extra() -> list[Item]:
    """Items beyond virt-sysprep's operations."""
    return [
        *parse(_EXTRA),
        Item(path="/etc/hostname", op="hostname", content=b"clone-me\n"),
        Item(
            path="/etc/iscsi/initiatorname.iscsi",
            op="storage-identity",
            mode=0o600,
            content=b"InitiatorName=iqn.1993-08.org.debian:01:0123456789ab\n",
        ),
        Item(path="/etc/machine-info", op="hostname", content=b"PRETTY_HOSTNAME=clone-me\nDEPLOYMENT=lab\n"),
    ]
