"""A simulated guest: what it does when it is asked, and the guest's ends of its channels."""

from __future__ import annotations

import os
import socket
import threading
from contextlib import suppress

from guestwright.hypervisor.domain import Channel
from guestwright.hypervisor.errors import HypervisorRefused
from guestwright.hypervisor.statement import Statement, Witness


class FakeGuest:
    """How a guest behaves; a test sets it as it likes.

    Attributes:
        obeys: whether it powers off and reboots when asked to.
        balloons: whether it follows its memory target; `floor` is the least that it gets down to, in bytes.
        busy: whether it changes its memory faster than that can be moved: its migration does not end.
        releases: whether it lets go of a drive that is detached.
        locked: names of CD drives that it keeps locked.
        told: what witnesses say of it, while it runs.
        answers: cleared, its qemu-ga keeps questions.
        shut: channels that no program of it has open, though their lines are there (`use_port`).
    """

    def __init__(self) -> None:
        self.obeys = True
        self.balloons = True
        self.floor = 0
        self.busy = False
        self.releases = True
        self.locked: set[str] = set()
        self.shut: set[str] = set()
        self.told: dict[Witness, Statement] = {}
        self.answers = threading.Event()
        self.answers.set()
        self._listening: dict[str, socket.socket] = {}
        self._opened: dict[str, socket.socket] = {}

    def open_channel(self, name: str, seconds: float = 5.0) -> socket.socket:
        """The guest's end of a channel, once somebody on the host has connected.

        Args:
            name: of the port.
            seconds: to wait for the host.

        Raises:
            TimeoutError: nobody has connected.
            KeyError: there is no such channel, or the guest does not run.
        """
        listening = self._listening[name]
        listening.settimeout(seconds)
        line, _ = listening.accept()
        self._opened[name] = line
        return line

    def plug(self, channel: Channel) -> None:
        """Have the hypervisor listen at a channel's path."""
        if channel.name in self._listening:
            return
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            listening.bind(channel.path)
            listening.listen(1)
        except OSError as error:
            listening.close()
            raise HypervisorRefused(action="listening", domain=channel.path, detail=error) from error
        self._listening[channel.name] = listening

    def is_open(self, name: str) -> bool:
        """Whether the guest has a channel open."""
        return name in self._opened and self._opened[name].fileno() >= 0 and name not in self.shut

    def off(self) -> None:
        """The run is over: all lines are closed, all locks gone."""
        for line in self._opened.values():
            line.close()
        for listening in self._listening.values():
            path = listening.getsockname()
            listening.close()
            with suppress(FileNotFoundError):
                os.unlink(path)
        self._opened.clear()
        self._listening.clear()
        self.locked.clear()
        self.shut.clear()
