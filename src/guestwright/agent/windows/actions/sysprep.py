r"""Generalise a Windows guest: Microsoft's sysprep.exe with the host's answer file.

Theory of operation: the protocol is that of `guestwright.agent.actions.sysprep`. The answer file is looked
for in every CD drive, whatever letter the host has written. sysprep.exe is told to quit and not to power off:
so it can be seen whether it succeeded, by the mark that it leaves; the agent then says so and powers off.
Windows does not tell services of a disc in a way that could be tried here, so drives are looked at every few
seconds while the host may ask for this.

Source: Microsoft's "Sysprep command-line options", "Sysprep process overview" (Sysprep_succeeded.tag).
"""

from __future__ import annotations

import os

from guestwright.agent.actions.disc import FILE_MAX, BadDisc
from guestwright.agent.actions.sysprep import COMMAND_MAX, Failed, Sysprep
from guestwright.agent.windows.actions.context import native, windows
from guestwright.agent.windows.actions.power import shut_down
from guestwright.agent.windows.places import private_directory
from guestwright.agent.windows.process import run, system_root
from guestwright.agent.windows.volumes import cd_drives, label

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Final

    from guestwright.agent.actions.sysprep import Listener
    from guestwright.agent.loop import Loop, Timer

_PERIOD: Final = 5.0  # seconds between two looks at the drives
_MARK: Final = "Sysprep_succeeded.tag"


class WindowsSysprep(Sysprep):
    """Generalise and power off."""

    def unavailable(self) -> str:
        """Whether there is a sysprep.exe, or the owner's command."""
        if self.context.config.words("sysprep", "command") or os.path.exists(_program()):
            return ""
        return "the guest has no sysprep.exe"

    async def _work(self) -> None:
        self.directory = private_directory(native(self.context))
        await super()._work()

    def _listen(self) -> Listener:
        return Looking(self.context.loop, self._discs_changed)

    def _drives(self) -> list[str]:
        return cd_drives(native(self.context))

    def _label(self, drive: str) -> str | None:
        return label(native(self.context), drive)

    def _read(self, drive: str, name: str) -> bytes:
        with open(os.path.join(drive, name), "rb") as file:
            data = file.read(FILE_MAX + 1)
        if len(data) > FILE_MAX:
            raise BadDisc(f"{name} is longer than {FILE_MAX} bytes")
        return data

    async def _generalise(self, name: str, answers: bytes) -> None:
        _forget()
        await self._with_copy(name, answers, lambda copy: arguments(_program(), copy))
        if not _succeeded():
            raise Failed(f"sysprep.exe did not leave {_MARK}; see its log, Panther\\setuperr.log")

    async def _run(self, argv: list[str]) -> tuple[int, bytes]:
        return await run(windows(self.context), argv, seconds=COMMAND_MAX)

    async def _off(self) -> None:
        shut_down(self.context, again=False)


class Looking:
    """Calls `look` every few seconds until it is closed."""

    def __init__(self, loop: Loop, look: Callable[[], object]) -> None:
        self._loop = loop
        self._look = look
        self._timer: Timer = loop.at(_PERIOD, self._again)

    def close(self) -> None:
        """Look no more."""
        self._timer.cancel()

    def _again(self) -> None:
        self._timer = self._loop.at(_PERIOD, self._again)
        self._look()


def arguments(program: str, answers: str) -> list[str]:
    """The command line of sysprep.exe."""
    return [program, "/generalize", "/oobe", "/quiet", "/quit", f"/unattend:{answers}"]


def _forget() -> None:
    """Remove the mark of an earlier time."""
    if _succeeded():
        os.unlink(_mark())


def _succeeded() -> bool:
    return os.path.exists(_mark())


def _mark() -> str:
    return rf"{system_root()}\System32\Sysprep\{_MARK}"


def _program() -> str:
    return rf"{system_root()}\System32\Sysprep\sysprep.exe"
