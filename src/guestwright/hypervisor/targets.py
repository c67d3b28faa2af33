"""Names of drives: which letters a bus has, and the first that is free."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from guestwright.hypervisor.domain import Bus

HOT_PLUGGED: Final = frozenset({Bus.SCSI, Bus.USB, Bus.VIRTIO, Bus.XEN})
_PREFIX: Final = {
    Bus.IDE: "hd",
    Bus.SATA: "sd",
    Bus.SCSI: "sd",
    Bus.USB: "sd",
    Bus.VIRTIO: "vd",
    Bus.FDC: "fd",
    Bus.XEN: "xvd",
}
# Places: two IDE channels with two drives each; the ports of q35's own AHCI; two floppy drives; else what
# QEMU and Xen hold without a second controller is more than anybody has, so names end at the 26 letters.
_PLACES: Final = {Bus.IDE: 4, Bus.SATA: 6, Bus.FDC: 2}
_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz"
_TARGET: Final = re.compile(r"(hd|sd|vd|fd|xvd)[a-z]{1,2}")


def is_target(name: str, bus: Bus) -> bool:
    """Whether `name` can be the name of a drive on `bus`."""
    found = _TARGET.fullmatch(name)
    return found is not None and found[1] == _PREFIX[bus]


def free_target(bus: Bus, taken: Iterable[str]) -> str | None:
    """The first name on a bus that is not in `taken`; None when all places are.

    Args:
        bus: what the drive hangs on.
        taken: names in use, of any bus (SATA, SCSI and USB share theirs).
    """
    used = set(taken)
    names = (_PREFIX[bus] + letter for letter in _LETTERS[: _PLACES.get(bus, len(_LETTERS))])
    return next((name for name in names if name not in used), None)
