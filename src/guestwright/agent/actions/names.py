"""Set the host name and the clock at the host's wish.

Source of `control/setcomputername`: win-xenguestagent (feature-setcomputername): `action` = "set" and
`name`, by default the domain's own; the answer is `state` and perhaps `error`, and `action` goes away. Here
a new name needs no restart, so the state is "Succeeded". The clock has no older protocol:
`data/guestwright/time/set` is seconds since 1970; the answer is in `data/guestwright/time/state`, and `set`
goes away.
"""

from __future__ import annotations

import _socket
import os
import time

from guestwright.agent.actions.action import Action

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

_NAME: Final = b"control/setcomputername/"
_TIME: Final = b"data/guestwright/time/"
_LETTERS: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.")
_NAME_MAX: Final = 64  # Linux, include/uapi/linux/utsname.h
_LABEL_MAX: Final = 63
_HOSTS_MAX: Final = 1 << 18
_YEAR: Final = 366 * 86400.0


class HostName(Action):
    """Set the host name."""

    switch = "hostname"
    features = ("setcomputername",)
    paths = (_NAME + b"action",)

    async def attend(self) -> None:
        """Set it if the host says so."""
        session = self.session
        if await session.get(_NAME + b"action") != b"set":
            return
        wish = await session.get(_NAME + b"name") or await session.get(b"name") or b""
        name = wish.decode("utf-8", "replace").strip()
        await session.write(_NAME + b"state", b"InProgress")
        error = self.refusal() or self.context.frozen or self._wrong(name)
        state = b"Failed"
        if not error:
            try:
                state = self._set(name)
            except OSError as problem:
                error = str(problem)
        self.context.log.audit(f"host name {name}: {error or state.decode()}")
        await session.write(_NAME + b"state", state)
        if error:
            await session.write(_NAME + b"error", error.encode("utf-8", "replace")[:512])
        else:
            await session.discard(_NAME + b"error")
        await session.discard(_NAME + b"action")

    def _wrong(self, name: str) -> str:
        """Why a name cannot be the guest's; "" if it can."""
        return wrong(name)

    def _set(self, name: str) -> bytes:
        """Set it; what that came to."""
        path = self.context.path("/etc/hostname")
        old = _read(path).decode("utf-8", "replace").strip()
        if old == name:
            return b"NoChange"
        _replace(path, f"{name}\n".encode())
        hosts = self.context.path("/etc/hosts")
        before = _read(hosts)
        after = b"".join(_renamed(line, old, name) for line in before.splitlines(keepends=True))
        if after != before:
            _replace(hosts, after)
        if self.context.root == "/":
            _socket.sethostname(name)
        return b"Succeeded"


class Clock(Action):
    """Set the clock."""

    switch = "time"
    features = ("settime",)
    paths = (_TIME + b"set",)

    async def attend(self) -> None:
        """Set it if the host says so."""
        wish = await self.session.get(_TIME + b"set")
        if not wish:
            return
        error = self.refusal()
        now = time.time()
        wanted = now
        try:
            wanted = float(wish[:32])
        except ValueError:
            error = error or "no number of seconds"
        if not error and not (0 < wanted < now + 100 * _YEAR):
            error = "not a time of this era"
        if not error and self.context.root == "/":
            try:
                self._set(wanted)
            except OSError as problem:
                error = str(problem)
        said = f"failed: {error}" if error else f"set; it was {now - wanted:+.3f} s off"
        self.context.log.audit(f"clock {said}")
        await self.session.write(_TIME + b"state", said.encode())
        await self.session.discard(_TIME + b"set")

    def _set(self, seconds: float) -> None:
        """Set the clock to so many seconds since 1970."""
        time.clock_settime(time.CLOCK_REALTIME, seconds)


def wrong(name: str) -> str:
    """Why a name cannot be a host name; "" if it can."""
    if not name or len(name) > _NAME_MAX or not _LETTERS.issuperset(name):
        return f"a host name has 1 to {_NAME_MAX} letters, digits, - and ."
    for label in name.split("."):
        if not label or len(label) > _LABEL_MAX or label[0] == "-" or label[-1] == "-":
            return "a part of the host name is empty, too long, or begins or ends in -"
    return ""


def _renamed(line: bytes, old: str, new: str) -> bytes:
    """A line of /etc/hosts for one of our own addresses, with the new name."""
    words = line.split()
    if not old or not words or not words[0].startswith((b"127.", b"::1")) or old.encode() not in words[1:]:
        return line
    return (
        b"\t".join([words[0], *[new.encode() if one == old.encode() else one for one in words[1:]]]) + b"\n"
    )


def _read(path: str) -> bytes:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return b""
    try:
        return os.read(fd, _HOSTS_MAX)
    finally:
        os.close(fd)


def _replace(path: str, data: bytes) -> None:
    """Write a file beside the old one and put it in its place."""
    beside = f"{path}.guestwright"
    fd = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
    try:
        os.write(fd, data)
        os.fsync(fd)
    finally:
        os.close(fd)
    os.rename(beside, path)
