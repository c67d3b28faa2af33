"""Where init systems look for what they start."""

from __future__ import annotations

from guestwright.seal.customise.errors import CustomiseUnsupported
from guestwright.seal.customise.looking import find
from guestwright.seal.guest import Guest


def start_links(guest: Guest, name: str, what: str) -> tuple[str, ...]:
    """Start links: /etc/rc.d/rcN.d (Enterprise Linux), /etc/init.d/rcN.d (SUSE), /etc/rcN.d (Debian).

    Args:
        guest: with a System V init.
        name: of the script in /etc/init.d.
        what: is to be started, for the error.

    Raises:
        CustomiseUnsupported: the guest has none of these directories.
    """
    for top in ("/etc/rc.d", "/etc/init.d", "/etc"):
        levels = [level for level in (2, 3, 4, 5) if find(guest.fs, f"{top}/rc{level}.d") is not None]
        if levels:
            return tuple(f"{top}/rc{level}.d/S99{name}" for level in levels)
    raise CustomiseUnsupported(
        what=what, problem="the guest has no rcN.d directories", advice="use a systemd guest"
    )
