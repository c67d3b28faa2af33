"""Ignition, the first-boot configuration of Fedora CoreOS and Flatcar.

Source: Ignition documentation, "Configuration specification v3.0" to "v3.5". On a medium labelled `config-2`
the file is `openstack/latest/user_data` (Ignition's OpenStack provider); the same bytes serve QEMU's fw_cfg
under the name `opt/com.coreos/config`: `fw_cfg_file` gives them.

The scrubbed twin has the same version and asks for nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Final

from guestwright.base.record import replace
from guestwright.media.sources.findings import Findings
from guestwright.media.sources.json_nodes import parse_json
from guestwright.media.sources.model import MIB, Form, Input, Payload, contents, tree_of
from guestwright.media.sources.nodes import Node, plain
from guestwright.media.sources.rules import (
    also,
    anything,
    boolean,
    entry_of,
    integer,
    list_of,
    mapping,
    optional,
    text,
)
from guestwright.media.sources.text import within

LABEL: Final = "config-2"
PATH: Final = "/openstack/latest/user_data"
FW_CFG_NAME: Final = "opt/com.coreos/config"
MAX_BYTES: Final = 3 * MIB
_VERSION: Final = text(pattern=r"3\.[0-9]\.0(-experimental)?", what="a version such as 3.4.0")
_TEXT: Final = optional(text())
_PATH: Final = text(pattern=r"/[^\0]*", what="an absolute path")
_HASH: Final = optional(text(pattern=r"sha(512-[0-9a-f]{128}|256-[0-9a-f]{64})", what="sha512-… or sha256-…"))
_URL: Final = optional(
    text(pattern=r"(data|https?|tftp|s3|gs|arn):\S*", what="a URL: data, http, https, tftp, s3, gs or arn")
)
_RESOURCE: Final = optional(
    mapping(
        {
            "source": _URL,
            "compression": optional(text(pattern="(gzip)?", what="gzip")),
            "httpHeaders": anything,
            "verification": optional(mapping({"hash": _HASH})),
        }
    )
)
_ID: Final = optional(mapping({"id": optional(integer(0)), "name": _TEXT}))
_NODE: Final = {"path": _PATH, "overwrite": optional(boolean), "user": _ID, "group": _ID}
_MODE: Final = optional(integer(0, 0o7777))
_FILE: Final = mapping(
    {**_NODE, "mode": _MODE, "contents": _RESOURCE, "append": list_of(_RESOURCE)}, required=("path",)
)
_DIRECTORY: Final = mapping({**_NODE, "mode": _MODE}, required=("path",))
_LINK: Final = mapping({**_NODE, "target": text(), "hard": optional(boolean)}, required=("path",))
_USER: Final = mapping(
    {
        "name": text(empty=False),
        "passwordHash": _TEXT,
        "sshAuthorizedKeys": list_of(text(empty=False)),
        "uid": optional(integer(0)),
        **dict.fromkeys(("gecos", "homeDir", "primaryGroup", "shell"), _TEXT),
        **dict.fromkeys(
            ("noCreateHome", "noUserGroup", "noLogInit", "shouldExist", "system"), optional(boolean)
        ),
        "groups": list_of(text()),
    },
    required=("name",),
)
_GROUP: Final = mapping(
    {
        "name": text(empty=False),
        "gid": optional(integer(0)),
        "passwordHash": _TEXT,
        **dict.fromkeys(("shouldExist", "system"), optional(boolean)),
    },
    required=("name",),
)
_DROPIN: Final = mapping(
    {"name": text(pattern=r"[^/]+\.conf", what="a name that ends in .conf"), "contents": _TEXT},
    required=("name",),
)
_UNIT: Final = mapping(
    {
        "name": text(
            pattern=r"[^/\s]+\.(service|socket|device|mount|automount|swap|target|path|timer|slice|scope)",
            what="a unit's name, such as x.service",
        ),
        "contents": _TEXT,
        "enabled": optional(boolean),
        "mask": optional(boolean),
        "dropins": list_of(_DROPIN),
    },
    required=("name",),
)
_RULE: Final = mapping(
    {
        "ignition": mapping(
            {
                "version": _VERSION,
                "config": mapping({"merge": list_of(_RESOURCE), "replace": _RESOURCE}),
                "timeouts": mapping(
                    {"httpResponseHeaders": optional(integer(0)), "httpTotal": optional(integer(0))}
                ),
                "security": anything,
                "proxy": mapping({"httpProxy": _TEXT, "httpsProxy": _TEXT, "noProxy": list_of(text())}),
            },
            required=("version",),
        ),
        "storage": mapping(
            {
                "files": list_of(_FILE),
                "directories": list_of(_DIRECTORY),
                "links": list_of(_LINK),
                **dict.fromkeys(("disks", "raid", "filesystems", "luks"), list_of(mapping(others=anything))),
            }
        ),
        "systemd": mapping({"units": list_of(_UNIT)}),
        "passwd": mapping({"users": list_of(_USER), "groups": list_of(_GROUP)}),
        "kernelArguments": mapping({"shouldExist": list_of(text()), "shouldNotExist": list_of(text())}),
    },
    required=("ignition",),
)


def _paths_once(node: Node, path: str, findings: Findings) -> None:
    """No path may stand in two of files, directories and links: Ignition refuses it."""
    del path
    storage = entry_of(node, "storage")
    seen: dict[str, int] = {}
    for kind in ("files", "directories", "links"):
        entry = entry_of(storage.node, kind) if storage is not None else None
        for one in entry.node.value if entry is not None else ():
            where = entry_of(one, "path")
            name = re.sub("/+", "/", where.node.value).rstrip("/") if where is not None else ""
            if name in seen:
                findings.problem(
                    one.at, f"storage.{kind}: a path that is there already, in line {seen[name]}"
                )
            seen[name] = one.at[0]


CONFIG: Final = also(_RULE, _paths_once)


def check_ignition(file: str, data: bytes, findings: Findings) -> Node:
    """Check a configuration.

    Returns:
        The document.

    Raises:
        BadPayload: no JSON, or too large.
    """
    node = parse_json(file, within(file, data, MAX_BYTES))
    CONFIG(node, "", findings)
    return node


def is_ignition(data: bytes) -> bool:
    """Whether user-data look like Ignition: a JSON text that speaks of it."""
    return data.lstrip()[:1] == b"{" and b'"ignition"' in data


def build(config: Input) -> Payload:
    """Check a configuration and put it where Ignition's OpenStack provider looks.

    Raises:
        BadPayload: Ignition would refuse it.
    """
    findings = Findings(config.name)
    check_ignition(config.name, config.data, findings)
    warnings = findings.finish()
    return Payload(form=Form.IGNITION, label=LABEL, tree=tree_of([(PATH, config.data)]), warnings=warnings)


def fw_cfg_file(payload: Payload) -> tuple[str, bytes]:
    """Name and content for QEMU's `-fw_cfg name=…,file=…`."""
    return FW_CFG_NAME, contents(payload.tree)[PATH]


def scrub(payload: Payload) -> Payload:
    """The same label and version; nothing to do."""
    data = contents(payload.tree).get(PATH, b"")
    return replace(payload, tree=tree_of([(PATH, scrubbed_ignition(PATH, data))]), warnings=())


def scrubbed_ignition(file: str, data: bytes) -> bytes:
    """A configuration of the same version that asks for nothing."""
    document = plain(parse_json(file, data))
    version = document["ignition"]["version"] if isinstance(document, Mapping) else ""
    return (json.dumps({"ignition": {"version": version}}) + "\n").encode()
