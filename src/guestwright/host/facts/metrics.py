"""The guest metrics of XenAPI: XAPI's `VM_guest_metrics`, field by field, from the same keys.

Source: xen-api, ocaml/xapi/xapi_guest_agent.ml (2026-08), with its layouts of addresses: a domain that has
any child of `attr/vif` uses the present one, others the one of agents of before 2017 (`attr/eth0/ip`).

Different on purpose: addresses that are none are left out; `memory` is filled (XAPI leaves it empty);
`live` is told from the agent's state; `PV_drivers_up_to_date` is what the catalogue says instead of an alias
of `PV_drivers_detected`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from guestwright.base.record import record
from guestwright.host.facts.intake import Keys
from guestwright.host.facts.tools import drivers
from guestwright.host.facts.values import address, integer

_ROOTS: Final = (("attr", "vif"), ("xenserver/attr", "net-sriov-vf"))
_OLD_NAMES: Final = ("eth", "xenbr", "eno", "ens", "emp", "enx")
_OS: Final = {
    "data/os_name": "name",
    "data/os_uname": "uname",
    "data/os_distro": "distro",
    "data/os_majorver": "major",
    "data/os_minorver": "minor",
    "attr/os/spmajor": "spmajor",
    "attr/os/spminor": "spminor",
}
_VERSION: Final = {
    "attr/PVAddons/MajorVersion": "major",
    "attr/PVAddons/MinorVersion": "minor",
    "attr/PVAddons/MicroVersion": "micro",
    "attr/PVAddons/BuildVersion": "build",
    "attr/PVAddons/Application": "application",
}
_SERVICES: Final = ("pvs_target/target_software_version",)
_HOTPLUG: Final = {"1": "yes", "0": "no"}


@record
class Metrics:
    """One `VM_guest_metrics`, without what the host adds (uuid, times, state of the drivers).

    Attributes:
        os_version: see XenAPI, as all of them.
        pv_drivers_version: `PV_drivers_version`.
        netbios_name: `host_name`, with the domain.
        networks: `0/ip`, `0/ipv4/0`, `0/ipv6/0`.
        other: all of `control/`, `data-ts`, `data-cant-suspend-reason`.
        services: `name/key`.
        memory: `free` and `total`, kB.
        can_use_hotplug_vbd: "yes", "no" or "unspecified".
        can_use_hotplug_vif: likewise.
    """

    os_version: Mapping[str, str]
    pv_drivers_version: Mapping[str, str]
    netbios_name: Mapping[str, str]
    networks: Mapping[str, str]
    other: Mapping[str, str]
    services: Mapping[str, str]
    memory: Mapping[str, str]
    can_use_hotplug_vbd: str
    can_use_hotplug_vif: str

    @property
    def drivers_known(self) -> bool:
        """Whether XAPI takes the drivers for known, and operations for possible without `feature-*`."""
        version = self.pv_drivers_version
        given = [version[name] for name in ("major", "minor", "micro", "build") if name in version]
        return {"major", "minor"} <= set(version) and all(integer(one, least=-1) is not None for one in given)

    def feature(self, name: str) -> bool:
        """Whether the guest offers a feature ("feature-sysprep")."""
        return self.other.get(name) == "1"


def metrics(keys: Keys) -> Metrics:
    """The metrics of one guest."""
    memory = {
        name: keys.values[f"data/meminfo_{name}"]
        for name in ("free", "total")
        if integer(keys.get(f"data/meminfo_{name}")) is not None
    }
    return Metrics(
        os_version=_mapped(keys, _OS),
        pv_drivers_version=_drivers(keys),
        netbios_name=_netbios(keys),
        networks=dict(networks(keys)),
        other=_other(keys),
        services=_services(keys),
        memory=memory,
        can_use_hotplug_vbd=_HOTPLUG.get(keys.get("feature/hotplug/vbd") or "", "unspecified"),
        can_use_hotplug_vif=_HOTPLUG.get(keys.get("feature/hotplug/vif") or "", "unspecified"),
    )


def networks(keys: Keys) -> Iterator[tuple[str, str]]:
    """Key and value of the map `networks`."""
    for root, below in _ROOTS:
        if keys.children(f"{root}/{below}"):
            yield from _present_layout(keys, f"{root}/{below}")
        else:
            yield from _old_layout(keys, root)


def _present_layout(keys: Keys, root: str) -> Iterator[tuple[str, str]]:
    for name in keys.children(root):
        # Any index that is no integer makes XAPI drop all addresses of the interface.
        families = [(family, keys.children(f"{root}/{name}/ipv{family}")) for family in (4, 6)]
        if any(integer(one) is None for _, indices in families for one in indices):
            continue
        for family, indices in families:
            found = []
            for index in sorted(indices, key=int):
                text = address(keys.get(f"{root}/{name}/ipv{family}/{index}"), family)
                if text:
                    found.append((f"{name}/ipv{family}/{index}", text))
            if family == 4 and found:
                yield f"{name}/ip", found[0][1]
            yield from found


def _old_layout(keys: Keys, root: str) -> Iterator[tuple[str, str]]:
    for name in keys.children(root):
        prefix = next((one for one in _OLD_NAMES if name.startswith(one)), None)
        if prefix is None:
            continue
        number = name[len(prefix) :]
        text = address(keys.get(f"{root}/{name}/ip"), 4)
        if text:
            yield f"{number}/ip", text
            yield f"{number}/ipv4/0", text
        for index in keys.children(f"{root}/{name}/ipv6"):
            text = address(keys.get(f"{root}/{name}/ipv6/{index}/addr"), 6)
            if text:
                yield f"{number}/ipv6/{index}", text


def _mapped(keys: Keys, table: Mapping[str, str]) -> dict[str, str]:
    return {name: keys.values[path] for path, name in table.items() if path in keys.values}


def _drivers(keys: Keys) -> dict[str, str]:
    found = {**_mapped(keys, _VERSION), **drivers(keys)}
    if found and "micro" not in found:
        found["micro"] = "-1"
    return found


def _netbios(keys: Keys) -> dict[str, str]:
    name = keys.get("data/host_name_dns")
    if name is None:
        return {}
    domain = keys.get("data/domain")
    return {"host_name": name if domain is None else f"{name}.{domain}"}


def _other(keys: Keys) -> dict[str, str]:
    found = {name: keys.values[f"control/{name}"] for name in keys.children("control")}
    if "data/ts" in keys.values:
        found["data-ts"] = keys.values["data/ts"]
    reason = keys.get("data/cant_suspend_reason")
    if reason is not None and "feature-suspend" in found:
        del found["feature-suspend"]
        found["data-cant-suspend-reason"] = reason
    return found


def _services(keys: Keys) -> dict[str, str]:
    found = {}
    for service in keys.children("data/service"):
        for key in keys.children(f"data/service/{service}"):
            found[f"{service}/{key}"] = keys.values[f"data/service/{service}/{key}"]
    for path in _SERVICES:
        if f"data/{path}" in keys.values:
            found[path] = keys.values[f"data/{path}"]
    return found
