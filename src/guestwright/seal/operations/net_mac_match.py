"""Configuration that applies to one hardware address: reported, for a clone has another."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from guestwright.guestfs.port import FileKind
from guestwright.seal import conditions
from guestwright.seal.changes import Change, Note, Options, Severity
from guestwright.seal.guest import Guest
from guestwright.seal.operation import Operation
from guestwright.seal.textfile import read_text

MAX_FILES: Final = 64
_FILES: Final = ("/etc/netplan/*.{yaml,yml}", "/etc/systemd/network/*.{link,network,netdev}")
_MATCH: Final = (
    r"""(?m)^[ \t]*(?:macaddress[ \t]*:[ \t]*["']?|(?:Permanent)?MACAddress[ \t]*=[ \t]*)[0-9A-Fa-f]{2}[:-]"""
)


def plan(guest: Guest, options: Options) -> Iterator[Change]:
    """Notes only: whether the file is still wanted is for a person to say."""
    del options
    for entry in guest.fs.glob(_FILES)[:MAX_FILES]:
        if entry.stat.kind is FileKind.FILE and re.search(_MATCH, read_text(guest.fs, entry.path) or ""):
            text = (
                "names a hardware address of the old machine; it will not apply to, or be shared by, clones"
            )
            yield Note(path=entry.path, text=text)


OPERATION: Final = Operation(
    name="net-mac-match",
    summary="Report network configuration that names a hardware address",
    severity=Severity.WARNING,
    applies=conditions.linux,
    plan=plan,
    source="netplan(5), match: macaddress; systemd.link(5), systemd.network(5), MACAddress=",
)
