"""All actions of a Windows guest."""

from __future__ import annotations

from guestwright.agent.actions.offering import Registry
from guestwright.agent.windows.actions.batcmd import WindowsBatcmd
from guestwright.agent.windows.actions.exec import WindowsExec
from guestwright.agent.windows.actions.names import WindowsClock, WindowsName
from guestwright.agent.windows.actions.power import WindowsPower, WindowsSuspend
from guestwright.agent.windows.actions.static_ip import WindowsStaticIp
from guestwright.agent.windows.actions.sysprep import WindowsSysprep

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from guestwright.agent.actions.action import Action, Context

ACTIONS: Final[tuple[type[Action], ...]] = (
    WindowsPower,
    WindowsSuspend,
    WindowsSysprep,
    WindowsExec,
    WindowsBatcmd,
    WindowsName,
    WindowsClock,
    WindowsStaticIp,
)
ABSENT: Final = dict.fromkeys(("fsfreeze", "clipboard"), "not in Windows guests yet")


def registry(context: Context) -> Registry:
    """All of them, with what they work with."""
    return Registry(context, ACTIONS, ABSENT)
