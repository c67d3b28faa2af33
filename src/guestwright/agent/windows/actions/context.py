"""What the actions of a Windows guest work with."""

from __future__ import annotations

from guestwright.agent.actions.action import Context
from guestwright.agent.windows.waiting import WindowsLoop

TYPE_CHECKING = False
if TYPE_CHECKING:
    from guestwright.agent.windows.native import Native


def windows(context: Context) -> WindowsLoop:
    """The loop of an agent on Windows."""
    loop = context.loop
    assert isinstance(loop, WindowsLoop)  # whoever makes a Windows agent makes such a loop
    return loop


def native(context: Context) -> Native:
    """Windows itself."""
    return windows(context).native
