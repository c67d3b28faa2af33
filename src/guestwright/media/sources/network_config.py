"""network-config of cloud-init, versions 1 and 2, and its twin without secrets.

Source: cloud-init documentation, "Networking config version 1" and "version 2" (netplan's form).
"""

from __future__ import annotations

import ipaddress
import json
from typing import Any, Final

from guestwright.media.sources.findings import Findings
from guestwright.media.sources.nodes import Node, plain
from guestwright.media.sources.rules import (
    Rule,
    anything,
    boolean,
    choice,
    either,
    entry_of,
    integer,
    list_of,
    mapping,
    text,
)
from guestwright.media.sources.text import within
from guestwright.media.sources.yaml_nodes import parse_yaml

MAX_BYTES: Final = 256 * 1024
_TEXT: Final = text()
_MAC: Final = text(
    pattern=r"(?i)[0-9a-f]{2}(:[0-9a-f]{2}){5}", what="a MAC address in quotes, 52:54:00:12:34:56"
)
_MTU: Final = integer(68, 65535)
_NAME: Final = text(pattern=r"[^\s/]{1,15}", what="an interface name of at most 15 characters")
_SECRET_WORDS: Final = (
    "password",
    "passwd",
    "secret",
    "psk",
    "auth",
    "private",
    "key",
    "token",
    "access-points",
)


def _address(*, prefix: bool) -> Rule:
    what = "an IP address with prefix length" if prefix else "an IP address"

    def rule(node: Node, path: str, findings: Findings) -> None:
        try:
            if not isinstance(node.value, str) or (prefix and "/" not in node.value):
                raise ValueError  # noqa: TRY301 - the same problem as a wrong address
            if prefix:
                ipaddress.ip_interface(node.value)
            else:
                ipaddress.ip_address(node.value)
        except ValueError:
            findings.problem(node.at, f"{path}: expected {what}")

    return rule


_IP: Final = _address(prefix=False)
_IP_PREFIX: Final = _address(prefix=True)
_IP_EITHER: Final = either(_IP, _IP_PREFIX, what="an IP address")
_ROUTE_V1: Final = mapping(others=anything)
_SUBNET: Final = mapping(
    {
        "type": choice(
            *("dhcp", "dhcp4", "dhcp6", "static", "static6", "manual", "loopback"),
            *("ipv6_dhcpv6-stateful", "ipv6_dhcpv6-stateless", "ipv6_slaac"),
        ),
        "control": choice("auto", "manual"),
        "address": _IP_EITHER,
        "netmask": either(_IP, integer(0, 128), what="a netmask"),
        "gateway": _IP,
        "dns_nameservers": either(list_of(_IP), _TEXT, what="a list of IP addresses"),
        "dns_search": either(list_of(_TEXT), _TEXT, what="a list of domains"),
        "routes": list_of(_ROUTE_V1),
    },
    required=("type",),
    others=anything,
)
_V1_ITEM: Final = mapping(
    {
        "type": choice("physical", "bond", "bridge", "vlan", "infiniband", "loopback", "nameserver", "route"),
        "name": _NAME,
        "mac_address": _MAC,
        "mtu": _MTU,
        "accept-ra": boolean,
        "subnets": list_of(_SUBNET),
        "vlan_id": integer(0, 4094),
    },
    required=("type",),
    others=anything,
)
_NAMESERVERS: Final = mapping({"addresses": list_of(_IP), "search": list_of(_TEXT)})
_ROUTE_V2: Final = mapping({"to": _TEXT, "via": _IP, "metric": integer(0)}, others=anything)
_DEVICE: Final = mapping(
    {
        "match": mapping({"macaddress": _MAC, "name": _TEXT, "driver": anything}),
        "set-name": _NAME,
        "dhcp4": boolean,
        "dhcp6": boolean,
        "accept-ra": boolean,
        "addresses": list_of(
            either(_IP_PREFIX, mapping(others=anything), what="an IP address with prefix length")
        ),
        "gateway4": _IP,
        "gateway6": _IP,
        "nameservers": _NAMESERVERS,
        "mtu": _MTU,
        "macaddress": _MAC,
        "optional": boolean,
        "routes": list_of(_ROUTE_V2),
        "id": integer(0, 4094),
        "link": _TEXT,
        "interfaces": list_of(_TEXT),
    },
    others=anything,
)
_DEVICES: Final = mapping(others=_DEVICE)
_V1: Final = mapping({"version": choice(1), "config": list_of(_V1_ITEM)}, required=("version", "config"))
_V2: Final = mapping(
    {
        "version": choice(2),
        "renderer": choice("networkd", "NetworkManager", "sriov"),
        **dict.fromkeys(("ethernets", "bonds", "bridges", "vlans", "wifis"), _DEVICES),
        **dict.fromkeys(
            ("tunnels", "modems", "vrfs", "dummy-devices", "nm-devices", "openvswitch"), anything
        ),
    },
    required=("version",),
)


def check_network_config(file: str, data: bytes, findings: Findings) -> Node:
    """Check network-config; it may stand below a key `network`.

    Returns:
        The document.

    Raises:
        BadPayload: no YAML, or too large.
    """
    document = parse_yaml(file, within(file, data, MAX_BYTES))
    inner = entry_of(document, "network")
    node = inner.node if inner is not None and len(document.value) == 1 else document
    version = entry_of(node, "version")
    if entry_of(node, "config") is not None and version is None:
        mapping({"config": choice("disabled")})(node, "", findings)
    elif version is not None and version.node.value == 1 and not isinstance(version.node.value, bool):
        _V1(node, "", findings)
    else:
        _V2(node, "", findings)
    return document


def scrubbed_network_config(document: Node) -> bytes:
    """The same network without what sounds like a secret, such as the keys of wireless networks."""
    return (json.dumps(without_secrets(plain(document)), indent=1, sort_keys=True) + "\n").encode()


def without_secrets(value: Any) -> Any:
    """A document without the entries whose keys sound like secrets."""
    if isinstance(value, dict):
        return {
            key: without_secrets(one)
            for key, one in value.items()
            if not any(word in key.lower() for word in _SECRET_WORDS)
        }
    if isinstance(value, list):
        return [without_secrets(one) for one in value]
    return None if isinstance(value, bytes) else value
