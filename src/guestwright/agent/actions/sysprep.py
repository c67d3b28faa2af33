"""Generalise this guest at the host's wish: `VM.sysprep` of xapi, and more told about it.

Theory of operation: the host puts in a disc, then writes `filename` and, last, `action` = "sysprep" below
`control/sysprep`. The guest says `running` at once, copies the file off the disc (the host ejects it when
`action` goes away), runs the owner's command or generalises by itself, removes `action`, and powers off.
Beside that, `data/guestwright/sysprep` has `media-seen` as soon as the kernel tells of a disc, so that a
host need not guess how long that takes, and `state`, `progress` and `error`.

Source: xen-api, ocaml/xapi/vm_sysprep.ml.
"""

from __future__ import annotations

import os

from guestwright.agent.actions.action import Action
from guestwright.agent.actions.disc import BadDisc, drives, label, read_file
from guestwright.agent.actions.generalise import generalise
from guestwright.agent.actions.power import power_off
from guestwright.agent.channel.errors import Lost
from guestwright.agent.children import run
from guestwright.agent.linux.uevents import Uevents
from guestwright.agent.tasks import Task, sleep

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Final, Protocol

    from guestwright.agent.actions.action import Context

    class Listener(Protocol):
        """What hears of discs."""

        def close(self) -> None:
            """Hear no more."""


_ACTION: Final = b"control/sysprep/action"
_FILENAME: Final = b"control/sysprep/filename"
_TOLD: Final = b"data/guestwright/sysprep/"
_COPY: Final = "/run/guestwright/sysprep"
_DISC_PATIENCE: Final = 20  # half seconds in which a disc may still appear
COMMAND_MAX: Final = 3600.0  # seconds
_ERROR_MAX: Final = 500  # characters of the end of what a command has said
# Each system has those that it needs.
_FLAGS: Final[int] = sum(getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_CLOEXEC", "O_BINARY"))
_NAME_MAX: Final = 128


class Failed(Exception):
    """It did not work; the text says what."""


class Sysprep(Action):
    """Generalise and power off.

    Attributes:
        directory: where copies of answer files lie for a while.
    """

    directory = _COPY
    switch = "sysprep"
    features = ("sysprep",)
    paths = (_ACTION,)

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._first = True
        self._seen = b"?"
        self._listener = self._listen() if self.allowed else None

    def started(self) -> None:
        """Say anew what is in the drives."""
        self._seen = b"?"
        self._discs_changed()

    def close(self) -> None:
        """Hear no more of discs."""
        if self._listener is not None:
            self._listener.close()

    async def attend(self) -> None:
        """Begin if the host says so."""
        first, self._first = self._first, False
        wish = await self.session.get(_ACTION)
        if wish == b"running" and first:
            await self._end("failed", "the agent was restarted meanwhile")
        if wish != b"sysprep":
            return
        if self.refusal():
            self.context.log.audit(f"sysprep refused: {self.refusal()}")
            await self._end("refused", self.refusal())
            return
        await self.session.write(_ACTION, b"running")
        self.context.log.audit("sysprep at the host's request")
        await self._tell(state="running", error="")
        try:
            await self._work()
        except (Failed, BadDisc, OSError) as error:
            self.context.log.say(f"sysprep: {error}", 3)
            await self._end("failed", str(error))
            return
        await self._end("finished", "")
        await self._progress("powering off")
        try:
            await self._off()
        except OSError as error:
            await self._tell(error=f"cannot power off: {error.strerror or error}")

    async def _work(self) -> None:
        name = (await self.session.get(_FILENAME) or b"").decode("utf-8", "replace")
        name = name.replace("\\", "/").rsplit("/", 1)[-1][:_NAME_MAX]
        if not name:
            raise Failed("control/sysprep/filename names no file")
        await self._progress(f"looking for {name}")
        answers = await self._copy(name)
        command = self.context.config.words("sysprep", "command")
        if not command:
            await self._generalise(name, answers)
            return
        await self._with_copy(name, answers, lambda copy: [*command, copy])

    async def _with_copy(self, name: str, answers: bytes, command: Callable[[str], list[str]]) -> None:
        """Run a command that gets the path of a copy of the answer file, which goes away afterwards."""
        directory = self.context.path(self.directory)
        os.makedirs(directory, 0o700, exist_ok=True)
        copy = os.path.join(directory, name)
        _write(copy, answers)
        try:
            argv = command(copy)
            await self._progress(f"running {argv[0]}")
            status, said = await self._run(argv)
        finally:
            os.unlink(copy)
        if status:
            last = said.decode("utf-8", "replace")[-_ERROR_MAX:].strip()
            raise Failed(f"{argv[0]} ended with status {status}: {last}")

    # -- what differs between systems

    def _listen(self) -> Listener:
        """Hear of discs."""
        return Uevents(self.context.loop, self._discs_changed)

    def _drives(self) -> list[str]:
        """Where discs may be."""
        return drives(self.context.root)

    def _label(self, drive: str) -> str | None:
        """The name of the disc in a drive; None without one."""
        return label(drive)

    def _read(self, drive: str, name: str) -> bytes:
        """A file of a disc; raises `BadDisc` or OSError."""
        return read_file(drive, name)

    async def _generalise(self, name: str, answers: bytes) -> None:
        """What is done where the owner has no command for it."""
        del name
        for step in generalise(self.context.root, answers):
            await self._progress(f"removed {step}")

    async def _run(self, argv: list[str]) -> tuple[int, bytes]:
        """Exit status and output of a program."""
        return await run(self.context.loop, argv, seconds=COMMAND_MAX)

    async def _off(self) -> None:
        """Power off; raises OSError."""
        await power_off(self.context)

    # -- discs

    async def _copy(self, name: str) -> bytes:
        """The file, from whichever drive has it."""
        why = "there is no disc"
        for attempt in range(_DISC_PATIENCE):
            for drive in self._drives():
                try:
                    return self._read(drive, name)
                except (BadDisc, OSError) as error:
                    why = str(error)
            if attempt < _DISC_PATIENCE - 1:
                await sleep(self.context.loop, 0.5)
        raise Failed(f"cannot read {name}: {why}")

    def _discs_changed(self) -> None:
        if self.allowed and self.session.up:
            Task(self._tell_discs(), self._ended)

    async def _tell_discs(self) -> None:
        labels = {drive: self._label(drive) for drive in self._drives()}
        seen = "; ".join(
            f"{os.path.basename(one) or one} {name}".rstrip()
            for one, name in labels.items()
            if name is not None
        )
        value = seen.encode("ascii", "replace")[:512]
        if value != self._seen:
            self._seen = value
            if value:
                await self.session.write(_TOLD + b"media-seen", value)
            else:
                await self.session.discard(_TOLD + b"media-seen")

    def _ended(self, error: BaseException | None) -> None:
        if error is not None and not isinstance(error, Lost):
            self.context.log.say(f"sysprep: {type(error).__name__}: {error}", 4)

    async def _progress(self, text: str) -> None:
        await self._tell(progress=text)

    async def _tell(self, **values: str) -> None:
        for key, value in values.items():
            path = _TOLD + key.encode()
            if value:
                await self.session.write(path, value.encode("utf-8", "replace")[:1024])
            else:
                await self.session.discard(path)

    async def _end(self, state: str, error: str) -> None:
        """Say how it ended, then take `action` away: that is what the host waits for."""
        await self._tell(error=error, state=state)
        await self.session.discard(_ACTION)


def _write(path: str, data: bytes) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | _FLAGS, 0o600)
    try:
        while data:
            data = data[os.write(fd, data) :]
    finally:
        os.close(fd)
