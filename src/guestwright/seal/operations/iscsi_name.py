"""The iSCSI initiator name.

Where the guest makes a missing name by itself (iscsi-init.service of Enterprise Linux and newer open-iscsi,
SUSE's iscsi-gen-initiatorname) the file is removed. Debian's start-up script makes one only where the file
says `GenerateName=yes`, and refuses to start without a file, so there the file is rewritten to that.
Elsewhere nothing would bring a name back: it stays, and is reported.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from guestwright.guestfs.port import FileKind
from guestwright.seal import conditions
from guestwright.seal.changes import Change, Note, Options, Remove, Severity, Write
from guestwright.seal.guest import Guest
from guestwright.seal.operation import Operation
from guestwright.seal.textfile import assigns, read_text

NAME: Final = "/etc/iscsi/initiatorname.iscsi"
GENERATE: Final = "## Made anew at the first start.\nGenerateName=yes\n"
_MAKERS: Final = (
    "{/usr/lib,/lib}/systemd/system/iscsi-init.service",
    "{/usr/sbin,/sbin}/iscsi-gen-initiatorname",
)
_REASON: Final = "iSCSI targets tell hosts apart by it; clones would break into each other's sessions"


def plan(guest: Guest, options: Options) -> Iterator[Change]:
    """Remove or mark the name."""
    del options
    found = {entry.path: entry.stat.kind for entry in guest.fs.glob([NAME, *_MAKERS])}
    if found.pop(NAME, None) is not FileKind.FILE:
        return
    sets_name = assigns("InitiatorName")
    if not any(map(sets_name, (read_text(guest.fs, NAME) or "").split("\n"))):
        return
    if guest.os.family == "debian":
        yield Write(path=NAME, data=GENERATE.encode(), reason=_REASON)
    elif found:
        yield Remove(path=NAME, scrub=True, reason=_REASON)
    else:
        text = "clones share this initiator name; make a new one in each with iscsi-iname"
        yield Note(path=NAME, text=text, severity=Severity.ERROR)


OPERATION: Final = Operation(
    name="iscsi-name",
    summary="Remove the iSCSI initiator name",
    severity=Severity.ERROR,
    applies=conditions.linux,
    plan=plan,
    source="iscsi-iname(8); Debian open-iscsi startup-checks.sh; gardenlinux PR 3188; rancher/os#2446",
)
