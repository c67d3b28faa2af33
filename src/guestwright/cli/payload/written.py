"""Writes a checked payload to a file or to standard output."""

from __future__ import annotations

import os
from typing import Any, Final

from guestwright.base.errors import UsageError
from guestwright.cli.output import print_json, say, warn
from guestwright.media.output import create
from guestwright.media.sink import DescriptorSink, Sink
from guestwright.media.sources.errors import Finding
from guestwright.media.sources.model import Payload
from guestwright.media.write import MediaKind, write_medium

_EPOCH: Final = 315_532_800  # 1980-01-01 UTC, the first moment that FAT knows
_KEPT: Final = -1  # of fchown: the group stays
_MAX_ID: Final = (1 << 32) - 2
_SERIAL: Final = 0x4757_0001


def write_payload(payload: Payload, kind: MediaKind | None, params: dict[str, Any]) -> None:
    """Write a medium and say so.

    Args:
        payload: what goes on it.
        kind: of medium; None for the bare file that QEMU's fw_cfg hands to Ignition.
        params: the options `output`, `replace`, `owner` and `as_json`.

    Raises:
        UsageError: document and medium would both go to standard output; the owner is unknown.
    """
    output = params["output"]
    if output == "-" and params["as_json"]:
        raise UsageError(problem="--json and --output - both want standard output")
    if output == "-" and params["owner"]:
        raise UsageError(problem="--owner is for a file, not for standard output")
    owner = _owner(params["owner"]) if params["owner"] else None
    if output == "-":
        size = _write(payload, kind, DescriptorSink(1))
    else:
        with create(output, owner=owner, replace=params["replace"]) as descriptor:
            size = _write(payload, kind, DescriptorSink(descriptor))
    if params["as_json"]:
        print_json(
            {
                "kind": "guestwright.payload.written",
                "schema": 1,
                "output": output,
                "size": size,
                **told(payload),
            }
        )
        return
    tell_warnings(payload.warnings)
    if output != "-":
        where = f"{kind}, {size} bytes, label '{payload.label}'" if kind else f"fw_cfg, {size} bytes"
        say(f"{output}: {payload.form} on {where}")


def told(payload: Payload) -> dict[str, Any]:
    """A payload for JSON; without contents."""
    return {
        "form": str(payload.form),
        "label": payload.label,
        "files": [{"path": one.path, "size": one.size} for one in payload.tree.files],
        "warnings": [finding_json(one) for one in payload.warnings],
    }


def finding_json(one: Finding) -> dict[str, Any]:
    """A finding for JSON."""
    return {"file": one.file, "line": one.line, "column": one.column, "problem": one.problem}


def tell_warnings(warnings: tuple[Finding, ...]) -> None:
    """Warnings for people, on standard error."""
    from guestwright.base.printable import printable

    for one in warnings:
        warn(f"warning: {printable(one.file)}:{one.line}:{one.column}: {printable(one.problem)}")


def _write(payload: Payload, kind: MediaKind | None, sink: Sink) -> int:
    if kind is None:
        from guestwright.media.sources.ignition import fw_cfg_file

        _, data = fw_cfg_file(payload)
        sink.write(data)
        sink.finish()
        return len(data)
    return write_medium(kind, payload.tree, sink, label=payload.label, time=_time(), serial=_SERIAL)


def _owner(text: str) -> tuple[int, int]:
    """User and group id of USER[:GROUP], names or numbers; without a group, a named user's own."""
    import grp
    import pwd

    user, colon, group = text.partition(":")
    try:
        known = None if user.isdecimal() else pwd.getpwnam(user)
        uid = int(user) if known is None else known.pw_uid
        if not colon:
            return uid, _KEPT if known is None else known.pw_gid
        gid = int(group) if group.isdecimal() else grp.getgrnam(group).gr_gid
    except (KeyError, ValueError) as error:
        raise UsageError(problem=f"--owner {text}: no such user or group on this host") from error
    if max(uid, gid) > _MAX_ID:
        raise UsageError(problem=f"--owner {text}: an id has at most 32 bits")
    return uid, gid


def _time() -> int:
    """The time of all files: SOURCE_DATE_EPOCH, or always the same one, so that media are reproducible."""
    given = os.environ.get("SOURCE_DATE_EPOCH", "")
    if not given:
        return _EPOCH
    if not given.isascii() or not given.isdigit() or len(given) > 10:
        raise UsageError(problem="SOURCE_DATE_EPOCH: expected seconds since 1970")
    return max(int(given), _EPOCH)
