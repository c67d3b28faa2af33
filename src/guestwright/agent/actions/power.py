"""Power off, reboot and suspend at the host's wish; on Xen the kernel does it (drivers/xen/manage.c)."""

from __future__ import annotations

import os
from errno import ENOENT

from guestwright.agent.actions.shutdown_key import ShutdownKey
from guestwright.agent.children import run
from guestwright.agent.unix.files import Files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from guestwright.agent.actions.action import Context

_POWER_OFF: Final = ("/sbin/poweroff", "/usr/sbin/poweroff", "/bin/poweroff")
_REBOOT: Final = ("/sbin/reboot", "/usr/sbin/reboot", "/bin/reboot")
_STATE: Final = "/sys/power/state"
_SYSTEMCTL: Final = ("/usr/bin/systemctl", "/bin/systemctl")


class UnixShutdownKey(ShutdownKey):
    """What the kernel does by itself on Xen."""

    def elsewhere(self) -> str:
        """On Xen the kernel tells the host itself."""
        return "the kernel does it" if self.context.on_xen else ""


class Power(UnixShutdownKey):
    """Power off and reboot."""

    switch = "power"
    features = ("poweroff", "reboot")
    wishes = (b"poweroff", b"halt", b"reboot")

    async def act(self, wish: bytes) -> None:
        """See `ShutdownKey`."""
        if wish == b"reboot":
            await _run_first(self.context, _REBOOT)
        else:
            await power_off(self.context)


class Suspend(UnixShutdownKey):
    """Suspend to memory."""

    switch = "suspend"
    features = ("suspend",)
    wishes = (b"suspend",)

    def unavailable(self) -> str:
        """Whether the kernel can sleep."""
        elsewhere = super().unavailable()
        if elsewhere:
            return elsewhere
        states = Files().data(self.context.path(_STATE), 256).split()
        return "" if b"mem" in states else "the kernel cannot suspend"

    async def act(self, wish: bytes) -> None:
        """See `ShutdownKey`."""
        del wish
        systemctl = _first(self.context, _SYSTEMCTL)
        if systemctl:
            await run(self.context.loop, [systemctl, "suspend"])
        else:
            # Writing returns when the guest has woken up; nothing else can run meanwhile anyway.
            fd = os.open(self.context.path(_STATE), os.O_WRONLY | os.O_CLOEXEC)
            try:
                os.write(fd, b"mem")
            finally:
                os.close(fd)


async def power_off(context: Context) -> None:
    """Power off.

    Raises:
        OSError: there is no program for it.
    """
    await _run_first(context, _POWER_OFF)


async def _run_first(context: Context, programs: tuple[str, ...]) -> None:
    program = _first(context, programs)
    if not program:
        raise OSError(ENOENT, f"there is no {programs[0]}")
    await run(context.loop, [program])


def _first(context: Context, programs: tuple[str, ...]) -> str:
    paths = (context.path(one) for one in programs)
    return next((one for one in paths if os.access(one, os.X_OK)), "")
