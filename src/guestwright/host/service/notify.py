"""Tells systemd how the service does: READY, WATCHDOG, STOPPING, STATUS.

Protocol (sd_notify(3)): datagrams of `NAME=value` lines to the unix socket that $NOTIFY_SOCKET names, "@" in
front standing for an abstract one. $WATCHDOG_USEC is how often systemd wants to hear of a service that has
$WATCHDOG_PID, or of any without it. Without the variables nothing is sent.
"""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Mapping
from typing import Final

_LOG: Final = logging.getLogger(__name__)


class Notifier:
    """One service manager, or none.

    Args:
        environment: with the variables above.
        pid: of this process.

    Attributes:
        interval: seconds between two signs of life that are expected; None where none are.
    """

    def __init__(self, environment: Mapping[str, str] | None = None, pid: int | None = None) -> None:
        variables = os.environ if environment is None else environment
        name = variables.get("NOTIFY_SOCKET", "")
        self._address = "\0" + name[1:] if name.startswith("@") else name
        self.interval = _interval(variables, os.getpid() if pid is None else pid)

    def ready(self, status: str) -> None:
        """The service does its work."""
        self._send(f"READY=1\nSTATUS={status}")

    def alive(self) -> None:
        """A sign of life."""
        self._send("WATCHDOG=1")

    def status(self, text: str) -> None:
        """A line for `systemctl status`."""
        self._send(f"STATUS={text}")

    def stopping(self) -> None:
        """The service is about to end."""
        self._send("STOPPING=1")

    def _send(self, text: str) -> None:
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock:
                sock.settimeout(1)
                sock.sendto(text.encode(), self._address)
        except OSError as error:
            _LOG.warning("systemd is not to be reached: %s", error)


def _interval(variables: Mapping[str, str], pid: int) -> float | None:
    wanted, owner = variables.get("WATCHDOG_USEC", ""), variables.get("WATCHDOG_PID", "")
    if not wanted.isdecimal() or int(wanted) == 0 or owner not in ("", str(pid)):
        return None
    return int(wanted) / 1_000_000
