"""Power off, reboot and suspend a Windows guest at the host's wish.

Theory of operation: on Xen the drivers' own agent (the service `xenagent`) may do it; Xen suspends by itself.

Source: Microsoft's InitiateSystemShutdownExW and SetSuspendState; "System shutdown reason codes".
"""

from __future__ import annotations

from guestwright.agent.actions.shutdown_key import ShutdownKey
from guestwright.agent.windows import rights
from guestwright.agent.windows.actions.context import native
from guestwright.agent.windows.service_manager import exists

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from guestwright.agent.actions.action import Context

_PLANNED: Final = 0x80000000  # SHTDN_REASON_FLAG_PLANNED, other reasons
_DRIVERS_AGENT: Final = "xenagent"


class WindowsPower(ShutdownKey):
    """Power off and reboot."""

    switch = "power"
    features = ("poweroff", "reboot")
    wishes = (b"poweroff", b"halt", b"reboot")

    def elsewhere(self) -> str:
        """Whether the drivers' agent does it."""
        there = self.context.on_xen and exists(native(self.context), _DRIVERS_AGENT)
        return "the drivers' agent does it" if there else ""

    async def act(self, wish: bytes) -> None:
        """See `ShutdownKey`."""
        shut_down(self.context, again=wish == b"reboot")


class WindowsSuspend(ShutdownKey):
    """Suspend to memory."""

    switch = "suspend"
    features = ("suspend",)
    wishes = (b"suspend",)

    def elsewhere(self) -> str:
        """Whether Xen does it."""
        return "Xen suspends the guest by itself" if self.context.on_xen else ""

    async def act(self, wish: bytes) -> None:
        """See `ShutdownKey`."""
        del wish
        call = native(self.context)
        rights.take(call, rights.SHUTDOWN)
        # Returns when the guest has woken up; nothing else can run meanwhile anyway.
        call.check("SetSuspendState", 0, 0, 0)


def shut_down(context: Context, *, again: bool) -> None:
    """Power off or reboot; programs do not get to object.

    Raises:
        OSError: Windows refuses.
    """
    call = native(context)
    rights.take(call, rights.SHUTDOWN)
    call.check("InitiateSystemShutdownExW", None, None, 0, True, again, _PLANNED)
