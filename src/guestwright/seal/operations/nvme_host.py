"""The names by which NVMe-over-fabrics targets know the host.

Both files go together, for targets refuse a host whose two names do not match. Without them nvme-cli and the
kernel derive names from the DMI product UUID (nvme-cli PR 588), which the hypervisor gives each clone. On a
guest that boots from such a target they stay.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from guestwright.seal import conditions
from guestwright.seal.changes import Change, Note, Options, Remove, Severity
from guestwright.seal.guest import Guest
from guestwright.seal.operation import Operation
from guestwright.seal.textfile import read_text

_NAMES: Final = ("/etc/nvme/hostnqn", "/etc/nvme/hostid")
_COMMAND_LINES: Final = ("/etc/kernel/cmdline", "/etc/default/grub")


def plan(guest: Guest, options: Options) -> Iterator[Change]:
    """Remove both names unless the root filesystem comes over the fabric."""
    del options
    found = guest.fs.glob(_NAMES)
    if not found:
        return
    if any("rd.nvmf" in (read_text(guest.fs, path) or "") for path in _COMMAND_LINES):
        text = "the guest boots over NVMe fabrics and needs this name; clones share it"
        yield Note(path=found[0].path, text=text, severity=Severity.ERROR)
        return
    for entry in found:
        yield Remove(path=entry.path, reason="NVMe targets tell hosts apart by it; clones would be one host")


OPERATION: Final = Operation(
    name="nvme-host",
    summary="Remove the NVMe host name and host id",
    severity=Severity.ERROR,
    applies=conditions.linux,
    plan=plan,
    source="nvme-connect(1), hostnqn; metal-stack/metal-images#359; nvme-cli#622",
)
