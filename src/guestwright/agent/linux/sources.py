"""The collectors of a Linux guest.

Theory of operation: the kernel tells when interfaces, addresses, the host name, mounts, disks, or files in
some directories change: who is logged in, and what says what this system is. A timer of about a minute, which
is not the same in every guest of a host, looks at the rest: memory, room on disks, the clock's time zone, and
the files too where the kernel cannot tell.
"""

from __future__ import annotations

import os
import time
from select import EPOLLPRI, POLLIN, poll

from guestwright.agent.core.facts import Facts
from guestwright.agent.linux.directories import Directories
from guestwright.agent.linux.disks import disks, filesystems
from guestwright.agent.linux.memory import memory
from guestwright.agent.linux.netlink import Netlink
from guestwright.agent.linux.nics import Nics
from guestwright.agent.linux.uevents import Uevents
from guestwright.agent.linux.users import users
from guestwright.agent.unix.files import Files
from guestwright.agent.unix.host import host
from guestwright.agent.unix.settings import settings
from guestwright.agent.unix.version import version
from guestwright.base.record import replace

TYPE_CHECKING = False  # the module `typing` would cost a sixth of the agent's memory
if TYPE_CHECKING:
    from collections.abc import Callable

    from guestwright.agent.hearing import Changed
    from guestwright.agent.loop import Loop, Timer

_JITTER = 0.2  # of the period: from 0.9 to 1.1 of it
_FIRST_MAX = 1000  # ms that the first look at the network may take
_HOSTNAME = "/proc/sys/kernel/hostname"
_MOUNTS = "/proc/self/mountinfo"
_SIGURG, _SIGWINCH = 23, 28  # ignored by default: signal(7); not so on some older machines (MIPS, SPARC)
_LOGINS = ("/run", "/run/systemd", "/run/systemd/sessions")
_SETTINGS = ("/etc", "/etc/ssh", "/usr/lib")


class LinuxSources:
    """Knows the guest.

    Args:
        root: of the file system; "/" but in tests. The network is always that of this process.
        period: seconds between two looks at what nothing tells of; 0: none.
    """

    def __init__(self, root: str = "/", period: float = 60.0) -> None:
        self._period = period
        self._files = Files(root)
        self._nics = Nics(self._files)
        self._netlink = Netlink(self._network_changed)
        self._facts = Facts(version=version())
        self._stale = True  # the interfaces in the facts
        self._changed: Changed = _nobody
        self._loop: Loop | None = None
        self._timer: Timer | None = None
        self._watched: list[int] = []
        self._uevents: Uevents | None = None
        self._directories: list[Directories] = []

    def start(self, loop: Loop, changed: Changed) -> None:
        """Begin to collect, and call `changed` whenever facts may have changed."""
        self._loop = loop
        loop.add(self._netlink.fileno(), self._netlink.ready)
        self._watch(_HOSTNAME, self._host_changed)
        self._watch(_MOUNTS, self._mounts_changed)
        self._uevents = Uevents(loop, self._disks_changed)
        for paths, signal, look in (
            (_LOGINS, _SIGURG, self._logins_changed),
            (_SETTINGS, _SIGWINCH, self._settings_changed),
        ):
            below = [self._files.path(path) for path in paths]
            self._directories.append(Directories(loop, below, signal, look))
        # Only now, when whatever changes is heard of: a key of sshd's may be made at this very moment.
        self._look()
        self._first_look()
        self._changed = changed
        self._again()

    def snapshot(self) -> Facts:
        """What is known now."""
        if self._stale:
            self._stale = False
            news, addresses = self._netlink.heard(), self._netlink.addresses
            if news is None:
                nics = self._nics.facts(self._netlink.links, addresses)
            else:
                nics = self._nics.readdressed(news, addresses)
            self._facts = self._with(nics=nics)
        return self._facts

    def close(self) -> None:
        """Let go of everything."""
        if self._timer is not None:
            self._timer.cancel()
        if self._loop is not None:
            for fd in self._watched:
                self._loop.remove(fd)
                os.close(fd)
            self._watched = []
            self._loop.remove(self._netlink.fileno())
            self._loop = None
        if self._uevents is not None:
            self._uevents.close()
        for one in self._directories:
            one.close()
        self._netlink.close()

    def _first_look(self) -> None:
        """Wait for the kernel's list of interfaces, so that the first publication has them."""
        self._netlink.ask()
        waiting = poll()
        waiting.register(self._netlink.fileno(), POLLIN)
        for _ in range(64):
            if self._netlink.complete or not waiting.poll(_FIRST_MAX):
                break
            self._netlink.ready()

    def _watch(self, path: str, changed: Callable[[int], object]) -> None:
        """Hear of changes of a file of /proc that can tell."""
        assert self._loop is not None
        try:
            fd = os.open(self._files.path(path), os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return
        try:
            self._loop.add(fd, changed, EPOLLPRI)
        except PermissionError:  # a file that cannot tell
            os.close(fd)
        else:
            self._watched.append(fd)

    def _again(self) -> None:
        assert self._loop is not None
        if self._period:
            part = 1 - _JITTER / 2 + _JITTER * os.urandom(1)[0] / 255
            self._timer = self._loop.at(self._period * part, self._minute)

    def _minute(self) -> None:
        before = self._facts
        self._netlink.refresh()
        logins, settings = self._directories
        if not logins.works:
            self._facts = self._with(users=users(self._files))
        if not settings.works or time.localtime().tm_gmtoff != self._facts.host.utc_offset:
            self._look_at_settings()
        self._facts = self._with(memory=memory(self._files), filesystems=filesystems(self._files))
        self._again()
        if self._facts != before:
            self._changed()

    def _look(self) -> None:
        """Read everything but the network."""
        files = self._files
        self._look_at_settings()
        self._facts = self._with(
            memory=memory(files), disks=disks(files), filesystems=filesystems(files), users=users(files)
        )

    def _look_at_settings(self) -> None:
        self._facts = self._with(**settings(self._files, "linux"))

    def _with(self, **changes: object) -> Facts:
        return replace(self._facts, **changes)

    def _network_changed(self) -> None:
        self._stale = True
        self._changed(urgent=True)

    def _logins_changed(self) -> None:
        self._note(users=users(self._files))

    def _settings_changed(self) -> None:
        before = self._facts
        self._look_at_settings()
        if self._facts != before:
            self._changed()

    def _note(self, **changes: object) -> None:
        """Take what was read; tell if it is something else."""
        before = self._facts
        self._facts = self._with(**changes)
        if self._facts != before:
            self._changed()

    def _host_changed(self, events: int) -> None:
        del events
        self._note(host=host(self._files))

    def _mounts_changed(self, events: int) -> None:
        del events
        self._note(filesystems=filesystems(self._files))

    def _disks_changed(self) -> None:
        self._note(disks=disks(self._files))


def _nobody(*, urgent: bool = False) -> None:
    """Hear of changes before there is anybody to be told."""
    del urgent
