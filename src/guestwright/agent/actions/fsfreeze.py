"""Freeze the guest's file systems for a snapshot, never for longer than promised.

Theory of operation: a child freezes, waits, and thaws. It thaws when told to, when its time is up, and when
the agent has gone, whatever becomes of the agent: a frozen root may stop any process that writes. The child
has all it needs in memory and writes to nothing but its pipe. While something is frozen, actions that write
are refused and lines for the audit file wait.

The host writes `data/guestwright/fsfreeze/request`: "freeze SECONDS" or "thaw"; the answer is in
`.../state`: "frozen COUNT SECONDS", "thawed", "thawed: time is up" or "failed: WHY". `request` goes away
when it was heard.

Source: ioctl_fifreeze: Linux, include/uapi/linux/fs.h.
"""

from __future__ import annotations

import os
from fcntl import ioctl
from select import select

from guestwright.agent.actions.action import Action
from guestwright.agent.children import forked
from guestwright.agent.tasks import Wait

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Final

    from guestwright.agent.actions.action import Context

_REQUEST: Final = b"data/guestwright/fsfreeze/request"
_STATE: Final = b"data/guestwright/fsfreeze/state"
_FIFREEZE: Final = 0xC0045877
_FITHAW: Final = 0xC0045878
_MOUNTS_MAX: Final = 256
_FROZEN: Final = "the file systems are frozen"


class Freeze(Action):
    """Freeze and thaw."""

    switch = "fsfreeze"
    features = ("fsfreeze",)
    paths = (_REQUEST,)

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._control = -1
        self._report = -1

    async def attend(self) -> None:
        """Do what the host asks for."""
        wish = await self.session.get(_REQUEST)
        if not wish:
            return
        verb, _, rest = wish.decode("ascii", "replace").partition(" ")
        await self.session.discard(_REQUEST)
        longest = self.context.config.number("fsfreeze", "timeout")
        seconds = min(int(rest), longest) if rest.isdigit() and len(rest) < 6 else longest
        if self.refusal():
            await self._say(f"failed: {self.refusal()}")
        elif verb == "freeze" and self._control < 0:
            await self._freeze(seconds)
        elif verb == "thaw" and self._control >= 0:
            self._release()
        elif verb == "thaw":
            await self._say("thawed")
        else:
            await self._say("failed: expected freeze SECONDS or thaw; nothing is frozen twice")

    def close(self) -> None:
        """The child thaws when its pipe is closed."""
        self._release()

    async def _freeze(self, seconds: int) -> None:
        mounts = self.context.config.words("fsfreeze", "paths") or mounted(
            self.context.path("/proc/self/mountinfo")
        )
        self.context.log.audit(f"fsfreeze for {seconds} s: {' '.join(mounts)}")
        self.context.freeze(_FROZEN)
        held, self._control = os.pipe2(os.O_CLOEXEC)
        self._report, report = os.pipe2(os.O_CLOEXEC)
        pid = forked(lambda: hold(mounts, seconds, held, report), keep=(held, report))
        os.close(held)
        os.close(report)
        self.context.loop.on_child(pid, lambda _status: None)
        said = await Wait(self._next_report)
        if said.startswith(b"frozen"):
            await self._say(f"{said.decode()} {seconds}")
            self.context.loop.add(self._report, self._thawed)
        else:
            self._over()
            await self._say(said.decode("utf-8", "replace") or "failed: the child has ended")

    def _next_report(self, resume: Callable[[Any], None]) -> None:
        def ready(events: int) -> None:
            del events
            self.context.loop.remove(self._report)
            resume(os.read(self._report, 512))

        self.context.loop.add(self._report, ready)

    def _thawed(self, events: int) -> None:
        """The child thaws, or has."""
        del events
        said = os.read(self._report, 512) or b"thawed"
        self._over()
        self.context.log.audit(f"fsfreeze: {said.decode('utf-8', 'replace')}")
        self.session.write(_STATE, said).begin(lambda _outcome: None)

    def _release(self) -> None:
        control, self._control = self._control, -1
        if control >= 0:
            os.close(control)

    def _over(self) -> None:
        self.context.loop.remove(self._report)
        os.close(self._report)
        self._release()
        self.context.freeze("")

    async def _say(self, text: str) -> None:
        await self.session.write(_STATE, text.encode("utf-8", "replace")[:512])


def hold(mounts: list[str], seconds: float, held: int, report: int) -> None:
    """Freeze, wait, thaw; the work of the child.

    Args:
        mounts: where file systems are mounted, those mounted last first.
        seconds: for how long at most.
        held: pipe whose other end is closed to thaw.
        report: pipe for what is to be said.
    """
    frozen: list[int] = []
    problem = ""
    for mount in mounts:
        fd = -1
        try:
            fd = os.open(mount, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            ioctl(fd, _FIFREEZE, 0)
        except OSError as error:
            if fd >= 0:
                os.close(fd)
            if error.errno in _NOT_FREEZABLE:
                continue
            problem = f"failed: {mount}: {error.strerror}"
            break
        frozen.append(fd)
    if not problem and not frozen:
        problem = "failed: nothing can be frozen"
    late = False
    if not problem:
        os.write(report, b"frozen %d" % len(frozen))
        late = not select([held], [], [], seconds)[0]
    for fd in reversed(frozen):
        try:
            ioctl(fd, _FITHAW, 0)
        except OSError:
            continue  # somebody else has thawed it
    os.write(report, (problem or ("thawed: time is up" if late else "thawed")).encode())


_NOT_FREEZABLE: Final = frozenset((95, 25, 16))  # EOPNOTSUPP, ENOTTY; EBUSY: frozen by somebody else


def mounted(path: str) -> list[str]:
    """Where writable file systems on block devices are mounted, those mounted last first.

    Source: proc(5), /proc/pid/mountinfo.
    """
    try:
        with open(path, "rb") as file:
            lines = file.read(1 << 20).splitlines()
    except OSError:
        return []
    found: dict[bytes, str] = {}
    for line in lines:
        before, _, after = line.partition(b" - ")
        words, rest = before.split(), after.split()
        if len(words) < 6 or len(rest) < 3 or not rest[1].startswith(b"/dev/"):
            continue
        if b"rw" in words[5].split(b",") and b"rw" in rest[2].split(b",") and words[2] not in found:
            found[words[2]] = _unescaped(words[4])
    return list(found.values())[::-1][:_MOUNTS_MAX]


def _unescaped(word: bytes) -> str:
    for code, char in ((b"\\040", b" "), (b"\\011", b"\t"), (b"\\012", b"\n"), (b"\\134", b"\\")):
        word = word.replace(code, char)
    return os.fsdecode(word)
