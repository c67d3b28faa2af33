"""The actions of one agent, whichever system they are for."""

from __future__ import annotations

from guestwright.agent.actions.action import Attendant

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from guestwright.agent.actions.action import Action, Context


class Registry:
    """The actions of one agent.

    Args:
        context: what they work with.
        kinds: which actions there are.
        absent: features that this system has no action for, and why.
    """

    def __init__(
        self, context: Context, kinds: Iterable[type[Action]], absent: Mapping[str, str] | None = None
    ) -> None:
        self._absent = dict(absent or {})
        self.actions = [kind(context) for kind in kinds]
        for action in self.actions:
            Attendant(action)

    def offers(self) -> dict[str, str]:
        """Features by name: "1", or why the guest does not offer it."""
        found = dict(self._absent)
        for action in self.actions:
            found.update(action.offers())
        return found

    def started(self) -> None:
        """The connection has come up."""
        for action in self.actions:
            action.started()

    def close(self) -> None:
        """The agent ends."""
        for action in self.actions:
            action.close()
