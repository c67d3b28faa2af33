"""What an operation wants done to a guest: values, no behaviour.

Operations return changes; the engine applies them (seal/apply.py) to the overlays right away, so that the
next operation sees them, and records what really happened in the manifest.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from guestwright.base.record import field, record


class Severity(StrEnum):
    """How bad it is when this is left in a template."""

    ERROR = "error"  # identity or secret shared by all clones
    WARNING = "warning"  # traces of the old machine, or a likely nuisance in clones
    INFO = "info"


@record
class Remove:
    """Remove a path. `tree`: a directory with all its content. `scrub`: zero the data blocks first.

    `tolerant`: a directory where a file was expected is left alone and noted instead of failing the run.
    """

    path: str
    tree: bool = False
    scrub: bool = False
    tolerant: bool = True
    reason: str = ""


@record
class RemoveFiles:
    """Remove every regular file below a directory but those named; keep the directories."""

    top: str
    keep: tuple[str, ...] = ()
    reason: str = ""


@record
class Truncate:
    """Cut a regular file to nothing, in place."""

    path: str
    scrub: bool = False
    reason: str = ""


@record
class Write:
    """Set a file's content: in place when it exists (attributes kept), else created with these attributes.

    `mode_always`: also set the mode of an existing file. `secret`: the content must not be shown in a plan.
    """

    path: str
    data: bytes = field(repr=False)
    mode: int = 0o644
    uid: int = 0
    gid: int = 0
    mode_always: bool = False
    secret: bool = False
    reason: str = ""


@record
class MakeDirectory:
    """Create a directory and its missing parents (parents 0755 root); an existing one is left as it is."""

    path: str
    mode: int = 0o755
    uid: int = 0
    gid: int = 0
    reason: str = ""


@record
class MakeSymlink:
    """Create a symlink, replacing a file or symlink (never a directory) of that name."""

    path: str
    target: str
    reason: str = ""


@record
class SetMode:
    """chmod."""

    path: str
    mode: int
    reason: str = ""


@record
class SetOwner:
    """chown."""

    path: str
    uid: int
    gid: int
    reason: str = ""


@record
class SetUuid:
    """Give a filesystem or swap area another UUID (after all file changes)."""

    filesystem: str
    uuid: str
    reason: str = ""


@record
class RenewLvmUuids:
    """Give every LVM physical volume and volume group a new random UUID (appliance only)."""

    reason: str = ""


@record
class RunScript:
    """Run a host command with the guest's files mounted at its working directory (appliance only)."""

    command: str
    directory: str = ""
    reason: str = ""


@record
class Note:
    """Nothing to do, something to say: left in place on purpose, or beyond an offline tool."""

    text: str
    path: str = ""
    severity: Severity = Severity.WARNING


Change = (
    Remove
    | RemoveFiles
    | Truncate
    | Write
    | MakeDirectory
    | MakeSymlink
    | SetMode
    | SetOwner
    | SetUuid
    | RenewLvmUuids
    | RunScript
    | Note
)

Options = Mapping[str, object]
