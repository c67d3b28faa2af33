r"""NoCloud: what cloud-init reads from a medium labelled `cidata`.

Source: cloud-init documentation, "NoCloud": the files user-data and meta-data are mandatory, vendor-data and
network-config are not.

Example::

    build(user_data=Input(name="ud", data=b"#cloud-config\nhostname: web1\n"), instance_id="i-1")

The scrubbed twin has the same label and meta-data's instance-id: cloud-init takes the machine for the same
instance and does nothing again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from guestwright.base.record import replace
from guestwright.media.sources.errors import Finding
from guestwright.media.sources.findings import Findings
from guestwright.media.sources.model import Form, Input, Payload, contents, tree_of
from guestwright.media.sources.network_config import check_network_config, scrubbed_network_config
from guestwright.media.sources.nodes import Node, plain
from guestwright.media.sources.rules import anything, either, integer, list_of, mapping, text
from guestwright.media.sources.text import within
from guestwright.media.sources.user_data import check_user_data, scrubbed_user_data
from guestwright.media.sources.yaml_nodes import parse_yaml

LABEL: Final = "cidata"
MAX_META: Final = 64 * 1024
_ID: Final = text(pattern=r"[^\s/]{1,255}", what="an instance-id without blanks and '/'")
_HOST: Final = text(pattern=r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,252}", what="a host name")
_META: Final = mapping(
    {
        "instance-id": either(_ID, integer(), what="an instance-id: text without blanks and '/'"),
        "local-hostname": _HOST,
        "hostname": _HOST,
        "dsmode": text(pattern="local|net|pass|disabled", what="local, net, pass or disabled"),
        "public-keys": either(
            text(), list_of(text()), mapping(others=anything), what="a list of public keys"
        ),
    },
    required=("instance-id",),
    others=anything,
)
_KEPT: Final = ("instance-id", "local-hostname", "hostname", "dsmode")


def build(
    *,
    user_data: Input,
    meta_data: Input | None = None,
    network_config: Input | None = None,
    vendor_data: Input | None = None,
    instance_id: str = "",
    hostname: str = "",
) -> Payload:
    """Check the files of a NoCloud medium.

    Args:
        user_data: of any form that cloud-init reads; may be empty.
        meta_data: YAML or JSON with `instance-id`; None makes it of the next two.
        network_config: version 1 or 2.
        vendor_data: as user_data.
        instance_id: cloud-init does its work once for each; used without `meta_data` only.
        hostname: likewise; may be empty.

    Raises:
        BadPayload: something in them that cloud-init would refuse or ignore.
    """
    made = {"/meta-data": meta_data or _meta(instance_id, hostname), "/user-data": user_data}
    if vendor_data is not None:
        made["/vendor-data"] = vendor_data
    if network_config is not None:
        made["/network-config"] = network_config
    warnings: list[Finding] = []
    for path, one in made.items():
        findings = Findings(one.name)
        _check(path, one, findings)
        warnings.extend(findings.finish())
    tree = tree_of([(path, one.data) for path, one in made.items()])
    return Payload(form=Form.NOCLOUD, label=LABEL, tree=tree, warnings=tuple(warnings))


def scrub(payload: Payload) -> Payload:
    """The same label, instance-id, names and network; no keys, passwords, files or commands."""
    files = []
    for path, data in contents(payload.tree).items():
        findings = Findings(path)
        if path == "/meta-data":
            kept = {key: value for key, value in meta_of(path, data, findings).items() if key in _KEPT}
            files.append((path, _json(kept)))
        elif path in {"/user-data", "/vendor-data"}:
            files.append((path, scrubbed_user_data(check_user_data(path, data, findings))))
        elif path == "/network-config":
            files.append((path, scrubbed_network_config(check_network_config(path, data, findings))))
    return replace(payload, tree=tree_of(files), warnings=())


def meta_of(file: str, data: bytes, findings: Findings) -> dict[str, Any]:
    """Check meta-data; returns it, empty if it is no mapping."""
    node: Node = parse_yaml(file, within(file, data, MAX_META))
    _META(node, "", findings)
    return plain(node) if isinstance(node.value, Mapping) else {}


def _check(path: str, one: Input, findings: Findings) -> None:
    if path == "/meta-data":
        meta_of(one.name, one.data, findings)
    elif path == "/network-config":
        check_network_config(one.name, one.data, findings)
    else:
        check_user_data(one.name, one.data, findings)


def _meta(instance_id: str, hostname: str) -> Input:
    values = {"instance-id": instance_id, **({"local-hostname": hostname} if hostname else {})}
    return Input(name="(meta-data)", data=_json(values))


def _json(values: Any) -> bytes:
    return (json.dumps(values, indent=1, sort_keys=True) + "\n").encode()
