"""Directives as JSON, for plans that are saved.

`{"kind": "write-file", "path": "/etc/motd", "data": "aGVsbG8K", …}`: bytes are base64, everything else is as
it is. Reading checks everything again, for a plan may have been edited.
"""

from __future__ import annotations

import binascii
from collections.abc import Mapping
from typing import Any, Final

from guestwright.base.record import fields
from guestwright.seal.customise import directives as d
from guestwright.seal.customise.errors import BadValue

KINDS: Final[dict[str, type[d.Directive]]] = {
    "hostname": d.SetHostname,
    "timezone": d.SetTimezone,
    "password": d.SetPassword,
    "lock": d.LockAccount,
    "ssh-key": d.InjectSshKey,
    "firstboot": d.FirstBoot,
    "firstboot-command": d.FirstBootCommand,
    "agent": d.InstallAgent,
    "write": d.WriteFile,
    "upload": d.UploadFile,
    "append-line": d.AppendLine,
    "edit": d.EditFile,
    "copy": d.CopyInside,
    "move": d.MoveInside,
    "mkdir": d.MakeDirectories,
    "delete": d.Delete,
    "truncate": d.TruncateFile,
    "truncate-recursive": d.TruncateRecursive,
    "touch": d.Touch,
    "chmod": d.Chmod,
    "chown": d.Chown,
    "link": d.LinkTo,
}
_NAMES: Final = {cls: name for name, cls in KINDS.items()}


def to_json(directive: d.Directive) -> dict[str, Any]:
    """Plain JSON values. Holds file contents and password hashes: store it for its owner's eyes only."""
    body: dict[str, Any] = {"kind": _NAMES[type(directive)]}
    for one in fields(directive):
        value = getattr(directive, one.name)
        if isinstance(value, bytes):
            value = binascii.b2a_base64(value, newline=False).decode("ascii")
        elif isinstance(value, tuple):
            value = list(value)
        body[one.name] = value
    return body


def from_json(body: Mapping[str, Any]) -> d.Directive:
    """Read what `to_json` made.

    Raises:
        BadValue: an unknown kind or field, a missing field, a wrong type, or a value no directive may have.
    """
    kind = body.get("kind")
    cls = KINDS.get(kind) if isinstance(kind, str) else None
    if cls is None:
        raise BadValue(what="directive", problem=f"unknown kind {kind!r}", expected="expected a saved plan")
    known = {one.name: one for one in fields(cls)}
    for name in body:
        if name != "kind" and name not in known:
            raise BadValue(what=f"directive {kind}", problem=f"unknown field {name!r}", expected="")
    values: dict[str, Any] = {}
    for name, one in known.items():
        if name in body:
            values[name] = _value(f"directive {kind}, field {name}", one.type, body[name])
        elif one.required:
            raise BadValue(what=f"directive {kind}", problem=f"no field {name!r}", expected="")
    return cls(**values)


def _value(what: str, wanted: str, value: object) -> object:
    """One field, by the type that its class names."""
    match wanted:
        case "str":
            good = isinstance(value, str)
        case "bool":
            good = isinstance(value, bool)
        case "int":
            good = isinstance(value, int) and not isinstance(value, bool)
        case "bytes":
            if isinstance(value, str):
                try:
                    return binascii.a2b_base64(value.encode("ascii"), strict_mode=True)
                except (binascii.Error, UnicodeEncodeError):
                    raise BadValue(what=what, problem="not base64", expected="") from None
            good = False
        case _:
            if isinstance(value, list) and all(isinstance(item, str) for item in value):
                return tuple(value)
            good = False
    if not good:
        raise BadValue(what=what, problem="wrong type", expected=f"expected {wanted}")
    return value
