"""What sealing would do, or did: values, digest and JSON form (docs/manifest.md has the schema)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from guestwright.base.digest import sha256
from guestwright.base.record import asdict, record
from guestwright.guestfs.machine import FilesystemCheck, ImageFacts
from guestwright.seal.changes import Severity
from guestwright.seal.request import Request

SCHEMA_VERSION = 1


class Status(StrEnum):
    """What became of an operation."""

    CHANGED = "changed"  # it found something to do
    CLEAN = "clean"  # it applies and found nothing
    NOT_APPLICABLE = "not-applicable"  # not this kind of guest
    DISABLED = "disabled"  # not selected


class ActionKind(StrEnum):
    """What was done to one path."""

    REMOVE = "remove"
    TRUNCATE = "truncate"
    CREATE = "create"
    REWRITE = "rewrite"
    MKDIR = "mkdir"
    SYMLINK = "symlink"
    CHMOD = "chmod"
    CHOWN = "chown"
    SET_UUID = "set-uuid"
    RENEW_LVM_UUIDS = "renew-lvm-uuids"
    RUN_SCRIPT = "run-script"
    KEEP = "keep"
    NOTE = "note"


@record
class Action:
    """One change to one path, or one remark.

    Attributes:
        kind: see `ActionKind`.
        path: in the guest, as the operation named it.
        files, directories: inodes removed.
        size: bytes of file content removed (REMOVE, TRUNCATE) or written (CREATE, REWRITE).
        detail: what else there is to say ("mode 0600", "-> /run/utmp", the text of a note).
        reason: why the operation wants it.
        severity: for notes; how bad it is that this stays.
        sha256: of the content written; "" otherwise. Part of the digest, so that a plan pins what is written.
    """

    kind: ActionKind
    path: str = ""
    files: int = 0
    directories: int = 0
    size: int = 0
    detail: str = ""
    reason: str = ""
    severity: Severity = Severity.INFO
    sha256: str = ""

    @property
    def is_change(self) -> bool:
        """Whether something in the guest becomes different."""
        return self.kind not in {ActionKind.KEEP, ActionKind.NOTE}


@record
class OperationResult:
    """What one operation does to this guest."""

    name: str
    summary: str
    severity: Severity
    status: Status
    why: str = ""
    actions: tuple[Action, ...] = ()

    @property
    def changes(self) -> tuple[Action, ...]:
        """The actions that change something."""
        return tuple(one for one in self.actions if one.is_change)

    @property
    def size(self) -> int:
        """Bytes of content removed."""
        return sum(one.size for one in self.actions if one.kind in {ActionKind.REMOVE, ActionKind.TRUNCATE})


@record
class GuestFacts:
    """The guest as the report names it. All of it is the guest's own word."""

    os: str
    family: str
    version: str
    init: str
    hostname: str
    selinux: str
    root: str
    mounts: tuple[tuple[str, str], ...]
    driver: str


@record
class Plan:
    """A whole plan: for which images, what, and the digest that pins it."""

    request: Request
    images: tuple[ImageFacts, ...]
    guest: GuestFacts
    operations: tuple[OperationResult, ...]
    notes: tuple[str, ...] = ()
    checks: tuple[FilesystemCheck, ...] = ()

    @property
    def digest(self) -> str:
        """SHA-256 over everything that the run would do, hex."""
        body = [to_json(one) for one in self.operations]
        text = json.dumps(body, sort_keys=True, separators=(",", ":"))
        return sha256(text.encode()).hexdigest()

    @property
    def totals(self) -> dict[str, int]:
        """Files and directories removed, bytes freed, files written, over all operations."""
        actions = [action for one in self.operations for action in one.actions]
        return {
            "operations_changed": sum(one.status is Status.CHANGED for one in self.operations),
            "files_removed": sum(one.files for one in actions),
            "directories_removed": sum(one.directories for one in actions),
            "bytes_removed": sum(one.size for one in self.operations),
            "files_written": sum(one.kind in {ActionKind.CREATE, ActionKind.REWRITE} for one in actions),
        }


def to_json(value: OperationResult) -> dict[str, Any]:
    """The JSON form of one operation's result; empty fields of actions are left out."""
    return {
        "name": value.name,
        "summary": value.summary,
        "severity": str(value.severity),
        "status": str(value.status),
        "why": value.why,
        "actions": [action_json(one) for one in value.actions],
    }


def action_json(action: Action) -> dict[str, Any]:
    """Plain JSON values; empty fields are left out, and the severity of what is not a note."""
    body = {name: value for name, value in asdict(action).items() if value not in ("", 0)}
    body["kind"] = str(action.kind)
    if action.kind is ActionKind.NOTE:
        body["severity"] = str(action.severity)
    else:
        body.pop("severity", None)
    return body


def image_json(images: Sequence[ImageFacts]) -> list[Mapping[str, Any]]:
    """The JSON form of the images."""
    return [{**asdict(one), "fingerprint": dict(one.fingerprint)} for one in images]
