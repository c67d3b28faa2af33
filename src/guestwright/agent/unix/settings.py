"""What some files say about a system, which its owner changes now and then."""

from __future__ import annotations

import os

from guestwright.agent.unix.host import host
from guestwright.agent.unix.identity import identity
from guestwright.agent.unix.os_release import system

TYPE_CHECKING = False  # the module `typing` would cost a sixth of the agent's memory
if TYPE_CHECKING:
    from guestwright.agent.unix.files import Files

_NOT_UPGRADABLE = "/etc/pv-drivers-not-upgradable"


def settings(files: Files, family: str) -> dict[str, object]:
    """The facts of that kind, by the names of their fields.

    Args:
        files: the guest's.
        family: "linux" or "freebsd".
    """
    return {
        "system": system(files, family),
        "host": host(files),
        "identity": identity(files),
        "not_upgradable": os.path.exists(files.path(_NOT_UPGRADABLE)),
    }
