"""Closed sets of values in the inventory that are not states."""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """Of a user; `accounts.rights` says what each may do."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"


class Outcome(StrEnum):
    """Of what somebody tried."""

    DONE = "done"
    DENIED = "denied"
    FAILED = "failed"


class Persistence(StrEnum):
    """When a payload is shown: at every start, or during the next run only."""

    PERMANENT = "permanent"
    RUN_ONCE = "run-once"


class Device(StrEnum):
    """Kind of a drive."""

    DISK = "disk"
    CD = "cd"
    FLOPPY = "floppy"


class DiskFormat(StrEnum):
    """How a volume's content lies in its file, by QEMU's names; stated, never guessed."""

    RAW = "raw"
    QCOW2 = "qcow2"


class AgentState(StrEnum):
    """Of a guest's agent, by the age of its last sign.

    It is the host's word and follows no table here: between two of its words anything may have happened, also
    a new life of the machine.
    """

    NEVER = "never-seen"
    BOOTING = "booting"
    LIVE = "live"
    STALE = "stale"
    LOST = "lost"
