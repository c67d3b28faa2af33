"""The files that belong to the agent, and where they go in a guest."""

from __future__ import annotations

import os
from typing import Final

NAME: Final = "guestwright-agent"
BASE: Final = "/usr/lib/guestwright"
IMMUTABLE_BASE: Final = "/var/lib/guestwright"
"""Where /usr is not the machine's own (ostree)."""

CONFIG: Final = "/etc/guestwright/agent.toml"
RULES: Final = f"60-{NAME}.rules"
_DATA: Final = os.path.join(os.path.dirname(os.path.abspath(__file__)), "data")


def program(base: str = BASE) -> str:
    """Path of the agent in a guest.

    Args:
        base: `BASE` or `IMMUTABLE_BASE`; SELinux policies label what lies below /usr/lib/…/bin as a program.
    """
    return f"{base}/bin/{NAME}.pyz"


def filled(template: bytes, base: str = BASE) -> bytes:
    """A service's file for a guest whose agent is below `base`."""
    return template.replace(b"@PROGRAM@", program(base).encode("ascii"))


def unit() -> bytes:
    """The systemd unit, to be `filled`."""
    return _read(f"{NAME}.service")


def openrc() -> bytes:
    """The OpenRC service, to be `filled`."""
    return _read(f"{NAME}.openrc")


def sysv() -> bytes:
    """The System V init script, to be `filled`."""
    return _read(f"{NAME}.sysv")


def rcd() -> bytes:
    """The service of FreeBSD's rc(8), for /usr/local/etc/rc.d, to be `filled`."""
    return _read("guestwright_agent.rcd")


def rules() -> bytes:
    """The udev rules: start with a channel, use processors that are added."""
    return _read(RULES)


def config() -> bytes:
    """The configuration that a guest gets when it has none: defaults, and what could be said."""
    return _read("agent.toml")


def _read(name: str) -> bytes:
    with open(os.path.join(_DATA, name), "rb") as stream:
        return stream.read()
