"""Rows as the first schema has them: at least one of each table, with references between them."""

from __future__ import annotations

from typing import Any

_THING = {"version": 3, "created": 1.5, "changed": 2.5}

ROWS: dict[str, list[dict[str, Any]]] = {
    "hosts": [
        {**_THING, "id": "h1", "name": "one", "address": "one:8443", "state": "up", "reason": "", "cpus": 8}
        | {"hypervisor": "qemu", "software": "0.1.0", "memory": 1 << 40}
    ],
    "storage_domains": [
        {**_THING, "id": "s1", "host_id": "h1", "name": "fast", "state": "up", "reason": "", "free": 1}
        | {"capacity": 1 << 45}
    ],
    "volumes": [
        {**_THING, "id": "v1", "domain_id": "s1", "state": "legal", "kind": "shared", "sealing": "done"}
        | {"reason": "", "format": "qcow2", "size": 1 << 33, "generation": 7, "parent_id": None, "job": ""}
        | {"description": "root"},
        {**_THING, "id": "v2", "domain_id": "s1", "state": "illegal", "kind": "leaf", "sealing": "wanted"}
        | {"reason": "declared", "format": "raw", "size": 512, "generation": 1, "parent_id": "v1", "job": "j"}
        | {"description": ""},
    ],
    "disks": [
        {**_THING, "id": "d1", "name": "root", "description": "", "volume_id": "v1", "shareable": True},
        {**_THING, "id": "d2", "name": "none", "description": "", "volume_id": None, "shareable": False},
    ],
    "templates": [{**_THING, "id": "t1", "name": "debian", "description": "twelve"}],
    "template_versions": [
        {**_THING, "id": "tv1", "template_id": "t1", "number": 1, "label": "", "state": "ready"}
        | {"sealed": True, "source": "vm0", "os_family": "linux", "firmware": "bios", "machine": "q35"}
        | {"vcpus": 2, "memory": 1 << 31, "job": ""}
    ],
    "vms": [
        {**_THING, "id": f"vm{number}", "name": f"web{number}", "description": "", "state": "ready"}
        | {"power": "off", "reason": "", "host_id": "h1", "template_version_id": "tv1", "os_family": "linux"}
        | {"firmware": "uefi", "machine": "", "vcpus": 4, "memory": 1 << 32, "initialised": True, "job": ""}
        for number in (1, 2)
    ],
    "drives": [
        {
            **_THING,
            "id": "dr1",
            "vm_id": "vm1",
            "template_version_id": None,
            "disk_id": "d2",
            "device": "disk",
        }
        | {"bus": "virtio", "target": "vda", "position": 0, "read_only": False},
        {
            **_THING,
            "id": "dr2",
            "vm_id": None,
            "template_version_id": "tv1",
            "disk_id": "d1",
            "device": "disk",
        }
        | {"bus": "virtio", "target": "vda", "position": 0, "read_only": True},
    ],
    "nics": [
        {**_THING, "id": "n1", "vm_id": "vm1", "template_version_id": None, "position": 0}
        | {"mac": "52:54:00:00:00:01", "network": "default", "bridge": "", "model": "virtio"}
    ],
    "syspreps": [{**_THING, "id": "sy1", "vm_id": "vm2", "state": "running", "reason": "", "job": "j1"}],
    "guests": [
        {"vm_id": "vm1", "agent": "live", "agent_reason": "heard", "agent_since": 1.0, "hostname": "web"}
        | {"os": "Debian 12", "addresses": " 192.0.2.1 ", "seen": 2.0}
    ],
    "facts": [
        {"vm_id": "vm1", "name": "boot", "value": '"up"', "source": "agent", "since": 1.0, "seen": 2.0},
        {"vm_id": "vm1", "name": "identity", "value": '{"machine_id":"ab","ssh":["RSA SHA256:x"]}'}
        | {"source": "agent", "since": 1.0, "seen": 2.0},
    ],
    "fact_history": [
        {"number": 1, "vm_id": "vm1", "name": "boot", "value": '"up"', "source": "agent", "at": 1.0}
    ],
    "events": [{"sequence": 1, "at": 1.0, "kind": "vm-added", "subject": "vm1", "body": '{"version":1}'}],
}
