"""OpenStack's config drive, version 2: a medium labelled `config-2` with a folder `openstack`.

Source: OpenStack Nova documentation, "Metadata service and config drive" and the JSON schema of
network_data.json; cloud-init documentation, "Config drive". cloud-init and cloudbase-init read
`openstack/latest/` when they know no newer version.

Example: `build([("openstack/latest/meta_data.json", Input(name="m", data=b'{"uuid": "…"}'))])`

The scrubbed twin has the same label, uuid and names; no passwords, keys, files, user metadata or commands.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from guestwright.base.record import replace
from guestwright.media.sources.errors import Finding
from guestwright.media.sources.files import LIMITS, Limits
from guestwright.media.sources.files import build as build_files
from guestwright.media.sources.findings import Findings, refuse
from guestwright.media.sources.ignition import check_ignition, is_ignition, scrubbed_ignition
from guestwright.media.sources.json_nodes import parse_json
from guestwright.media.sources.model import MIB, Form, Input, Payload, contents, tree_of
from guestwright.media.sources.network_config import without_secrets
from guestwright.media.sources.nodes import Node, plain
from guestwright.media.sources.rules import (
    anything,
    choice,
    integer,
    list_of,
    mapping,
    optional,
    text,
)
from guestwright.media.sources.text import within
from guestwright.media.sources.user_data import check_user_data, scrubbed_user_data

LABEL: Final = "config-2"
LATEST: Final = "openstack/latest"
_PATH: Final = re.compile(r"/openstack/(latest|[0-9]{4}-[0-9]{2}-[0-9]{2})/([^/]+)")
_CONTENT: Final = re.compile(r"/openstack/content/([0-9]{4}|[A-Za-z0-9_.-]+)")
_MAX_JSON: Final = 4 * MIB
_TEXT: Final = optional(text())
_META: Final = mapping(
    {
        "uuid": text(pattern=r"[^\s/]{1,255}", what="an id without blanks and '/'"),
        "hostname": _TEXT,
        "name": _TEXT,
        "availability_zone": _TEXT,
        "launch_index": integer(0),
        "project_id": _TEXT,
        "admin_pass": _TEXT,
        "random_seed": _TEXT,
        "public_keys": optional(mapping(others=text())),
        "keys": list_of(mapping({"name": text(), "type": text(), "data": text()})),
        "meta": optional(mapping(others=text())),
        "files": list_of(
            mapping({"path": text(), "content_path": text()}, required=("path", "content_path"))
        ),
        "devices": list_of(anything),
        "dedicated_cpus": list_of(anything),
    },
    required=("uuid",),
    others=anything,
)
_MAC: Final = text(pattern=r"(?i)[0-9a-f]{2}(:[0-9a-f]{2}){5}", what="a MAC address")
_LINK: Final = mapping(
    {
        "id": text(empty=False),
        "type": text(empty=False),
        "ethernet_mac_address": _MAC,
        "mtu": optional(integer(68, 65535)),
    },
    required=("id", "type"),
    others=anything,
)
_NETWORK: Final = mapping(
    {
        "id": text(empty=False),
        "link": text(empty=False),
        "type": choice(
            *("ipv4", "ipv4_dhcp", "ipv6", "ipv6_dhcp", "ipv6_slaac"),
            *("ipv6_dhcpv6-stateful", "ipv6_dhcpv6-stateless"),
        ),
        "ip_address": text(),
        "netmask": text(),
        "gateway": text(),
        "routes": list_of(mapping(others=anything)),
    },
    required=("link", "type"),
    others=anything,
)
_SERVICE: Final = mapping(
    {"type": choice("dns"), "address": text()}, required=("type", "address"), others=anything
)
_NETWORK_DATA: Final = mapping(
    {"links": list_of(_LINK), "networks": list_of(_NETWORK), "services": list_of(_SERVICE)},
    required=("links",),
)
_VENDOR: Final = mapping(others=anything)
_DOCUMENTS: Final[Mapping[str, Callable[[Node, str, Findings], None]]] = {
    "meta_data.json": _META,
    "network_data.json": _NETWORK_DATA,
    "vendor_data.json": _VENDOR,
    "vendor_data2.json": _VENDOR,
}
_KEPT_META: Final = ("uuid", "hostname", "name", "availability_zone", "launch_index", "project_id")


def build(files: Sequence[tuple[str, Input]], *, limits: Limits = LIMITS) -> Payload:
    """Check the files of a config drive.

    Args:
        files: names from the root of the medium, with contents; one is `openstack/latest/meta_data.json`.
        limits: sizes and number.

    Raises:
        BadPayload: a file is missing, not what it should be, or not known at its place.
    """
    payload = build_files(files, label=LABEL, limits=limits)
    names = dict(zip((one.path for one in payload.tree.files), (one.name for _, one in files), strict=True))
    if f"/{LATEST}/meta_data.json" not in names:
        raise refuse("(config drive)", f"there is no {LATEST}/meta_data.json")
    warnings: list[Finding] = []
    for path, data in contents(payload.tree).items():
        findings = Findings(names[path])
        _check(path, data, findings)
        warnings.extend(findings.finish())
    _check_contents(payload, names)
    return replace(payload, form=Form.CONFIGDRIVE, warnings=tuple(warnings))


def meta_data(instance_id: str, hostname: str) -> bytes:
    """A minimal meta_data.json."""
    return _json({"uuid": instance_id, **({"hostname": hostname, "name": hostname} if hostname else {})})


def scrub(payload: Payload) -> Payload:
    """The same label, uuid, names and network; no secrets."""
    files = []
    for path, data in contents(payload.tree).items():
        known = _PATH.fullmatch(path)
        if known is None:
            continue
        findings = Findings(path)
        if known[2] == "user_data":
            ours = is_ignition(data)
            twin = scrubbed_ignition(path, data) if ours else _user_data(path, data, findings)
            files.append((path, twin))
        elif known[2] in _DOCUMENTS:
            files.append((path, _scrubbed_document(known[2], plain(parse_json(path, data)))))
    return replace(payload, tree=tree_of(files), warnings=())


def _scrubbed_document(name: str, document: Any) -> bytes:
    if name == "meta_data.json":
        return _json({key: document[key] for key in _KEPT_META if key in document})
    if name == "network_data.json":
        return _json(without_secrets(document))
    return _json({})


def _user_data(path: str, data: bytes, findings: Findings) -> bytes:
    return scrubbed_user_data(check_user_data(path, data, findings))


def _check(path: str, data: bytes, findings: Findings) -> None:
    known = _PATH.fullmatch(path)
    if known is None:
        if _CONTENT.fullmatch(path) is None and not path.startswith("/ec2/"):
            findings.warn((1, 1), "nothing reads a file at this place of a config drive")
        return
    rule = _DOCUMENTS.get(known[2])
    if rule is not None:
        rule(parse_json(findings.file, within(findings.file, data, _MAX_JSON)), "", findings)
    elif known[2] == "user_data" and is_ignition(data):
        check_ignition(findings.file, data, findings)
    elif known[2] == "user_data":
        check_user_data(findings.file, data, findings)
    elif known[2] != "password":
        findings.warn((1, 1), "nothing reads a file at this place of a config drive")


def _check_contents(payload: Payload, names: Mapping[str, str]) -> None:
    """Every file that meta_data.json speaks of must be on the drive."""
    for path, data in contents(payload.tree).items():
        if not path.endswith("/meta_data.json") or _PATH.fullmatch(path) is None:
            continue
        document = plain(parse_json(names[path], data))
        for one in document.get("files", []):
            if "/openstack" + one["content_path"] not in names:
                raise refuse(names[path], "files: a content_path that is not on the drive")


def _json(values: Any) -> bytes:
    return (json.dumps(values, indent=1, sort_keys=True) + "\n").encode()
