"""All actions of a Unix guest."""

from __future__ import annotations

from guestwright.agent.actions.batcmd import Batcmd
from guestwright.agent.actions.clipboard import Clipboard
from guestwright.agent.actions.exec import Exec
from guestwright.agent.actions.fsfreeze import Freeze
from guestwright.agent.actions.names import Clock, HostName
from guestwright.agent.actions.offering import Registry
from guestwright.agent.actions.power import Power, Suspend
from guestwright.agent.actions.static_ip import StaticIp
from guestwright.agent.actions.sysprep import Sysprep

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from guestwright.agent.actions.action import Action, Context

ACTIONS: Final[tuple[type[Action], ...]] = (
    Power,
    Suspend,
    Sysprep,
    Exec,
    Batcmd,
    HostName,
    Clock,
    StaticIp,
    Freeze,
    Clipboard,
)


def registry(context: Context) -> Registry:
    """All of them, with what they work with."""
    return Registry(context, ACTIONS)
